"""Learn from training rows how a table becomes a data matrix: columns, categories, fillings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvxnn.tables.columns.encoding import CategoricalColumn, Encoding, NumericColumn
from cvxnn.tables.columns.frames import categories_of, is_text, listed, missing_in
from cvxnn.tables.columns.number_words import numbers_of, spoilt_numbers
from cvxnn.tables.columns.spellings import values_held_by

# A text column with more categories than both of these is a name or a free text, not a category.
_MANY_CATEGORIES = 50
_MANY_CATEGORIES_SHARE = 0.1
# Of more than this share of its values a category of its own: such a column tells rows, not kinds of rows.
_NEARLY_EVERY_ROW = 0.8


@dataclass(frozen=True, eq=False)
class LearnedEncoding:
    """An encoding, with what was left out to make it.

    Parameters
    ----------
    encoding : Encoding
        Of the columns that are in use.
    constant : tuple of str
        Columns left out since they have one value only.
    imputed : dict of str to int
        Missing values filled, by column.
    nearly_unique : tuple of str
        Columns that have a category of its own for nearly every row.
    """

    encoding: Encoding
    constant: tuple[str, ...]
    imputed: Mapping[str, int]
    nearly_unique: tuple[str, ...]


def learn_encoding(table: pd.DataFrame, *, impute: bool, text: Collection[str] = ()) -> LearnedEncoding:
    """Return the encoding of a table's columns.

    Text, booleans and categories become one-hot, numbers stay; columns of one value are left out.

    Parameters
    ----------
    table : pandas.DataFrame
        Training rows, without the target.
    impute : bool
        Whether missing values are filled, numbers with the median and text with the most frequent category
        (the first in sorted order of equally frequent ones), then and later; they are refused otherwise.
    text : collection of str, default ()
        Columns of categories, whatever they look like.

    Raises
    ------
    ValueError
        If there are missing values and ``impute`` is off, a column holds neither numbers nor categories, or
        mostly numbers but not only, or has too many categories, or no column is left.
    """
    if not impute:
        require_complete(table)
    require_unspoilt(table, text)
    missing = missing_counts(table)
    learned = [_learn_column(table[name], impute, name in text) for name in table.columns]
    used = tuple(column for column in learned if column is not None)
    if not used:
        raise ValueError(f"table must have a column that varies; found none in {listed(list(table.columns))}")
    names = {column.name for column in used}
    return LearnedEncoding(
        Encoding(used),
        tuple(name for name in table.columns if name not in names),
        {name: count for name, count in missing.items() if name in names},
        tuple(column.name for column in used if _is_nearly_unique(column, table[column.name])),
    )


def require_unspoilt(table: pd.DataFrame, text: Collection[str]) -> None:
    """Raise ``ValueError`` for a column of text that is numbers or dates but for some words."""
    for name in table.columns:
        spoilt = spoilt_numbers(table[name]) if name not in text and is_text(table[name]) else None
        if spoilt is not None:
            raise ValueError(str(spoilt))


def missing_counts(table: pd.DataFrame) -> dict[str, int]:
    """Return the number of missing values by column; columns without any are left out."""
    counts = {name: int(missing_in(table[name]).sum()) for name in table.columns}
    return {name: count for name, count in counts.items() if count}


def require_complete(table: pd.DataFrame) -> None:
    """Raise ``ValueError`` if values are missing."""
    missing = missing_counts(table)
    if missing:
        raise ValueError(
            f"table must have no missing values; found {sum(missing.values())} in the columns "
            f"{listed(list(missing))}: fill them with impute (--impute) or leave the columns out with drop "
            "(--drop)"
        )


def _learn_column(
    column: pd.Series[Any], impute: bool, as_text: bool
) -> NumericColumn | CategoricalColumn | None:
    """Return how to encode a column; None if it has one value only, missing ones filled."""
    name = str(column.name)
    if as_text or is_text(column):
        counts = Counter(value for value in categories_of(column) if value is not None)
        if len(counts) < 2:
            return None
        _require_few_categories(name, counts, len(column))
        most_frequent = min(counts, key=lambda category: (-counts[category], category))
        return CategoricalColumn(
            name, tuple(sorted(counts)), most_frequent if impute else None, values_held_by(column)
        )
    values = numbers_of(column)
    present = values[~np.isnan(values)]
    if len(present) == 0 or present.min() == present.max():
        return None
    return NumericColumn(name, float(np.median(present)) if impute else None)


def _require_few_categories(name: str, counts: Counter[str], n_rows: int) -> None:
    if len(counts) > max(_MANY_CATEGORIES, _MANY_CATEGORIES_SHARE * n_rows):
        raise ValueError(
            f"column {name!r} must have few categories; found {len(counts)} in {n_rows} rows: "
            f"leave it out with drop (--drop {name!r})"
        )


def _is_nearly_unique(learned: NumericColumn | CategoricalColumn, column: pd.Series[Any]) -> bool:
    if isinstance(learned, NumericColumn):
        return False
    present = len(column) - int(missing_in(column).sum())
    return len(learned.categories) > max(2.0, _NEARLY_EVERY_ROW * present)
