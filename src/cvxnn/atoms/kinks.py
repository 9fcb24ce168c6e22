"""Which samples a neuron's kink goes through: one convention, in one place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    Z = X @ hidden
    size = np.linalg.norm(X, axis=1)[:, None] * np.linalg.norm(hidden, axis=0)
    return np.where(np.abs(Z) > kink_tol * size, np.sign(Z), 0.0).astype(np.int8)


@keep_old_arguments(tol="kink_tol")
def find_kinks(X: Array, hidden: Array, kink_tol: float = ON_KINK) -> NDArray[np.bool_]:
    """Return which samples are on the kink of which neurons, ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||``, shape (n, m).

    Zero neurons are on the kink of every sample, and every neuron on that of a zero sample.

    Parameters
    ----------
    X, hidden, kink_tol
        As of `kink_signs`.
    """
    return np.asarray(kink_signs(X, hidden, kink_tol) == 0)
