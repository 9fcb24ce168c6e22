"""The state of a training run only ever improves."""

import numpy as np

from cvxnn import Problem, ReLUNetwork
from cvxnn.atoms import Atoms
from cvxnn.deadlines import Deadline
from cvxnn.training.state import PROOF_SHARE, TrainingState
from cvxnn.units import Units


def make(max_seconds=None):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    problem = Problem(X, np.maximum(X @ [1.0, 2.0, 0.0], 0.0), 0.1)
    return problem, TrainingState(problem, problem, 1e-3, max_seconds, rng, True, Units.of(problem))


def atoms_of(problem, hidden, output):
    return Atoms.of_network(problem, ReLUNetwork(hidden, output))


def test_a_worse_network_is_not_accepted():
    problem, state = make()
    null = state.objective
    state.violation = 0.5
    state.accept(atoms_of(problem, [[0.0], [9.0], [9.0]], [-9.0]), state.offset)
    assert state.objective == null
    assert state.violation == 0.5
    state.accept(atoms_of(problem, [[0.5], [1.0], [0.0]], [1.0]), state.offset)
    assert state.objective == problem.objective(state.network) < null
    # The violation was another network's.
    assert state.violation is None


def test_other_atoms_replace_only_at_no_cost():
    problem, state = make()
    state.accept(atoms_of(problem, [[0.5], [1.0], [0.0]], [1.0]), state.offset)
    before, kept = state.objective, state.atoms
    assert not state.replace(atoms_of(problem, [[0.5], [1.0], [0.1]], [0.9]))
    assert (state.objective, state.atoms) == (before, kept)
    # Less than rounding, but another network: taken.
    assert state.replace(atoms_of(problem, [[0.5], [1.0], [1e-14]], [1.0]))
    assert state.atoms is not kept


def test_bounds_rise_and_prove():
    _, state = make()
    state.raise_bound(1e-3, "first")
    state.raise_bound(1e-4, "second")
    assert (state.lower_bound, state.proof) == (1e-3, "first")
    assert not state.is_proven
    state.raise_bound(state.objective * (1 - 1e-4), "third")
    assert state.is_proven


def test_a_share_of_the_time_is_kept_for_the_proof():
    _, state = make(100.0)
    assert 0.0 < 100.0 * (1 - PROOF_SHARE) - state.seconds_left() < 10.0
    assert make()[1].limit() is None
    state.deadline = Deadline(100.0, state.deadline.started - 200.0)
    assert state.limit() == 0.0 > state.seconds_left()
