"""Checks of what users pass in: every error names the argument, what was found and what is accepted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# In the machine's byte order: a file in another one is converted like any array.
_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
_SMALLEST = float(np.finfo(np.float64).tiny)
_EXACT = 2**53  # in size: all integers up to it are float64 numbers
_CHECKED_AT_ONCE = 1 << 20  # entries


class PrecisionError(ValueError, FloatingPointError):
    """Input is valid, but double precision cannot settle the answer; the message names it and says what helps."""


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
        If ``value`` is not numeric, has another dimension, is empty, holds NaN or infinity, or an integer that float64
        does not hold.
    """
    try:
        if np.iscomplexobj(value):
            raise TypeError("complex numbers")
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{name} must be an array of numbers; got {type(value).__name__} ({error})"
        ) from None
    require_exact_integers(value, name)
    if array.ndim not in ndim:
        accepted = " or ".join(f"{k}-D" for k in ndim)
        raise ValueError(f"{name} must be {accepted}; got shape {array.shape}")
    if array.size == 0:
        raise ValueError(f"{name} must not be empty; got shape {array.shape}")
    _require_finite(array, name)
    return array


def as_vector(value: Any, name: str) -> Array:
    """Return what a user passed for one output, (n,) or (n, 1), as a finite float64 array of shape (n,).

    Raises
    ------
    ValueError
        If ``value`` is not numeric, is empty, has several columns, or holds NaN or infinity.
    """
    array = as_finite_array(value, name, (1, 2))
    if array.size != array.shape[0]:
        raise ValueError(f"{name} must be 1-D, or have one column; got shape {array.shape}")
    return array.reshape(-1)


def require_exact_integers(value: Any, name: str) -> None:
    """Raise ``ValueError`` if a cast to float64 changes an integer: beyond 2^53, neighbours become one number.

    Parameters
    ----------
    value : array_like
        What the user passed, before the cast: an array, a data frame, a column of one, or lists. Text is not looked at.
    name : str
        Name of the argument, for the error message.

    Examples
    --------
    >>> require_exact_integers([2**53, 2**60], "y")
    >>> require_exact_integers([2**53 + 1], "y")
    Traceback (most recent call last):
    ValueError: y must hold integers that float64 holds, as all up to 2^53 in size are; it would change 1, such as \
9007199254740993 to 9007199254740992: subtract a constant, divide, or leave it out
    """
    changed: list[int] = []
    for column in _columns(value):
        changed += _changed_integers(column)
    if changed:
        raise ValueError(
            f"{name} must hold integers that float64 holds, as all up to 2^53 in size are; it would change "
            f"{len(changed)}, such as {changed[0]} to {int(float(changed[0]))}: subtract a constant, divide, or leave "
            "it out"
        )


def _columns(value: Any) -> Iterator[NDArray[Any]]:
    """Yield arrays with the integers that are in a value: of a data frame by column, as its array has cast them."""
    is_frame = hasattr(value, "columns") and hasattr(value, "items")
    for part in [column for _, column in value.items()] if is_frame else [value]:
        if getattr(getattr(part, "dtype", None), "kind", "O") in "fb":
            continue
        array = np.asarray(part.dropna() if hasattr(part, "dropna") else part)
        if array.dtype.kind == "f" and isinstance(part, list | tuple) and np.any(np.abs(array) >= _EXACT):
            array = np.asarray(part, dtype=object)  # floats among the integers have cast these
        yield array


def _changed_integers(array: NDArray[Any]) -> list[int]:
    """Return the integers of an array that are not the same in float64."""
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8 and array.size:
        if -_EXACT <= int(array.min()) and int(array.max()) <= _EXACT:
            return []
        array = (
            array[(array > _EXACT) | (array < -_EXACT)] if array.dtype.kind == "i" else array[array > _EXACT]
        )
    elif array.dtype.kind != "O":
        return []
    return [int(x) for x in array.ravel().tolist() if isinstance(x, Integral) and _is_changed(int(x))]


def _is_changed(number: int) -> bool:
    try:
        return int(float(number)) != number
    except OverflowError:
        return False  # beyond float64: other checks say so


def as_finite_data(value: Any, name: str) -> Any:
    """Return a matrix of data without NaN or infinity: floating-point arrays as they are, all else in float64.

    Parameters
    ----------
    value : array_like
        What the user passed. An array of float32 or float64, memory-mapped or not, is returned without a copy.
    name : str
        Name of the argument, for the error message.

    Raises
    ------
    ValueError
        As `as_finite_array` for ``ndim=(2,)``.
    """
    if not (isinstance(value, np.ndarray) and value.dtype in _FLOATS and value.ndim == 2 and value.size > 0):
        return as_finite_array(value, name, (2,))
    _require_finite(value, name)
    return value if isinstance(value, np.memmap) else np.asarray(value)


def _require_finite(array: NDArray[Any], name: str) -> None:
    """Check in one pass, in chunks, so that no array of booleans as large as the data is made."""
    rows = array.reshape(1) if array.ndim == 0 else np.asarray(array)
    step = max(1, _CHECKED_AT_ONCE * len(rows) // array.size)
    finite = sum(
        int(np.count_nonzero(np.isfinite(rows[start : start + step]))) for start in range(0, len(rows), step)
    )
    if finite < array.size:
        bad = array.size - finite
        raise ValueError(f"{name} must be finite; found {bad} NaN or infinite of {array.size} entries")


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


def as_count(value: Any, name: str, least: int = 0) -> int:
    """Return ``value`` as an integer of at least ``least``.

    Raises
    ------
    ValueError
        If ``value`` is anything else.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}; got {value!r}")
    return int(value)


@contextmanager
def within_float64(what: str) -> Iterator[None]:
    """Refuse input whose computation leaves the range of float64, instead of going on with infinity or NaN.

    Parameters
    ----------
    what : str
        The arguments that are to be rescaled, for the error message: "X and y".

    Raises
    ------
    PrecisionError
        If a number in the block overflows, is divided by zero or is none, or results contradict each other.

    Examples
    --------
    >>> with within_float64("X"):
    ...     np.array([1e200]) ** 2
    Traceback (most recent call last):
    ...
    cvxnn.validation.PrecisionError: X must be of a size ...; found overflow in square: rescale X
    """
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except PrecisionError:
        raise
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        found: dict[type, str] = {ArithmeticError: str(error)}
        found[FloatingPointError] = str(error).replace(" encountered", "")
        raise PrecisionError(
            f"{what} must be of a size that float64 can compute with; found {found.get(type(error), 'overflow')}: "
            f"rescale {what}"
        ) from None


def exponent(array: Array) -> int:
    """Return the e with ``2^e <= max |a| < 2^(e + 1)``, by which `numpy.ldexp` scales without rounding; 0 for zeros."""
    largest = float(np.max(np.abs(array), initial=0.0))
    return math.frexp(largest)[1] - 1 if largest > 0 else 0


def times_power(value: float, power: int) -> float:
    """Return ``value 2^power``.

    Raises
    ------
    OverflowError
        If that is above the largest number or, for a value that is not zero, below the smallest normal one: what is
        computed would be infinite, or zero, which it is not.
    """
    scaled = math.ldexp(value, power)
    if value != 0 and math.isfinite(value) and abs(scaled) < _SMALLEST:
        raise OverflowError(f"{value!r} 2^{power} is below the smallest number")
    return scaled


def require_kind(value: Any, kinds: type[Any] | tuple[type[Any], ...], name: str, hint: str = "") -> Any:
    """Return ``value`` where it is of an accepted class.

    Parameters
    ----------
    value : object
        What the user passed.
    kinds : type or tuple of types
        What is accepted.
    name : str
        Name of the argument, for the error message.
    hint : str, default ""
        What to do instead, behind a semicolon.

    Raises
    ------
    ValueError
        If it is of another class.
    """
    if isinstance(value, kinds):
        return value
    accepted = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    article = "an" if accepted[0] in "AEIO" else "a"
    raise ValueError(
        f"{name} must be {article} {accepted}; got {type(value).__name__}{': ' * bool(hint)}{hint}"
    )


def read_only(array: Array) -> Array:
    """Return a read-only copy, so that objects that share it stay immutable."""
    copy = np.array(array, dtype=np.float64, order="C")
    copy.flags.writeable = False
    return copy


def is_read_only_map(value: Any) -> bool:
    """Return whether ``value`` is a memory-mapped file of float32 or float64 opened for reading only."""
    return isinstance(value, np.memmap) and value.dtype in _FLOATS and not value.flags.writeable


def n_columns(shape: tuple[int, ...]) -> int:
    """Return C of a shape (n, C), 1 of a shape (n,)."""
    return math.prod(shape[1:])


def as_columns(array: Any) -> Any:
    """Return an array (n,) or (n, C) as (n, C), without a copy where it is contiguous.

    Examples
    --------
    >>> as_columns(np.zeros(3)).shape, as_columns(np.zeros((3, 2))).shape
    ((3, 1), (3, 2))
    """
    return array.reshape(array.shape[0], n_columns(array.shape))


def one_column(array: Array, name: str) -> Array:
    """Return an array (n,) or (n, 1) as (n,), without a look at its values.

    Raises
    ------
    ValueError
        If it has several columns.
    """
    columns = as_columns(array)
    if columns.shape[1] != 1:
        raise ValueError(f"{name} must have one column; got shape {array.shape}")
    return np.asarray(columns[:, 0])


def are_matrices(roots: Array) -> bool:
    """Return whether rows of predictions are scaled by matrices, roots of shape (n, C, C), not entry by entry."""
    return roots.ndim == 3


def row_norms(array: Array) -> Array:
    """Return the Euclidean norms of the rows of an array (m,) or (m, C), shape (m,).

    Of one column the absolute values: squares would lose what is below 1e-154.
    """
    columns = as_columns(array)
    norms: Array = np.abs(columns[:, 0]) if columns.shape[1] == 1 else np.linalg.norm(columns, axis=1)
    return norms
