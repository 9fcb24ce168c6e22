"""Ridge regression in F_2: optimal, and as scikit-learn's; and what it shares with random features."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge
from sklearn.utils.estimator_checks import check_estimator

from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.function_spaces.kernels.ridge import KernelSpaceRegressor, RandomFeatureRegressor, solve_shifted


def data(seed=0, n=20, d=2, outputs=None):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n if outputs is None else (n, outputs))


@pytest.mark.parametrize(
    "estimator", [KernelSpaceRegressor(), KernelSpaceRegressor(0.01, degree=2), RandomFeatureRegressor()]
)
def test_it_keeps_scikit_learns_contract(estimator, recwarn):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    assert [r["check_name"] for r in results if r["status"] in ("failed", "xfail")] == []
    recwarn.clear()  # the checks provoke warnings on purpose


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("measure", ["sphere", "gaussian"])
def test_it_is_the_optimum(degree, measure):
    X, y = data()
    fitted = KernelSpaceRegressor(0.1, degree=degree, measure=measure).fit(X, y)
    # Over values f on the sample: 1/2 ||f - y||^2 + alpha/2 f' K^{-1} f, with f = L z, K = L L'.
    root = np.linalg.cholesky(ArcCosineKernel(degree, True, measure=measure).gram(X))
    z = cp.Variable(len(y))
    statement = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(root @ z - y) + 0.05 * cp.sum_squares(z)))
    statement.solve(solver=cp.CLARABEL)
    assert fitted.objective_ == pytest.approx(statement.value, rel=1e-7)
    assert fitted.gamma_2_ == pytest.approx(float(np.linalg.norm(z.value)), rel=1e-5)
    assert_allclose(fitted.predict(X), root @ z.value, atol=1e-5)  # the solver's 1e-8, of a curvature of 0.1


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_it_is_scikit_learns_with_the_same_alpha(degree):
    X, y = data(outputs=2)
    weights = np.random.default_rng(3).uniform(0.1, 2, len(X))
    kernel = ArcCosineKernel(degree, True, 0.7)
    ours = KernelSpaceRegressor(0.3, degree=degree, radius=0.7).fit(X, y, weights)
    theirs = KernelRidge(alpha=0.3, kernel=kernel).fit(X, y, weights)
    assert_allclose(ours.predict(X + 0.1), theirs.predict(X + 0.1), rtol=1e-8, atol=1e-10)


@given(seed=st.integers(0, 10**6), degree=st.sampled_from([0, 1, 2]))
@settings(max_examples=15)
def test_the_norm_is_the_least_of_the_fitted_values(seed, degree):
    X, y = data(seed, n=8)
    fitted = KernelSpaceRegressor(0.1, degree=degree).fit(X, y)
    kernel = ArcCosineKernel(degree, True)
    # f = K c with |c| of order 10: eigenvalues down to 1e-6 cost some digits.
    assert gamma_2(X, fitted.predict(X), kernel=kernel) == pytest.approx(fitted.gamma_2_, rel=1e-6)


def test_less_alpha_fits_better_with_a_larger_norm_up_to_that_of_the_targets():
    X, y = data(n=10)
    fits = [KernelSpaceRegressor(alpha).fit(X, y) for alpha in (1.0, 1e-2, 1e-4, 1e-10)]
    norms = [fit.gamma_2_ for fit in fits]
    misfits = [np.linalg.norm(fit.predict(X) - y) for fit in fits]
    assert sorted(norms) == norms
    assert sorted(misfits, reverse=True) == misfits
    assert norms[-1] == pytest.approx(gamma_2(X, y, kernel=fits[0].kernel_), rel=1e-4)


@pytest.mark.parametrize(
    "make", [KernelSpaceRegressor, lambda **p: RandomFeatureRegressor(random_state=0, **p)]
)
def test_a_weight_of_two_is_two_samples_and_of_zero_none(make):
    X, y = data()
    weights = np.ones(len(X))
    weights[0], weights[1] = 2.0, 0.0
    rows = [0, 0, *range(2, len(X))]
    weighted, repeated = make(alpha=0.1).fit(X, y, weights), make(alpha=0.1).fit(X[rows], y[rows])
    assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-8)
    assert weighted.objective_ == pytest.approx(repeated.objective_)
    assert weighted.gamma_2_ == pytest.approx(repeated.gamma_2_)


@pytest.mark.parametrize(
    "make", [KernelSpaceRegressor, lambda **p: RandomFeatureRegressor(random_state=0, **p)]
)
def test_outputs_are_fitted_each_by_itself(make):
    X, Y = data(outputs=3)
    together = make(alpha=0.1).fit(X, Y)
    alone = [make(alpha=0.1).fit(X, y) for y in Y.T]
    assert_allclose(together.predict(X), np.column_stack([one.predict(X) for one in alone]), rtol=1e-9)
    assert_allclose(together.gamma_2_, [one.gamma_2_ for one in alone])
    assert together.objective_ == pytest.approx(sum(one.objective_ for one in alone))


def test_a_shift_too_small_for_cholesky():
    # Rank one: float64 does not see that 1 + 1e-18 is more than 1.
    solved = solve_shifted(np.ones((3, 3)), 1e-18, np.ones((3, 1)))
    assert_allclose(solved, 1 / 3)


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"degree": 3}, {"radius": 0.0}, {"measure": "ball"}])
@pytest.mark.parametrize("make", [KernelSpaceRegressor, RandomFeatureRegressor])
def test_bad_parameters_are_named(make, wrong):
    X, y = data()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        make(**wrong).fit(X, y)
