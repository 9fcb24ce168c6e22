"""Read tables from files, and write predictions to them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from cvxnn.atomic_files import write_text
from cvxnn.tables.columns.frames import as_table, is_str, listed
from cvxnn.tables.columns.number_words import without_marks
from cvxnn.tables.dialects import PARQUET, SEPARATORS, Dialect, dialect_of, kind_of_table, require_csv
from cvxnn.tables.suspicions import about_bytes, about_fields, end_in_separators, require_plain, sample_lines
from cvxnn.validation import Array

_FIRST_UNNAMED = "Unnamed: 0"  # as pandas calls the row labels that it wrote


def read_table(
    path: str | os.PathLike[str],
    *,
    text: Collection[str] = (),
    separator: str | None = None,
    decimal: str = ".",
    thousands: str | None = None,
    encoding: str | None = None,
    comment: str | None = None,
    missing: Collection[str] = (),
) -> pd.DataFrame:
    """Read a table from a file whose first row names the columns.

    In a .csv or .tsv file a column is one of numbers or of booleans where all of its values are, and one of
    text otherwise. For a table to predict from, ``model.read`` takes the types of training instead.

    Missing values are empty fields and the words #N/A, #N/A N/A, #NA, -1.#IND, -1.#QNAN, -NaN, -nan, 1.#IND,
    1.#QNAN, <NA>, N/A, NA, NULL, NaN, None, n/a, nan and null, and those of ``missing``.

    Parameters
    ----------
    path : path-like
        A .csv or .tsv file, perhaps gzipped (.csv.gz, .tsv.gz), or a .parquet file, for which there is no
        other argument.
    text : collection of str, default ()
        Columns that are text whatever they look like: codes such as ``01``, releases such as ``3.10``.
        Names of no column are ignored, and a .parquet file has its own types.
    separator : str, optional
        What separates the columns; by default a comma in .csv and a tab in .tsv files. ``"tab"`` is a tab, and
        ``" "`` is any run of blanks.
    decimal : str, default "."
        The decimal mark.
    thousands : str, optional
        The mark between thousands; it is left out where three digits follow it.
    encoding : str, optional
        By default UTF-8.
    comment : str, optional
        From this character on the rest of a line is left out; ``""`` says that there are no comments.
    missing : collection of str, default ()
        Further words that count as missing values.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If it is a Parquet file and pyarrow is not installed.
    ValueError
        If the file is of another kind, damaged, empty, or has two columns of one name; if it seems to be
        written in another way, with the arguments that read it; if an argument is none of those accepted.
    """
    dialect = dialect_of(
        separator=separator,
        decimal=decimal,
        thousands=thousands,
        encoding=encoding,
        comment=comment,
        missing=missing,
    )
    source, kind = Path(path), kind_of_table(path)
    if kind == PARQUET and not dialect.is_default:
        raise ValueError(
            f"separator, decimal, thousands, encoding, comment and missing are for text files; got {source.name!r}"
        )
    try:
        if kind == PARQUET:
            table = _read_parquet(source)
        else:
            table = _read_text(source, dialect.separator or SEPARATORS[kind], dialect, text)
    except UnicodeError:
        reason = about_bytes(source, dialect.encoding)
        raise ValueError(f"path must be a readable table; {str(source)!r} is none ({reason})") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"path must be a readable table; {str(source)!r} is none ({error})") from None
    return as_table(table, f"table {str(source)!r}")


def _read_text(path: Path, separator: str, dialect: Dialect, text: Collection[str]) -> pd.DataFrame:
    lines = sample_lines(path, dialect)
    require_plain(lines, separator, dialect)
    try:
        table = _parsed(path, separator, dialect, text, extra=end_in_separators(lines, separator))
    except pd.errors.ParserError as error:
        raise ValueError(f"{error}{about_fields(lines, separator)}") from None
    for name in table.columns:
        # Not the columns that are text: their spellings are their categories.
        if (dialect.thousands or dialect.decimal != ".") and name not in text and is_str(table[name]):
            table[name] = without_marks(table[name], decimal=dialect.decimal, thousands=dialect.thousands)
    return table


def _parsed(
    path: Path, separator: str, dialect: Dialect, text: Collection[str], *, extra: bool
) -> pd.DataFrame:
    """Return what a file holds; ``extra``: its rows have one field more than its header, an empty one."""
    header = _header(path, separator, dialect, extra)
    unnamed = [k for k, name in enumerate(header) if not name.strip() and k > 0]
    last = [k for k in unnamed if all(not name.strip() for name in header[k:])]
    if unnamed != last:
        raise ValueError(f"its columns number {', '.join(str(k + 1) for k in unnamed)} have no name")
    twice = [name for k, name in enumerate(header) if name in header[:k] and k not in last]
    if twice:
        raise ValueError(f"it has more than one column {listed(twice)}")
    names = [_FIRST_UNNAMED if not name.strip() and k == 0 else name for k, name in enumerate(header)]
    places = range(len(names)) if last else None
    table = pd.read_csv(
        path,
        sep=_as_pattern(separator),
        header=0,
        names=list(places) if places else names,
        index_col=False,
        low_memory=False,
        dtype={k if places else name: str for k, name in enumerate(names) if name in text},
        decimal=dialect.decimal,
        encoding=dialect.encoding or "utf-8",
        comment=dialect.comment or None,
        na_values=dialect.missing_words,
        keep_default_na=False,
    )
    # Commas at the end of lines name and hold nothing.
    if any(table[k].notna().any() for k in last):
        raise ValueError(f"its columns number {', '.join(str(k + 1) for k in last)} have no name")
    return table.drop(columns=last).set_axis(
        [name for k, name in enumerate(names) if k not in last], axis="columns"
    )


def _header(path: Path, separator: str, dialect: Dialect, extra: bool) -> list[str]:
    # pandas renames columns that share a name, and takes the first of too many fields as row labels: first
    # read two rows without names, which refuses the latter.
    first = pd.read_csv(
        path,
        sep=_as_pattern(separator),
        header=None,
        nrows=1 if extra else 2,
        dtype=str,
        keep_default_na=False,
        encoding=dialect.encoding or "utf-8",
        comment=dialect.comment or None,
    )
    return [*(str(name) for name in first.iloc[0]), *([""] if extra else [])]


def _as_pattern(separator: str) -> str:
    return r"\s+" if separator == " " else separator


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise ImportError(
            "reading Parquet files needs pyarrow: install cvxnn[parquet], or convert the table to CSV"
        ) from None
    return pd.read_parquet(path, engine="pyarrow")


def predictions_as_csv(predictions: Array) -> str:
    """Return predictions as CSV text: a column ``prediction``, in the order of the rows, every digit kept."""
    return pd.DataFrame({"prediction": predictions}).to_csv(index=False, lineterminator="\n")


def write_predictions(predictions: Array, path: str | os.PathLike[str]) -> None:
    """Write predictions to a .csv file, atomically.

    Raises
    ------
    ValueError
        If the name ends otherwise or there is no such folder.
    """
    require_csv(path)
    write_text(path, predictions_as_csv(predictions))
