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
from cvxnn.certificates.row_space import RowSpace
from cvxnn.problem import Problem
from cvxnn.validation import Array

logger = logging.getLogger(__name__)


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
    """

    lam: Array  # (n,)
    upper: float
    lower_bound: float


@dataclass(frozen=True, eq=False)
class _Multipliers:
    """CVXPY variables of one sign."""

    sigma: Any
    b: Any


def sdp_is_affordable(space: RowSpace, max_seconds: float) -> bool:
    """Return whether the joint dual SDP can be expected to finish in time.

    Measured on one core: 0.2 s at n = 200, r = 10; 0.9 s at 1030, 9; more than 60 s, and 30 s of set-up that
    no time limit interrupts, at 16599, 19: about 1e-5 s for each of the n r^2 entries of the matrix
    inequalities.
    """
    return 0.1 + 1e-5 * len(space.X) * (space.rank + 1) ** 2 <= max_seconds


def joint_dual_sdp(problem: Problem, space: RowSpace, *, max_seconds: float) -> DualPoint | None:
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
    """
    if space.rank == 0:
        return None
    y = problem.centred_target.ravel()
    weights = _row_weights(space)
    # Units: rows of length 1, p, q, sigma and t of order 1, a dual constraint Phi <= n, an objective of order
    # n. With Phi <= 1 and sums turned to means instead the interior-point method breaks down at its first
    # step from n = 1000.
    scaled = _leading_coordinates(space.coordinates / weights[:, None])
    unit = problem.beta / (len(y) * weights)
    p, q = (_cvxpy().Variable(len(y), nonneg=True) for _ in range(2))
    signs = [
        _Multipliers(_cvxpy().Variable(len(y), nonneg=True), _cvxpy().Variable(len(y))) for _ in range(2)
    ]
    constraints = _sign_constraints(scaled, p, q, signs[0]) + _sign_constraints(scaled, q, p, signs[1])
    if problem.output_offset:
        constraints.append(unit @ (p - q) / np.mean(unit) == 0)
    null_loss = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    if null_loss == 0:
        return None  # zero weights are optimal, and no bound above 0 exists
    objective = -problem.loss.conjugate_to_cvxpy(_cvxpy().multiply(unit, q - p), y) * (len(y) / null_loss)
    if not _solve(objective, constraints, max_seconds) or p.value is None:
        return None
    return _proven_point(problem, space, unit * (p.value - q.value), p.value, q.value, signs, weights)


def _cvxpy() -> Any:
    """Import CVXPY where it is used: it takes a second, and most certificates need none of it."""
    import cvxpy

    return cvxpy


def _row_weights(space: RowSpace) -> Array:
    """Return the rows' lengths, short ones raised to a thousandth of the root mean square."""
    typical = float(np.sqrt(np.mean(space.row_norms**2)))
    return np.maximum(space.row_norms, 1e-3 * typical)


def _leading_coordinates(X: Array) -> Array:
    """Return X in its leading right singular vectors.

    Directions in which the rows are short make the solver fail: on 36 of about 90 random problems with column
    scales over eight decades, and on 5 without those directions. What is dropped here is back in the
    evaluation, and costs a relative 1e-4 of tightness.
    """
    _, singular, Vt = np.linalg.svd(X, full_matrices=False)
    leading: Array = X @ Vt[singular > 1e-4 * singular[0]].T
    return leading


def _sign_constraints(X: Array, p: Any, q: Any, multipliers: _Multipliers) -> list[Any]:
    """State that the relaxation of ``phi(p - q)`` is at most n."""
    cp = _cvxpy()
    n, r = X.shape
    t, w, mu = cp.Variable(n), cp.Variable((1, 1)), cp.Variable()
    c = cp.reshape(0.5 * X.T @ (p - q + multipliers.b), (r, 1), order="C")
    outer = 0.25 * (X[:, :, None] * X[:, None, :]).reshape(n, r * r).T
    A = cp.reshape(outer @ multipliers.sigma, (r, r), order="C")
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
    problem: Problem,
    space: RowSpace,
    lam: Array,
    p: Array,
    q: Array,
    signs: list[_Multipliers],
    weights: Array,
) -> DualPoint | None:
    """Evaluate both relaxations of the solver's dual variable in float64."""
    lam = problem.project_dual(lam)
    if not np.all(np.isfinite(lam)):
        return None
    upper = 0.0
    for sign, plus, minus, multipliers in ((1, p, q, signs[0]), (-1, q, p, signs[1])):
        # tau scales with the inverse of a row's length, a is free of scale
        tau = _ratio(multipliers.sigma.value, plus) / weights
        a = _ratio(multipliers.b.value, minus)
        upper = max(upper, safe_relaxed_bound(space, sign * lam, tau, a))
    return DualPoint(lam, upper, dual_bound(problem, lam, upper))


def _ratio(numerator: Array, denominator: Array) -> Array:
    tiny = float(np.finfo(np.float64).tiny)
    ratio: Array = numerator / np.maximum(denominator, tiny)
    return ratio
