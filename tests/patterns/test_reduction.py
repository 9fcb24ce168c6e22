"""Reduction to distinct lines in the row space."""

import numpy as np
import pytest

from cvxnn.patterns.reduction import reduce_rows


def assert_reduces(X, *, rank, n_lines):
    reduced = reduce_rows(X)
    assert (reduced.rank, reduced.n_lines) == (rank, n_lines)
    points = np.random.default_rng(0).normal(size=(50, rank))
    signs = points @ reduced.normals.T > 0
    # Random points stay off the hyperplanes by far more than rounding.
    np.testing.assert_array_equal(reduced.lift(signs), (X @ (reduced.gate_map @ points.T) >= 0).T)
    return reduced


def test_parallel_opposite_and_zero_rows_fold():
    X = np.array([[0.1, 0.2, 0.3], [-0.3, -0.6, -0.9], [0, 0, 0], [0.7, 1.4, 2.1], [1, 0, 0]])
    reduced = assert_reduces(X, rank=2, n_lines=2)
    np.testing.assert_array_equal(reduced.line, [0, 0, -1, 0, 1])
    np.testing.assert_array_equal(reduced.orientation[[0, 1, 3, 4]], [True, False, True, True])


@pytest.mark.parametrize("rank", [1, 2, 3, 5])
def test_rank_is_that_of_the_factors(rank):
    rng = np.random.default_rng(rank)
    X = rng.normal(size=(30, rank)) @ rng.normal(size=(rank, 7))
    assert_reduces(X, rank=rank, n_lines=1 if rank == 1 else 30)


def test_gates_lie_in_the_row_space():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2)) @ (rng.normal(size=(2, 5)) * [1e-4, 1, 1, 1, 1e4])
    gate_map = reduce_rows(X).gate_map
    outside = gate_map - np.linalg.pinv(X) @ (X @ gate_map)
    # The column scales spread over 1e8, which is the relative rounding of the pseudo-inverse used to check.
    assert np.linalg.norm(outside) <= 1e-7 * np.linalg.norm(gate_map)


def test_isotropic_position_separates_rows_with_a_large_offset():
    X = np.c_[np.random.default_rng(0).normal(size=(40, 2)) + 1e6, np.ones(40)]
    reduced = assert_reduces(X, rank=3, n_lines=40)
    gram = reduced.normals.T @ reduced.normals
    # Three rounds of whitening leave the eigenvalues within a factor of two of k / r.
    assert np.linalg.eigvalsh(gram) == pytest.approx(40 / 3, rel=0.5)


def test_rows_of_any_scale_reduce_alike():
    X = np.random.default_rng(0).integers(-2, 3, size=(40, 3)).astype(float)
    scale = 10.0 ** np.random.default_rng(1).uniform(-300, 300, size=(40, 1))
    plain, scaled = reduce_rows(X), reduce_rows(scale * X)
    np.testing.assert_array_equal(plain.line, scaled.line)
    np.testing.assert_array_equal(plain.orientation, scaled.orientation)


def test_zero_data_has_rank_zero():
    reduced = reduce_rows(np.zeros((3, 2)))
    assert (reduced.rank, reduced.n_lines) == (0, 0)
    assert reduced.gate_map.shape == (2, 0)


def test_hopeless_conditioning_is_an_error():
    X = np.c_[np.random.default_rng(0).normal(size=(40, 2)) + 3e10, np.ones(40)]
    with pytest.raises(FloatingPointError, match="X is too ill-conditioned"):
        reduce_rows(X)
