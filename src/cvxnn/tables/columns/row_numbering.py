"""A leading column that numbers or names the rows, and is no input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvxnn.tables.columns.frames import missing_in

_LEAST_ROWS = 3
# What pandas, R and spreadsheets call labels of rows, and what people do. The first two are no names.
_UNNAMED = frozenset({"", "unnamed: 0", "__index_level_0__"})
_CALLED = frozenset(
    {
        "#",
        "id",
        "index",
        "no",
        "no.",
        "nr",
        "number",
        "obs",
        "row",
        "row.names",
        "row_id",
        "row_names",
        "rowid",
    }
    | {"row_number", "rownames", "rownum", "rows"}
)


@dataclass(frozen=True)
class RowNumbers:
    """What a leading column is: left out without doubt, or perhaps to be left out."""

    name: str
    surely: bool

    def __str__(self) -> str:
        """Return what was done, or what to ask oneself."""
        if self.surely:
            return f"column {self.name!r} numbers the rows and is left out; rename it to use it as an input"
        return (
            f"column {self.name!r} counts the rows, one by one; if it is no input, leave it out with drop "
            f"(--drop {self.name!r})"
        )


def row_numbers(table: pd.DataFrame) -> RowNumbers | None:
    """Return what a table's first column is, if it numbers or names the rows; None where it does not.

    It surely does where it has no name, or one such as "id" or "row", and counts from 0 or 1; without a name
    also where it holds whole numbers or texts that are all different. A column with another name that counts
    the rows may as well be time.

    Examples
    --------
    >>> row_numbers(pd.DataFrame({"Unnamed: 0": [0, 1, 2], "x": [5.0, 3.0, 4.0]}))
    RowNumbers(name='Unnamed: 0', surely=True)
    >>> row_numbers(pd.DataFrame({"year": [1, 2, 3], "x": [5.0, 3.0, 4.0]}))
    RowNumbers(name='year', surely=False)
    """
    name, column = str(table.columns[0]), table.iloc[:, 0]
    if len(column) < _LEAST_ROWS or missing_in(column).any():
        return None
    if name.lower() in _UNNAMED and _are_labels(column):
        return RowNumbers(name, True)
    return RowNumbers(name, name.lower() in _CALLED) if _count(column) else None


def _count(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    if pd.api.types.is_bool_dtype(kind) or not pd.api.types.is_numeric_dtype(kind):
        return False
    values = column.to_numpy()
    return bool(values[0] in (0, 1) and np.array_equal(values, values[0] + np.arange(len(values))))


def _are_labels(column: pd.Series[Any]) -> bool:
    whole = pd.api.types.is_integer_dtype(column.dtype) or pd.api.types.is_string_dtype(column.dtype)
    return bool(whole and column.is_unique)
