"""Coordinates of the data in its row space, with what the change of coordinates and rounding can cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
# Of the largest: smallest squares of singular values of rows that are independent.
_FAR_FROM_ROUNDING = 1e-10
# Rows up to which it pays to turn any data of more columns; beyond, of a quarter more: it takes the cube of the rows.
_FEW_ROWS, _MORE_COLUMNS = 1000, 1.25
# Rows times squared columns from which a singular value decomposition takes a second.
_MUCH_WORK = 1e9
# Seconds for each entry and dimension, of the decomposition and with squares in place of it.
_SECONDS_A_FACTOR, _SECONDS_A_SQUARE = 4e-9, 3e-10


@short_repr
@dataclass(frozen=True, eq=False)
class RowSpace:
    """The row space of X: ``X u = coordinates @ (basis^T u) + E u`` with a small, measured E.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.

    Attributes
    ----------
    basis : ndarray of shape (d, r)
        Orthonormal columns that span the rows of X; the identity where r = d.
    coordinates : ndarray of shape (n, r)
        The rows of X in that basis.
    row_norms : ndarray of shape (n,)
        ``||x_i||``.
    leaks : ndarray of shape (n,)
        Norms of the rows of ``E = X - coordinates @ basis^T``: dropped singular values and rounding.
    truncation : float
        The largest dropped singular value, or more.
    spectral_norm : float
        An upper bound on the largest singular value of X: as computed, and what rounding can take off it.

    Notes
    -----
    For any lam and any unit vector u, with ``w = basis^T u`` and E's rows e_i,
    ``|lam^T (X u)_+ - lam^T (coordinates w)_+| <= sum_i |lam_i| |e_i^T u| <= sum_i |lam_i| ||e_i||``, because
    the ReLU is 1-Lipschitz. So a bound proved in coordinates, plus that sum, is a bound for X.
    """

    X: Array  # (n, d)
    basis: Array  # (d, r)
    coordinates: Array  # (n, r)
    row_norms: Array  # (n,)
    leaks: Array  # (n,)
    truncation: float
    spectral_norm: float

    def __init__(self, X: Array) -> None:
        basis, truncation, largest = _row_basis(X)
        coordinates = X if basis is None else X @ basis
        basis = np.eye(X.shape[1]) if basis is None else basis
        leaks = (
            np.zeros(X.shape[0]) if coordinates is X else np.linalg.norm(X - coordinates @ basis.T, axis=1)
        )
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "basis", basis)
        object.__setattr__(self, "coordinates", coordinates)
        object.__setattr__(self, "row_norms", np.linalg.norm(X, axis=1))
        object.__setattr__(self, "leaks", leaks)
        object.__setattr__(
            self, "truncation", float(np.linalg.norm(leaks)) if truncation is None else truncation
        )
        # the singular value decomposition is backward stable: within a modest multiple of (n + d) eps ||X||_2
        object.__setattr__(self, "spectral_norm", largest * (1 + 16 * sum(X.shape) * _EPS))

    @property
    def rank(self) -> int:
        """Return r."""
        return int(self.basis.shape[1])

    def allowance(self, lam: Array) -> float:
        """Return what to add to an upper bound on ``phi(lam)`` computed in coordinates to make it hold for X.

        Besides the leaks, this covers float64: a sum of n terms ``lam_i x_i^T u``, each a sum of d products,
        accumulated in any order, is off by at most ``(n + d) eps sum |lam_i| ||x_i||`` to first order. A
        sweep adds and removes every row once (2n steps over partial sums of up to twice that size), and the
        basis is orthonormal to a few d eps: ``8 n + 16 d + 64`` covers these together.
        """
        weights = np.abs(lam)
        return float(weights @ self.leaks + relative_rounding(self.X) * (weights @ self.row_norms))

    @property
    def errors(self) -> Array:
        """Return what the rows of X differ by at most in coordinates: leaks and rounding, as in `allowance`."""
        return np.asarray(self.leaks + relative_rounding(self.X) * self.row_norms)

    def planar(self) -> Array:
        """Return the coordinates as rows of the plane, shape (n, 2), zero in what a rank below 2 lacks.

        Raises
        ------
        ValueError
            If the rank exceeds 2.
        """
        if self.rank > 2:
            raise ValueError(f"X must have rank <= 2 for the angular sweep; its rank is {self.rank}")
        return np.pad(self.coordinates, ((0, 0), (0, 2 - self.rank)))

    def lift(self, W: Array) -> Array:
        """Return unit vectors of R^d, shape (d, k), for non-zero coordinate vectors of shape (r, k)."""
        U = self.basis @ W
        units: Array = U / np.linalg.norm(U, axis=0)
        return units


def is_wide(X: Array) -> bool:
    """Return whether X has more columns than rows, by as much as makes coordinates in the row space pay."""
    n, d = X.shape
    return bool(d > n and (n <= _FEW_ROWS or d >= _MORE_COLUMNS * n))


def seconds_to_factor(X: Array) -> float:
    """Return about how long it takes to find the row space of X, on one core."""
    a_product = _SECONDS_A_SQUARE if _takes_squares(X) else _SECONDS_A_FACTOR
    return float(a_product * X.size * min(X.shape))


def _takes_squares(X: Array) -> bool:
    """Return whether X has so much more work in it than columns that its squares, (d, d), are looked at first."""
    n, d = X.shape
    return bool(n > d and n * d * d > _MUCH_WORK)


def relative_rounding(X: Array) -> float:
    """Return what rounding may change of a product with a row of X in coordinates, over its length: see `RowSpace`."""
    n, d = X.shape
    return float((8 * n + 16 * d + 64) * _EPS)


def _row_basis(X: Array) -> tuple[Array | None, float | None, float]:
    """Return an orthonormal row basis, None for all of R^d, and the largest singular values, dropped and of all.

    That of those dropped is None where leaks tell how large it may be.
    """
    if X.shape[1] > X.shape[0]:
        # Turned rows, X^T = Q R, and their principal axes: 2.5 s at 2000 x 3072, where the decomposition of R takes 4.5
        # in all, that of X 5.6. Squares of singular values tell the rank where they are far from rounding.
        Q, R = np.linalg.qr(X.T)
        levels, axes = np.linalg.eigh(R @ R.T)
        if levels[0] > _FAR_FROM_ROUNDING * levels[-1]:
            return np.ascontiguousarray(Q @ axes[:, ::-1]), 0.0, float(np.sqrt(levels[-1]))
    if _takes_squares(X):
        # Squares of singular values again, where they fall into large ones and rounding: a second for 60,000 x 785
        # numbers, of which the decomposition takes ten.
        squares = X.T @ X
        levels, axes = np.linalg.eigh(squares)
        kept = levels > _FAR_FROM_ROUNDING * levels[-1]
        if np.all(levels[~kept] <= len(levels) * _EPS * levels[-1]):
            # Rounding of the squares, sums of n products each, is at most this: the norm may be larger by as much.
            rounding = sum(X.shape) * _EPS * float(np.trace(squares))
            largest = float(np.sqrt(levels[-1] + rounding))
            if np.all(kept):
                return None, 0.0, largest
            return np.ascontiguousarray(axes[:, kept][:, ::-1]), None, largest
    _, singular, Vt = np.linalg.svd(X, full_matrices=False)
    largest = float(singular[0])
    if largest == 0.0:
        return np.zeros((X.shape[1], 0)), 0.0, 0.0
    rank = int(np.count_nonzero(singular > largest * max(X.shape) * _EPS))
    if rank == X.shape[1]:
        return None, 0.0, largest
    dropped = float(singular[rank]) if rank < len(singular) else 0.0
    return np.ascontiguousarray(Vt[:rank].T), dropped, largest
