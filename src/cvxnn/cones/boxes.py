"""Least-norm problems over multipliers in a box."""

from __future__ import annotations

import numpy as np
from scipy.optimize import lsq_linear

from cvxnn.validation import Array

_ROUNDS = 50
# Multipliers at a bound with slopes of the wrong sign up to this fraction are not worth another round.
_FEASIBILITY = 1e-11
# Of a side of a box, in units of the vector that is shortened.
_NARROW = 1e-14


def least_norm_in_box(
    rows: Array, linear: Array, lower: Array, upper: Array, start: Array | None = None
) -> Array:
    """Return ``argmin over lower <= m <= upper of ||linear + rows^T m||``.

    Parameters
    ----------
    rows : ndarray of shape (k, r)
        Of any lengths, but of length one where there is a start.
    linear : ndarray of shape (r,)
    lower, upper : ndarray of shape (k,)
        The box, with ``lower < upper``; with a start one of the two may be infinite, then the other is 0.
    start : ndarray of shape (r,), optional
        A vector near ``linear + rows^T m`` at the minimum. Then the few multipliers that lie strictly inside the box
        are generated, the others sit at the bound that the sign of ``rows @ vector`` names: faster where k is large.

    Returns
    -------
    m : ndarray of shape (k,)

    References
    ----------
    P. B. Stark and R. L. Parker, "Bounded-variable least squares: an algorithm and applications",
    Computational Statistics 10 (1995).

    Examples
    --------
    >>> least_norm_in_box(np.eye(2), np.array([3.0, -4.0]), np.array([-2.0, 0.0]), np.array([0.0, np.inf]),
    ...                   np.array([1.0, 0.0])).round(12)
    array([-2.,  4.])
    """
    if start is None:
        return _all_at_once(rows, linear, lower, upper)
    m = np.where(rows @ start > 0, lower, upper)
    m[np.isinf(m)] = 0.0
    inside = np.zeros(len(m), dtype=np.bool_)
    # the vector to be shortened: `linear` is 0 in the cell where no convex row is active
    size = max(float(np.linalg.norm(linear)), float(np.linalg.norm(linear + m @ rows)))
    batch = 4 * len(linear) + 4
    # Sides so narrow that they move nothing stay at a bound: among them BVLS takes steps of no length, and gives up.
    wide = upper - lower > _NARROW * size
    for _ in range(_ROUNDS if size > 0 else 0):
        slopes = rows @ (linear + m @ rows)
        wrong = np.where(slopes > 0, m > lower, m < upper) & ~inside & (np.abs(slopes) > _FEASIBILITY * size)
        wrong &= wide
        new = np.flatnonzero(wrong)
        if len(new) == 0:
            break
        inside[new[np.argsort(-np.abs(slopes[new]), kind="stable")[:batch]]] = True
        fixed = linear + m[~inside] @ rows[~inside]
        m[inside] = size * _bounded(rows[inside], fixed / size, lower[inside] / size, upper[inside] / size)
    return m


def _all_at_once(rows: Array, linear: Array, lower: Array, upper: Array) -> Array:
    # The solver's tests are absolute and its steps depend on the columns' lengths: one unit for all.
    norms = np.linalg.norm(rows, axis=1)
    unit = float(np.linalg.norm(linear)) or 1.0
    low, high = lower * norms / unit, upper * norms / unit
    m = np.array(lower, dtype=np.float64)
    matter = low < high  # a row whose entries underflow: any multiplier serves
    low, high = low[matter], high[matter]
    found = _bounded(rows[matter] / norms[matter, None], linear / unit, low, high)
    own = np.clip(found * unit / norms[matter], lower[matter], upper[matter])
    m[matter] = np.where(found == low, lower[matter], np.where(found == high, upper[matter], own))
    return m


def _bounded(rows: Array, linear: Array, lower: Array, upper: Array) -> Array:
    """Return the minimum over a box for unit rows, by bounded-variable least squares."""
    if len(rows) < 2:
        return np.clip(-rows @ linear, lower, upper)
    steps = 100 + 10 * len(rows)
    found = lsq_linear(rows.T, -linear, (lower, upper), method="bvls", tol=1e-15, max_iter=steps)
    side = found.active_mask  # its x is at the bounds to rounding only
    return np.asarray(np.where(side < 0, lower, np.where(side > 0, upper, found.x)))
