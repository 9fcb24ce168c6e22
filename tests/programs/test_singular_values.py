"""Shrinking singular values: the proximal map of the nuclear norm, and its Jacobian."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.programs.singular_values import (
    ShrinkJacobian,
    balanced_factors,
    frobenius_norms,
    shrink,
    spectral_norms,
)

seeds = st.integers(0, 2**32 - 1)
shapes = pytest.mark.parametrize("shape", [(1, 4), (4, 1), (2, 5), (5, 2), (3, 3)], ids=str)


def sample(seed, shape, k=6):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((k, *shape)) * rng.uniform(0.2, 2.0, (k, 1, 1)), rng


def nuclear(matrices):
    return float(np.sum(np.linalg.svd(matrices, compute_uv=False)))


@shapes
@given(seed=seeds)
def test_shrinking_minimises_its_problem(shape, seed):
    """The subgradient: what is taken off has spectral norm <= threshold and inner product threshold ||Z||_*."""
    V, _ = sample(seed, shape)
    Z = shrink(V, 0.8)
    rest = V - Z
    assert np.all(np.linalg.svd(rest, compute_uv=False) <= 0.8 * (1 + 1e-12))
    for one, left in zip(Z, rest, strict=True):
        # Rounding of products of a few numbers of size one.
        assert float(np.sum(one * left)) == pytest.approx(0.8 * nuclear(one[None]), abs=1e-12)


@shapes
@given(seed=seeds, scale=st.sampled_from([1e-160, 1.0, 1e160]))
def test_balanced_factors_add_up_to_the_matrices_at_any_size(shape, seed, scale):
    V, _ = sample(seed, shape)
    V[2] = 0.0
    owners, left, right = balanced_factors(scale * V)
    assert np.array_equal(owners, np.repeat([0, 1, 3, 4, 5], min(shape)))
    total = np.zeros_like(V)
    np.add.at(total, owners, (left / scale**0.5)[:, :, None] * (right / scale**0.5)[:, None, :])
    # Rounding of a few products of numbers of size one.
    np.testing.assert_allclose(total, V, rtol=0, atol=1e-13)
    sizes = [np.linalg.norm(factors, axis=1) for factors in (left, right)]
    np.testing.assert_allclose(*sizes, rtol=1e-12)
    assert float(np.sum((sizes[0] / scale**0.5) ** 2)) == pytest.approx(nuclear(V), rel=1e-12)
    if shape[0] == 1:
        assert np.all(left > 0)


@shapes
@given(seed=seeds)
def test_spectral_norms_are_bounds_and_exact_above_the_floor(shape, seed):
    V, _ = sample(seed, shape)
    exact = np.linalg.svd(V, compute_uv=False)[:, 0]
    for floor in (0.0, 1.0, 1e9):
        found = spectral_norms(V, floor)
        assert np.all(found >= exact * (1 - 1e-12))
        above = found > floor
        np.testing.assert_allclose(found[above], exact[above], rtol=1e-12)
    np.testing.assert_array_equal(spectral_norms(V, 1e9), frobenius_norms(V))


@shapes
@given(seed=seeds)
def test_the_jacobian_is_the_derivative(shape, seed):
    V, rng = sample(seed, shape)
    values = np.linalg.svd(V, compute_uv=False)
    if np.min(np.abs(values - 0.8)) < 1e-2 or (values.shape[1] > 1 and np.min(-np.diff(values)) < 1e-2):
        return  # near a kink, or where singular vectors turn fast, differences see the next term
    H, step = rng.standard_normal(V.shape), 1e-6
    differences = (shrink(V + step * H, 0.8) - shrink(V - step * H, 0.8)) / (2 * step)
    jacobian = ShrinkJacobian.at(V, 0.8)
    product = np.zeros_like(V)
    product[jacobian.used] = jacobian.times(H[jacobian.used])
    # Second derivatives are up to the inverse squared distance from a kink: 1e4 * 1e-12, and rounding 1e-16 / 1e-6.
    np.testing.assert_allclose(product, differences, rtol=0, atol=1e-6)


@shapes
@given(seed=seeds)
def test_eigenvectors_are_orthonormal_and_make_up_the_jacobian(shape, seed):
    V, rng = sample(seed, shape)
    jacobian = ShrinkJacobian.at(V, 0.8)
    owners, vectors, values = jacobian.eigenvectors()
    assert np.all((values > 0) & (values <= 1 + 1e-12))
    H = rng.standard_normal(V.shape)
    total = np.zeros_like(V)
    along = np.einsum("mpq,mpq->m", vectors, H[owners])
    np.add.at(total, owners, (values * along)[:, None, None] * vectors)
    expected = np.zeros_like(V)
    expected[jacobian.used] = jacobian.times(H[jacobian.used])
    np.testing.assert_allclose(total, expected, rtol=0, atol=1e-12)
    for owner in np.unique(owners):
        mine = vectors[owners == owner].reshape(np.sum(owners == owner), -1)
        np.testing.assert_allclose(mine @ mine.T, np.eye(len(mine)), rtol=0, atol=1e-12)


def test_equal_and_zero_singular_values():
    V = np.stack([2.0 * np.eye(3), np.zeros((3, 3)), np.diag([2.0, 0.0, 0.0])])
    jacobian = ShrinkJacobian.at(V, 1.0)
    assert jacobian.used.tolist() == [0, 2]
    assert np.all(np.isfinite(jacobian.weights))
    H = np.arange(9.0).reshape(3, 3)
    symmetric = 0.5 * (H + H.T)
    # Of a multiple of the identity: the symmetric part stays, the skew part shrinks by (1 + 1) / (2 + 2).
    np.testing.assert_allclose(
        jacobian.times(np.stack([H, H]))[0], symmetric + 0.5 * (H - symmetric), atol=1e-12
    )


def test_an_empty_batch_and_an_infinite_threshold():
    assert shrink(np.zeros((0, 2, 3)), 1.0).shape == (0, 2, 3)
    assert ShrinkJacobian.at(np.ones((4, 2, 3)), 1e9).used.size == 0
