"""SGD with decaying steps tends to stationary points; with constant steps it does not."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import MiniBatches
from cvxnn.dynamics.descent.stochastic_limit import sgd_limit
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.records import StationarityResidual
from cvxnn.theorems import HypothesisError


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(0)
    return Problem(rng.standard_normal((10, 3)), rng.standard_normal(10), beta=0.5)


START = he(3, 6, n_networks=6)


@pytest.fixture(scope="module")
def found(problem):
    return sgd_limit(problem, START, step_size=0.01, n_steps=40_000, batch_size=2, tol=0.02)


def test_distances_fall_with_decaying_steps_and_not_with_constant_ones(problem, found):
    assert found.limit.holds
    assert found.distances.shape == (21, 6)
    # Decade by decade, the median over networks.
    medians = np.median(found.distances, axis=1)
    assert medians[-1] < 0.3 * medians[10]
    constant = simulate(
        MiniBatches(problem, 2),
        START,
        n_steps=40_000,
        step_size=0.01,
        record=StationarityResidual(kink_tol=1e-3),
        n_records=21,
    )
    # A planted fault: noise keeps a run with constant steps away. The last fifth of it against the decaying one's end.
    assert np.median(constant["stationarity"][-4:]) > 3 * medians[-1]


def test_at_the_networks_themselves_distances_are_larger(found):
    """A limit on kinks is approached from their sides, where the gradient jumps: the tolerance removes this floor."""
    assert np.all(found.exact_distances >= found.distances - 1e-12)
    assert np.max(found.exact_distances[-1]) > 3 * np.max(found.distances[-1])


@pytest.mark.parametrize("power", [0.0, 0.5, 1.1])
def test_powers_outside_the_hypotheses_are_refused(problem, power):
    with pytest.raises(HypothesisError, match=r"power must be in \(1/2, 1\]"):
        sgd_limit(problem, START, step_size=0.01, power=power)


def test_runs_that_diverge_are_refused(problem):
    with pytest.raises(HypothesisError, match=r"iterates must stay bounded; \d of 6"):
        sgd_limit(problem, START, step_size=100.0, n_steps=100)


def test_stationary_starts_are_refused(problem):
    """The zero network is stationary: its distances would be compared with 0."""
    zero = Weights(np.zeros((2, 3, 6)), np.zeros((2, 6)))
    with pytest.raises(HypothesisError, match="2 of 2 are"):
        sgd_limit(problem, zero, step_size=0.01, n_steps=10)
    with pytest.raises(ValueError, match="start must have 3 features"):
        sgd_limit(problem, he(2, 6), step_size=0.01, n_steps=10)
