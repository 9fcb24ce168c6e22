"""The arcs of planar rows: boundaries, sums and middles against products with the rows themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.cones import Arcs, on_circle


def rows(seed):
    """Return planar rows, some zero, some parallel or opposite, of any lengths."""
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((int(rng.integers(1, 12)), 2)) * 10.0 ** rng.integers(-9, 9)
    doubled = points[rng.integers(len(points), size=3)] * rng.choice([-2.0, 0.0, 0.5], size=(3, 1))
    return np.concatenate([points, doubled])


@given(seed=st.integers(0, 10**6))
def test_sums_are_over_the_rows_that_the_middle_sees(seed):
    points = rows(seed)
    arcs, terms = Arcs(points), np.random.default_rng(seed).standard_normal((len(points), 2))
    wide = arcs.widths > 1e-12  # the middle of an arc of rounding's width is on neither side of its ends
    expected = (points @ arcs.middles > 0).T.astype(float) @ terms
    np.testing.assert_allclose(arcs.sums(terms)[wide], expected[wide], atol=1e-13)
    np.testing.assert_allclose(arcs.sums(terms[:, 0])[wide], expected[wide, 0], atol=1e-13)


@given(seed=st.integers(0, 10**6))
def test_boundaries_are_where_products_vanish_and_arcs_fill_the_circle(seed):
    points = rows(seed)
    arcs = Arcs(points)
    norms = np.linalg.norm(points[arcs.events], axis=1)
    products = np.sum(points[arcs.events] * arcs.starts.T, axis=1)
    assert np.max(np.abs(products) / norms, initial=0.0) <= 4e-15  # two roundings of angles up to 2 pi
    m = np.count_nonzero(np.any(points != 0, axis=1))
    assert len(arcs.angles) == 2 * m
    assert np.all(arcs.widths >= 0)
    assert np.sum(arcs.widths) == pytest.approx(2 * np.pi if m else 0.0)
    once, again = (
        sorted(zip(arcs.events[half], arcs.steps[half], strict=True)) for half in (slice(m), slice(m, None))
    )
    assert once == [(row, -step) for row, step in again]  # opposite changes in opposite halves


def test_arcs_contain_their_middles_and_ends_and_not_the_opposite():
    arcs = Arcs(np.array([[1.0, 0.0], [1.0, 1.0], [0.0, -2.0]]))
    middles = arcs.angles + 0.5 * arcs.widths
    assert np.all(arcs.contain(middles))
    assert np.all(arcs.contain(arcs.angles))
    assert not np.any(arcs.contain(middles + np.pi))
    np.testing.assert_allclose(on_circle(middles), arcs.middles)


@pytest.mark.parametrize("angle", [-np.pi, -np.pi / 2, np.pi / 2, np.pi, np.nextafter(-np.pi / 2, -2), 0.0])
def test_rows_along_the_axes_have_a_boundary_in_each_half(angle):
    points = np.array([[np.cos(angle), np.sin(angle)], [0.6, 0.8]])
    arcs = Arcs(points)
    np.testing.assert_array_equal(arcs.sums(np.array([1.0, 2.0])), (points @ arcs.middles > 0).T @ [1.0, 2.0])
