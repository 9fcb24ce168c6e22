"""Check tables and read off values of their columns: numbers, categories, missing values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

_NAMES_SHOWN = 8


def as_table(table: Any, name: str = "table") -> pd.DataFrame:
    """Return a table with column names of type str.

    Parameters
    ----------
    table : pandas.DataFrame
        What the user passed.
    name : str, default "table"
        Name of the argument, for the error message.

    Raises
    ------
    ValueError
        If it is no DataFrame, has no rows or no columns, or two columns of one name.
    """
    if not isinstance(table, pd.DataFrame):
        raise ValueError(f"{name} must be a pandas DataFrame; got {type(table).__name__}")
    if table.shape[0] == 0 or table.shape[1] == 0:
        raise ValueError(f"{name} must have rows and columns; got {table.shape[0]} x {table.shape[1]}")
    names = [str(column) for column in table.columns]
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise ValueError(f"{name} must have distinct column names; found more than once: {listed(twice)}")
    return table.set_axis(names, axis="columns")


def require_columns(table: pd.DataFrame, names: list[str]) -> None:
    """Raise ``ValueError`` unless the table has the columns of these names."""
    missing = [name for name in names if name not in table.columns]
    if missing:
        noun = "column" if len(missing) == 1 else "columns"
        raise ValueError(
            f"table must have the {noun} {listed(missing)}; it has {listed(list(table.columns))}"
        )


def is_text(column: pd.Series[Any]) -> bool:
    """Return whether a column holds categories: text, booleans, or the pandas category type.

    Raises
    ------
    ValueError
        If it holds neither numbers nor categories: dates, complex numbers and the like.
    """
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or isinstance(kind, pd.CategoricalDtype):
        return True
    if pd.api.types.is_complex_dtype(kind) or not (
        pd.api.types.is_numeric_dtype(kind)
        or pd.api.types.is_object_dtype(kind)
        or pd.api.types.is_string_dtype(kind)
    ):
        raise ValueError(
            f"column {column.name!r} must hold numbers or categories; got the type {kind}: leave it out with "
            "drop (--drop) or turn it into numbers"
        )
    if not pd.api.types.is_object_dtype(kind):
        return not pd.api.types.is_numeric_dtype(kind)
    present = column.dropna()
    return any(isinstance(value, bool | np.bool_ | str) or not np.isscalar(value) for value in present)


def is_str(column: pd.Series[Any]) -> bool:
    """Return whether a column is of text, or of any objects."""
    return pd.api.types.is_object_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)


def categories_of(column: pd.Series[Any]) -> list[str | None]:
    """Return a column's categories as text, missing ones as None."""
    return [
        None if missing else _category(value)
        for value, missing in zip(column.tolist(), missing_in(column).tolist(), strict=True)
    ]


def _category(value: Any) -> str:
    """Return a category as text; 3 and 3.0 are one, since a gap in a column makes floats of integers."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def missing_in(column: pd.Series[Any]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which entries are missing."""
    return np.asarray(column.isna().to_numpy(), dtype=np.bool_)


def listed(names: list[str]) -> str:
    """Return quoted names for a message, the first few of many.

    Examples
    --------
    >>> listed(["a", "b"])
    "'a', 'b'"
    """
    shown = ", ".join(repr(name) for name in names[:_NAMES_SHOWN])
    more = len(names) - _NAMES_SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
