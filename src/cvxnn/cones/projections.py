"""Projection onto one cone ``{u : A u >= 0}``, with the multipliers that prove it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnn.validation import Array

_ROUNDS = 50
# Rows of A that are feasible to this fraction of ||a_i|| ||w|| are not worth another round.
_FEASIBILITY = 1e-11


def cone_multipliers(A: Array, g: Array) -> Array:
    """Return ``argmin over z >= 0 of ||g + A^T z||``, shape (k,): ``g + A^T z`` is the projection of g on the cone.

    Parameters
    ----------
    A : ndarray of shape (k, r)
        Rows of the cone.
    g : ndarray of shape (r,)
        The vector.

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23, algorithm NNLS.

    Examples
    --------
    >>> cone_multipliers(np.eye(2), np.array([3.0, -4.0]))
    array([0., 4.])
    """
    z: Array = nnls(A.T, -g, maxiter=100 * max(A.shape))[0]
    return z


def project_on_cone(A: Array, g: Array, norms: Array) -> tuple[Array, NDArray[np.intp], Array]:
    """Return the projection of g on ``K = {u : A u >= 0}`` and the multipliers that prove it.

    ``Pi_K(g) = g + A^T z`` with z of `cone_multipliers`. For **any** z >= 0,
    ``max {g^T u : u in K, ||u|| <= 1} <= ||g + A^T z||``, so the norm of the first return value is an upper bound even
    where the solver stopped early.

    Only few rows bind, so rows are generated: the problem is solved for the most violated ones, and others
    join while they are violated. At n = 1000, r = 3 this takes a quarter of the time of one solve with all
    rows.

    Parameters
    ----------
    A : ndarray of shape (k, r)
        Rows of the cone.
    g : ndarray of shape (r,)
        The vector.
    norms : ndarray of shape (k,)
        ``||a_i||``.

    Returns
    -------
    w : ndarray of shape (r,)
        ``g + A^T z``.
    rows : ndarray of shape (j,)
        The rows with a multiplier.
    z : ndarray of shape (j,)
        Their multipliers, >= 0.

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23.

    Examples
    --------
    >>> w, rows, z = project_on_cone(np.eye(2), np.array([3.0, -4.0]), np.ones(2))
    >>> w.round(12), rows, z.round(12)
    (array([3., 0.]), array([1]), array([4.]))
    """
    w, rows, z = g, np.zeros(0, dtype=np.intp), np.zeros(0)
    batch = 4 * len(g) + 4
    size = float(np.linalg.norm(g))
    for _ in range(_ROUNDS):
        slack = A @ w
        violated = np.flatnonzero(slack < -_FEASIBILITY * norms * size)
        new = np.setdiff1d(violated, rows) if len(rows) else violated
        if len(new) == 0:
            break
        if len(new) > batch:
            depth = slack[new] / norms[new]
            new = new[np.argpartition(depth, batch)[:batch]]
        rows = np.concatenate([rows[z > 0], new])
        z = _multipliers(A[rows], g)
        w = g + z @ A[rows]
    used = z > 0
    return w, rows[used], z[used]


def _multipliers(A: Array, g: Array) -> Array:
    """Return the multipliers; z = 0, which is feasible, where the solver gives up."""
    try:
        return cone_multipliers(A, g)
    except RuntimeError:
        return np.zeros(len(A))
