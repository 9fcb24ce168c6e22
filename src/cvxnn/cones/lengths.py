"""Rows of data as lengths and unit vectors, at any scale."""

from __future__ import annotations

import numpy as np

from cvxnn.validation import Array


def lengths_and_units(X: Array) -> tuple[Array, Array]:
    """Return the lengths of rows and the rows over them; a zero row stays. No length over- or underflows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.

    Returns
    -------
    lengths : ndarray of shape (n,)
    units : ndarray of shape (n, d)

    Examples
    --------
    >>> lengths, units = lengths_and_units(np.array([[3e200, 4e200], [0.0, 0.0]]))
    >>> units.round(12).tolist()
    [[0.6, 0.8], [0.0, 0.0]]
    """
    # Squares of 1e200 overflow and those of 1e-200 vanish: a power of 2 brings every row's largest entry near 1 first.
    power = np.frexp(np.max(np.abs(X), axis=1, keepdims=True, initial=0.0))[1]
    units = np.ldexp(X, -power)
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    return np.ldexp(lengths, power)[:, 0], np.asarray(units / np.where(lengths > 0, lengths, 1.0))
