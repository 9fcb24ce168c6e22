"""What several commands take, and checks of what is given."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TablePath = Annotated[Path, typer.Argument(metavar="TABLE", help="A .csv, .csv.gz, .tsv or .parquet file.")]
ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="A file that fit wrote.")]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="CHAR",
        help="What separates columns: a comma in .csv, a tab in .tsv files; 'tab', ' ' for blanks.",
    ),
]
Decimal = Annotated[str, typer.Option(metavar="CHAR", help="The decimal mark.")]
Thousands = Annotated[str | None, typer.Option(metavar="CHAR", help="The mark between thousands.")]
TextEncoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="Such as cp1252 or utf-16; UTF-8 by default.")
]
Comment = Annotated[
    str | None, typer.Option(metavar="CHAR", help="The rest of a line from here is left out.")
]
Missing = Annotated[
    list[str] | None,
    typer.Option(metavar="WORD", help="Counts as a missing value, as NA and NaN do; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def positive(value: float | None) -> float | None:
    """Return a number > 0, or None where there is none."""
    if value is not None and not 0 < value < float("inf"):
        raise typer.BadParameter(f"must be a number > 0; got {value}")
    return value


def beta_or_auto(value: str) -> str:
    """Return a number > 0 or "auto", as it was written."""
    if value != "auto":
        try:
            positive(float(value))
        except ValueError:
            raise typer.BadParameter(f"must be a number > 0 or auto; got {value!r}") from None
    return value


def share(value: float) -> float:
    """Return a share in [0, 1)."""
    if not 0 <= value < 1:
        raise typer.BadParameter(f"must be a share of the rows in [0, 1); got {value}")
    return value
