"""Columns whose values are numbers but for some: name the odd ones, and say what they seem to be."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cvxnn.tables.columns.frames import listed, missing_in
from cvxnn.tables.columns.spellings import is_number
from cvxnn.validation import Array, require_exact_integers

# Codes beside words are categories ("3.10", "3.1", "x"): there are few of them, and the words are no rare slips.
_FEW_CODES = 20
_RARE_WORDS_SHARE = 0.2

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?(\s*[ap]m)?\s*(z|utc|[+-]\d{2}:?\d{2})?"
_DATE = re.compile(
    rf"""(
        (\d{{4}}-\d{{1,2}}(-\d{{1,2}})? | \d{{4}}/\d{{1,2}}(/\d{{1,2}})?     # 2020-01-31, 2020-01
        | \d{{1,2}}/\d{{1,2}}/(\d{{4}}|\d{{2}}) | \d{{1,2}}[.-]\d{{1,2}}[.-]\d{{4}}   # 31/1/2020, 31.1.2020
        | \d{{1,2}}[\s-]{_MONTH}[\s-](\d{{4}}|\d{{2}}) | {_MONTH}\s\d{{1,2}},?\s\d{{4}}  # 31 Jan 2020
        )([\sT]+{_CLOCK})?
        | {_CLOCK}                                                             # 12:30
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PERCENT = re.compile(r"\s*[+-]?[0-9.,]*[0-9][.,]?\s*%\s*", re.ASCII)
_COMMA_GROUPS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?", re.ASCII)
_POINT_GROUPS = re.compile(r"[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,})", re.ASCII)
_OTHER_GROUPS = re.compile(
    r"[+-]?\d{1,3}(?P<mark>[ '’\u00a0\u202f])\d{3}((?P=mark)\d{3})*([.,]\d*)?", re.ASCII
)
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class SpoiltNumbers:
    """A column of text most of whose values are numbers, or dates.

    Parameters
    ----------
    name : str
        The column.
    words : tuple of str
        Its distinct values that are no plain numbers, the most frequent first.
    n_odd, n_values : int
        How many values are none, and how many values there are; missing ones do not count.
    first_row : int
        The first of them, counted from 1.
    """

    name: str
    words: tuple[str, ...]
    n_odd: int
    n_values: int
    first_row: int

    @property
    def in_words(self) -> str:
        """Return what the column holds, and what reads it."""
        if _most_are_dates(self.words) and self.n_odd > 0.5 * self.n_values:
            return (
                f"found dates or times such as {self.words[0]!r}: turn them into numbers (days since the first, "
                "month, hour)"
            )
        most = (
            "are numbers, but not"
            if self.n_odd <= 0.5 * self.n_values
            else "look like numbers, but are text:"
        )
        return (
            f"found {self.n_values} values, most of them {most} {listed(list(self.words))} "
            f"({self.n_odd} {_times(self.n_odd)}, first in row {self.first_row}): {remedy(self.words)}"
        )

    def __str__(self) -> str:
        """Return what the column holds and all that can be done, for a column of inputs."""
        return (
            f"column {self.name!r} must hold numbers or categories; {self.in_words}; or take the column as "
            f"categories with text (--text {self.name!r}), or leave it out with drop (--drop {self.name!r})"
        )


def spoilt_numbers(column: pd.Series[Any]) -> SpoiltNumbers | None:
    """Return what spoils a column of text whose values are mostly numbers or dates; None for any other column.

    A column is one of categories after all where it has few distinct numbers beside words that are not rare:
    codes such as ``3.10``, ``3.1`` and ``x``.

    Examples
    --------
    >>> print(spoilt_numbers(pd.Series(["31", "?", "45", "52", "38", "29", "61"], name="age")))
    column 'age' must hold numbers or categories; found 7 values, most of them are numbers, but not '?' (1 time,
    first in row 2): read it as a missing value with missing=['?'] (--missing '?'); or take...
    >>> spoilt_numbers(pd.Series(["3.10", "3.1", "x"])) is None
    True
    """
    counts = Counter({value: int(count) for value, count in column.value_counts(sort=False).items()})
    counts += Counter()  # a category of the dtype that no row has
    kinds = {value: _kind(value) for value in counts}
    n = {kind: sum(counts[value] for value in counts if kinds[value] == kind) for kind in _KINDS}
    n_values = sum(counts.values())
    odd = [value for value in counts if kinds[value] != "number"]
    most_are_numbers = n["number"] + n["decorated"] > 0.5 * n_values
    if not odd or not (most_are_numbers or n["date"] > 0.5 * n_values):
        return None
    if most_are_numbers and n["decorated"] == 0 and _are_codes(odd, kinds, n["other"] + n["date"], n_values):
        return None
    words = tuple(str(value) for value in sorted(odd, key=lambda value: (-counts[value], str(value))))
    first = int(np.argmax(column.isin(odd).to_numpy()))
    return SpoiltNumbers(str(column.name), words, n_values - n["number"], n_values, first + 1)


def remedy(words: tuple[str, ...]) -> str:
    """Return what reads words that should have been numbers, by what they look like."""
    if any("#" in word for word in words):
        return "if '#' begins a comment, read the file with comment='#' (--comment '#')"
    if any(_PERCENT.fullmatch(word) for word in words):
        return "take the sign % out, so that a number means the same in every file"
    if any(_POINT_GROUPS.fullmatch(word) for word in words):
        return (
            "they seem to have points between thousands: read the file with thousands='.', decimal=',' "
            "(--thousands '.' --decimal ',')"
        )
    groups = [match for match in map(_OTHER_GROUPS.fullmatch, words) if match]
    if groups:
        mark = groups[0]["mark"]
        return (
            f"they seem to have {mark!r} between thousands: read the file with thousands={mark!r} "
            f'(--thousands "{mark}")'
        )
    commas = [word for word in words if "," in word]
    if commas and all(_COMMA_GROUPS.fullmatch(word) for word in commas):
        return (
            "they seem to have commas between thousands: read the file with thousands=',' (--thousands ','), or "
            "with decimal=',' (--decimal ',') if these are decimal commas"
        )
    if any(_DECIMAL_COMMA.fullmatch(word) for word in words):
        return "they seem to have decimal commas: read the file with decimal=',' (--decimal ',')"
    options = " ".join(f"--missing {word!r}" for word in words[:3])
    noun = "it as a missing value" if len(words) == 1 else "them as missing values"
    return f"read {noun} with missing={list(words[:3])} ({options})"


def numbers_of(column: pd.Series[Any]) -> Array:
    """Return a column as float64 numbers, missing ones as NaN.

    Raises
    ------
    ValueError
        If a value is no number, infinite, or an integer that float64 does not hold.
    """
    values = pd.to_numeric(column, errors="coerce")
    array: Array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.isnan(array) & ~missing_in(column)
    if pd.api.types.is_bool_dtype(column.dtype):
        raise ValueError(f"column {column.name!r} must hold numbers; found {bool(column.iloc[0])!r}")
    if wrong.any():
        words = tuple(dict.fromkeys(map(str, column[wrong])))
        count = int(wrong.sum())
        raise ValueError(
            f"column {column.name!r} must hold numbers; found {listed(list(words))} ({count} {_times(count)}, "
            f"first in row {int(np.argmax(wrong)) + 1}): {remedy(words)}"
        )
    if np.isinf(array).any():
        raise ValueError(f"column {column.name!r} must be finite; found infinite values")
    require_exact_integers(values, f"column {column.name!r}")
    return array


def without_marks(column: pd.Series[Any], *, decimal: str, thousands: str | None) -> pd.Series[Any]:
    """Return a column of text with its numbers written plainly, as numbers where all values are.

    Left as it is where less than half of its values are numbers with these marks.

    Parameters
    ----------
    column : pandas.Series
        Of text.
    decimal : str
        The decimal mark.
    thousands : str or None
        The mark between thousands, if there is any: ``1,234`` has one, and ``1,5`` none.

    Raises
    ------
    ValueError
        If the column is numbers, some of them written with other marks.

    Examples
    --------
    >>> without_marks(pd.Series(["1,234.5", "12"]), decimal=".", thousands=",").tolist()
    [1234.5, 12.0]
    >>> without_marks(pd.Series(["1,234", "12", "1,5", "?"]), decimal=".", thousands=",").tolist()
    ['1234', '12', '1,5', '?']
    """
    point = re.escape(decimal)
    whole = r"\d+" if thousands is None else rf"(\d+|\d{{1,3}}({re.escape(thousands)}\d{{3}})+)"
    number = re.compile(rf"\s*[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?\s*", re.ASCII)
    counts = column.value_counts(sort=False)
    plain = {
        word: str(word).replace(thousands or "", "").replace(decimal, ".").strip()
        for word in counts.index
        if number.fullmatch(str(word))
    }
    otherwise = [word for word in counts.index if word not in plain and is_number(str(word))]
    n_numbers = int(sum(counts[word] for word in plain))
    if otherwise and n_numbers + int(sum(counts[word] for word in otherwise)) > 0.5 * counts.sum():
        raise ValueError(
            f"column {column.name!r} is not written with {_marks(decimal, thousands)}: found "
            f"{listed(list(map(str, otherwise)))}"
        )
    if n_numbers < 0.5 * counts.sum() or not plain:
        return column
    if n_numbers < counts.sum():
        return column.map(lambda word: plain.get(word, word), na_action="ignore")
    return column.map({word: float(text) for word, text in plain.items()}).astype(np.float64)


_KINDS = ("number", "decorated", "date", "other")


def _kind(value: Any) -> str:
    """Return whether a value is a number, one written with marks, a date, or something else."""
    if not isinstance(value, str):
        is_plain = np.isscalar(value) and not isinstance(value, bool | np.bool_ | complex)
        return "number" if is_plain else "other"
    text = value.strip()
    if is_number(text):
        return "number"
    if any(
        form.fullmatch(text)
        for form in (_PERCENT, _COMMA_GROUPS, _POINT_GROUPS, _OTHER_GROUPS, _DECIMAL_COMMA)
    ):
        return "decorated"
    return "date" if _DATE.fullmatch(text) else "other"


def _are_codes(odd: list[Any], kinds: dict[Any, str], n_odd: int, n_values: int) -> bool:
    n_numbers = sum(kind == "number" for kind in kinds.values())
    words = all(str(value)[:1].isalpha() for value in odd)
    return words and n_numbers <= _FEW_CODES and n_odd > _RARE_WORDS_SHARE * n_values


def _most_are_dates(words: tuple[str, ...]) -> bool:
    return sum(_DATE.fullmatch(word.strip()) is not None for word in words) > 0.5 * len(words)


def _marks(decimal: str, thousands: str | None) -> str:
    return f"decimal={decimal!r}" if thousands is None else f"decimal={decimal!r}, thousands={thousands!r}"


def _times(count: int) -> str:
    return "time" if count == 1 else "times"
