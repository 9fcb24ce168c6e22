"""Read tables from files, and write predictions to them."""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from cvxnn.atomic_files import write_text
from cvxnn.tables.frames import as_table, listed
from cvxnn.validation import Array

_SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
_PARQUET = ".parquet"


def read_table(path: str | os.PathLike[str], *, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a table from a file whose first row names the columns.

    In a .csv or .tsv file a column is one of numbers or of booleans where all of its values are, and one of
    text otherwise. For a table to predict from, ``model.read`` takes the types of training instead.

    Parameters
    ----------
    path : path-like
        A .csv or .tsv file in UTF-8, perhaps gzipped (.csv.gz, .tsv.gz), or a .parquet file.
    text : collection of str, default ()
        Columns that are text whatever they look like: codes such as ``01``, releases such as ``3.10``.
        Names of no column are ignored, and a .parquet file has its own types.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ImportError
        If it is a Parquet file and pyarrow is not installed.
    ValueError
        If the file is of another kind, damaged, empty, or has two columns of one name.
    """
    source = Path(path)
    kinds = (*_SEPARATORS, _PARQUET)
    kind = next((kind for kind in kinds if source.name.lower().endswith(kind)), None)
    if kind is None:
        raise ValueError(f"path must end in {', '.join(kinds)}; got {source.name!r}")
    if not source.exists():
        raise FileNotFoundError(f"there is no file {str(source)!r}")
    try:
        table = _read_parquet(source) if kind == _PARQUET else _read_text(source, _SEPARATORS[kind], text)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise ValueError(f"path must be a readable table; {str(source)!r} is none ({error})") from None
    return as_table(table, f"table {str(source)!r}")


def _read_text(path: Path, separator: str, text: Collection[str]) -> pd.DataFrame:
    # pandas renames columns that share a name, and takes the first of too many fields as row labels: first
    # read two rows without names, which refuses the latter.
    names = pd.read_csv(path, sep=separator, header=None, nrows=2, dtype=str, keep_default_na=False)
    header = [str(name) for name in names.iloc[0]]
    unnamed = [k + 1 for k, name in enumerate(header) if not name.strip() and k > 0]
    if unnamed:
        raise ValueError(f"its columns number {', '.join(map(str, unnamed))} have no name")
    twice = [name for k, name in enumerate(header) if name in header[:k]]
    if twice:
        raise ValueError(f"it has more than one column {listed(twice)}")
    return pd.read_csv(path, sep=separator, low_memory=False, dtype=dict.fromkeys(text, str))


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
    if Path(path).suffix.lower() != ".csv":
        raise ValueError(f"path must end in .csv; got {Path(path).name!r}")
    write_text(path, predictions_as_csv(predictions))
