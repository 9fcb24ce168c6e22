"""The fewest and the most neurons of minimal optimal networks: supports of a polytope's vertices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from cvxnn.deadlines import as_limit
from cvxnn.landscape.optimal_sets.polytope import ZERO, Polytope, non_negative_fit, vertex_bound
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

# Vertices that are all listed rather than drawn.
_FEW_VERTICES = 5_000
_DRAWS = 24
# Of the image: what a support may miss and still be one; integer programs meet their equations to 1e-7.
_MISSED = 1e-8


@short_repr
@dataclass(frozen=True, eq=False)
class SupportSize:
    """A number of neurons, exactly or between bounds, with a vertex that attains one of them.

    Parameters
    ----------
    lower, upper : int
        Proven bounds.
    coefficients : ndarray of shape (K,)
        A vertex: of ``upper`` positive entries for the smallest support, of ``lower`` for the largest.
    """

    lower: int
    upper: int
    coefficients: Array

    @property
    def is_exact(self) -> bool:
        """Return whether the bounds meet."""
        return self.lower == self.upper


def support(polytope: Polytope, c: Array) -> NDArray[np.bool_]:
    """Return which coefficients count as positive."""
    return np.asarray(c > ZERO * polytope.total)


def smallest_support(polytope: Polytope, *, max_seconds: float | None = 10.0) -> SupportSize:
    """Return m*, the fewest positive coefficients of a member, by a mixed-integer program.

    ``min sum_k b_k`` subject to ``H c = H p``, ``0 <= c_k <= max c_k  b_k``, b binary, with the largest coefficients
    from linear programs.

    Parameters
    ----------
    polytope : Polytope
        The coefficients.
    max_seconds : float or None, default 10.0
        Time limit, None for none; reaching it leaves a gap between the bounds.
    """
    limit, best = as_limit(max_seconds, positive=True), polytope.point
    if polytope.dimension == 0:
        size = int(np.sum(support(polytope, best)))
        return SupportSize(size, size, best)
    used = np.flatnonzero(polytope.used)
    rows = _equations(polytope, used)
    most = polytope.ranges[used, 1] / polytope.total
    n = len(used)
    switches = hstack([eye_array(n), csr_array(np.diag(-1.001 * most))])
    equations = np.hstack([rows, np.zeros_like(rows)])
    target = rows @ polytope.point[used] / polytope.total
    result = milp(
        np.concatenate([np.zeros(n), np.ones(n)]),
        integrality=np.repeat([0, 1], n),
        bounds=Bounds(0.0, np.concatenate([most, np.ones(n)])),
        constraints=[LinearConstraint(equations, target, target), LinearConstraint(switches, -np.inf, 0.0)],
        options={"time_limit": limit, "mip_rel_gap": 0.0},
    )
    bound = result.mip_dual_bound
    lower = 1 if bound is None or not np.isfinite(bound) else max(1, int(np.ceil(bound - 1e-4)))
    if result.x is not None:
        best = _fewer(polytope, best, used[result.x[n:] > 0.5])
    for corner in _draws(polytope):
        best = _fewer(polytope, best, np.flatnonzero(support(polytope, corner)))
    return SupportSize(lower, int(np.sum(support(polytope, best))), best)


def largest_support(polytope: Polytope) -> SupportSize:
    """Return M*, the most positive coefficients of a vertex.

    Exact where all vertices can be listed, or where a vertex has as many as columns are independent; else the most
    that random vertices show, and that rank.
    """
    used = np.flatnonzero(polytope.used)
    if polytope.dimension == 0 or vertex_bound(len(used), polytope.dimension) <= _FEW_VERTICES:
        corners, listed = polytope.vertices(), True
    else:
        corners, listed = _draws(polytope), False
    sizes = np.sum(corners > ZERO * polytope.total, axis=1)
    most = int(np.max(sizes))
    rank = len(used) - polytope.dimension
    return SupportSize(most, most if listed else rank, corners[int(np.argmax(sizes))])


def _equations(polytope: Polytope, used: NDArray[np.intp]) -> Array:
    """Return orthonormal rows that say what the columns in use say."""
    _, values, right = np.linalg.svd(polytope.columns[:, used], full_matrices=False)
    rank = len(used) - polytope.dimension
    return np.asarray(right[: min(rank, len(values))])


def _draws(polytope: Polytope) -> Array:
    rng = np.random.default_rng(0)
    return np.array([polytope.extreme(rng.standard_normal(polytope.n_columns)) for _ in range(_DRAWS)])


def _fewer(polytope: Polytope, best: Array, chosen: NDArray[np.intp]) -> Array:
    """Return the member on the chosen columns where it exists and has fewer positive coefficients than the best."""
    c = np.zeros(polytope.n_columns)
    columns = polytope.columns[:, chosen]
    c[chosen] = non_negative_fit(columns, polytope.image)
    missed = float(np.linalg.norm(columns @ c[chosen] - polytope.image))
    exact = missed <= _MISSED * float(np.linalg.norm(polytope.image))
    return c if exact and np.sum(support(polytope, c)) < np.sum(support(polytope, best)) else best
