"""Exploration: the patterns a descent meets, judged exactly."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.atoms import Atoms
from cvxnn.certificates import exact_oracle
from cvxnn.programs import ReLUProgram
from cvxnn.training.convex_step import convexify
from cvxnn.training.exploration import explore
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
