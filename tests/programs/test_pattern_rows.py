"""Products with masks stored pattern by pattern: those of the plain definition, whatever the tiles."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.linear_maps import MaskedMap
from cvxnn.programs import pattern_rows
from cvxnn.programs.pattern_rows import PatternRows
from cvxnn.testing import samplers

# Products of up to 3000 terms in another order.
ROUNDING = 1e-11
shapes = pytest.mark.parametrize(
    ("n", "d", "B"), [(1, 1, 1), (7, 3, 5), (3, 6, 40), (200, 10, 500), (1025, 2, 70), (3000, 4, 33)]
)


def sample(n, d, B):
    rng = np.random.default_rng(n + B)
    masks = rng.random((n, B)) < 0.5
    X = samplers.off_origin(rng, n, d)
    return PatternRows(X, np.ascontiguousarray(masks.T)), MaskedMap(X, masks, np.ones(B)), rng


@shapes
@pytest.mark.parametrize("entries", [1, 64, 1 << 15])
def test_products_are_those_of_the_plain_map(n, d, B, entries, monkeypatch):
    if entries < 100 and n * B > 5000:
        pytest.skip("a tile an entry takes long on large arrays")
    monkeypatch.setattr(pattern_rows, "_TILE_ENTRIES", entries)
    monkeypatch.setattr(pattern_rows, "_TILE_ROWS", min(entries, 1024))
    ours, plain, rng = sample(n, d, B)
    W, lam = rng.standard_normal((d, B)), rng.standard_normal(n)
    W[:, rng.random(B) < 0.5] = 0.0
    np.testing.assert_allclose(ours.forward(W), plain.forward(W), rtol=0, atol=ROUNDING * B)
    np.testing.assert_allclose(ours.adjoint(lam), plain.adjoint(lam), rtol=0, atol=ROUNDING * n)
    blocks = rng.integers(0, B, 12)
    U = rng.standard_normal((d, 12))
    expected = (ours.X @ U) * ours.rows[blocks].T
    np.testing.assert_allclose(ours.images(blocks, U), expected, rtol=0, atol=ROUNDING)


def test_zero_blocks_and_no_blocks():
    ours, _, _ = sample(7, 3, 5)
    assert np.array_equal(ours.forward(np.zeros((3, 5))), np.zeros(7))
    assert ours.images(np.zeros(0, dtype=np.intp), np.zeros((3, 0))).shape == (7, 0)


def test_numbers_that_are_not_finite_are_not_hidden():
    ours, _, _ = sample(7, 3, 5)
    assert np.isnan(ours.forward(np.full((3, 5), np.nan))).any()
    assert np.isnan(ours.adjoint(np.full(7, np.nan))).all()


@shapes
def test_norm_bounds_are_above_the_norms_and_below_both_simple_ones(n, d, B):
    ours, _, _ = sample(n, d, B)
    bounds = ours.norm_bounds()
    for row, bound in zip(ours.rows, bounds, strict=True):
        masked = ours.X * row[:, None]
        assert np.linalg.norm(masked, 2) <= bound * (1 + 1e-12)
        simple = min(np.linalg.norm(masked), np.linalg.norm(ours.X, 2))
        assert bound == pytest.approx(simple, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scales(scale):
    ours, plain, rng = sample(50, 4, 30)
    scaled = PatternRows(scale * ours.X, ours.rows)
    lam = rng.standard_normal(50)
    np.testing.assert_allclose(scaled.adjoint(lam), scale * plain.adjoint(lam), rtol=1e-10, atol=0)
    np.testing.assert_allclose(scaled.norm_bounds(), scale * ours.norm_bounds(), rtol=1e-12)
