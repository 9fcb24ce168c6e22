"""Quantiles of weighted numbers: a weight of 2 is the same as the number given twice."""

from __future__ import annotations

import numpy as np

from cvxnn.validation import Array

# Sums of weights that are equal but for rounding count as equal.
_ROUNDING = 1e-12


def quantile_knots(x: Array, n_intervals: int, sample_weight: Array | None = None) -> Array:
    """Return the ends of the intervals between equally spaced quantiles, ascending, equal ones once.

    The first is the smallest number and the last the largest. Where a share of the weight is met exactly, its quantile
    is half-way to the next number, so that -x has the knots of x with the other sign.

    Parameters
    ----------
    x : ndarray of shape (n,)
        Numbers.
    n_intervals : int
        How many intervals, at least 1; fewer are left where quantiles are equal.
    sample_weight : ndarray of shape (n,), optional
        Weights, >= 0, not all zero.

    Returns
    -------
    ndarray of shape (k + 1,)
        Ends of k <= ``n_intervals`` intervals; none where fewer than three different numbers have weight.

    Examples
    --------
    >>> quantile_knots(np.array([1.0, 2.0, 3.0, 40.0]), 2)
    array([ 1. , 2.5, 40. ])
    >>> quantile_knots(np.array([1.0, 2.0, 40.0]), 2, np.array([2.0, 1.0, 1.0]))
    array([ 1. , 1.5, 40. ])
    """
    weights = np.ones(len(x)) if sample_weight is None else sample_weight
    used = weights > 0
    values, place = np.unique(x[used] + 0.0, return_inverse=True)  # -0.0 is 0.0
    if len(values) < 3:
        return np.empty(0)
    # Over a power of two: sums are finite, and whole weights stay exact.
    weights = np.ldexp(weights[used], -int(np.frexp(np.max(weights))[1]))
    cumulative = np.cumsum(np.bincount(place.ravel(), weights))
    shares = cumulative[-1] * (np.arange(1, n_intervals) / n_intervals)
    below = np.searchsorted(cumulative, shares * (1 - _ROUNDING), side="left")
    above = np.searchsorted(cumulative, shares * (1 + _ROUNDING), side="right")
    lower, upper = values[below], values[np.minimum(above, len(values) - 1)]
    with np.errstate(over="ignore"):
        gap = upper - lower
    inner = np.where(np.isfinite(gap), lower + 0.5 * gap, 0.5 * lower + 0.5 * upper)
    return np.unique(np.concatenate([values[:1], inner, values[-1:]]))
