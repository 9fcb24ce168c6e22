"""Files of table models: JSON and plain arrays, versioned, written atomically."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import numpy as np

from cvxnn.certificates import Certificate
from cvxnn.estimators.standardisation import Standardisation
from cvxnn.model_files import Arrays, Header, read_model, write_model
from cvxnn.networks import ReLUNetwork
from cvxnn.tables.columns import CategoricalColumn, Encoding, NumericColumn
from cvxnn.tables.scores import Scores
from cvxnn.tables.spellings import values_spelt_by
from cvxnn.tables.table_model import TableModel
from cvxnn.training import TrainingStatus

KIND = "table-model"
FILE_VERSION = 3


def save_table_model(model: TableModel, path: str | os.PathLike[str]) -> None:
    """Write a table model to a file, atomically.

    Parameters
    ----------
    model : TableModel
        The model.
    path : path-like
        Where to write; the name is kept as it is.
    """
    header: Header = {
        "columns": [_column_to_json(column) for column in model.encoding.columns],
        "target": model.target,
        "target_mean": model.scaling.y_mean,
        "target_scale": model.scaling.y_scale,
        "bias": model.scaling.bias,
        "beta": model.beta,
        "loss": model.loss,
        "certificate": asdict(model.certificate),
        "status": model.status.name,
        "train_scores": asdict(model.train_scores),
        "test_scores": None if model.test_scores is None else asdict(model.test_scores),
        "n_table_rows": model.n_table_rows,
        "fingerprint": model.fingerprint,
        "cvxnn_version": model.cvxnn_version,
    }
    arrays: Arrays = {
        "hidden": model.network.hidden,
        "output": model.network.output,
        "offset": model.network.offset,
        "x_mean": model.scaling.x_mean,
        "x_scale": model.scaling.x_scale,
        "training_rows": model.training_rows,
    }
    write_model(path, KIND, FILE_VERSION, header, arrays)


def load_table_model(path: str | os.PathLike[str]) -> TableModel:
    """Read a table model from a file.

    Parameters
    ----------
    path : path-like
        A file written by ``model.save``, by this release or an older one.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is not a table model, is damaged, or is of a newer version.
    """
    try:
        return _model(*read_model(path, KIND, FILE_VERSION, UPGRADES))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"path must be a table model's file; {path} is damaged ({error})") from None


def _model(header: Header, arrays: Arrays) -> TableModel:
    test_scores = header["test_scores"]
    return TableModel(
        network=ReLUNetwork(arrays["hidden"], arrays["output"], arrays["offset"]),
        encoding=Encoding(tuple(_column_from_json(column) for column in header["columns"])),
        scaling=Standardisation(
            arrays["x_mean"], arrays["x_scale"], header["target_mean"], header["target_scale"], header["bias"]
        ),
        target=header["target"],
        beta=header["beta"],
        loss=header["loss"],
        certificate=Certificate(**header["certificate"]),
        status=TrainingStatus[header["status"]],
        train_scores=Scores(**header["train_scores"]),
        test_scores=None if test_scores is None else Scores(**test_scores),
        training_rows=arrays["training_rows"],
        n_table_rows=header["n_table_rows"],
        fingerprint=header["fingerprint"],
        cvxnn_version=header["cvxnn_version"],
    )


def _column_to_json(column: NumericColumn | CategoricalColumn) -> dict[str, Any]:
    kind = "numeric" if isinstance(column, NumericColumn) else "categorical"
    return {"kind": kind, **asdict(column)}


def _column_from_json(data: dict[str, Any]) -> NumericColumn | CategoricalColumn:
    if data["kind"] == "numeric":
        return NumericColumn(data["name"], data["fill"])
    return CategoricalColumn(data["name"], tuple(data["categories"]), data["fill"], data["values"])


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


UPGRADES = {1: _forget_training_rows, 2: _note_values}
