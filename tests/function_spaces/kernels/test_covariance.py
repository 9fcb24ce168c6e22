"""The kernels as covariance functions of Gaussian processes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.base import clone
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, WhiteKernel
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVR

from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineCovariance, ArcCosineKernel

DEGREES = (0, 1, 2)


def data(n=25, d=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (n, d))
    return X, np.sin(3 * X[:, 0]) + 0.05 * rng.standard_normal(n)


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("measure", ["sphere", "gaussian"])
@pytest.mark.parametrize("radius", [0.3, 2.0])
def test_the_derivative_is_that_of_differences(degree, measure, radius):
    X, _ = data(6)
    X[1], X[2] = X[0], X[0] + 1e-6  # equal and nearly equal samples
    step = 1e-6
    above, below = (
        ArcCosineCovariance(degree, True, radius * np.exp(h), measure=measure)(X) for h in (step, -step)
    )
    gram, derivative = ArcCosineCovariance(degree, True, radius, measure=measure)(X, eval_gradient=True)
    assert derivative.shape == (6, 6, 1)
    # Central differences: 1e-16 / 1e-6 of rounding, of entries up to about 25.
    assert_allclose(derivative[:, :, 0], (above - below) / (2 * step), atol=1e-8)
    assert np.array_equal(gram, ArcCosineKernel(degree, True, radius, measure).gram(X))


@pytest.mark.parametrize("degree", DEGREES)
def test_a_gaussian_process_learns_its_radius(degree):
    X, y = data(40)
    start = ConstantKernel() * ArcCosineCovariance(degree) + WhiteKernel(0.01, "fixed")
    process = GaussianProcessRegressor(start).fit(X, y)
    fixed = GaussianProcessRegressor(start, optimizer=None).fit(X, y)
    assert process.log_marginal_likelihood_value_ > fixed.log_marginal_likelihood_value_
    _, gradient = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    # L-BFGS stops at relative decreases of 2e-9 of a likelihood of order 30.
    assert np.max(np.abs(gradient)) < 0.05
    assert process.score(X, y) > 0.95


def test_the_mean_of_a_process_is_kernel_ridge():
    X, y = data()
    covariance = ArcCosineCovariance(radius_bounds="fixed")
    process = GaussianProcessRegressor(covariance, alpha=0.1).fit(X, y)
    ridge = KernelRidge(alpha=0.1, kernel=covariance).fit(X, y)
    assert_allclose(process.predict(X + 0.1), ridge.predict(X + 0.1), rtol=1e-9)
    assert_allclose(
        ridge.predict(X), KernelRidge(alpha=0.1, kernel=covariance.kernel).fit(X, y).predict(X), rtol=1e-9
    )
    assert_allclose(
        SVR(kernel=covariance).fit(X, y).predict(X), SVR(kernel=covariance.kernel).fit(X, y).predict(X)
    )


def test_its_variance_is_that_of_the_posterior():
    X, y = data()
    kernel = ArcCosineKernel(bias=True, measure="gaussian")
    process = GaussianProcessRegressor(ArcCosineCovariance(radius_bounds="fixed"), alpha=0.1).fit(X, y)
    new = X[:4] + 0.3
    _, variance = process.predict(new, return_cov=True)
    cross = kernel.gram(new, X)
    expected = kernel.gram(new) - cross @ np.linalg.solve(kernel.gram(X) + 0.1 * np.eye(len(X)), cross.T)
    assert_allclose(variance, expected, atol=1e-10)


def test_it_keeps_the_contract_of_kernels():
    covariance = ArcCosineCovariance(2, radius=0.5, measure="sphere")
    assert clone(covariance) == covariance
    assert covariance.n_dims == 1
    assert_allclose(covariance.theta, [np.log(0.5)])
    assert not covariance.is_stationary()
    X, _ = data()
    assert_allclose(covariance.diag(X), np.diag(covariance(X)), rtol=1e-14)
    assert "radius=0.5" in repr(covariance)


@pytest.mark.parametrize("fixed", [{"bias": False}, {"radius_bounds": "fixed"}])
def test_a_fixed_radius_has_no_derivative(fixed):
    X, _ = data(5)
    covariance = ArcCosineCovariance(**fixed)
    assert covariance.n_dims == 0
    assert covariance(X, eval_gradient=True)[1].shape == (5, 5, 0)


def test_a_derivative_between_two_sets_is_refused():
    with pytest.raises(ValueError, match="Y must be None where eval_gradient is True"):
        ArcCosineCovariance()(np.eye(2), np.eye(2), eval_gradient=True)
