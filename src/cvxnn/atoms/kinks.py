"""Which samples a neuron's kink goes through: one convention, in one place."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cvxnn.linear_maps import row_chunks
from cvxnn.names import keep_old_arguments
from cvxnn.validation import Array

# Samples with |x_i^T u| up to this fraction of ||x_i|| ||u|| are on the kink of u: the convex programs leave 1e-13, and
# a neuron that is only near a kink is much farther off.
ON_KINK = 1e-9


@keep_old_arguments(tol="kink_tol")
def kink_signs(X: Array, hidden: Array, kink_tol: float = ON_KINK) -> NDArray[np.int8]:
    """Return the signs of ``x_i^T u_j``, zero where ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||``.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    hidden : ndarray of shape (d, m)
        Neurons.
    kink_tol : float, default 1e-9
        What counts as on the kink; the solvers leave about 1e-13.

    Returns
    -------
    int8 ndarray of shape (n, m)
        -1, 0 or +1.

    Examples
    --------
    >>> kink_signs(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[2.0], [0.0]])).ravel()
    array([1, 0], dtype=int8)
    """
    signs = np.empty((X.shape[0], hidden.shape[1]), dtype=np.int8)
    for rows, Z, size in _margins(X, hidden):
        signs[rows] = np.where(np.abs(Z) > kink_tol * size, np.sign(Z), 0.0)
    return signs


@keep_old_arguments(tol="kink_tol")
def find_kinks(X: Array, hidden: Array, kink_tol: float = ON_KINK) -> NDArray[np.bool_]:
    """Return which samples are on the kink of which neurons, ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||``, shape (n, m).

    Zero neurons are on the kink of every sample, and every neuron on that of a zero sample.

    Parameters
    ----------
    X, hidden, kink_tol
        As of `kink_signs`.
    """
    kinks = np.empty((X.shape[0], hidden.shape[1]), dtype=np.bool_)
    for rows, Z, size in _margins(X, hidden):
        np.logical_not(np.abs(Z, out=Z) > kink_tol * size, out=kinks[rows])
    return kinks


def _margins(X: Array, hidden: Array) -> Iterator[tuple[slice, Array, Array]]:
    """Yield slices of rows with ``x_i^T u_j`` and ``||x_i|| ||u_j||``: no array of n x m numbers is made."""
    norms, lengths = np.linalg.norm(X, axis=1), np.linalg.norm(hidden, axis=0)
    for rows in row_chunks(X.shape[0], hidden.shape[1]):
        yield rows, X[rows] @ hidden, norms[rows, None] * lengths
