"""Lazy training: the tangent kernel's rates, where it stays; refusals where it does not."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.initialisation import doubled
from cvxnn.dynamics.lazy_regime.closeness import lazy_training
from cvxnn.dynamics.lazy_regime.linearised import linearise
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.theorems import HypothesisError


def mirrored(network):
    return doubled(Weights.of(network)).network()


def setting(seed=0, n=6, d=4, m=300, scale=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    network = ReLUNetwork(scale * rng.standard_normal((d, m)), scale * rng.standard_normal(m))
    return Problem(X, rng.standard_normal(n), beta=0.0), mirrored(network)


def test_doubled_networks_predict_zero_with_twice_the_kernel():
    problem, start = setting(m=7)
    half = ReLUNetwork(start.hidden[:, :7], start.output[:7])
    np.testing.assert_allclose(start.predict(problem.X), 0.0, atol=1e-13)
    kernels = [linearise(network).tangent_kernel(problem.X) for network in (start, half)]
    np.testing.assert_allclose(kernels[0], 2 * kernels[1])


@pytest.mark.parametrize("scale", [3.0, 10.0])
def test_every_eigenvector_decays_at_its_own_rate(scale):
    problem, start = setting(scale=scale)
    lazy = lazy_training(problem, start, n_steps=1500, tol=0.1)
    assert len(lazy.rates) == 6
    assert all(rate.holds for rate in lazy.rates)
    assert lazy.slowest.holds
    assert lazy.movement.holds
    # first order in the kernel's movement: the residual is off by some times that
    assert lazy.deviation < 20 * lazy.kernel_movement
    assert lazy.least_eigenvalue == pytest.approx(linearise(start).least_eigenvalue(problem.X))


def test_in_the_limit_everything_is_equal():
    problem, start = setting(scale=1e3)
    lazy = lazy_training(problem, start, n_steps=1500)
    # what is left is like scale^-2
    assert lazy.relative_movement < 1e-6
    assert lazy.kernel_movement < 1e-5
    assert lazy.deviation < 1e-4
    for comparison in (*lazy.rates, lazy.movement):
        assert comparison.difference == pytest.approx(0.0, abs=1e-3)
    np.testing.assert_allclose(lazy.residuals, lazy.linear_residuals, atol=1e-4 * lazy.residuals[0])
    assert lazy.flipped < 1e-3


def test_a_rate_that_is_a_tenth_off_is_rejected():
    problem, start = setting(scale=10.0)
    lazy = lazy_training(problem, start, n_steps=400, tol=0.05)
    step = 0.5 / np.linalg.eigvalsh(linearise(start).tangent_kernel(problem.X))[-1]
    wrong = lazy_training(problem, start, n_steps=400, step_size=0.9 * step, tol=0.05)
    k = np.searchsorted(lazy.steps, 50)
    assert lazy.steps[k] == wrong.steps[k]
    assert abs(wrong.residuals[k] / lazy.linear_residuals[k] - 1) > 0.01
    assert wrong.rates[0].holds  # by its own step


def test_hypotheses_are_named():
    problem, start = setting()
    with pytest.raises(HypothesisError, match="weight decay"):
        lazy_training(Problem(problem.X, problem.y, beta=0.1), start)
    with pytest.raises(HypothesisError, match="step_size"):
        lazy_training(problem, start, step_size=1.0)
    with pytest.raises(HypothesisError, match="positive definite"):
        lazy_training(Problem(np.ones((2, 1)), [1.0, 2.0], beta=0.0), ReLUNetwork([[1.0]], [1.0]))
    small = ReLUNetwork(0.05 * start.hidden, 0.05 * start.output)
    with pytest.raises(HypothesisError, match="must move by at most half"):
        lazy_training(problem, small)
    with pytest.raises(HypothesisError, match="start must not fit the targets"):
        lazy_training(Problem(problem.X, start.predict(problem.X), beta=0.0), start)
