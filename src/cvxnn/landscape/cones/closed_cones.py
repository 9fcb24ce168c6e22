"""Which neurons lie in one closed cone of the data's arrangement, and the groups that can be added up.

The rule for faces, in one place: a neuron on the face shared by several cones belongs to every closed cone that
contains it. So two neurons share a closed cone exactly when no sample lies strictly on the positive side of one and
strictly on the negative side of the other; and neurons of which every two share one, share one all together, and
their sum lies in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import ON_KINK, kink_signs
from cvxnn.validation import Array

# Digits to which output directions are compared, as `ReLUNetwork.merge` does.
_DIGITS = 12


def opposed(first: NDArray[np.int8], second: NDArray[np.int8]) -> NDArray[np.bool_]:
    """Return which columns of two sign matrices, (n, m) and (n, k), are strictly opposite on some sample: (m, k)."""
    # Counts of samples; float32 holds them exactly up to 2^24, and BLAS multiplies no integers.
    up, down = (first > 0).astype(np.float32), (first < 0).astype(np.float32)
    counts = up.T @ (second < 0).astype(np.float32) + down.T @ (second > 0).astype(np.float32)
    return np.asarray(counts > 0)


def same_output(signs: Array) -> NDArray[np.bool_]:
    """Return which neurons have one output sign, or one unit output direction (to 1e-12), (m, m)."""
    rows = np.round(signs.reshape(len(signs), int(np.prod(signs.shape[1:]))), _DIGITS) + 0.0
    _, kind = np.unique(rows, axis=0, return_inverse=True)
    return np.asarray(kind.ravel()[:, None] == kind.ravel())


def share_cone(X: Array, hidden: Array, signs: Array, kink_tol: float = ON_KINK) -> NDArray[np.bool_]:
    """Return which pairs of neurons lie in one closed cone with one output sign or direction, shape (m, m).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    hidden : ndarray of shape (d, m)
        Neurons, or their blocks.
    signs : ndarray of shape (m,) or (m, C)
        Output signs, or unit output directions.
    kink_tol : float, default 1e-9
        As for `kink_signs`.

    Examples
    --------
    The second neuron lies on the face between the cones of the first and the third:

    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> share_cone(X, np.array([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0]]), np.ones(3)).astype(int)
    array([[1, 1, 0],
           [1, 1, 1],
           [0, 1, 1]])
    """
    sides = kink_signs(X, hidden, kink_tol)
    return np.asarray(~opposed(sides, sides) & same_output(signs))


def groups_of(related: NDArray[np.bool_]) -> list[NDArray[np.intp]]:
    """Split 0, ..., m - 1 into groups in which every two are related: each joins the first group that takes it.

    Where any two are related, some group has two members or more.
    """
    m = len(related)
    group, takes = np.zeros(m, dtype=np.intp), np.zeros((m, m), dtype=np.bool_)
    n_groups = 0
    for j in range(m):
        fits = np.flatnonzero(takes[:n_groups, j])
        if fits.size:
            group[j] = fits[0]
            takes[fits[0]] &= related[j]
        else:
            group[j], takes[n_groups] = n_groups, related[j]
            n_groups += 1
    return [np.flatnonzero(group == g) for g in range(n_groups)]


def add_up(blocks: Array, groups: list[NDArray[np.intp]]) -> Array:
    """Return blocks (d, m) in which the first of each group holds the group's sum and the others are zero."""
    total = np.array(blocks)
    for group in groups:
        total[:, group] = 0.0
        total[:, group[0]] = blocks[:, group].sum(axis=1)
    return total
