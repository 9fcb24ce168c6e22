"""Exploration: the patterns a descent meets, judged exactly."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.atoms import Atoms
from cvxnn.certificates import exact_oracle
from cvxnn.deadlines import Deadline
from cvxnn.programs import OutOfTime, ReLUProgram
from cvxnn.training.convex_step import convexify
from cvxnn.training.exploration import explore, judge
from cvxnn.training.violations import explored_violations


def example(n=30, d=3, output_offset=False):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0).sum(axis=1)
    return Problem(X, y, 0.3, output_offset=output_offset)


def look(problem, atoms, lam):
    return explore(
        problem, problem, atoms, problem.null_offset(), lam, n_fresh=40, rng=np.random.default_rng(1)
    )


@pytest.mark.parametrize("output_offset", [False, True])
def test_values_are_those_of_the_cells_and_come_worst_first(output_offset):
    problem = example(output_offset=output_offset)
    lam = problem.dual_variable(np.broadcast_to(problem.null_offset(), problem.y.shape))
    found = look(problem, Atoms.none(problem), lam)
    assert np.all(np.diff(found.values) <= 0)
    np.testing.assert_array_equal(found.atoms.blocks, 0.0)
    alone = ReLUProgram(problem, found.atoms.masks[:, :1], found.atoms.signs[:1])
    assert found.values[0] == pytest.approx(alone.critical_beta(lam))
    # No cell's value is above the maximum over all of them.
    assert found.values[0] <= exact_oracle(problem.X).maximise(lam).upper * (1 + 1e-9)


def test_violated_patterns_lower_the_objective_and_none_is_left_at_the_optimum():
    problem = example()
    atoms, objectives = Atoms.none(problem), []
    for _ in range(8):
        network = atoms.network(problem, problem.null_offset())
        objectives.append(problem.objective(network))
        lam = problem.dual_variable(network.predict(problem.X))
        violations = explored_violations(problem, look(problem, atoms, lam), tol=1e-5, limit=100)
        if len(violations.candidates) == 0:
            break
        atoms, _ = convexify(problem, atoms.join(violations.candidates), tol=1e-9)
    assert np.all(np.diff(objectives) < 0)
    assert violations.value <= 1e-3


def test_candidates_are_above_the_limit_and_as_many_as_asked_for():
    problem = example()
    lam = problem.dual_variable(np.zeros(problem.n_samples))
    exploration = look(problem, Atoms.none(problem), lam)
    violations = explored_violations(problem, exploration, tol=1e-3, limit=3)
    assert len(violations.candidates) == 3
    assert violations.value == pytest.approx(exploration.values[0] / problem.beta - 1)
    assert violations.lower_bound == 0.0
    assert len(explored_violations(problem, exploration, tol=1e9, limit=3).candidates) == 0


def test_the_same_seed_gives_the_same_patterns():
    problem = example()
    lam = problem.dual_variable(np.zeros(problem.n_samples))
    first, second = look(problem, Atoms.none(problem), lam), look(problem, Atoms.none(problem), lam)
    np.testing.assert_array_equal(first.atoms.masks, second.atoms.masks)
    np.testing.assert_array_equal(first.values, second.values)


def several_outputs():
    rng = np.random.default_rng(2)
    X = rng.standard_normal((40, 3))
    return Problem(X, np.maximum(X @ rng.standard_normal((3, 2)), 0), 0.3)


@pytest.mark.parametrize("problem", [example(), several_outputs()], ids=["one output", "two outputs"])
@pytest.mark.parametrize("reached", [0, 1, 3])
def test_what_is_judged_in_time_is_judged_as_ever(problem, reached, monkeypatch):
    rng = np.random.default_rng(3)
    lam = problem.dual_variable(np.zeros(problem.y.shape))
    gates = rng.standard_normal((3, 12))
    signs = np.ones(12) if problem.n_outputs == 1 else np.tile([0.6, 0.8], (12, 1))
    atoms = Atoms.of_directions(problem, gates, signs)
    met, values = judge(problem, atoms, lam)

    calls, project = [], ReLUProgram.project

    def late(program, V, sets, some):
        calls.append(len(some))
        if len(calls) > reached:
            raise OutOfTime
        return project(program, V, sets, some)

    monkeypatch.setattr(ReLUProgram, "project", late)
    monkeypatch.setattr("cvxnn.training.exploration._BATCH_ENTRIES", 2 * problem.n_samples)
    some, late_values = judge(problem, atoms, lam, Deadline(1.0))
    assert len(some) == len(late_values) == 2 * reached
    for k in range(len(some)):
        own = np.flatnonzero(np.all(met.masks == some.masks[:, [k]], axis=0))
        # for several outputs the first of the turns, of which each raises the value
        assert late_values[k] <= np.max(values[own]) * (1 + 1e-12)
        if problem.n_outputs == 1:
            assert late_values[k] == pytest.approx(values[own[0]], rel=1e-12)


def test_a_late_exploration_has_no_violations():
    problem = example()
    lam = problem.dual_variable(np.zeros(problem.n_samples))
    found = explore(
        problem,
        problem,
        Atoms.none(problem),
        problem.null_offset(),
        lam,
        n_fresh=40,
        rng=np.random.default_rng(1),
        max_seconds=1e-9,
    )
    assert len(found.atoms) == len(found.values) == 0
    assert len(explored_violations(problem, found, tol=1e-3).candidates) == 0
