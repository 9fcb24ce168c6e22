"""The subspaces on which rows vanish."""

from __future__ import annotations

import numpy as np

from cvxnn.cones.lengths import lengths_and_units
from cvxnn.validation import Array


def null_space(rows: Array, tol: float = 1e-10) -> Array:
    """Return an orthonormal basis of the vectors orthogonal to rows, shape (d, k).

    Parameters
    ----------
    rows : ndarray of shape (r, d)
        Of any lengths, zero too; r may be 0.
    tol : float, default 1e-10
        Rows are dependent where singular values of the unit rows are up to this fraction of the largest.

    Examples
    --------
    >>> abs(null_space(np.array([[2.0, 0.0, 0.0], [1e-9, 1e-9, 0.0]]))).round(12)
    array([[0.],
           [0.],
           [1.]])
    """
    if len(rows) == 0:
        return np.eye(rows.shape[1])
    _, singular, right = np.linalg.svd(lengths_and_units(rows)[1])
    basis: Array = right[int(np.count_nonzero(singular > tol * singular[0])) :].T
    return basis


def row_span(rows: Array, tol: float = 1e-10) -> Array:
    """Return an orthonormal basis of the span of rows, shape (d, k): the complement of their `null_space`.

    It takes min(r, d) d numbers, where a null space of few rows takes nearly d^2.

    Parameters
    ----------
    rows, tol
        As of `null_space`.

    Examples
    --------
    >>> abs(row_span(np.array([[2.0, 0.0, 0.0], [1.0, 0.0, 0.0]]))).round(12)
    array([[1.],
           [0.],
           [0.]])
    """
    if len(rows) == 0:
        return np.zeros((rows.shape[1], 0))
    _, singular, right = np.linalg.svd(lengths_and_units(rows)[1], full_matrices=False)
    # A copy, since a view would keep all singular vectors.
    basis: Array = right[: int(np.count_nonzero(singular > tol * singular[0]))].T.copy()
    return basis
