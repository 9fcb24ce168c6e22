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

With several outputs these constraints are stated for ``lam q_j`` and some unit vectors q_j. In the l1 norm the unit
vectors of the outputs are all there is. In the Euclidean norm finitely many are not enough: what they leave open is
seen when the solution is evaluated, and scaled.

Where n is large, rows are grouped (see `cvxnn.certificates.row_groups`): p, q, sigma and b have one entry a group,
and ``x_i`` and ``x_i x_i^T`` become weighted sums.
"""

from __future__ import annotations

import logging
import sys
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates.bounds.relaxation import safe_relaxed_bound
from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.relaxations.row_groups import RowGroups, single_rows
from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import Deadline
from cvxnn.losses import MultinomialLoss, SquaredLoss
from cvxnn.problem import Problem, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class DualPoint:
    """A dual variable with a proven bound.

    Parameters
    ----------
    lam : ndarray, shape of y
        The dual variable, not yet scaled to be feasible.
    upper : float
        A proven upper bound on ``Phi(lam)``.
    lower_bound : float
        The lower bound on the optimum that the two prove.
    tau, a : ndarray of shape (2 J, n)
        The multipliers of the relaxation of ``phi(lam q_j)`` and of ``phi(-lam q_j)``, see
        `cvxnn.certificates.relaxation`, for each output direction in turn; one output has one, q = 1.
    """

    lam: Array  # (n,) or (n, C)
    upper: float
    lower_bound: float
    tau: Array  # (2 J, n)
    a: Array  # (2 J, n)


def affordable_groups(space: RowSpace, max_seconds: float) -> int:
    """Return for how many rows, or groups of rows, the joint dual SDP can be expected to finish in time.

    Measured on one core: 0.2 s at n = 200, r = 10; 0.9 s at 1030, 9: about 1e-5 s for each of the n r^2 entries
    of the matrix inequalities. With 16599 rows of rank 19 the set-up alone, which no time limit interrupts, took
    30 s.
    """
    return groups_in_time(max_seconds - set_up_seconds(space.rank), 1e-5 * (space.rank + 1) ** 2)


def set_up_seconds(rank: int) -> float:
    """Return the seconds that the matrix inequalities of one output are expected to take, however few the rows are.

    Each has a dense block of ``(r + 1)(r + 2)/2`` numbers to factorise. On 60 rows 1.6 s at r = 30, 32 s at r = 40, and
    at r = 60 a single iteration, within which no time limit is looked at, took 30 s.
    """
    return _SECONDS_TO_FACTOR * (rank + 1) ** 6


def groups_in_time(max_seconds: float, seconds: float) -> int:
    """Return how many groups there is time for, given the seconds of each: less than any number of rows there is."""
    return int(min(max(max_seconds - 0.1, 0.0) / seconds, sys.maxsize))


@on_one_blas_thread
def joint_dual_sdp(
    problem: Problem, space: RowSpace, *, max_seconds: float | None, groups: RowGroups | None = None
) -> DualPoint | None:
    """Return the dual variable of the joint dual SDP with the bound it proves; None if the solver gave none.

    The solver's answer is a hint only: its multipliers are clipped to their ranges, both relaxations are
    evaluated in float64, and the dual variable is rescaled, so the bound holds whatever the solver did.

    Parameters
    ----------
    problem : Problem
        The training problem, with one output and no sample weight of zero; beta > 0.
    space : RowSpace
        The row space of ``problem.X``.
    max_seconds : float or None
        Time limit of the interior-point solver.
    groups : RowGroups, optional
        Rows that share a dual variable and multipliers; by default none do.
    """
    problem = as_problem(problem).one_output()
    hint = solve_joint_dual(problem, space, OutputDirections.one(), max_seconds=max_seconds, groups=groups)
    if hint is None:
        return None
    lam, tau, a = hint
    upper = max(safe_relaxed_bound(space, sign * lam, tau[k], a[k]) for k, sign in enumerate((1, -1)))
    return DualPoint(lam, upper, dual_bound(problem, lam, upper), tau, a)


logger = logging.getLogger(__name__)

# Directions in which the rows are short make the solver fail: on 36 of about 90 random problems with column scales
# over eight decades, and on 5 without those below the first cut, which cost a relative 1e-4 of tightness. Groups of
# elevators' rows (two columns nearly equal) need the second one, and lose 3e-6.
_CUTS = (1e-4, 3e-2)
# For each (r + 1)^6, in all iterations together.
_SECONDS_TO_FACTOR = 3e-9


@dataclass(frozen=True, eq=False)
class OutputDirections:
    """The output directions whose constraints the joint dual SDP states.

    Parameters
    ----------
    basis : ndarray of shape (C, k)
        Orthonormal columns: the rows of lam are taken from their span.
    queries : ndarray of shape (J, k)
        Unit vectors in that basis, the k unit vectors of the basis first.
    radius : float
        The constraints are stated with ``radius * beta``.
    """

    basis: Array  # (C, k)
    queries: Array  # (J, k)
    radius: float = 1.0

    @classmethod
    def one(cls) -> OutputDirections:
        """Return the direction of one output."""
        return cls(np.ones((1, 1)), np.ones((1, 1)))


@dataclass(frozen=True, eq=False)
class _Multipliers:
    """CVXPY variables of one sign, and the expressions of the parts of lam that they belong to."""

    plus: Any
    minus: Any
    sigma: Any
    b: Any


def solve_joint_dual(
    problem: Problem,
    space: RowSpace,
    directions: OutputDirections,
    *,
    max_seconds: float | None,
    groups: RowGroups | None = None,
) -> tuple[Array, Array, Array] | None:
    """Return lam, in the conjugate's domain, with tau and a as in `DualPoint`; None if the solver gave none.

    Parameters
    ----------
    problem, space, max_seconds, groups
        As of `joint_dual_sdp`; targets may have several columns.
    directions : OutputDirections
        Whose constraints are stated.
    """
    null_loss = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    if space.rank == 0 or null_loss == 0:
        return None  # zero weights are optimal, and no bound above 0 exists
    deadline = Deadline.after(max_seconds)
    for cut in _CUTS if groups is None else _CUTS[1:]:
        hint = _solve_groups(
            problem, space, directions, groups or single_rows(problem.n_samples), null_loss, cut, deadline
        )
        if hint is not None or deadline.is_over:
            return hint
    return None


def _solve_groups(
    problem: Problem,
    space: RowSpace,
    directions: OutputDirections,
    groups: RowGroups,
    null_loss: float,
    cut: float,
    deadline: Deadline,
) -> tuple[Array, Array, Array] | None:
    """Solve in the directions in which the rows are longer than ``cut`` times the longest."""
    weights = _row_weights(space)
    # Units: rows of length 1, p, q, sigma and t of order 1, a dual constraint Phi <= n, an objective of order
    # n. With Phi <= 1 and sums turned to means instead the interior-point method breaks down at its first
    # step from n = 1000.
    lengths = groups.totals(groups.profile * weights)
    shares = groups.profile / lengths[groups.labels]
    moments = groups.moments(
        _leading_coordinates(space.coordinates / weights[:, None], cut, _most_directions(deadline)),
        shares * weights,
    )
    unit = problem.beta / len(groups) * shares
    coordinates, parts = _parts(len(groups), directions.queries)
    constraints, signs = [], []
    for plus, minus in parts:
        constraints += [plus >= 0, minus >= 0]
        for p, q in ((plus, minus), (minus, plus)):
            signs.append(
                _Multipliers(
                    p, q, _cvxpy().Variable(len(groups), nonneg=True), _cvxpy().Variable(len(groups))
                )
            )
            constraints += _sign_constraints(*moments, signs[-1], directions.radius * len(groups))
    if problem.output_offset:
        totals = groups.totals(unit)
        constraints.append(totals @ coordinates / np.mean(totals) == 0)
    conjugate, domain = _conjugate(problem, groups, unit, coordinates, directions.basis)
    objective = -conjugate * (len(groups) / null_loss)
    if not _solve(objective, constraints + domain, deadline.limit()) or coordinates.value is None:
        return None
    lam = unit[:, None] * (coordinates.value @ directions.basis.T)[groups.labels]
    lam = problem.loss.into_domain(
        lam.reshape(problem.y.shape), problem.centred_target, problem.sample_weight
    )
    lam = problem.project_dual(lam)
    if not np.all(np.isfinite(lam)):
        return None
    # tau scales with the inverse of a row's length, a is free of scale
    tau = [_ratio(sign.sigma.value, sign.plus.value)[groups.labels] / weights for sign in signs]
    a = [_ratio(sign.b.value, sign.minus.value)[groups.labels] for sign in signs]
    return lam, np.array(tau), np.array(a)


def _parts(n_groups: int, queries: Array) -> tuple[Any, list[tuple[Any, Any]]]:
    """Return lam's coordinates, (G, k), and for each query the positive and the negative part of ``lam q``.

    Those of the basis are variables, and lam is made of them: where the conjugate is a sum over outputs and there are
    no other queries, the program falls into one for each output. Of the others the negative part is what is missing.
    """
    k = queries.shape[1]
    positive, negative = (_cvxpy().Variable((n_groups, k)) for _ in range(2))
    coordinates = positive - negative
    parts = [(positive[:, j], negative[:, j]) for j in range(k)]
    for q in queries[k:]:
        plus = _cvxpy().Variable(n_groups)
        parts.append((plus, plus - coordinates @ q))
    return coordinates, parts


def _cvxpy() -> Any:
    """Import CVXPY where it is used: it takes a second, and most certificates need none of it."""
    import cvxpy

    return cvxpy


def _row_weights(space: RowSpace) -> Array:
    """Return the rows' lengths, short ones raised to a thousandth of the root mean square."""
    typical = float(np.sqrt(np.mean(space.row_norms**2)))
    return np.maximum(space.row_norms, 1e-3 * typical)


def _leading_coordinates(X: Array, cut: float, most: int) -> Array:
    """Return X in its leading right singular vectors: what is dropped here is back in the evaluation."""
    _, singular, Vt = np.linalg.svd(X, full_matrices=False)
    leading: Array = X @ Vt[singular > cut * singular[0]][:most].T
    return leading


def _most_directions(deadline: Deadline) -> int:
    """Return in how many directions the matrix inequalities can be factorised in the time that is left."""
    limit = deadline.limit()
    return sys.maxsize if limit is None else max(int((limit / _SECONDS_TO_FACTOR) ** (1 / 6)) - 1, 1)


def _conjugate(
    problem: Problem, groups: RowGroups, unit: Array, coordinates: Any, basis: Array
) -> tuple[Any, list[Any]]:
    """State the conjugate at minus ``unit_i basis l_k``, k the group of row i, and its domain."""
    y, weights = problem.centred_target, problem.sample_weight
    if not isinstance(problem.loss, SquaredLoss):
        rows = _cvxpy().multiply(-unit[:, None], (coordinates @ basis.T)[groups.labels])
        g = _cvxpy().reshape(rows, y.shape, order="C")
        # the basis sees to it that rows sum to zero; stated again, it would be 0 = 0 up to rounding
        is_implied = isinstance(problem.loss, MultinomialLoss)
        domain = [] if is_implied else problem.loss.conjugate_domain_to_cvxpy(g, y, weights)
        return problem.loss.conjugate_to_cvxpy(g, y, weights), domain
    # sum_i 1/2 ||g_i||^2 / w_i + <g_i, y_i> on multiples of one vector per group needs that vector's length and
    # product with y only, and no basis of outputs
    norms = np.sqrt(groups.totals(unit**2 if weights is None else unit**2 / weights))
    turned = unit[:, None] * (y.reshape(len(y), -1) @ basis)
    target = np.stack([groups.totals(column) for column in turned.T], axis=1) / norms[:, None]
    scaled = _cvxpy().multiply(np.broadcast_to(norms[:, None], target.shape), -coordinates)
    return problem.loss.conjugate_to_cvxpy(scaled, target), []


def _sign_constraints(first: Array, second: Array, sign: _Multipliers, limit: float) -> list[Any]:
    """State that the relaxation of ``phi(p - q)`` is at most a limit."""
    cp = _cvxpy()
    n, r = first.shape
    t, w, mu = cp.Variable(n), cp.Variable((1, 1)), cp.Variable()
    c = cp.reshape(0.5 * first.T @ (sign.plus - sign.minus + sign.b), (r, 1), order="C")
    A = cp.reshape(0.25 * second.reshape(n, r * r).T @ sign.sigma, (r, r), order="C")
    matrix = cp.bmat([[mu * np.eye(r) - A, 0.5 * c], [0.5 * c.T, w]])
    cones = cp.SOC(sign.sigma + t, cp.vstack([2 * sign.plus, sign.sigma - t]), axis=0)
    return [
        cp.abs(sign.b) <= sign.minus,
        cones,
        0.5 * (matrix + matrix.T) >> 0,
        w[0, 0] + mu + 0.25 * cp.sum(t) <= limit,
    ]


def _solve(objective: Any, constraints: list[Any], max_seconds: float | None) -> bool:
    """Solve, quietly: an inexact answer is as welcome as an exact one. Return whether there is any."""
    cp = _cvxpy()
    program = cp.Problem(cp.Maximize(objective), constraints)
    watch = Deadline.after(max_seconds)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "solution may be inaccurate": it is judged in float64 afterwards
        try:
            program.get_problem_data(
                cp.CLARABEL
            )  # kept for the solve; on thousands of rows it takes seconds too
            if watch.is_over:
                return False
            left = watch.limit()
            limit = {} if left is None else {"time_limit": left}
            # The simplicial factorisation: three times faster than the supernodal one that Clarabel picks here.
            program.solve(solver=cp.CLARABEL, **limit, direct_solve_method="qdldl")
        except cp.SolverError as error:
            logger.info("joint dual SDP: the solver failed (%s)", error)
            return False
    logger.debug("joint dual SDP: %s after %.2f s", program.status, watch.elapsed)
    return True


def _ratio(numerator: Array, denominator: Array) -> Array:
    tiny = float(np.finfo(np.float64).tiny)
    ratio: Array = numerator / np.maximum(denominator, tiny)
    return ratio
