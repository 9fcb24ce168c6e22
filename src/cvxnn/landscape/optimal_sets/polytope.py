"""The polytope ``{c >= 0 : H c = H p}`` of coefficients: dimension, ranges, vertices, extreme and nearest points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import comb
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.optimize import linprog, nnls
from scipy.spatial import HalfspaceIntersection

from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, PrecisionError

# Columns have length one here; they are exact to some 1e-12, so what is dependent shows singular values of that size.
RANK_TOL = 1e-9
# Coefficients below this share of their sum are zero: ten times what linear programs are asked to meet.
ZERO = 1e-9
_LINEAR_PROGRAMS = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
# Gap and feasibility that interior points are asked for. Their answers are good to the root of it, so entries below
# each of these shares of the sum are tried as zeros.
_CLARABEL = {"tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}
_SHARES = (1e-4, 1e-5, 1e-6, 1e-8)
# Vertices that a random mix is of.
_MIXED = 4


@short_repr
@dataclass(frozen=True, eq=False)
class Polytope:
    """Non-negative coefficients whose combination of columns is that of a given point.

    Parameters
    ----------
    columns : ndarray of shape (n, K)
        H; the columns must be non-zero, and the sum of c the same at every point (so that it is bounded).
    point : ndarray of shape (K,)
        A member p; everything is exact relative to it.

    Notes
    -----
    A combination of columns counts as zero where it is below 1e-9 of their lengths, a coefficient where it is below
    1e-9 of the sum of all.

    Examples
    --------
    >>> square = Polytope(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]), np.array([1.0, 0.0, 1.0, 0.0]))
    >>> square.dimension, len(square.vertices())
    (2, 4)
    """

    columns: Array  # (n, K)
    point: Array  # (K,)

    @property
    def n_columns(self) -> int:
        """Return K."""
        return int(self.point.shape[0])

    @property
    def total(self) -> float:
        """Return ``sum c``, the same for all members."""
        return float(np.sum(self.point))

    @property
    def image(self) -> Array:
        """Return ``H p``, shape (n,)."""
        return np.asarray(self.columns @ self.point)

    @cached_property
    def _spaces(self) -> tuple[Array, Array]:
        """Return orthonormal bases of the null space of the columns, (K, p), and of its complement, (K, r)."""
        return _split(self.columns)

    @property
    def _is_point(self) -> bool:
        """Return whether the columns alone show that there is one member."""
        return self.total == 0.0 or self._spaces[0].shape[1] == 0

    def extreme(self, slopes: Array) -> Array:
        """Return a vertex, shape (K,), that minimises ``slopes^T c``."""
        if self._is_point:
            return self.point
        rows = self._spaces[1].T
        size = max(float(np.max(np.abs(slopes))), np.finfo(np.float64).tiny)
        result = linprog(
            slopes / size,
            A_eq=rows,
            b_eq=rows @ (self.point / self.total),
            method="highs-ds",
            options=_LINEAR_PROGRAMS,
        )
        if result.x is None:
            raise PrecisionError(f"a linear program over the polytope could not be solved: {result.message}")
        return self._exactly(self.total * np.maximum(result.x, 0.0))

    def _exactly(self, c: Array) -> Array:
        """Return the member that has the support of c, solved to rounding; c itself where there are many."""
        support = c > ZERO * self.total
        exact = np.zeros_like(c)
        exact[support], _, rank, _ = np.linalg.lstsq(self.columns[:, support], self.image)
        missed = float(np.linalg.norm(self.columns @ (exact - self.point)))
        close = missed <= ZERO * float(np.linalg.norm(self.columns, axis=0) @ self.point)
        return exact if rank == np.sum(support) and close and np.all(exact[support] > 0) else c

    @cached_property
    def _extremes(self) -> tuple[Array, Array]:
        """Return vertices with the least and the largest of each coefficient, shapes (K, K)."""
        units = np.eye(self.n_columns)
        return np.array([self.extreme(e) for e in units]), np.array([self.extreme(-e) for e in units])

    @cached_property
    def ranges(self) -> Array:
        """Return the least and the largest value of each coefficient, shape (K, 2): two linear programs each."""
        if self._is_point:
            return np.stack([self.point, self.point], axis=1)
        least, largest = self._extremes
        return np.stack([np.diagonal(least), np.diagonal(largest)], axis=1)

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Return which coefficients are positive in some member, shape (K,)."""
        return np.asarray(self.ranges[:, 1] > ZERO * self.total)

    @cached_property
    def centre(self) -> Array:
        """Return a member in which every coefficient is positive that is so in some."""
        if self._is_point:
            return self.point
        least, largest = self._extremes
        return np.asarray(np.concatenate([least, largest]).mean(axis=0))

    @cached_property
    def moves(self) -> Array:
        """Return a basis of the directions in which the polytope extends, (number in use, dimension)."""
        return _split(self.columns[:, self.used])[0]

    @property
    def dimension(self) -> int:
        """Return the dimension; 0 for a single point."""
        return 0 if self._is_point else int(self.moves.shape[1])

    def vertices(self, *, max_vertices: int = 100_000) -> Array:
        """Return all vertices, shape (V, K), in lexicographic order.

        Parameters
        ----------
        max_vertices : int, default 100_000
            Refuse a polytope whose dimension and number of facets allow more.

        Raises
        ------
        ValueError
            If more vertices are possible.

        References
        ----------
        C. B. Barber, D. P. Dobkin, H. Huhdanpaa, "The Quickhull algorithm for convex hulls", ACM TOMS 1996 (of the
        dual polytope); P. McMullen, "The maximum numbers of faces of a convex polytope", 1970 (the bound).
        """
        p = self.dimension
        if p == 0:
            return self.point[None, :]
        null = self.moves
        centre = self.centre[self.used]
        facets = np.linalg.norm(null, axis=1) > RANK_TOL
        bound = vertex_bound(int(np.sum(facets)), p)
        if bound > max_vertices:
            raise ValueError(
                f"max_vertices = {max_vertices:,} is less than the {bound:,} vertices that a polytope of dimension "
                f"{p} with {int(np.sum(facets))} facets can have; use extreme points or samples instead"
            )
        steps = _corners(null[facets], centre[facets] / self.total)
        found = np.zeros((len(steps), self.n_columns))
        found[:, self.used] = np.maximum(centre + self.total * steps @ null.T, 0.0)
        exact = np.array([self._exactly(np.where(c > 10 * ZERO * self.total, c, 0.0)) for c in found])
        _, first = np.unique(np.round(exact / self.total, 7), axis=0, return_index=True)
        return np.asarray(exact[first])

    def minimise(self, objective: Callable[[Any], Any]) -> Array:
        """Return a member that minimises a convex function, to an interior point method's accuracy.

        Parameters
        ----------
        objective : callable
            Takes a CVXPY expression for ``c / sum c``, shape (K,), and returns a convex one.

        Raises
        ------
        PrecisionError
            If the solver fails.

        Notes
        -----
        Stated in steps from the centre along `moves`, so that there are strictly interior points.
        """
        if self.dimension == 0:
            return self.point
        import cvxpy as cp

        moves = np.zeros((self.n_columns, self.dimension))
        moves[self.used] = self.moves
        step, centre = cp.Variable(self.dimension), self.centre / self.total
        member = centre + moves @ step
        statement = cp.Problem(cp.Minimize(objective(member)), [member[self.used] >= 0])
        try:
            statement.solve(solver=cp.CLARABEL, **_CLARABEL)
        except cp.SolverError as error:
            raise PrecisionError("a convex problem over the polytope could not be solved") from error
        found: Array = self.total * np.maximum(centre + moves @ step.value, 0.0)
        return found

    def nearest(self, c: Array) -> Array:
        """Return the member nearest to c in the Euclidean norm: interior point, then exact on the support found.

        Notes
        -----
        As a least-distance problem (Lawson and Hanson 1974, chapter 23) for SciPy's ``nnls`` it went wrong by 3e-4 on
        54 nearly dependent columns.
        """
        if self._is_point:
            return self.point
        null = self._spaces[0]
        foot = self.point + null @ (null.T @ (c - self.point))
        if np.all(foot >= -ZERO * self.total):
            return np.maximum(foot, 0.0)
        import cvxpy as cp

        found = self.minimise(lambda member: cp.sum_squares(member - c / self.total))
        exact = [self._nearest_on(c, found > share * self.total) for share in _SHARES]
        members = [e for e in exact if np.all(e >= 0) and self.residual(e) < ZERO]
        return min([*members, found], key=lambda e: float(np.linalg.norm(e - c)))

    def _nearest_on(self, c: Array, support: NDArray[np.bool_]) -> Array:
        """Return the point nearest to c that has the support and the polytope's image, of any sign."""
        exact = np.zeros_like(c)
        missed = self.image - self.columns[:, support] @ c[support]
        exact[support] = c[support] + np.linalg.lstsq(self.columns[:, support], missed, rcond=RANK_TOL)[0]
        return exact

    def sample(self, rng: np.random.Generator) -> Array:
        """Return a random mix of up to four random vertices, shape (K,)."""
        if self._is_point:
            return self.point
        corners = [
            self.extreme(rng.standard_normal(self.n_columns)) for _ in range(rng.integers(1, _MIXED + 1))
        ]
        return np.asarray(rng.dirichlet(np.ones(len(corners))) @ np.array(corners))

    def residual(self, c: Array) -> float:
        """Return how far c is from being a member, relative to its sum: the equations, and negative entries."""
        scale = float(np.linalg.norm(self.columns, axis=0) @ np.abs(self.point))
        missed = float(np.linalg.norm(self.columns @ (c - self.point)))
        negative = float(np.max(-c, initial=0.0))
        return max(missed / scale if scale else missed, negative / self.total if self.total else negative)


def non_negative_fit(columns: Array, image: Array) -> Array:
    """Return ``c >= 0``, shape (K,), that minimises ``||H c - image||``, of linearly independent support.

    Entries below 1e-9 of their sum, which rounding leaves on, are zero.
    """
    c = np.zeros(columns.shape[1])
    chosen = np.arange(len(c))
    while chosen.size:
        c[chosen] = nnls(columns[:, chosen], image)[0]
        tiny = c[chosen] <= ZERO * np.sum(c)
        if not np.any(tiny):
            break
        c[chosen[tiny]] = 0.0
        chosen = chosen[~tiny]
    return c


def vertex_bound(n_facets: int, dimension: int) -> int:
    """Return the largest number of vertices of a polytope with so many facets (McMullen's bound).

    Examples
    --------
    >>> vertex_bound(4, 2), vertex_bound(6, 3)
    (4, 8)
    """
    low, high = dimension // 2, (dimension + 1) // 2
    return comb(n_facets - high, low) + comb(n_facets - low - 1, high - 1)


def _split(columns: Array) -> tuple[Array, Array]:
    """Return orthonormal bases of the null space of columns, and of its complement."""
    lengths = np.linalg.norm(columns, axis=0)
    _, values, right = np.linalg.svd(columns / lengths)
    rank = int(np.sum(values > RANK_TOL * values[0])) if values.size else 0
    basis = qr(right[rank:].T / lengths[:, None])[0] if rank < len(lengths) else np.eye(len(lengths))
    free = len(lengths) - rank
    return np.asarray(basis[:, :free]), np.asarray(basis[:, free:])


def _corners(null: Array, centre: Array) -> Array:
    """Return the vertices z, shape (V, p), of ``{z : centre + null z >= 0}``, where centre > 0."""
    if null.shape[1] == 1:
        steps = -centre / null[:, 0]
        return np.array([[np.max(steps[null[:, 0] > 0])], [np.min(steps[null[:, 0] < 0])]])
    halfspaces = np.hstack([-null, -centre[:, None]])
    return np.asarray(HalfspaceIntersection(halfspaces, np.zeros(null.shape[1])).intersections)
