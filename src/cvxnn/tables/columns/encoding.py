"""From the columns of a table to the columns of a data matrix: numbers as they are, categories one-hot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from cvxnn.short_reprs import short_repr
from cvxnn.tables.columns.frames import as_table, listed, missing_in, require_columns
from cvxnn.tables.columns.number_words import numbers_of
from cvxnn.tables.columns.spellings import Spellings
from cvxnn.validation import Array


@dataclass(frozen=True)
class NumericColumn:
    """A column of numbers.

    Parameters
    ----------
    name : str
        Its name in the table.
    fill : float or None
        What a missing value becomes; None where missing values are refused.
    """

    name: str
    fill: float | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Return the name of its column in the data matrix."""
        return (self.name,)

    def encode(self, column: pd.Series[Any]) -> Array:
        """Return the column's numbers, missing ones filled, shape (n, 1)."""
        values = numbers_of(column)
        return np.where(np.isnan(values), np.nan if self.fill is None else self.fill, values)[:, None]

    def unknown(self, column: pd.Series[Any]) -> int:
        """Return 0: a number is never unknown."""
        return 0


@short_repr
@dataclass(frozen=True)
class CategoricalColumn:
    """A column of categories, one-hot: a column of 0 and 1 for each category seen in training.

    A text belongs to the category that is spelt like it, so that "3.10" and "3.1", "01" and "1" are different
    ones whatever else is in their column.

    Parameters
    ----------
    name : str
        Its name in the table.
    categories : tuple of str
        Those seen in training, in sorted order; any other is unknown and becomes a row of zeros.
    fill : str or None
        What a missing value becomes; None where missing values are refused.
    values : {"text", "booleans", "numbers"}, default "text"
        What it held in training. Of booleans every spelling of true and false is known (``TRUE``, ``true``),
        and of numbers every spelling of the same number (``1.50``, ``1.5``).
    """

    name: str
    categories: tuple[str, ...]
    fill: str | None = None
    values: Literal["text", "booleans", "numbers"] = "text"

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of its columns in the data matrix."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    @cached_property
    def _spellings(self) -> Spellings:
        return Spellings(self.categories, self.values)

    def encode(self, column: pd.Series[Any]) -> Array:
        """Return zeros and ones, shape (n, number of categories).

        Raises
        ------
        ValueError
            If a number or a boolean may be one of several categories.
        """
        places = {category: k for k, category in enumerate(self.categories)}
        found = [
            self.fill if missing else category
            for category, missing in zip(self._found(column), missing_in(column).tolist(), strict=True)
        ]
        one_hot = np.zeros((len(found), len(self.categories)))
        for row, category in enumerate(found):
            if category is not None:
                one_hot[row, places[category]] = 1.0
        return one_hot

    def unknown(self, column: pd.Series[Any]) -> int:
        """Return how many values are none of the categories; missing ones do not count."""
        nowhere = np.array([category is None for category in self._found(column)], dtype=np.bool_)
        return int(np.count_nonzero(nowhere & ~missing_in(column)))

    def _found(self, column: pd.Series[Any]) -> list[str | None]:
        """Return the category of each value, None for one that is unknown or missing."""
        try:
            return self._spellings.categories_of(column)
        except ValueError as error:
            raise ValueError(f"column {self.name!r} {error}") from None


@short_repr
@dataclass(frozen=True, eq=False)
class EncodedTable:
    """A table as a data matrix, with what had to be done to it.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Columns in the order of ``Encoding.features``, in raw units.
    unknown : dict of str to int
        Values of no known category, by column; columns without any are left out.
    imputed : dict of str to int
        Missing values filled, by column; columns without any are left out.
    """

    X: Array  # (n, d)
    unknown: Mapping[str, int] = field(default_factory=dict)
    imputed: Mapping[str, int] = field(default_factory=dict)


@short_repr
@dataclass(frozen=True)
class Encoding:
    """How a table becomes a data matrix.

    Parameters
    ----------
    columns : tuple of NumericColumn or CategoricalColumn
        In the order of the data matrix. Other columns of a table are ignored.

    Examples
    --------
    >>> import pandas as pd
    >>> encoding = Encoding((NumericColumn("age"), CategoricalColumn("colour", ("blue", "red"))))
    >>> encoding.features
    ('age', 'colour=blue', 'colour=red')
    >>> encoding.encode(pd.DataFrame({"colour": ["red", "green"], "age": [3, 4]})).X
    array([[3., 0., 1.], [4., 0., 0.]])
    """

    columns: tuple[NumericColumn | CategoricalColumn, ...]

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Return the columns that a file is to give as text, since their categories are spellings."""
        return tuple(column.name for column in self.columns if isinstance(column, CategoricalColumn))

    @property
    def features(self) -> tuple[str, ...]:
        """Return the names of the data matrix's columns."""
        return tuple(feature for column in self.columns for feature in column.features)

    def encode(self, table: pd.DataFrame) -> EncodedTable:
        """Return a table as a data matrix.

        Parameters
        ----------
        table : pandas.DataFrame
            Has all the columns; others are ignored.

        Raises
        ------
        ValueError
            If a column is not there, holds text instead of numbers, or numbers that may be one of several
            categories, or has missing values that the encoding has no filling for.
        """
        table = as_table(table)
        require_columns(table, [column.name for column in self.columns])
        missing = Counter({c.name: int(missing_in(table[c.name]).sum()) for c in self.columns})
        refused = [column.name for column in self.columns if column.fill is None and missing[column.name]]
        if refused:
            raise ValueError(
                f"table must have no missing values in the columns {listed(refused)}: the model was fitted "
                "without impute"
            )
        unknown = {column.name: column.unknown(table[column.name]) for column in self.columns}
        return EncodedTable(
            np.hstack([column.encode(table[column.name]) for column in self.columns]),
            {name: count for name, count in unknown.items() if count},
            {name: count for name, count in missing.items() if count},
        )
