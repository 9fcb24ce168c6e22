"""Paths of small neurons: closed form between kinks, against the differential equation itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.dynamics.small_starts.early_flow import EarlyEnd, early_path


def case(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 9)), int(rng.integers(2, 5))
    return (
        rng.standard_normal((n, d)),
        rng.standard_normal(n),
        rng.standard_normal(d),
        int(rng.choice([-1, 1])),
    )


def euler(X, r, u, sign, time, n_steps):
    """Follow ``u' = a X^T D r, a' = r^T (X u)_+`` by small steps."""
    u, a, h = u / np.linalg.norm(u), float(sign), time / n_steps
    for _ in range(n_steps):
        z = X @ u
        u, a = u + h * a * (X.T @ (r * (z > 0))), a + h * (r @ np.maximum(z, 0.0))
    size = np.linalg.norm(u)
    return u / size, np.log(size)


@pytest.mark.parametrize("seed", range(12))
def test_the_path_is_that_of_the_differential_equation(seed):
    X, r, u, sign = case(seed)
    path = early_path(X, r, u, sign)
    time = 2.0 / max(1.0, np.max(np.linalg.norm(path.own_pulls, axis=1)))
    direction, log_size = euler(X, r, u, sign, time, 2000)
    # explicit Euler: some units of the step, 1e-3; zigzag on kinks is of that order too
    np.testing.assert_allclose(path.direction(time), direction, atol=5e-3)
    assert abs(path.log_growth(time) - log_size) < 5e-3


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_climbed_function_never_falls_and_the_end_is_where_it_rests(seed):
    X, r, u, sign = case(seed)
    path = early_path(X, r, u, sign)
    times = np.linspace(0.0, path.times[-1] + 1.0, 40)
    heights = [sign * r @ np.maximum(X @ path.direction(t), 0.0) for t in times]
    scale = np.abs(r) @ np.linalg.norm(X, axis=1)
    assert np.all(np.diff(heights) >= -1e-9 * scale)  # rounding of a sum of that size
    assert abs(sign * r @ np.maximum(X @ path.limit, 0.0) - path.rate) <= 1e-8 * scale
    ties = np.abs(X @ path.limit) <= 1e-9 * np.linalg.norm(X, axis=1)
    if path.end is EarlyEnd.BOUNDARY:
        assert ties.any()
    if path.end is EarlyEnd.DEAD:
        assert not np.any(X @ path.limit > 1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), delta=st.sampled_from([0.3, 0.01, 1e-4]))
def test_the_alignment_time_is_the_first_at_which_the_cosine_is_there(seed, delta):
    path = early_path(*case(seed))
    found = path.alignment_time(delta)
    if path.end is EarlyEnd.CONSISTENT:
        assert np.isfinite(found)
    if np.isfinite(found):
        assert path.cosine(found + 1e-9) >= 1.0 - delta - 1e-7
        before = [path.cosine(t) for t in np.linspace(0.0, found, 50) if t < found]
        assert not np.any(np.array(before) > 1.0 - delta + 1e-9)


def test_one_cell_is_the_hyperbolic_tangent():
    path = early_path([[3.0, 4.0]], [2.0], [1.0, 0.0], 1)
    cosine, speed = 0.6, 10.0
    for t in (0.0, 0.1, 1.0, 100.0):
        assert path.cosine(t) == pytest.approx(np.tanh(speed * t + np.arctanh(cosine)), abs=1e-12)
    t = 0.3
    assert path.log_growth(t) == pytest.approx(
        np.log(np.cosh(speed * t) + cosine * np.sinh(speed * t)), abs=1e-12
    )
    assert path.alignment_time(1e-3) == pytest.approx((np.arctanh(0.999) - np.arctanh(0.6)) / speed)


def test_sliding_is_reported_from_when_the_kink_is_met():
    path = early_path([[1.0, 0.0], [1.0, 1.0]], [1.0, -1.0], [1.0, 0.0], 1)
    assert path.slide_time == path.times[1] > 0
    assert early_path([[3.0, 4.0]], [2.0], [1.0, 0.0], 1).slide_time == np.inf


def test_where_no_cell_is_free_neurons_of_the_wrong_sign_fade():
    X = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    ends = {early_path(X, np.ones(3), [np.cos(t), np.sin(t)], -1).end for t in np.arange(0.1, 6.2, 0.3)}
    assert ends == {EarlyEnd.FADING}
    path = early_path(X, np.ones(3), [0.3, 1.0], -1)
    assert path.rate < 0
    assert path.log_growth(50.0) < -10
    assert np.isfinite(path.log_growth(1e4))


def test_a_neuron_that_no_sample_sees_stands_still():
    path = early_path([[1.0, 0.0]], [1.0], [-1.0, 2.0], 1)
    assert path.end is EarlyEnd.DEAD
    assert path.alignment_time(0.5) == np.inf
    assert np.isnan(path.cosine(1.0))
    np.testing.assert_allclose(path.direction(9.0), np.array([-1.0, 2.0]) / 5**0.5)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (([[1.0]], [1.0, 2.0], [1.0], 1), "residual"),
        (([[1.0]], [1.0], [1.0], 2), "sign"),
        (([[1.0]], [1.0], [0.0], 1), "direction"),
    ],
)
def test_bad_arguments_are_named(arguments, name):
    with pytest.raises(ValueError, match=name):
        early_path(*arguments)
