"""The sweep of the circle: no arc too thin, no tie lost."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.oracles.planar_sweep import PlanarSweep


@given(st.integers(0, 10_000))
def test_each_direction_has_the_sum_of_its_arc_or_ray(seed):
    # integers below 8: products with rays are exact, and arcs are far wider than rounding
    rng = np.random.default_rng(seed)
    P, lam = rng.integers(-7, 8, (8, 2)).astype(float), rng.standard_normal(8)
    sweep = PlanarSweep(P)
    for directions, sums in zip((sweep.arcs, sweep.rays), sweep.sums(lam), strict=True):
        np.testing.assert_allclose(lam @ (P @ directions >= 0), sums, atol=1e-12)


@pytest.mark.parametrize(("offset", "spacing"), [(1e4, 1e-3), (1e5, 1.0), (1e9, 1.0), (1.7e9, 60.0)])
@pytest.mark.parametrize("side", [1.0, -1.0])
def test_thin_arcs_have_directions_of_their_own(offset, spacing, side):
    P = np.column_stack([side * (offset + spacing * np.arange(9)), np.ones(9)])
    sweep, lam = PlanarSweep(P), 2.0 ** np.arange(9)  # a sum tells the pattern
    assert sweep.arcs.shape == (2, 18)
    np.testing.assert_array_equal(lam @ (P @ sweep.arcs >= 0), sweep.sums(lam)[0])


def test_arcs_below_the_resolution_of_angles_are_told_apart():
    # neighbours in float64, near pi: 16 arcs, none of which arctan2 sees
    x = -1e17 - 16.0 * np.arange(8)
    sweep = PlanarSweep(np.column_stack([x, np.ones(8)]))
    lam = 2.0 ** np.arange(8)
    # -x/y increases with the angle: the sweep takes samples one by one
    order = np.argsort([Fraction(-a) for a in x])
    np.testing.assert_array_equal(sweep.sums(lam)[0][:8], np.cumsum(lam[order]))
    # exactly parallel rows stay one
    assert PlanarSweep(np.array([[0.1, 0.3], [0.2, 0.6], [-0.4, -1.2]])).arcs.shape == (2, 2)


def test_opposite_rows_are_both_active_on_the_ray_between():
    sweep = PlanarSweep(np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    arcs, rays = sweep.sums(np.array([1.0, 2.0, 4.0, 8.0]))
    assert sorted(arcs.tolist()) == [9.0, 10.0, 13.0, 14.0]
    assert sorted(rays.tolist()) == [11.0, 15.0]
