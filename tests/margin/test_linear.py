"""The support vector machine baseline: CVXPY's and scikit-learn's answer, and its bound on networks."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.svm import SVC

from cvxnn.margin.kkt_points import kkt
from cvxnn.margin.linear import linear_bound, linear_max_margin
from cvxnn.theorems import HypothesisError

seeds = st.integers(0, 2**32 - 1)


def separated(seed, n=7, d=3):
    """Rows of both classes on the right sides of a random plane."""
    rng = np.random.default_rng(seed)
    X, normal = rng.standard_normal((n, d)), rng.standard_normal(d)
    return X, np.sign(X @ normal)


@settings(max_examples=25)
@given(seed=seeds)
def test_it_is_the_support_vector_machine(seed):
    X, y = separated(seed)
    machine = linear_max_margin(X, y)
    w = cp.Variable(3)
    norm = cp.Problem(cp.Minimize(cp.norm(w)), [cp.multiply(y, X @ w) >= 1]).solve(solver=cp.CLARABEL)
    assert machine.norm == pytest.approx(norm, rel=1e-6)
    # KKT of min ||w||: exact up to the conditioning of the active rows.
    assert np.min(y * (X @ machine.w)) == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose((y * machine.multipliers) @ X, machine.w / machine.norm, atol=1e-7)
    assert np.sum(machine.multipliers) == pytest.approx(machine.norm, rel=1e-6)


def test_scikit_learn_agrees():
    """Its linear machine on rows and their opposites, which makes its free offset zero."""
    X, y = separated(3)
    theirs = SVC(kernel="linear", C=1e8, tol=1e-10).fit(np.r_[X, -X], np.r_[y, -y])
    np.testing.assert_allclose(theirs.coef_[0], linear_max_margin(X, y).w, rtol=1e-5)


@settings(max_examples=15)
@given(seed=seeds)
def test_networks_do_no_worse(seed):
    X, y = separated(seed, n=6, d=2)
    compared = linear_bound(X, y)
    assert compared.holds
    machine = linear_max_margin(X, y)
    assert machine.network.weight_decay == pytest.approx(2 * machine.norm, rel=1e-12)
    np.testing.assert_allclose(machine.network.predict(X), X @ machine.w, atol=1e-12 * machine.norm)


def test_the_bound_is_tight_on_a_line_and_the_linear_network_stationary():
    X, y = [[1.0], [-1.0]], [1.0, -1.0]
    assert linear_bound(X, y).measured == pytest.approx(2.0, rel=1e-12)
    assert kkt(X, y, linear_max_margin(X, y).network).is_global


def test_what_no_plane_separates():
    with pytest.raises(HypothesisError, match="linearly separable"):
        linear_max_margin([[1.0, 0.0], [-1.0, 0.1], [0.0, -1.0]], np.ones(3))
