"""The points of polyhedra that are nearest to the origin."""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from cvxnn.validation import Array

# Least-squares residuals up to this fraction of the right side count as rounding.
_CONSISTENT = 1e-9
# Inequalities may be exceeded by this fraction of the rows' and the start's lengths: kinks are zero to rounding only.
_TOUCHING = 1e-12


def least_distance(G: Array, h: Array, *, longest: float = 1e6) -> tuple[Array, Array] | None:
    """Return the shortest v with ``G v >= h`` and its multipliers z, ``v = G^T z``; None where there is none.

    Least distance programming by one non-negative least-squares problem: the residual r of ``min ||E z - e||`` over
    z >= 0, with ``E = (G^T; h^T)`` and e the last unit vector, is zero exactly where the constraints contradict each
    other; else ``r_{d+1} = ||r||^2 = 1 / (1 + ||v||^2)`` and ``v = -(r_1, ..., r_d) / r_{d+1}``.

    Parameters
    ----------
    G : ndarray of shape (k, d)
        Rows.
    h : ndarray of shape (k,)
        Their right side.
    longest : float, default 1e6
        Solutions about as long as this and longer count as none: rounding has 1e8 where numbers are of order one.

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23, algorithm LDP.

    Examples
    --------
    >>> v, z = least_distance(np.array([[1.0, 0.0], [1.0, 1.0]]), np.array([1.0, 3.0]))
    >>> v.round(12), z.round(12)
    (array([1.5, 1.5]), array([0. , 1.5]))
    >>> least_distance(np.array([[1.0], [-1.0]]), np.array([1.0, 1.0])) is None
    True
    """
    E = np.vstack([G.T, h])
    target = np.append(np.zeros(G.shape[1]), 1.0)
    z = nnls(E, target, maxiter=100 * max(G.shape))[0]
    residual = target - E @ z
    square = float(residual @ residual)
    if square * longest**2 <= 1.0:
        return None
    return -residual[:-1] / square, z / square


def least_norm(A: Array, b: Array, B: Array | None = None) -> Array:
    """Return the shortest u with ``A u = b`` and ``B u <= 0``; entries are infinite where there is none.

    With u = u_0 + N v, u_0 the shortest solution of the equations and N their null space, v solves the least-distance
    problem ``min ||v||, G v >= h`` (`least_distance`).

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
    G, h = -rows @ right[rank:].T, rows @ (start / length) - _TOUCHING
    found = least_distance(G, h)
    if found is None or np.any(G @ found[0] < h - _CONSISTENT * max(1.0, float(np.linalg.norm(found[0])))):
        return nowhere
    return np.asarray(start + length * (right[rank:].T @ found[0]))
