"""Distances from stationary points along trajectories."""

import numpy as np
import pytest

from cvxnn import Problem, train
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.records import StationarityResidual
from cvxnn.landscape import stationarity


@pytest.fixture
def problem(rng):
    return Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.3)


def test_off_kinks_distances_are_gradient_norms(problem, rng):
    weights = Weights(rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 4)))
    objective = BatchedObjective.of(problem)
    hidden, output = objective.gradient(np.moveaxis(weights.hidden, 0, 1), weights.output)
    norms = np.sqrt(np.sum(hidden**2, axis=(0, 2)) + np.sum(output**2, axis=1))
    np.testing.assert_allclose(StationarityResidual().measure(objective, weights), norms, rtol=1e-11)
    relative = StationarityResidual(relative=True).measure(objective, weights)
    expected = [stationarity(problem, weights.network(b)).residual for b in range(3)]
    np.testing.assert_allclose(relative, expected, rtol=1e-14)


def test_optima_are_stationary_and_close_to_kinks_with_a_tolerance(problem):
    optimum = train(problem, tol=1e-8).network
    objective = BatchedObjective.of(problem)
    assert StationarityResidual(relative=True).measure(objective, Weights.of(optimum))[0] < 1e-3
    moved = Weights(optimum.hidden * (1 + 1e-7) + 1e-7, optimum.output)
    near = StationarityResidual(kink_tol=1e-5).measure(objective, moved)[0]
    assert near < 1e-2


def test_targets_of_each_network_and_mean_losses(rng):
    X, y = rng.standard_normal((6, 2)), rng.standard_normal((2, 6))
    weights = Weights(rng.standard_normal((2, 2, 3)), rng.standard_normal((2, 3)))
    found = StationarityResidual().measure(BatchedObjective(Samples(X, y, scale=1 / 6), 0.1), weights)
    for b in range(2):
        problem = Problem(X, y[b], beta=0.6)
        assert found[b] == pytest.approx(stationarity(problem, weights.network(b)).distance / 6)


def test_weights_that_decayed_to_nothing_are_zero(problem):
    tiny = Weights([[1e-320, 1.0], [1e-200, -0.5]], [1e-322, 0.5])
    gone = Weights([[0.0, 1.0], [0.0, -0.5]], [0.0, 0.5])
    objective = BatchedObjective.of(problem)
    record = StationarityResidual()
    np.testing.assert_array_equal(record.measure(objective, tiny), record.measure(objective, gone))


def test_overflown_networks_and_other_activations(problem):
    weights = Weights.trusted(np.full((1, 2, 3), np.inf), np.ones((1, 3)))
    assert np.isnan(StationarityResidual().measure(BatchedObjective.of(problem), weights)).all()
    with pytest.raises(ValueError, match="stationarity is that of ReLU networks"):
        StationarityResidual().measure(BatchedObjective.of(problem, "tanh"), weights)
