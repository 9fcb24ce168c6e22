"""Checks of what users pass in: every error names the argument, what was found and what is accepted."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def as_finite_array(value: Any, name: str, ndim: tuple[int, ...]) -> Array:
    """Return ``value`` as a float64 array of an accepted dimension without NaN or infinity.

    Parameters
    ----------
    value : array_like
        What the user passed.
    name : str
        Name of the argument, for the error message.
    ndim : tuple of int
        Accepted numbers of dimensions.

    Raises
    ------
    ValueError
        If ``value`` is not numeric, has another dimension, is empty, or holds NaN or infinity.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError("complex numbers")
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers; got {type(value).__name__} ({error})"
        ) from None
    if array.ndim not in ndim:
        accepted = " or ".join(f"{k}-D" for k in ndim)
        raise ValueError(f"{name} must be {accepted}; got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {array.shape}")
    if not np.all(np.isfinite(array)):
        bad = int(array.size - np.count_nonzero(np.isfinite(array)))
        raise ValueError(f"{name} must be finite; found {bad} NaN or infinite of {array.size} entries")
    return array


def as_number(value: Any, name: str, *, positive: bool = False) -> float:
    """Return ``value`` as a finite float that is non-negative, or positive.

    Raises
    ------
    ValueError
        If ``value`` is not a finite number, is negative, or is zero where ``positive`` is asked for.
    """
    accepted = "a finite number > 0" if positive else "a finite number >= 0"
    if isinstance(value, bool) or not isinstance(value, Real | np.generic):
        raise ValueError(f"{name} must be {accepted}; got {value!r}")
    number = float(value)
    if not math.isfinite(number) or number < 0 or (positive and number == 0):
        raise ValueError(f"{name} must be {accepted}; got {value!r}")
    return number


def read_only(array: Array) -> Array:
    """Return a read-only copy, so that objects that share it stay immutable."""
    copy = np.array(array, dtype=np.float64, order="C")
    copy.flags.writeable = False
    return copy
