"""Spikes: the ends on the axes are vertices, and the inverse Gram matrix says whether they stick out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.margin.ellipsoids import Ellipsoid, RectifiedEllipsoid
from cvxnn.margin.spike_networks import spike_freeness, spikes
from cvxnn.testing import samplers
from cvxnn.theorems import HypothesisError


@given(
    name=st.sampled_from(sorted(samplers.DATA)),
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
)
def test_ends_are_the_farthest_points_on_the_axes(name, seed, scale):
    rng = np.random.default_rng(seed)
    X = scale * samplers.DATA[name](rng, int(rng.integers(2, 7)), int(rng.integers(1, 5)))
    if not X.any():
        return
    found, rectified = spikes(X), RectifiedEllipsoid(X)
    for i, height in enumerate(found.heights):
        axis = np.eye(len(X))[i]
        if height == 0:
            assert np.isinf(rectified.gauge(axis))
            continue
        u = found.neurons[:, i]
        assert np.linalg.norm(u) == pytest.approx(1.0)
        # the projection's other rows are zero or negative to rounding
        np.testing.assert_allclose(np.maximum(X @ u, 0.0), height * axis, atol=1e-9 * np.linalg.norm(X))
        assert height * rectified.gauge(axis) == pytest.approx(1.0, rel=1e-6)
        assert found.gauges[i] == pytest.approx(height * Ellipsoid(X).gauge(axis))


@given(seed=st.integers(0, 10**6))
def test_ends_are_vertices_of_the_hull(seed):
    """Every direction near e_i less a multiple of the other axes has its only maximum there."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    X = rng.standard_normal((n, int(rng.integers(2, 5))))
    found, rectified = spikes(X), RectifiedEllipsoid(X)
    for i in np.flatnonzero(found.heights > 1e-3):
        # an exact penalty: its least size is a multiplier, some 1 / height for random data
        lam = -1e6 * rng.uniform(1.0, 2.0, n)
        lam[i] = rng.uniform(1.0, 2.0)
        farthest = rectified.extreme_point(lam)
        np.testing.assert_allclose(farthest.point, found.heights[i] * np.eye(n)[i], atol=1e-6)


def criterion_agrees(is_predicted_free, X, rng):
    """Does a criterion say what sampled neurons and the ends on the axes show?"""
    U = rng.standard_normal((X.shape[1], 3000))
    Z = np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0)
    sampled = np.max(np.linalg.norm(np.linalg.pinv(X) @ Z, axis=0))
    largest = max(float(sampled), float(np.max(spikes(X).gauges)))
    return is_predicted_free(X) == (largest <= 1 + 1e-9)


def random_rows(seed):
    """Sample independent rows, half of the time with an inverse Gram matrix without positive entries."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    if seed % 2:
        return rng.standard_normal((n, n + int(rng.integers(0, 3)))), rng
    off = rng.uniform(0.0, 1.0, (n, n))
    H = np.diag(n + off.sum(axis=1) + off.sum(axis=0)) - off - off.T
    root = np.linalg.cholesky(np.linalg.inv(H))
    return root @ np.linalg.qr(rng.standard_normal((n, n))).Q, rng


@given(seed=st.integers(0, 10**6))
def test_spike_freeness_is_read_off_the_inverse_gram_matrix(seed):
    X, rng = random_rows(seed)
    result = spike_freeness(X)
    assert result.largest_gauge.holds
    assert criterion_agrees(lambda X: spike_freeness(X).rho == 0.0, X, rng)
    assert result.is_spike_free == (result.rho == 0.0)


def test_the_gram_matrix_itself_is_the_wrong_criterion():
    """Acute angles between all samples do not prevent spikes from n = 3 on: a planted fault."""
    acute = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [2.0, 1.0, 0.3]])
    assert np.min(acute @ acute.T) > 0
    rng = np.random.default_rng(0)
    assert criterion_agrees(lambda X: spike_freeness(X).rho == 0.0, acute, rng)
    assert not criterion_agrees(lambda X: bool(np.min(X @ X.T) >= 0), acute, rng)


def test_two_samples_are_the_sharp_case():
    """An angle of theta > 90 degrees makes a gauge of 1 / sin(theta)."""
    for theta in np.linspace(0.1, 3.0, 8):
        result = spike_freeness([[1.0, 0.0], [np.cos(theta), np.sin(theta)]])
        assert result.largest_gauge.relation == "equal"
        expected = 1.0 if theta <= np.pi / 2 else 1 / np.sin(theta)
        assert result.largest_gauge.measured == pytest.approx(expected)
        assert result.largest_gauge.holds


def test_dependent_rows_are_outside_the_hypotheses():
    """And the conclusion fails there: the Gram matrix has no inverse, and ends lie off the ellipsoid's plane."""
    X = [[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]
    with pytest.raises(HypothesisError, match="linearly independent"):
        spike_freeness(X)
    assert np.isinf(spikes(X).gauges[spikes(X).heights > 0]).all()


def test_repeated_samples_have_no_end():
    found = spikes([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    np.testing.assert_array_equal(found.heights[[0, 1, 3]], 0.0)
    assert found.heights[2] > 0
    assert found.points.shape == (4, 1)
    assert not found.outside.any()  # its only kink is at the first two, where their ellipsoid meets the axis
