"""Ridge regression on random neurons: optimal, a network, and in the limit ridge regression in F_2.

The laws it shares with the closed form are tested with that.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cvxnn.function_spaces.kernels.ridge import KernelSpaceRegressor, RandomFeatureRegressor
from cvxnn.statistics import log_log_slope


def data(seed=0, n=20, d=2, outputs=None):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n if outputs is None else (n, outputs))


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_random_features_tend_to_it_at_the_rate_of_the_kernel(degree):
    X, y = data()
    new = data(1)[0]
    limit = KernelSpaceRegressor(0.1, degree=degree).fit(X, y)
    widths = [256, 1024, 4096, 16384]
    errors, norms = np.zeros((2, len(widths), 10))
    for i, m in enumerate(widths):
        for seed in range(10):
            one = RandomFeatureRegressor(0.1, n_components=m, degree=degree, random_state=seed).fit(X, y)
            errors[i, seed] = np.linalg.norm(one.predict(new) - limit.predict(new))
            norms[i, seed] = one.gamma_2_
    # Linear in the kernel's error, of exponent -1/2, once that is small; ten seeds leave 0.03 of standard error.
    assert log_log_slope(widths, errors).value == pytest.approx(-0.5, abs=0.12)
    assert np.mean(norms[-1]) == pytest.approx(limit.gamma_2_, rel=0.02)


@pytest.mark.parametrize("n_components", [5, 200])
def test_random_features_solve_the_normal_equations(n_components):
    X, y = data()
    fitted = RandomFeatureRegressor(0.1, n_components=n_components, random_state=0).fit(X, y)
    Phi = fitted.features_.transform(X)
    gradient = Phi.T @ (Phi @ fitted.coef_ - y) + 0.1 * fitted.coef_
    assert np.max(np.abs(gradient)) < 1e-12
    assert fitted.objective_ == pytest.approx(
        0.5 * np.sum((Phi @ fitted.coef_ - y) ** 2) + 0.05 * np.sum(fitted.coef_**2)
    )


@pytest.mark.parametrize("outputs", [None, 2])
def test_its_network_is_the_same_function(outputs):
    X, y = data(outputs=outputs)
    for bias in (True, False):
        fitted = RandomFeatureRegressor(0.1, bias=bias, radius=2.0, random_state=0).fit(X, y)
        inputs = np.hstack([X, np.ones((len(X), 1))]) if bias else X
        assert_allclose(fitted.to_network().predict(inputs), fitted.predict(X), rtol=1e-10)
    with pytest.raises(ValueError, match="degree must be 1 for a ReLU network; got 2"):
        RandomFeatureRegressor(degree=2).fit(X, y).to_network()
