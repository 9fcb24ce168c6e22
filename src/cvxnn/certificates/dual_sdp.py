"""The joint dual SDP: the dual variable and the relaxation that bounds it, optimised together.

The relaxation of ``phi(s lam)`` (see `cvxnn.certificates.relaxation`) is jointly convex in lam and its
multipliers once lam = p - q with p, q >= 0, sigma = p tau and b = q a; for s = -1 the roles of p and q are
swapped:

    max  -conjugate(-lam)
    s.t. lam = p - q,  and for each sign  |b| <= q,  t_i sigma_i >= p_i^2,
         c = 1/2 X^T lam + 1/2 X^T b,   A = 1/4 X^T diag(sigma) X,
         [[mu I - A, c/2], [c^T/2, w]] >= 0,   w + mu + 1/4 sum t_i <= beta,

and ``1^T lam = 0`` with an output offset. Two matrix inequalities of order r + 1, whatever n is. One pair (p,
q) serves both signs: adding the same number to p_i and q_i never lowers the relaxation, so lam's own positive
and negative parts are optimal for both.

Where n is large, rows are grouped (see `cvxnn.certificates.row_groups`): p, q, sigma and b have one entry a group,
and ``x_i`` and ``x_i x_i^T`` become weighted sums.
"""

from __future__ import annotations

import logging
import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.relaxation import safe_relaxed_bound
from cvxnn.certificates.row_groups import RowGroups, single_rows
from cvxnn.certificates.row_space import RowSpace
from cvxnn.losses import SquaredLoss
from cvxnn.problem import Problem
from cvxnn.validation import Array

logger = logging.getLogger(__name__)

# Directions in which the rows are short make the solver fail: on 36 of about 90 random problems with column scales
# over eight decades, and on 5 without those below the first cut, which cost a relative 1e-4 of tightness. Groups of
# elevators' rows (two columns nearly equal) need the second one, and lose 3e-6.
_CUTS = (1e-4, 3e-2)


@dataclass(frozen=True, eq=False)
class DualPoint:
    """A dual variable with a proven bound.

    Parameters
    ----------
    lam : ndarray of shape (n,)
        The dual variable, not yet scaled to be feasible.
    upper : float
        A proven upper bound on ``Phi(lam)``.
    lower_bound : float
        The lower bound on the optimum that the two prove.
    tau, a : ndarray of shape (2, n)
        The multipliers of the relaxation of ``phi(lam)`` and of ``phi(-lam)``, see
        `cvxnn.certificates.relaxation`.
    """

    lam: Array  # (n,)
    upper: float
    lower_bound: float
    tau: Array  # (2, n)
    a: Array  # (2, n)


@dataclass(frozen=True, eq=False)
class _Multipliers:
    """CVXPY variables of one sign."""

    sigma: Any
    b: Any


def affordable_groups(space: RowSpace, max_seconds: float) -> int:
    """Return for how many rows, or groups of rows, the joint dual SDP can be expected to finish in time.

    Measured on one core: 0.2 s at n = 200, r = 10; 0.9 s at 1030, 9: about 1e-5 s for each of the n r^2 entries
    of the matrix inequalities. With 16599 rows of rank 19 the set-up alone, which no time limit interrupts, took
    30 s.
    """
    return int(max(max_seconds - 0.1, 0.0) / (1e-5 * (space.rank + 1) ** 2))


def joint_dual_sdp(
    problem: Problem, space: RowSpace, *, max_seconds: float, groups: RowGroups | None = None
) -> DualPoint | None:
    """Return the dual variable of the joint dual SDP with the bound it proves; None if the solver gave none.

    The solver's answer is a hint only: its multipliers are clipped to their ranges, both relaxations are
    evaluated in float64, and the dual variable is rescaled, so the bound holds whatever the solver did.

    Parameters
    ----------
    problem : Problem
        The training problem, with one output; beta > 0.
    space : RowSpace
        The row space of ``problem.X``.
    max_seconds : float
        Time limit of the interior-point solver.
    groups : RowGroups, optional
        Rows that share a dual variable and multipliers; by default none do.
    """
    null_loss = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    if space.rank == 0 or null_loss == 0:
        return None  # zero weights are optimal, and no bound above 0 exists
    started = time.perf_counter()
    for cut in _CUTS if groups is None else _CUTS[1:]:
        remaining = max_seconds - (time.perf_counter() - started)
        point = _solve_groups(
            problem, space, groups or single_rows(problem.n_samples), null_loss, cut, remaining
        )
        if point is not None or remaining <= 0:
            return point
    return None


def _solve_groups(
    problem: Problem, space: RowSpace, groups: RowGroups, null_loss: float, cut: float, max_seconds: float
) -> DualPoint | None:
    """Solve in the directions in which the rows are longer than ``cut`` times the longest."""
    weights = _row_weights(space)
    # Units: rows of length 1, p, q, sigma and t of order 1, a dual constraint Phi <= n, an objective of order
    # n. With Phi <= 1 and sums turned to means instead the interior-point method breaks down at its first
    # step from n = 1000.
    lengths = groups.totals(groups.profile * weights)
    shares = groups.profile / lengths[groups.labels]
    moments = groups.moments(
        _leading_coordinates(space.coordinates / weights[:, None], cut), shares * weights
    )
    unit = problem.beta / len(groups) * shares
    p, q = (_cvxpy().Variable(len(groups), nonneg=True) for _ in range(2))
    signs = [
        _Multipliers(_cvxpy().Variable(len(groups), nonneg=True), _cvxpy().Variable(len(groups)))
        for _ in range(2)
    ]
    constraints = _sign_constraints(*moments, p, q, signs[0]) + _sign_constraints(*moments, q, p, signs[1])
    if problem.output_offset:
        constraints.append(groups.totals(unit) @ (p - q) / np.mean(groups.totals(unit)) == 0)
    objective = -_conjugate(problem, groups, unit, q - p) * (len(groups) / null_loss)
    if not _solve(objective, constraints, max_seconds) or p.value is None:
        return None
    lam = unit * (p.value - q.value)[groups.labels]
    multipliers = []
    for plus, minus, found in ((p.value, q.value, signs[0]), (q.value, p.value, signs[1])):
        # tau scales with the inverse of a row's length, a is free of scale
        tau, a = _ratio(found.sigma.value, plus), _ratio(found.b.value, minus)
        multipliers.append((tau[groups.labels] / weights, a[groups.labels]))
    return _proven_point(problem, space, lam, multipliers)


def _cvxpy() -> Any:
    """Import CVXPY where it is used: it takes a second, and most certificates need none of it."""
    import cvxpy

    return cvxpy


def _row_weights(space: RowSpace) -> Array:
    """Return the rows' lengths, short ones raised to a thousandth of the root mean square."""
    typical = float(np.sqrt(np.mean(space.row_norms**2)))
    return np.maximum(space.row_norms, 1e-3 * typical)


def _leading_coordinates(X: Array, cut: float) -> Array:
    """Return X in its leading right singular vectors: what is dropped here is back in the evaluation."""
    _, singular, Vt = np.linalg.svd(X, full_matrices=False)
    leading: Array = X @ Vt[singular > cut * singular[0]].T
    return leading


def _conjugate(problem: Problem, groups: RowGroups, unit: Array, g: Any) -> Any:
    """State the conjugate at ``unit_i g_k``, k the group of row i."""
    y = problem.centred_target.ravel()
    if not isinstance(problem.loss, SquaredLoss):
        return problem.loss.conjugate_to_cvxpy(_cvxpy().multiply(unit, g[groups.labels]), y)
    # 1/2 ||.||^2 + <., y> on multiples of one vector per group needs that vector's length and product with y only
    norms = np.sqrt(groups.totals(unit**2))
    return problem.loss.conjugate_to_cvxpy(_cvxpy().multiply(norms, g), groups.totals(unit * y) / norms)


def _sign_constraints(first: Array, second: Array, p: Any, q: Any, multipliers: _Multipliers) -> list[Any]:
    """State that the relaxation of ``phi(p - q)`` is at most the number of groups."""
    cp = _cvxpy()
    n, r = first.shape
    t, w, mu = cp.Variable(n), cp.Variable((1, 1)), cp.Variable()
    c = cp.reshape(0.5 * first.T @ (p - q + multipliers.b), (r, 1), order="C")
    A = cp.reshape(0.25 * second.reshape(n, r * r).T @ multipliers.sigma, (r, r), order="C")
    matrix = cp.bmat([[mu * np.eye(r) - A, 0.5 * c], [0.5 * c.T, w]])
    cones = cp.SOC(multipliers.sigma + t, cp.vstack([2 * p, multipliers.sigma - t]), axis=0)
    return [
        cp.abs(multipliers.b) <= q,
        cones,
        0.5 * (matrix + matrix.T) >> 0,
        w[0, 0] + mu + 0.25 * cp.sum(t) <= n,
    ]


def _solve(objective: Any, constraints: list[Any], max_seconds: float) -> bool:
    """Solve, quietly: an inexact answer is as welcome as an exact one. Return whether there is any."""
    cp = _cvxpy()
    program = cp.Problem(cp.Maximize(objective), constraints)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "solution may be inaccurate": it is judged in float64 afterwards
        try:
            # The simplicial factorisation: three times faster than the supernodal one that Clarabel picks here.
            program.solve(solver=cp.CLARABEL, time_limit=max_seconds, direct_solve_method="qdldl")
        except cp.SolverError as error:
            logger.info("joint dual SDP: the solver failed (%s)", error)
            return False
    logger.debug("joint dual SDP: %s after %.2f s", program.status, time.perf_counter() - started)
    return True


def _proven_point(
    problem: Problem, space: RowSpace, lam: Array, multipliers: list[tuple[Array, Array]]
) -> DualPoint | None:
    """Evaluate both relaxations of the solver's dual variable in float64."""
    lam = problem.project_dual(lam)
    if not np.all(np.isfinite(lam)):
        return None
    tau, a = (np.array(arrays) for arrays in zip(*multipliers, strict=True))
    upper = max(safe_relaxed_bound(space, sign * lam, tau[k], a[k]) for k, sign in enumerate((1, -1)))
    return DualPoint(lam, upper, dual_bound(problem, lam, upper), tau, a)


def _ratio(numerator: Array, denominator: Array) -> Array:
    tiny = float(np.finfo(np.float64).tiny)
    ratio: Array = numerator / np.maximum(denominator, tiny)
    return ratio
