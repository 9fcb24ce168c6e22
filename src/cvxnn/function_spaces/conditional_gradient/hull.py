"""Loss over a hull of a few columns: exact steps on a line, and the best weights of all columns together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from cvxnn.losses import SquaredLoss
from cvxnn.problem import Problem
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
# Steps of the active-set method for each column: two or three are usual.
_STEPS = 20
_NEWTON_STEPS = 50


def slope(problem: Problem, f: Array) -> Array:
    """Return the gradient of the loss at values f, shape (n,)."""
    return problem.loss_gradient(f, np.zeros(1))


def step_on_line(problem: Problem, f: Array, d: Array, longest: float) -> float:
    """Return the minimiser of ``J(f + t d)`` over ``0 <= t <= longest``.

    In closed form for the squared loss; else the root of the derivative, which is continuous and does not fall, by
    Brent's method: values of J, whose differences drown in rounding near the minimum, are not compared.

    Parameters
    ----------
    problem : Problem
        Gives J, smooth; its beta is not looked at.
    f, d : ndarray of shape (n,)
        Values, and the direction.
    longest : float
        > 0.
    """
    first = float(slope(problem, f) @ d)
    if first >= 0.0:
        return 0.0
    if isinstance(problem.loss, SquaredLoss):
        weights = 1.0 if problem.sample_weight is None else problem.sample_weight
        curvature = float(np.sum(weights * d * d))
        return min(-first / curvature, longest) if curvature > 0 else longest

    def derivative(t: float) -> float:
        return float(slope(problem, f + t * d) @ d)

    if derivative(longest) <= 0.0:
        return longest
    return float(brentq(derivative, 0.0, longest, xtol=1e-14 * longest, rtol=8 * _EPS))


def best_weights(problem: Problem, columns: Array, weights: Array) -> Array:
    """Return weights ``w >= 0`` of sum 1 that minimise ``J(columns @ w)``, to rounding.

    An active-set method: Newton steps on the face of the positive weights, exact steps on a line, weights that reach
    zero leave; where the face is settled, the column of the steepest descent joins. For the squared loss this is
    Wolfe's algorithm for the nearest point of a polytope, which is finite. J never rises.

    Parameters
    ----------
    problem : Problem
        Gives J, smooth; its beta is not looked at.
    columns : ndarray of shape (n, m)
        Points; the hull's corners are among them.
    weights : ndarray of shape (m,)
        Where to start: >= 0, of sum 1.

    References
    ----------
    P. Wolfe, "Finding the nearest point in a polytope", Mathematical Programming 11 (1976).

    Examples
    --------
    >>> problem = Problem([[1.0], [1.0]], [1.0, 3.0], beta=0.0)
    >>> best_weights(problem, np.array([[0.0, 4.0, 0.0], [0.0, 0.0, 4.0]]), np.array([1.0, 0.0, 0.0]))
    array([0.  , 0.25, 0.75])
    """
    w = weights.copy()
    lengths = np.linalg.norm(columns, axis=0)
    for _ in range(_STEPS * len(w)):
        w = _settle_face(problem, columns, w)
        f = columns @ w
        g = slope(problem, f)
        slopes = g @ columns
        new = int(np.argmin(slopes))
        noise = 16 * len(g) * _EPS * float(np.max(lengths)) * float(np.linalg.norm(g) + np.linalg.norm(f))
        if float(slopes @ w) - float(slopes[new]) <= noise:
            break
        # a first step towards the column, so that it has a weight for the next to change
        t = step_on_line(problem, f, columns[:, new] - f, 1.0)
        if t == 0.0:
            break
        w = (1.0 - t) * w
        w[new] += t
    return np.asarray(w / np.sum(w))


def _settle_face(problem: Problem, columns: Array, weights: Array) -> Array:
    """Return the best weights of the columns with positive weights, dropping those that reach zero."""
    w = weights
    for _ in range(_NEWTON_STEPS + len(w)):
        free = np.flatnonzero(w > 0)
        if len(free) == 1:
            break
        f = columns @ w
        change = _newton_direction(problem, f, columns, free, w)
        falling = change < 0
        if not np.any(falling):
            break
        longest = float(np.min(w[falling] / -change[falling]))
        d = columns @ change
        t = step_on_line(problem, f, d, longest)
        if t == 0.0:
            break
        blocking = falling & (w <= -longest * change * (1 + 4 * _EPS)) if t == longest else falling & False
        w = np.maximum(w + t * change, 0.0)
        w[blocking] = 0.0
        if not np.any(blocking) and isinstance(problem.loss, SquaredLoss):
            break  # one Newton step is exact
        if float(np.max(np.abs(t * change))) <= 4 * _EPS:
            break
    return w


def _newton_direction(problem: Problem, f: Array, columns: Array, free: NDArray[np.intp], w: Array) -> Array:
    """Return the Newton step of the free weights that keeps their sum, the shortest where there are many."""
    pivot = free[np.argmax(w[free])]
    others = free[free != pivot]
    curvature = problem.newton_weights(f, np.zeros(1))
    roots = np.sqrt(curvature)
    B = columns[:, others] - columns[:, [pivot]]
    residual = -slope(problem, f) / np.where(roots > 0, roots, 1.0)
    z = np.linalg.lstsq(roots[:, None] * B, np.where(roots > 0, residual, 0.0), rcond=1e-13)[0]
    change = np.zeros(len(w))
    change[others], change[pivot] = z, -np.sum(z)
    return change
