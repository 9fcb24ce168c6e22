"""Critical directions: every small neuron ends at one of them, and the best attains the critical beta."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, beta_max, enumerate_patterns
from cvxnn.dynamics.small_starts.early_flow import EarlyEnd, early_path
from cvxnn.dynamics.small_starts.limit_directions import critical_directions


def case(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 8)), int(rng.integers(2, 4))
    return rng.standard_normal((n, d)), rng.standard_normal(n), rng


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_small_neurons_end_at_a_listed_direction(seed):
    X, r, rng = case(seed)
    found = critical_directions(X, r)
    for _ in range(20):
        sign = int(rng.choice([-1, 1]))
        path = early_path(X, r, rng.standard_normal(X.shape[1]), sign)
        if path.end in (EarlyEnd.DEAD, EarlyEnd.FADING):
            continue
        # two exact computations of one point: rounding, magnified by thin cells
        near = [c for c in found if c.sign == sign and np.linalg.norm(c.direction - path.limit) < 1e-7]
        assert len(near) == 1
        assert near[0].value == pytest.approx(path.rate, rel=1e-7, abs=1e-9)
        assert near[0].is_consistent == (path.end is EarlyEnd.CONSISTENT)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_the_best_attains_the_critical_beta(seed, scale):
    X, r, _ = case(seed)
    found = critical_directions(scale * X, r)
    assert found[0].value == pytest.approx(beta_max(Problem(scale * X, r, 1.0)), rel=1e-8)
    assert len(found) <= 2 * np.asarray(enumerate_patterns(X)).shape[1]
    assert [c.value for c in found] == sorted((c.value for c in found), reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_they_are_local_maxima_on_the_sphere(seed):
    X, r, rng = case(seed)
    for one in critical_directions(X, r):
        for _ in range(50):
            near = one.direction + 1e-4 * rng.standard_normal(X.shape[1])
            height = one.sign * r @ np.maximum(X @ near, 0.0) / np.linalg.norm(near)
            assert height <= one.value + 1e-12


def test_no_residual_has_none():
    assert critical_directions([[1.0, 2.0]], [0.0]) == ()


def test_bad_residuals_are_refused():
    with pytest.raises(ValueError, match="residual"):
        critical_directions([[1.0, 2.0]], [0.0, 1.0])
