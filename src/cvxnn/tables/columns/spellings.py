"""Which category a value is: texts by their spelling, numbers and booleans by what they mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
import pandas as pd

from cvxnn.tables.columns.frames import listed, missing_in

# What ``Decimal`` reads besides (digits of other scripts, underscores, NaN) is no number in a table.
_NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,5})?\s*", re.ASCII)
_BOOLEANS = {"true": True, "false": False}

Meaning = tuple[str, Decimal | bool] | None


@dataclass(frozen=True)
class Spellings:
    """The categories of a column, and which values each of them stands for.

    Parameters
    ----------
    categories : tuple of str
        Distinct.
    values : {"text", "booleans", "numbers"}
        What the column held in training: where it was text, a text is the category that is spelt like it;
        otherwise it is the category that means the same.

    Examples
    --------
    >>> import pandas as pd
    >>> Spellings(("3.1", "3.10"), "text").categories_of(pd.Series(["3.10", "3.100"]))
    ['3.10', None]
    >>> Spellings(("False", "True"), "booleans").categories_of(pd.Series(["TRUE", "maybe", "false"]))
    ['True', None, 'False']
    """

    categories: tuple[str, ...]
    values: Literal["text", "booleans", "numbers"]

    def categories_of(self, column: pd.Series[Any]) -> list[str | None]:
        """Return the category of each value of a column, None for one that is unknown or missing.

        Raises
        ------
        ValueError
            If a number or a boolean means several of the categories.
        """
        known: dict[tuple[type, Any], str | None] = {}
        found: list[str | None] = []
        for value, missing in zip(column.tolist(), missing_in(column).tolist(), strict=True):
            # True, 1 and 1.0 are one key of a dictionary and different values here.
            key = (type(value), value if np.isscalar(value) else str(value))
            if not missing and key not in known:
                known[key] = self._category_of(value)
            found.append(None if missing else known[key])
        return found

    def _category_of(self, value: Any) -> str | None:
        if isinstance(value, str) and (value in self.categories or self.values == "text"):
            return value if value in self.categories else None
        meaning = meaning_of(value)
        if meaning is None:
            return str(value) if str(value) in self.categories else None
        meant = self._by_meaning.get(meaning, ())
        if len(meant) > 1:
            raise ValueError(
                f"must hold text: {value!r} may be any of its categories {listed(list(meant))}; read the file "
                "with the model's own read"
            )
        return meant[0] if meant else None

    @cached_property
    def _by_meaning(self) -> dict[Meaning, Sequence[str]]:
        meanings: dict[Meaning, list[str]] = {}
        for category in self.categories:
            meanings.setdefault(meaning_of(category), []).append(category)
        return {meaning: spelt for meaning, spelt in meanings.items() if meaning is not None}


def meaning_of(value: Any) -> Meaning:
    """Return the number or the boolean that a value is or spells; None where it is neither.

    Examples
    --------
    >>> meaning_of("01") == meaning_of(1.0), meaning_of("TRUE") == meaning_of(True), meaning_of("x")
    (True, True, None)
    """
    if isinstance(value, bool | np.bool_):
        return ("boolean", bool(value))
    if isinstance(value, Integral):
        return ("number", Decimal(int(value)))
    if isinstance(value, Real):
        # The shortest digits that give this float back are those that a file holds.
        return ("number", Decimal(repr(float(value)))) if np.isfinite(float(value)) else None
    if not isinstance(value, str):
        return None
    if value.strip().lower() in _BOOLEANS:
        return ("boolean", _BOOLEANS[value.strip().lower()])
    return ("number", Decimal(value.strip())) if is_number(value) else None


def is_number(text: str) -> bool:
    """Return whether a text spells a finite number.

    Examples
    --------
    >>> [is_number(text) for text in ("1.50", "-3e4", "1_000", "nan", "?")]
    [True, True, False, False, False]
    """
    return _NUMBER.fullmatch(text) is not None


def values_held_by(column: pd.Series[Any]) -> Literal["text", "booleans", "numbers"]:
    """Return what a column of categories holds, by the types of its values."""
    kind = column.dtype
    held = kind.categories if isinstance(kind, pd.CategoricalDtype) else column.dropna()
    types = {type(value) for value in held.tolist()}
    if types and all(issubclass(found, bool | np.bool_) for found in types):
        return "booleans"
    if types and all(issubclass(found, Real) and not issubclass(found, bool) for found in types):
        return "numbers"
    return "text"


def values_spelt_by(categories: Sequence[str]) -> Literal["text", "booleans", "numbers"]:
    """Return what categories seem to have been made of, where nobody noted it."""
    if set(categories) <= {"False", "True"}:
        return "booleans"
    # Numbers in their shortest spelling: texts like "01" were never numbers.
    if all(is_number(category) and _shortest(category) == category for category in categories):
        return "numbers"
    return "text"


def _shortest(number: str) -> str:
    value = float(number)
    return str(int(value)) if value.is_integer() else str(value)
