"""Exponents of power laws, fitted on log-log axes, with standard errors over repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.validation import as_finite_array


@dataclass(frozen=True)
class Slope:
    """An exponent, estimated.

    Parameters
    ----------
    value : float
        Mean over repetitions of the exponent fitted to each.
    standard_error : float
        Its standard error; NaN for one repetition.
    """

    value: float
    standard_error: float


def log_log_slope(sizes: Any, values: Any) -> Slope:
    """Return the exponent a of ``values ~ sizes^a``: least squares of logarithms for each repetition, then their mean.

    Parameters
    ----------
    sizes : array_like of shape (k,)
        Positive, not all equal.
    values : array_like of shape (k,) or (k, R)
        Positive; a column for each of R independent repetitions.

    Raises
    ------
    ValueError
        If an entry is not positive, the shapes disagree, or all sizes are equal.

    Examples
    --------
    >>> slope = log_log_slope([1, 2, 4], [[1.0, 3.0], [0.5, 1.5], [0.25, 0.75]])
    >>> round(slope.value, 9), round(slope.standard_error, 9)
    (-1.0, 0.0)
    >>> round(log_log_slope([1, 2, 4], [3.0, 12.0, 48.0]).value, 9)
    2.0
    """
    sizes, values = as_finite_array(sizes, "sizes", (1,)), as_finite_array(values, "values", (1, 2))
    if values.shape[0] != len(sizes):
        raise ValueError(f"values must have one row for each of the {len(sizes)} sizes; got {values.shape}")
    for name, array in (("sizes", sizes), ("values", values)):
        if np.min(array) <= 0:
            raise ValueError(f"{name} must be > 0; found {np.min(array):g}")
    centred = np.log(sizes) - np.mean(np.log(sizes))
    if not np.any(centred):
        raise ValueError(f"sizes must not all be equal; got {sizes[0]:g} only")
    slopes = centred @ np.log(values.reshape(len(sizes), -1)) / (centred @ centred)
    R = len(slopes)
    error = float(np.std(slopes, ddof=1) / np.sqrt(R)) if R > 1 else float("nan")
    return Slope(float(np.mean(slopes)), error)
