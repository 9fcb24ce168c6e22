"""gamma_1 beside gamma_2."""

import math

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.function_spaces.comparisons.norms import norm_inequality
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.patterns import enumerate_patterns
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import HypothesisError


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6), n=st.integers(1, 7), d=st.integers(1, 3), degree=st.sampled_from([0, 1, 2])
)
def test_gamma_1_is_at_most_gamma_2(seed, n, d, degree):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    kernel = ArcCosineKernel(degree, bias=True)
    # Values of a function of both spaces: in one dimension few values are.
    f = kernel.gram(X) @ rng.standard_normal(n)
    norms = norm_inequality(X, f, kernel=kernel)
    assert norms.inequality.holds
    assert norms.lower_bound <= norms.gamma_1 * (1 + 1e-9)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_gamma_1_is_that_of_the_enumerated_program(seed):
    rng = np.random.default_rng(seed)
    X, f = rng.standard_normal((5, 2)), rng.standard_normal(5)
    masks = np.asarray(enumerate_patterns(X))
    V, W = (cp.Variable((2, masks.shape[1])) for _ in range(2))
    cones = np.where(masks, 1.0, -1.0)
    limits = [cp.sum(cp.multiply(masks, X @ (V - W)), axis=1) == f]
    limits += [cp.multiply(cones, X @ V) >= 0, cp.multiply(cones, X @ W) >= 0]
    norms = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    value = cp.Problem(cp.Minimize(norms), limits).solve(solver=cp.CLARABEL)
    found = norm_inequality(X, f)
    # Clarabel's 1e-8, and the 1e-6 that the variation norm stops at.
    assert found.gamma_1 == pytest.approx(value, rel=1e-5)
    assert found.gamma_1 < found.gamma_2


def constant_on_the_circle():
    # f = int (v^T x)_+ dtau = E (v_1)_+ on the unit sphere: gamma_1 = gamma_2 = 1 in the limit of many samples.
    angles = 2 * np.pi * np.arange(40) / 40
    return np.column_stack([np.cos(angles), np.sin(angles)]), np.full(40, 1 / np.pi)


def test_the_inequality_is_tight_for_a_constant_density():
    norms = norm_inequality(*constant_on_the_circle())
    assert norms.gamma_2 == pytest.approx(
        1.0, rel=1e-4
    )  # 40 points see the constant up to frequency 40: 1 / 40^4
    assert 0.98 < norms.gamma_1 <= norms.gamma_2


def test_the_gaussian_measure_is_refused_and_would_fail():
    X, f = constant_on_the_circle()
    kernel = ArcCosineKernel(measure="gaussian")
    with pytest.raises(
        HypothesisError, match="the kernel's measure must be that of the sphere; got 'gaussian'"
    ):
        norm_inequality(X, f, kernel=kernel)
    assert gamma_2(X, f, kernel=kernel) < 0.75 * norm_inequality(X, f).gamma_1


def test_in_one_dimension_a_neuron_is_in_both_spaces():
    X = np.linspace(-1, 1, 6)[:, None]
    # Two neurons of weight 1/2 each in tau: the density is 2 on one of them.
    norms = norm_inequality(X, np.maximum(X[:, 0], 0.0))
    assert norms.gamma_1 == pytest.approx(1.0)
    assert norms.gamma_2 == pytest.approx(math.sqrt(2))


def test_the_time_limit_is_told():
    X, f = np.random.default_rng(0).standard_normal((12, 3)), np.arange(12.0)
    cut, whole = norm_inequality(X, f, max_seconds=0.0), norm_inequality(X, f)
    assert cut.status is SolveStatus.MAX_SECONDS
    assert whole.status is not SolveStatus.MAX_SECONDS
    assert cut.gamma_1 >= whole.gamma_1
    assert 0.0 < cut.lower_bound <= whole.gamma_1
    assert cut.gamma_2 == whole.gamma_2
