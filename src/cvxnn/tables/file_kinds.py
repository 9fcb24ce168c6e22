"""Which files hold tables, by their names."""

from __future__ import annotations

import os
from pathlib import Path

from cvxnn.atomic_files import require_file

SEPARATORS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t"}
PARQUET = ".parquet"


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
