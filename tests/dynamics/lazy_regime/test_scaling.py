"""Movement against the scale of the start."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.initialisation import doubled
from cvxnn.dynamics.lazy_regime.scaling import lazy_scaling
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.theorems import HypothesisError


def mirrored(network):
    return doubled(Weights.of(network)).network()


def setting():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((5, 3)), rng.standard_normal(5), beta=0.0)
    return problem, mirrored(ReLUNetwork(rng.standard_normal((3, 30)), rng.standard_normal(30)))


def test_movements_fall_like_the_square_of_the_scale():
    problem, start = setting()
    found = lazy_scaling(problem, start, [1.0, 10.0, 100.0], n_steps=1500)
    assert found.movement_slope.measured == pytest.approx(-2.0, abs=0.02)
    assert found.kernel_slope.holds
    if found.flips[-2] == 0:  # first-order changes cancel in pairs
        assert found.kernel_slope.measured == pytest.approx(-4.0, abs=0.02)
    assert np.all(np.diff(found.movements) < 0)
    assert found.flips[-1] <= found.flips[0]


def test_a_start_that_predicts_something_is_refused():
    """Its predictions grow like the square of the scale, and unlearning them takes a constant share of the weights."""
    problem, _ = setting()
    rng = np.random.default_rng(1)
    with pytest.raises(HypothesisError, match="predict 0"):
        lazy_scaling(problem, ReLUNetwork(rng.standard_normal((3, 30)), rng.standard_normal(30)), [1.0, 10.0])


def test_bad_arguments_are_named():
    problem, start = setting()
    for factors in ([1.0], [2.0, 1.0]):
        with pytest.raises(ValueError, match="factors"):
            lazy_scaling(problem, start, factors)
    with pytest.raises(HypothesisError, match="squared"):
        lazy_scaling(Problem(problem.X, np.sign(problem.y), beta=0.0, loss="logistic"), start, [1.0, 2.0])
    with pytest.raises(HypothesisError, match="positive definite"):
        lazy_scaling(Problem(np.ones((2, 3)), [1.0, 2.0], beta=0.0), start, [1.0, 2.0])
    with pytest.raises(HypothesisError, match="y must not be zero"):
        lazy_scaling(Problem(problem.X, np.zeros(5), beta=0.0), start, [1.0, 2.0])
