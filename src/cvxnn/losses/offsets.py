"""Offsets that are best for a loss: roots of its slope in one number, and the multinomial loss in several."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq
from scipy.special import log_softmax, logsumexp

from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)


def root_of_increasing(slope: Callable[[float], float], low: float, high: float) -> float:
    """Return a root of a continuous increasing function in [low, high], to the rounding of its argument.

    An end is returned where rounding leaves no change of sign.
    """
    if slope(low) >= 0.0:
        return low
    if slope(high) <= 0.0:
        return high
    # Brent's method asks for an absolute tolerance; the root cannot be told from its neighbours below this one.
    tolerance = max(_EPS * (high - low), float(np.finfo(np.float64).tiny))
    return float(brentq(slope, low, high, xtol=tolerance, rtol=4 * _EPS, maxiter=1000))


def root_of_steps(kinks: Array, jumps: Array, first: float) -> float:
    """Return where a step function, ``first`` at minus infinity and up by ``jumps >= 0`` at ``kinks``, changes sign.

    Where it is zero between two kinks, their middle; where it is zero from the last kink on (before the first), that
    kink. ``first`` must be at most 0, and the last value at least 0, to rounding.
    """
    order = np.argsort(kinks, kind="stable")
    kinks, sums = kinks[order], first + np.cumsum(jumps[order])
    rounding = len(kinks) * _EPS * (abs(first) + float(np.sum(jumps)))
    at = int(np.argmax(sums >= -rounding))
    if first < -rounding and sums[at] <= rounding and at + 1 < len(kinks):
        return float(0.5 * (kinks[at] + kinks[at + 1]))
    return float(kinks[at])


_STEPS = 100
_DOUBLINGS = 60
# Relative to the masses of the classes: keeps the Newton system solvable where all softmaxes are 0 or 1.
_RIDGE = 1e-12


def softmax(f: Array) -> Array:
    """Return ``exp(f_c) / sum_k exp(f_k)`` of every row, without overflow."""
    powers = np.exp(f - np.max(f, axis=1, keepdims=True))
    return np.asarray(powers / np.sum(powers, axis=1, keepdims=True))


def best_softmax_offset(f: Array, y: Array, w: Array) -> Array:
    """Return b with mean zero that minimises ``sum_i w_i [log sum_c exp(f_ic + b_c) - <y_i, f_i + b>]``.

    Parameters
    ----------
    f : ndarray of shape (n, C)
        Predictions.
    y : ndarray of shape (n, C)
        One-hot targets; every class must occur.
    w : ndarray of shape (n,)
        Positive weights.

    Notes
    -----
    At the minimum the mass of every class, ``sum_i w_i softmax(f_i + b)_c``, is its weight ``sum_i w_i y_ic``. While
    a mass is off by more than half, the step is ``log(weight / mass)``, which also moves classes of no mass; then it
    is Newton's. Both are lengthened or shortened to the minimum along them.

    Softmaxes of predictions of size 1e8 are steps, on which neither has a grip: the problem is solved with ``f / T``
    first, T about the size of f, and for smaller T from the ``T b`` before, down to T = 1.

    References
    ----------
    With the samples' normalisation as second scaling, the first step is that of R. Sinkhorn and P. Knopp, "Concerning
    nonnegative matrices and doubly stochastic matrices", Pacific J. Math. 1967.
    """
    if np.all(f == f[0]):  # as without neurons: all samples have the shares of the classes
        b = np.log(w @ y) - f[0]
        return np.asarray(b - np.mean(b))
    spread = float(np.max(np.max(f, axis=1) - np.min(f, axis=1)))
    b, temperature = np.zeros(f.shape[1]), max(1.0, spread / 8.0)
    while temperature > 1.0:
        b = temperature * _minimise(f / temperature, y, w, b / temperature)
        temperature = max(1.0, temperature / 8.0)
    return _minimise(f, y, w, b)


def _minimise(f: Array, y: Array, w: Array, b: Array) -> Array:
    """Return the minimiser from b on: steps until rounding keeps them from making the slopes smaller."""
    wanted = w @ y
    for _ in range(_STEPS):
        gradient = w @ softmax(f + b) - wanted
        size = float(np.max(np.abs(gradient) / wanted))
        if size > 0.5:
            masses = logsumexp(log_softmax(f + b, axis=1) + np.log(w)[:, None], axis=0)
            step = np.log(wanted) - masses
        else:
            step = _newton_step(softmax(f + b), w, gradient, int(np.argmax(wanted)))
        step -= np.mean(step)
        new = b + _length(f + b, w, wanted, step, float(gradient @ step)) * step
        # Convergence is quadratic there: what no longer halves is rounding.
        after = float(np.max(np.abs(w @ softmax(f + new) - wanted) / wanted))
        if size < 1e-6 and after >= 0.5 * size:
            break
        b = new - np.mean(new)
    return b


def _newton_step(p: Array, w: Array, gradient: Array, fixed: int) -> Array:
    """Return the step of all offsets but one, which takes away the direction in which nothing changes."""
    free = np.arange(p.shape[1]) != fixed
    p = p[:, free]
    # In units of the classes' masses the Hessian is well scaled also where a class is rare.
    units = np.sqrt(np.maximum(w @ p, np.finfo(np.float64).tiny))
    roots = np.sqrt(w)[:, None] * p / units
    hessian = np.eye(len(units)) * (1.0 + _RIDGE) - roots.T @ roots
    step = np.zeros(free.size)
    step[free] = -np.linalg.solve(hessian, gradient[free] / units) / units
    return step


def _length(f: Array, w: Array, wanted: Array, step: Array, first: float) -> float:
    """Return the length of the step at which the slope along it is zero; 1 where that leaves less than half of it."""

    def slope(t: float) -> float:
        return float((w @ softmax(f + t * step) - wanted) @ step)

    low, high = 0.0, 1.0
    if abs(slope(1.0)) <= 0.5 * abs(first):
        return 1.0
    for _ in range(_DOUBLINGS):
        if slope(high) >= 0.0:
            break
        low, high = high, 2.0 * high
    return root_of_increasing(slope, low, high)
