"""Exponents of power laws in n and d, fitted on log-log axes, with standard errors over repetitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.validation import as_count, as_finite_array


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
    values : array_like of shape (k, R)
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
    """
    sizes, values = as_finite_array(sizes, "sizes", (1,)), as_finite_array(values, "values", (2,))
    if values.shape[0] != len(sizes):
        raise ValueError(f"values must have one row for each of the {len(sizes)} sizes; got {values.shape}")
    for name, array in (("sizes", sizes), ("values", values)):
        if np.min(array) <= 0:
            raise ValueError(f"{name} must be > 0; found {np.min(array):g}")
    centred = np.log(sizes) - np.mean(np.log(sizes))
    if not np.any(centred):
        raise ValueError(f"sizes must not all be equal; got {sizes[0]:g} only")
    slopes = centred @ np.log(values) / (centred @ centred)
    R = len(slopes)
    error = float(np.std(slopes, ddof=1) / np.sqrt(R)) if R > 1 else float("nan")
    return Slope(float(np.mean(slopes)), error)


def as_sizes(samples: Any, dimensions: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return n and d as arrays of one length, one of them repeated where it is a number."""
    sizes = []
    for name, value in (("samples", samples), ("dimensions", dimensions)):
        entries = np.atleast_1d(np.asarray(value))
        if entries.ndim != 1 or entries.size == 0:
            raise ValueError(f"{name} must be an integer or a sequence of integers; got {value!r}")
        sizes.append(np.array([as_count(entry, name, 1) for entry in entries.tolist()], dtype=np.int64))
    n, d = sizes
    if len(n) != len(d) and min(len(n), len(d)) > 1:
        raise ValueError(f"samples and dimensions must have as many entries; got {len(n)} and {len(d)}")
    n, d = np.broadcast_arrays(n, d)
    return n.copy(), d.copy()
