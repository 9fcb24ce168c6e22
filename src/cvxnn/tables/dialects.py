"""Which files hold tables, and how text files write them: what separates columns, the decimal mark, the encoding."""

from __future__ import annotations

import gzip
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from cvxnn.atomic_files import require_file

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
PARQUET = ".parquet"

# Those of pandas, stated here so that a release of pandas cannot change what a file means.
MISSING_WORDS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)
_NAMED_SEPARATORS = {"\\t": "\t", "tab": "\t"}


@dataclass(frozen=True)
class Dialect:
    """How a text file writes a table. Parameters as of `read_table`; None for what nobody chose."""

    separator: str | None = None
    decimal: str = "."
    thousands: str | None = None
    encoding: str | None = None
    comment: str | None = None
    missing: tuple[str, ...] = ()

    @property
    def is_default(self) -> bool:
        """Return whether nothing was chosen."""
        return self == Dialect()

    @property
    def missing_words(self) -> list[str]:
        """Return all words that count as missing."""
        return [*MISSING_WORDS, *self.missing]


def dialect_of(
    *,
    separator: str | None,
    decimal: str,
    thousands: str | None,
    encoding: str | None,
    comment: str | None,
    missing: Collection[str],
) -> Dialect:
    """Return a dialect from what a user chose.

    Raises
    ------
    ValueError
        If a mark is not one character, two marks are one, or the encoding is not known.
    """
    if separator is not None:
        separator = _one_character(_NAMED_SEPARATORS.get(separator, separator), "separator")
    marks = {"decimal": _one_character(decimal, "decimal")}
    if thousands is not None:
        marks["thousands"] = _one_character(thousands, "thousands")
    if comment:
        marks["comment"] = _one_character(comment, "comment")
    for name, mark in marks.items():
        if mark.isdigit() or mark in "+-" or (mark.isalpha() and name != "comment"):
            raise ValueError(f"{name} must be a mark that no number holds; got {mark!r}")
    if len(set(marks.values())) < len(marks):
        raise ValueError(f"{', '.join(marks)} must be distinct; got {', '.join(map(repr, marks.values()))}")
    if isinstance(missing, str):
        raise ValueError(
            f"missing must be a collection of words; got the text {missing!r}: write [{missing!r}]"
        )
    if encoding is not None:
        require_encoding(encoding)
    return Dialect(separator, decimal, thousands, encoding, comment, tuple(map(str, missing)))


def require_encoding(name: str) -> None:
    """Raise ``ValueError`` unless this is the name of a text encoding."""
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ValueError(
            f"encoding must be the name of a text encoding, such as utf-8, cp1252 or utf-16; got {name!r}"
        ) from None


def kind_of_table(path: str | os.PathLike[str]) -> str:
    """Return the ending by which a file is read.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If its name ends otherwise.
    """
    kinds = (*SEPARATORS, PARQUET)
    kind = next((kind for kind in kinds if Path(path).name.lower().endswith(kind)), None)
    if kind is None:
        raise ValueError(f"path must end in {', '.join(kinds)}; got {Path(path).name!r}")
    require_file(path)
    return kind


def require_csv(path: str | os.PathLike[str]) -> None:
    """Raise ``ValueError`` unless a file to write is called .csv."""
    if Path(path).suffix.lower() != ".csv":
        raise ValueError(f"path must end in .csv; got {Path(path).name!r}")


def opened(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a file for reading, unzipped where its name ends in .gz."""
    source = Path(path)
    return cast(
        BinaryIO, gzip.open(source, "rb") if source.name.lower().endswith(".gz") else source.open("rb")
    )


def _one_character(value: str, name: str) -> str:
    if not isinstance(value, str) or len(value) != 1:
        raise ValueError(f"{name} must be one character; got {value!r}")
    return value
