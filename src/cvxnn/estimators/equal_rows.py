"""Samples that occur more than once are one sample of greater weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnn.linear_maps import row_chunks
from cvxnn.validation import Array

# Problems with weights take dearer steps, which pays where there are at most this many samples for each of before.
_SHARE = 0.5


def merge_equal_rows(X: Array, y: Array, sample_weight: Array | None) -> tuple[Array, Array, Array | None]:
    """Return data in which equal samples are one, with the sum of their weights, in an order of their values.

    The training objective is the same function of the network. With weights that differ, samples without weight are
    left out and the rest is merged; without, only where that at least halves their number. So a sample of weight 2
    is, to the last bit, the same as the sample given twice.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    y : ndarray of shape (n,) or (n, C)
        Targets.
    sample_weight : ndarray of shape (n,), optional
        Weights, >= 0, some of them > 0.

    Returns
    -------
    X, y : ndarray
        The samples that are left.
    sample_weight : ndarray or None
        Their weights; None where all are 1.

    Examples
    --------
    >>> import numpy as np
    >>> merge_equal_rows(np.array([[2.0], [1.0], [1.0]]), np.zeros(3), np.array([2.0, 1.0, 3.0]))
    (array([[1.],
           [2.]]), array([0., 0.]), array([4., 2.]))
    """
    plain = sample_weight is None or bool(np.all(sample_weight == 1.0))
    most = _SHARE * len(X)
    if plain and len(np.unique(_keys(X, y.reshape(len(X), -1)))) > most:
        return X, y, None
    weights = np.ones(len(X)) if sample_weight is None else sample_weight
    used = weights > 0
    rows = np.hstack([X, y.reshape(len(X), -1)])[used] + 0.0  # -0.0 is 0.0
    _, first, group = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    if plain and len(first) > most:
        return X, y, None
    kept = np.flatnonzero(used)[first]
    merged: Array = np.bincount(group.ravel(), weights[used]).astype(np.float64)
    return X[kept], y[kept], merged


def _keys(X: Array, Y: Array) -> NDArray[np.uint64]:
    """Return a number for each sample, equal for equal ones, and for others at odds of 2^-57 or less.

    0.02 s on 10,000 images of 784 pixels, where a look at every column takes 1.3.
    """
    keys, rng = np.zeros(len(X), dtype=np.uint64), np.random.default_rng(64)
    for values in (X, Y):
        factors = rng.integers(0, 2**64, size=values.shape[1], dtype=np.uint64) | np.uint64(1)
        for rows in row_chunks(len(values), values.shape[1]):
            # -0.0 is 0.0
            keys[rows] += np.ascontiguousarray(values[rows] + 0.0).view(np.uint64) @ factors
    return keys
