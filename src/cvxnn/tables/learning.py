"""Learn from training rows how a table becomes a data matrix: columns, categories, fillings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvxnn.tables.columns import CategoricalColumn, Encoding, NumericColumn
from cvxnn.tables.frames import categories_of, is_text, listed, missing_in, numbers_of
from cvxnn.tables.spellings import is_number, values_held_by

# A text column with more categories than both of these is a name or a free text, not a category.
_MANY_CATEGORIES = 50
_MANY_CATEGORIES_SHARE = 0.1


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
    """

    encoding: Encoding
    constant: tuple[str, ...]
    imputed: Mapping[str, int]


def learn_encoding(table: pd.DataFrame, *, impute: bool) -> LearnedEncoding:
    """Return the encoding of a table's columns.

    Text, booleans and categories become one-hot, numbers stay; columns of one value are left out.

    Parameters
    ----------
    table : pandas.DataFrame
        Training rows, without the target.
    impute : bool
        Whether missing values are filled, numbers with the median and text with the most frequent category
        (the first in sorted order of equally frequent ones), then and later; they are refused otherwise.

    Raises
    ------
    ValueError
        If there are missing values and ``impute`` is off, a column holds neither numbers nor categories or
        has too many categories, or no column is left.
    """
    if not impute:
        require_complete(table)
    missing = missing_counts(table)
    learned = [_learn_column(table[name], impute) for name in table.columns]
    used = tuple(column for column in learned if column is not None)
    if not used:
        raise ValueError(f"table must have a column that varies; found none in {listed(list(table.columns))}")
    names = {column.name for column in used}
    return LearnedEncoding(
        Encoding(used),
        tuple(name for name in table.columns if name not in names),
        {name: count for name, count in missing.items() if name in names},
    )


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


def _learn_column(column: pd.Series[Any], impute: bool) -> NumericColumn | CategoricalColumn | None:
    """Return how to encode a column; None if it has one value only, missing ones filled."""
    name = str(column.name)
    if is_text(column):
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
    if len(counts) <= max(_MANY_CATEGORIES, _MANY_CATEGORIES_SHARE * n_rows):
        return
    not_numbers = [category for category in counts if not is_number(category)]
    hint = ""
    if len(not_numbers) <= 0.5 * len(counts):
        hint = f"; most of them are numbers, but not {listed(sorted(not_numbers))}"
    raise ValueError(
        f"column {name!r} must have few categories; found {len(counts)} in {n_rows} rows{hint}: "
        f"leave it out with drop (--drop {name!r})"
    )
