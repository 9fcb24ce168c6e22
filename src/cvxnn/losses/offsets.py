"""Roots of increasing functions of one number: where the slope of a loss in its offset changes sign."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

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
