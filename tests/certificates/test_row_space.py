"""Coordinates of much data, by squares of singular values, are those of the decomposition."""

import numpy as np
import pytest

from cvxnn.certificates import row_space as module
from cvxnn.certificates.row_space import RowSpace


def low_rank(rng, n, d, rank):
    return rng.standard_normal((n, rank)) @ rng.standard_normal((rank, d))


@pytest.mark.parametrize("rank", [1, 3, 6])
def test_squares_find_the_same_space_with_as_little_left_out(rank, monkeypatch):
    X = low_rank(np.random.default_rng(rank), 40, 6, rank)
    X[:, 2] *= 1e-3
    exact = RowSpace(X)
    monkeypatch.setattr(module, "_MUCH_WORK", 0.0)
    quick = RowSpace(X)
    assert quick.rank == exact.rank == rank
    np.testing.assert_allclose(quick.basis @ quick.basis.T, exact.basis @ exact.basis.T, atol=1e-9)
    np.testing.assert_allclose(quick.spectral_norm, exact.spectral_norm, rtol=1e-12)
    # Eigenvectors of squares are good to rounding over the gap of squares: some digits of the leaks.
    assert np.max(quick.leaks) <= 1e-9 * exact.spectral_norm
    assert quick.truncation >= np.linalg.norm(X - quick.coordinates @ quick.basis.T, 2)


def test_where_squares_leave_the_rank_open_the_decomposition_tells_it(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3)) * np.array([1.0, 1.0, 1e-7])
    monkeypatch.setattr(module, "_MUCH_WORK", 0.0)
    assert RowSpace(X).rank == 3


def test_wide_data_of_dependent_rows_form_no_squares_of_their_columns(monkeypatch):
    X = low_rank(np.random.default_rng(0), 6, 40, 3)
    monkeypatch.setattr(module, "_MUCH_WORK", 0.0)
    plain, orders = np.linalg.eigh, []
    monkeypatch.setattr(np.linalg, "eigh", lambda squares: orders.append(len(squares)) or plain(squares))
    assert RowSpace(X).rank == 3
    assert max(orders) <= 6
