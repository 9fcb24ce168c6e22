"""Upper bounds on ``phi(lam) = max lam^T (X u)_+`` by convex relaxation, proved at any multipliers.

With ``(z)_+ = (z + |z|)/2`` and ``z_i = x_i^T u``: where ``lam_i > 0``, ``|z| <= (tau z^2 + 1/tau)/2`` for
every tau > 0; where ``lam_i < 0``, ``-|z| <= a z`` for every ``|a| <= 1``. Hence for all u

    lam^T (X u)_+ <= c^T u + u^T A u + 1/4 sum_{lam_i > 0} lam_i / tau_i,
    c = 1/2 sum_i lam_i x_i + 1/2 sum_{lam_i < 0} |lam_i| a_i x_i,
    A = 1/4 sum_{lam_i > 0} lam_i tau_i x_i x_i^T,

and over the unit ball ``c^T u + u^T A u <= 1/4 c^T (mu I - A)^{-1} c + mu`` for every ``mu > lambda_max(A)``,
with equality at the best mu >= 0 (the trust-region problem has no duality gap).
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq, minimize

from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.validation import Array, one_column

_EPS = float(np.finfo(np.float64).eps)
# The relaxation of a given dual variable costs about 200 n r^2: beyond this it would take longer than it is worth.
_MOST_WORK = 2e7
_LARGEST_TAU = 1e8  # in units of 1 / ||x_i||, the smallest value an optimal tau_i takes


@dataclass(frozen=True, eq=False)
class RelaxedValue:
    """The relaxation at given multipliers.

    Parameters
    ----------
    bound : float
        The bound on ``phi(lam)``, without allowances for rounding.
    u : ndarray of shape (d,)
        A maximiser of the relaxed quadratic over the unit ball.
    curvature : float
        ``trace A``.
    """

    bound: float
    u: Array  # (d,)
    curvature: float


def ball_maximum(A: Array, c: Array) -> tuple[float, Array]:
    """Return ``min over mu > lambda_max(A) of 1/4 c^T (mu I - A)^{-1} c + mu``, A PSD, and the maximiser u.

    Any such mu bounds ``max over ||u|| <= 1 of c^T u + u^T A u``, so an inexact root costs tightness only.
    """
    if len(c) == 0:
        return 0.0, c
    levels, vectors = np.linalg.eigh(A)
    rotated = vectors.T @ c
    norm = float(np.linalg.norm(c))
    floor = 4 * len(c) * _EPS * (abs(float(levels[-1])) + norm) + float(np.finfo(np.float64).tiny)
    gaps = float(levels[-1]) - levels

    def excess(shift: float) -> float:
        return float(np.linalg.norm(rotated / (2 * (shift + gaps)))) - 1.0

    # the root of the secular equation lies between 0 and ||c||/2 above lambda_max; none: the hard case
    shift = floor
    if norm / 2 > floor and excess(floor) > 0:
        shift = float(brentq(excess, floor, norm, rtol=1e-12, xtol=floor))
    step = rotated / (2 * (shift + gaps))
    bound = 0.5 * float(rotated @ step) + float(levels[-1]) + shift
    return bound, vectors @ step


def relaxed_value(X: Array, lam: Array, tau: Array, a: Array) -> RelaxedValue:
    """Return the relaxed bound on ``phi(lam)`` at multipliers tau (used where lam > 0) and a (where lam < 0).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    lam : ndarray of shape (n,)
        Dual variable.
    tau : ndarray of shape (n,)
        Positive.
    a : ndarray of shape (n,)
        Between -1 and 1.
    """
    positive = np.maximum(lam, 0.0)
    c = 0.5 * (X.T @ (lam + np.maximum(-lam, 0.0) * a))
    root = X * np.sqrt(positive * tau)[:, None]
    A = 0.25 * (root.T @ root)
    bound, u = ball_maximum(A, c)
    return RelaxedValue(bound + 0.25 * float(np.sum(positive / tau)), u, float(np.trace(A)))


def safe_relaxed_bound(space: RowSpace, lam: Array, tau: Array, a: Array) -> float:
    """Return a proven bound on ``phi(lam)``, clipping the multipliers to what makes one.

    Rounding moves A by at most ``(n + 16 d) eps trace A`` and c by what `RowSpace.allowance` counts; over the
    unit ball the bound moves by no more than the two together.
    """
    n, d = space.coordinates.shape
    norms = np.where(space.row_norms > 0, space.row_norms, 1.0)
    tau = np.clip(np.nan_to_num(tau, nan=0.0), 1 / norms, _LARGEST_TAU / norms)
    a = np.clip(np.nan_to_num(a, nan=0.0), -1.0, 1.0)
    value = relaxed_value(space.coordinates, lam, tau, a)
    rounding = 2 * (n + 16 * d) * _EPS * value.curvature + space.allowance(lam)
    return float(value.bound * (1 + 4 * n * _EPS) + rounding)


class _Late(Exception):
    """The deadline has passed between two evaluations of the relaxation."""


def relaxed_upper_bound(
    space: RowSpace, lam: Array, *, max_iterations: int = 200, deadline: Deadline = NEVER
) -> float:
    """Return a proven upper bound on ``phi(lam) = max over ||u|| <= 1 of lam^T (X u)_+``.

    Minimises the relaxation over its multipliers by L-BFGS-B in (log tau, a); every point is a bound, so
    stopping early, or at a point where mu's eigenvalue is multiple and the function not smooth, costs
    tightness only.

    Parameters
    ----------
    space : RowSpace
        The data.
    lam : ndarray of shape (n,) or (n, 1)
        Dual variable.
    max_iterations : int, default 200
        Iterations of O(n r^2 + r^3). On 200 random rows of rank 10 the result is within 0.5 % of an interior
        point's, in 10 to 50 ms.
    deadline : Deadline, default never
        When to return what the best multipliers so far prove; the first ones are evaluated in any case.

    Examples
    --------
    >>> import numpy as np
    >>> space = RowSpace(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> round(relaxed_upper_bound(space, np.array([-1.0, -2.0])), 9)
    0.0
    """
    norms, lam = space.row_norms, one_column(lam, "lam")
    plus, minus = np.flatnonzero((lam > 0) & (norms > 0)), np.flatnonzero((lam < 0) & (norms > 0))
    if space.rank == 0 or len(plus) == 0:
        return space.allowance(lam)  # no term is positive
    tau, a = np.ones(len(lam)), np.ones(len(lam))

    def place(v: Array) -> None:
        tau[plus], a[minus] = np.exp(v[: len(plus)]) / norms[plus], v[len(plus) :]

    def bound_and_gradient(v: Array) -> tuple[float, Array]:
        place(v)
        value = relaxed_value(space.coordinates, lam, tau, a)
        z = space.coordinates @ value.u
        tau_part = 0.25 * lam[plus] * (tau[plus] * z[plus] ** 2 - 1 / tau[plus])
        return value.bound, np.concatenate([tau_part, -0.5 * lam[minus] * z[minus]])

    # tau = sqrt(r) / ||x_i|| is optimal for a ball without preferred direction, U = I / r
    start: Array = np.concatenate([np.full(len(plus), 0.5 * np.log(space.rank)), np.zeros(len(minus))])
    if deadline.is_over:
        place(start)
        return safe_relaxed_bound(space, lam, tau, a)
    limits = [(0.0, float(np.log(_LARGEST_TAU)))] * len(plus) + [(-1.0, 1.0)] * len(minus)
    scale = float(np.abs(lam) @ norms)  # L-BFGS-B's own stopping rule is not free of scale
    best, best_bound = start, np.inf

    def scaled(v: Array) -> tuple[float, Array]:
        nonlocal best, best_bound
        bound, gradient = bound_and_gradient(v)
        if bound < best_bound:
            best, best_bound = v.copy(), bound
        if deadline.is_over:
            raise _Late
        return bound / scale, gradient / scale

    options = {"maxiter": max_iterations, "maxfun": 2 * max_iterations}
    with suppress(_Late):
        minimize(scaled, start, jac=True, method="L-BFGS-B", bounds=limits, options=options)
    place(best)
    return safe_relaxed_bound(space, lam, tau, a)


def both_signs_relaxed(space: RowSpace, lam: Array, *, deadline: Deadline = NEVER) -> float:
    """Return a proven upper bound on ``Phi(lam) = max(phi(lam), phi(-lam))``, see `relaxed_upper_bound`."""
    return max(
        relaxed_upper_bound(space, sign * lam, deadline=share)
        for sign, share in ((1.0, deadline.share(0.5)), (-1.0, deadline))
    )


def relaxation_is_affordable(space: RowSpace, n_outputs: int = 1, max_seconds: float = np.inf) -> bool:
    """Return whether the relaxation of a given dual variable takes less than a second, and in all less than a limit.

    About 1e-7 n r^2 seconds of CPU for both signs of an output, measured at n = 1800, r = 64 and n = 200, r = 10.
    """
    work = len(space.X) * space.rank**2
    return work <= _MOST_WORK and 1e-7 * work * n_outputs <= max_seconds
