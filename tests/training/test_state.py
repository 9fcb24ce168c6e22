"""The state of a training run only ever improves."""

import math

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.atoms import Atoms
from cvxnn.training import state as states
from cvxnn.training.state import Progress, TrainingState


def make():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 3))
    problem = Problem(X, np.maximum(X @ [1.0, 2.0, 0.0], 0.0), 0.1)
    return problem, TrainingState(problem)


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
    assert not state.is_proven_to(1e-3)
    state.raise_bound(state.objective * (1 - 1e-4), "third")
    assert state.is_proven_to(1e-3)
    assert not state.is_proven_to(1e-5)


def test_nothing_is_known_before_the_first_program():
    known = Progress()
    assert known.distance(0.0) == math.inf
    known.add(1.0)
    assert known.distance(0.0) == known.gain(1) == math.inf
    known.add(1.0)
    assert known.distance(0.0) == 0.0


def test_the_larger_of_gains_and_violation_counts():
    few = Progress([9.0] + [1.0] * states._WINDOW + [1.0 - 1e-6])
    assert few.distance(0.0) == pytest.approx(states._OF_GAINS * 1e-6, rel=1e-3)
    assert few.distance(0.5) == pytest.approx(0.5 * states._OF_VIOLATION, rel=1e-12)
    assert few.gain(1) == pytest.approx(1e-6, rel=1e-3)
    assert Progress([1.0, 0.0]).gain(1) == 0.0  # a perfect fit without weights: nothing is left


def test_steady_gains_keep_the_distance_far():
    falling = Progress([2.0 - 0.05 * k for k in range(20)])
    assert falling.distance(0.0) >= 0.1


def test_what_the_first_program_brings_counts_for_less():
    one = Progress([1.01, 1.0])
    assert one.distance(0.0) == pytest.approx(states._OF_FIRST_GAIN * 0.01, rel=1e-9)
    two = Progress([1.01, 1.0, 0.999])
    first, second = 0.01 / 0.999, 0.001 / 0.999
    expected = states._OF_FIRST_GAIN * first + states._OF_GAINS * second
    assert two.distance(0.0) == pytest.approx(expected, rel=1e-9)


def test_an_equal_network_is_taken_with_the_dual_variable_that_comes_with_it():
    problem = Problem(np.eye(2), [2.0, 1.0], 0.5)
    state = TrainingState(problem)
    state.accept(Atoms.none(problem), problem.null_offset(), dual=np.ones(2))
    np.testing.assert_array_equal(state.dual_variable(), [2.0, 1.0])  # no better: not taken
    state.accept(Atoms.none(problem), problem.null_offset(), rise=1e-9, dual=np.ones(2))
    np.testing.assert_array_equal(state.dual_variable(), [1.0, 1.0])
