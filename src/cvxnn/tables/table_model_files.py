"""What files of table models hold: columns as JSON, and the rules that bring older versions up to date."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.model_files import Arrays, Header
from cvxnn.tables.columns.encoding import CategoricalColumn, NumericColumn
from cvxnn.tables.columns.spellings import values_spelt_by

KIND = "table-model"
FILE_VERSION = 4


def column_to_json(column: NumericColumn | CategoricalColumn) -> dict[str, Any]:
    """Return a column as JSON data."""
    kind = "numeric" if isinstance(column, NumericColumn) else "categorical"
    return {"kind": kind, **asdict(column)}


def column_from_json(data: dict[str, Any]) -> NumericColumn | CategoricalColumn:
    """Return the column of JSON data."""
    if data["kind"] == "numeric":
        return NumericColumn(data["name"], data["fill"])
    return CategoricalColumn(data["name"], tuple(data["categories"]), data["fill"], data["values"])


def knots_to_arrays(encoder: PiecewiseLinearEncoder) -> Arrays:
    """Return the knots of all columns, one after the other, and how many each column has."""
    return {
        "knots": np.concatenate([np.empty(0), *encoder.knots_]),
        "knot_counts": np.array([len(ends) for ends in encoder.knots_], dtype=np.int64),
    }


def encoder_from_arrays(n_intervals: int, arrays: Arrays) -> PiecewiseLinearEncoder:
    """Return the encoder whose knots these are.

    Raises
    ------
    KeyError
        If an array is missing.
    ValueError
        If the knots of a column are no ends of intervals.
    """
    ends = np.cumsum(arrays["knot_counts"])[:-1]
    return PiecewiseLinearEncoder(n_intervals).with_knots(np.split(arrays["knots"], ends))


def _forget_training_rows(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """Version 1 did not record its training rows: no table is known again as the one of training."""
    header = {**header, "version": 2, "fingerprint": "", "n_table_rows": header["train_scores"]["n"]}
    return header, {**arrays, "training_rows": np.arange(header["n_table_rows"])}


def _note_values(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """Version 2 did not record whether categories were text, booleans or numbers: their names tell."""
    columns = [
        column if column["kind"] == "numeric" else {**column, "values": values_spelt_by(column["categories"])}
        for column in header["columns"]
    ]
    return {**header, "version": 3, "columns": columns}, arrays


def _without_knots(header: Header, arrays: Arrays) -> tuple[Header, Arrays]:
    """Version 3 had no ramps beside its columns."""
    return {**header, "version": 4, "knots": None}, arrays


UPGRADES = {1: _forget_training_rows, 2: _note_values, 3: _without_knots}
