"""Check the columns of numbers that pictures are made of."""

from __future__ import annotations

from typing import Any

from cvxnn.validation import Array, as_finite_array


def as_column(value: Any, name: str, *, length: int | None = None, of: str = "") -> Array:
    """Return a column of finite numbers as an array of shape (n,).

    Parameters
    ----------
    value : array_like of shape (n,) or (n, 1)
        What the user passed.
    name : str
        Name of the argument, for the error message.
    length : int, optional
        The n asked for.
    of : str, default ""
        Name of the argument that `length` comes from.

    Raises
    ------
    ValueError
        If ``value`` is empty, not finite, of another shape or of another length.

    Examples
    --------
    >>> as_column([[1.0], [2.0]], "x")
    array([1., 2.])
    """
    array = as_finite_array(value, name, (1, 2))
    if array.ndim == 2 and array.shape[1] != 1:
        raise ValueError(f"{name} must have shape (n,) or (n, 1); got {array.shape}")
    column: Array = array.reshape(-1)
    if length is not None and len(column) != length:
        raise ValueError(f"{name} must have the {length} rows of {of}; got {len(column)}")
    return column.copy()
