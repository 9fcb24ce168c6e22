"""Symmetric polytopes around a set of which only upper bounds on the support function are known."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull

from cvxnn.validation import Array

# The polytope is taken to be at least this thick, in units of its largest width: a vertex is still cut off to any
# precision, and the hull of its polar is well-conditioned.
_THICKNESS = 0.1
_HULL_ROUNDING = 1e-10  # Qhull's facets are off by some 1e-14


class Enclosure:
    """The polytope ``{p in R^k : |q_j^T p| <= psi_j}``, cut down query by query.

    Let P be the convex hull of ``+- Lam^T (X u)_+`` over the unit ball, so that the largest norm in P is
    ``max over ||u|| <= 1 of ||Lam^T (X u)_+||_2``. Where ``psi_j`` is an upper bound on the support function
    ``Psi(q_j) = max over u of |(Lam q_j)^T (X u)_+|``, of one output, the polytope contains P, and its largest norm,
    attained at a vertex, is an upper bound.

    Parameters
    ----------
    queries : ndarray of shape (j, k)
        Unit vectors, k of them independent.
    psi : ndarray of shape (j,)
        Upper bounds, >= 0.

    References
    ----------
    R. Horst and H. Tuy, "Global optimization: deterministic approaches", 1996, chapter VI (outer approximation for
    convex maximisation).

    Examples
    --------
    >>> square = Enclosure(np.eye(2), np.ones(2))
    >>> round(square.farthest()[0], 6)
    1.414214
    >>> square.cut(np.array([1.0, 1.0]) / np.sqrt(2), 1.0)
    >>> square.cut(np.array([1.0, -1.0]) / np.sqrt(2), 1.0)
    >>> round(float(square.farthest()[0] * np.cos(np.pi / 8)), 6)
    1.0
    """

    def __init__(self, queries: Array, psi: Array) -> None:
        self.queries, self.psi = queries, psi

    def cut(self, q: Array, psi: float) -> None:
        """Add a query."""
        self.queries, self.psi = np.vstack([self.queries, q]), np.append(self.psi, psi)

    def farthest(self) -> tuple[float, Array]:
        """Return the largest norm, and the unit vector of a vertex that attains it.

        Vertices are the polars of the facets of the convex hull of ``+- q_j / psi_j``.
        """
        floor = _THICKNESS * float(np.max(self.psi))
        if floor == 0.0:
            return 0.0, self.queries[0]
        if self.queries.shape[1] == 1:
            return float(np.min(self.psi)), self.queries[0]
        polar = self.queries / np.maximum(self.psi, floor)[:, None]
        scale = float(np.max(self.psi))
        facets = ConvexHull(np.vstack([polar, -polar]) * scale).equations
        k = int(np.argmax(facets[:, -1]))  # offsets are negative
        return scale / -float(facets[k, -1]) * (1 + _HULL_ROUNDING), facets[k, :-1]
