"""The shortest neuron with given pre-activations: a least-distance problem."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from cvxnn.validation import Array

# Least-squares residuals up to this fraction of the right side count as rounding.
_CONSISTENT = 1e-9
# Inequalities may be exceeded by this fraction of the rows' and the start's lengths: kinks are zero to rounding only.
_TOUCHING = 1e-12
# 1 / (1 + ||v||^2) of the scaled problem: below this a solution would be a million times longer than its start.
_FEASIBLE = 1e-12


def least_norm(A: Array, b: Array, B: Array | None = None) -> Array:
    """Return the shortest u with ``A u = b`` and ``B u <= 0``; entries are infinite where there is none.

    With u = u_0 + N v, u_0 the shortest solution of the equations and N their null space, v solves the least-distance
    problem ``min ||v||, G v >= h``; its dual is one non-negative least-squares problem, whose residual is zero exactly
    where the constraints contradict each other.

    Parameters
    ----------
    A : ndarray of shape (k, d)
        Rows of the equations.
    b : ndarray of shape (k,)
        Their right side.
    B : ndarray of shape (l, d), optional
        Rows of the inequalities.

    Returns
    -------
    ndarray of shape (d,)

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23, problem LDP.

    Examples
    --------
    >>> least_norm(np.array([[1.0, 0.0]]), np.array([2.0]), np.array([[-1.0, -1.0], [1.0, 1.0]])).round(12)
    array([ 2., -2.])
    >>> least_norm(np.array([[1.0, 0.0]]), np.array([2.0]), np.array([[1.0, 0.0]]))
    array([inf, inf])
    """
    left, singular, right = np.linalg.svd(A, full_matrices=True)
    rank = int(np.count_nonzero(singular > max(A.shape) * np.finfo(np.float64).eps * singular[0]))
    start: Array = right[:rank].T @ ((left[:, :rank].T @ b) / singular[:rank])
    length = float(np.linalg.norm(start))
    nowhere = np.full(A.shape[1], np.inf)
    if np.linalg.norm(A @ start - b) > _CONSISTENT * np.linalg.norm(b):
        return nowhere
    norms = np.zeros(0) if B is None else np.linalg.norm(B, axis=1)
    if B is None or length == 0 or not norms.any():
        return start
    rows = B[norms > 0] / norms[norms > 0, None]
    moved = _least_distance(-rows @ right[rank:].T, rows @ (start / length) - _TOUCHING)
    return nowhere if moved is None else np.asarray(start + length * (right[rank:].T @ moved))


def _least_distance(G: Array, h: Array) -> Array | None:
    """Return the shortest v with ``G v >= h``, None where there is none."""
    E = np.vstack([G.T, h])
    target = np.append(np.zeros(G.shape[1]), 1.0)
    residual = target - E @ nnls(E, target)[0]
    if residual[-1] < _FEASIBLE:
        return None
    v: Array = -residual[:-1] / residual[-1]
    return v if np.all(G @ v >= h - _CONSISTENT * max(1.0, float(np.linalg.norm(v)))) else None
