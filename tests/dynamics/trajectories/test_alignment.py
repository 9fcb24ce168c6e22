"""What is read off recorded cosines."""

import tracemalloc

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.alignment import (
    AlignmentCosines,
    aligned_share,
    alignment_times,
    largest_cosines,
)


def by_hand(X, residual, u, a):
    pull = np.sign(a) * X.T @ (residual * (X @ u > 0))
    return pull @ u / np.linalg.norm(pull) / np.linalg.norm(u) if np.any(pull) else np.nan


@pytest.mark.parametrize(("loss", "factor"), [("squared", 1.0), ("logistic", 0.5)])
def test_cosines_are_those_of_the_definition(loss, factor):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 3)), np.where(rng.random(6) < 0.5, 1.0, -1.0)
    weights = Weights(rng.standard_normal((2, 3, 4)), rng.standard_normal((2, 4)))
    found = AlignmentCosines().measure(BatchedObjective.of(Problem(X, y, beta=0.0, loss=loss)), weights)
    expected = [
        [by_hand(X, factor * y, weights.hidden[b, :, j], weights.output[b, j]) for j in range(4)]
        for b in range(2)
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_each_network_may_have_its_own_targets():
    X = np.eye(2)
    objective = BatchedObjective(Samples(X, [[1.0, 1.0], [-1.0, 1.0]]))
    weights = Weights(np.ones((2, 2, 1)), np.ones((2, 1)))
    np.testing.assert_allclose(AlignmentCosines().measure(objective, weights), [[1.0], [0.0]], atol=1e-15)


def test_neurons_that_no_sample_sees_have_no_cosine():
    problem = Problem([[1.0, 0.0]], [1.0], beta=0.0)
    weights = Weights([[-1.0, 1.0, 0.0], [0.0, 0.0, 1.0]], [1.0, 1.0, 1.0])
    found = AlignmentCosines().measure(BatchedObjective.of(problem), weights)
    np.testing.assert_array_equal(np.isnan(found), [[True, False, True]])
    assert aligned_share(found, weights.output, sign=1, delta=0.1) == [1.0]
    assert np.isnan(aligned_share(found, weights.output, sign=-1, delta=0.1))[0]


def test_times_are_interpolated_and_infinite_where_nothing_aligns():
    cosines = np.array([[[0.0, 0.9]], [[0.5, 0.9]], [[1.0, 0.9]]])
    output = np.array([[1.0, -1.0]])
    times = [0.0, 2.0, 4.0]
    np.testing.assert_allclose(alignment_times(times, cosines, output, sign=1, delta=0.25), [3.0])
    np.testing.assert_allclose(alignment_times(times, cosines, output, sign=-1, delta=0.25), [0.0])
    np.testing.assert_array_equal(alignment_times(times, cosines, output, sign=-1, delta=0.05), [np.inf])
    np.testing.assert_array_equal(largest_cosines(cosines, output, 1)[:, 0], [0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="delta"):
        alignment_times(times, cosines, output, sign=1, delta=1.0)
    for call in (alignment_times, lambda _, *rest, **named: aligned_share(*rest, **named)):
        for sign in (2, 0, True):
            with pytest.raises(ValueError, match="sign must be 1 or -1"):
                call(times, cosines, output, sign=sign, delta=0.1)
        with pytest.raises(ValueError, match="cosines must have shape"):
            call(times, cosines[..., :1], output, sign=1, delta=0.1)
    with pytest.raises(ValueError, match=r"times must hold 3 numbers, .* got 2"):
        alignment_times(times[:2], cosines, output, sign=1, delta=0.1)


def test_memory_does_not_grow_with_the_batch():
    """50 networks of 2,000 x 50 pairs: an array of them all at once would take 40 MB, one network's 0.8."""
    rng = np.random.default_rng(0)
    objective = BatchedObjective(Samples(rng.standard_normal((2000, 3)), rng.standard_normal(2000)))
    weights = Weights(rng.standard_normal((50, 3, 50)), rng.standard_normal((50, 50)))
    tracemalloc.start()
    found = AlignmentCosines().measure(objective, weights)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
    alone = [AlignmentCosines().measure(objective, weights.select(b)) for b in range(50)]
    np.testing.assert_array_equal(found, np.concatenate(alone))


def test_each_network_may_have_its_own_samples():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((3, 5, 2)), rng.standard_normal((3, 5))
    weights = Weights(rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 4)))
    alone = [
        AlignmentCosines().measure(BatchedObjective(Samples(X[b], y[b])), weights.select(b)) for b in range(3)
    ]
    whole = AlignmentCosines().measure(BatchedObjective(Samples(X, y)), weights)
    np.testing.assert_allclose(whole, np.concatenate(alone), rtol=1e-12)
