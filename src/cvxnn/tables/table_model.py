"""A network trained on a table, with all that it takes to predict from another one."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cvxnn.certificates import Certificate
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators import Standardisation
from cvxnn.model_files import Arrays, Header, read_model, write_model
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.statuses import SolveStatus
from cvxnn.tables.columns.encoding import CategoricalColumn, EncodedTable, Encoding, NumericColumn
from cvxnn.tables.columns.frames import as_table
from cvxnn.tables.reading import read_table
from cvxnn.tables.scores import Scores
from cvxnn.tables.table_model_files import (
    FILE_VERSION,
    KIND,
    UPGRADES,
    column_from_json,
    column_to_json,
    encoder_from_arrays,
    knots_to_arrays,
)
from cvxnn.tables.training_problem import fingerprint_of, target_of
from cvxnn.validation import Array, read_only

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class TableModel:
    """A network trained on a table. Made by `fit_table`, read from a file by `load_table_model`.

    The network belongs to the standardised problem, so that its certificate is about exactly the problem that
    was trained; predictions are in units of the target.

    Parameters
    ----------
    network : ReLUNetwork
        Takes encoded, standardised columns, and ramps where there is an encoder, then a column of ones where there is a
        hidden bias.
    encoding : Encoding
        From table to data matrix.
    scaling : Standardisation
        From data matrix, with its ramps, to inputs of the network, and from its outputs to the target; whether there
        is a hidden bias and an output offset.
    target : str
        The column that is predicted.
    beta : float
        Weight decay.
    loss : str
        Name of the loss.
    certificate : Certificate
        What is proved about the network on the training problem.
    status : SolveStatus
        Why training stopped.
    train_scores, test_scores : Scores
        On the training and the test rows; None where there are no test rows.
    training_rows : ndarray of shape (n_train,)
        Which rows of the table were trained on, ascending.
    n_table_rows : int
        Rows of the table, test rows included.
    fingerprint : str
        SHA-256 of the training problem's data, by which its table is known again.
    cvxnn_version : str
        The release that trained the model.
    encoder : PiecewiseLinearEncoder or None
        What puts ramps beside the columns of the data matrix; None where the model was fitted without knots.
    """

    network: ReLUNetwork
    encoding: Encoding
    scaling: Standardisation
    target: str
    beta: float
    loss: str
    certificate: Certificate
    status: SolveStatus
    train_scores: Scores
    test_scores: Scores | None
    training_rows: NDArray[np.int64]  # (n_train,)
    n_table_rows: int
    fingerprint: str
    cvxnn_version: str
    encoder: PiecewiseLinearEncoder | None = None

    def __post_init__(self) -> None:
        rows = np.array(self.training_rows, dtype=np.int64)
        rows.flags.writeable = False
        x_mean, x_scale = read_only(self.scaling.x_mean), read_only(self.scaling.x_scale)
        object.__setattr__(self, "training_rows", rows)
        object.__setattr__(self, "scaling", replace(self.scaling, x_mean=x_mean, x_scale=x_scale))

    @property
    def numeric(self) -> tuple[str, ...]:
        """Return the table's columns of numbers in use."""
        return tuple(column.name for column in self.encoding.columns if isinstance(column, NumericColumn))

    @property
    def one_hot(self) -> dict[str, int]:
        """Return the table's columns of categories in use, with their number of categories."""
        columns = (column for column in self.encoding.columns if isinstance(column, CategoricalColumn))
        return {column.name: len(column.categories) for column in columns}

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Return the names of the network's inputs, ramps included and the hidden bias left out."""
        names = self.encoding.features
        if self.encoder is None:
            return names
        return tuple(str(name) for name in self.encoder.get_feature_names_out(names))

    @property
    def raw_network(self) -> ReLUNetwork:
        """Return the network that takes encoded columns in raw units, and ramps, and gives the target in its units."""
        return self.scaling.to_raw_units(self.network)

    def read(
        self,
        path: str | os.PathLike[str],
        *,
        separator: str | None = None,
        decimal: str = ".",
        thousands: str | None = None,
        encoding: str | None = None,
        comment: str | None = None,
        missing: Collection[str] = (),
    ) -> pd.DataFrame:
        """Read a table from a file with the types that the model knows from training.

        What a category is called then depends on its own spelling and not on the rest of its file.

        Parameters
        ----------
        path, separator, decimal, thousands, encoding, comment, missing
            As of `read_table`.

        Raises
        ------
        FileNotFoundError, ImportError, ValueError
            As `read_table`.
        """
        return read_table(
            path,
            text=self.encoding.text_columns,
            separator=separator,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            comment=comment,
            missing=missing,
        )

    def encode(self, table: pd.DataFrame) -> EncodedTable:
        """Return a table as the data matrix that the model takes, with counts of what was unknown or filled.

        Raises
        ------
        ValueError
            If a column is not there or of another type, or has missing values and the model was fitted
            without ``impute``.
        """
        return self.encoding.encode(table)

    def predict(self, table: pd.DataFrame) -> Array:
        """Return predictions of the target, shape (n,).

        Parameters
        ----------
        table : pandas.DataFrame
            Has the columns of training; others are ignored. `read` gives it from a file. A category not seen
            in training counts as none of those seen, and is logged as a warning.

        Raises
        ------
        ValueError
            As `encode` does.
        """
        encoded = self.encode(table)
        for name, count in encoded.unknown.items():
            logger.warning("column %r: %d values of no category seen in training", name, count)
        return self.predict_encoded(encoded.X)

    def predict_encoded(self, X: Array) -> Array:
        """Return predictions from the data matrix of `encode`, shape (n,)."""
        return predict_target(self.network, self.scaling, with_ramps(self.encoder, X))

    def problem(self, table: pd.DataFrame, *, target: str | None = None) -> Problem:
        """Return the training problem of a table: of its training rows, if it is the table of training.

        Encoding, scaling, loss and beta are those of the model. A table that does not have the training rows
        where they were, bit for bit, gives the problem of all its rows; `is_training_problem` tells which it
        is.

        Parameters
        ----------
        table : pandas.DataFrame
            Has the columns of training and the target.
        target : str, optional
            Name of the target's column; by default the one of training.

        Raises
        ------
        ValueError
            If a column is not there or of another type, or has missing values that the model has no filling
            for.
        """
        table = as_table(table)
        y = target_of(table, self.target if target is None else target)
        everything = self._problem(self.encode(table).X, y)
        if len(y) == self.n_table_rows:
            rows = self.training_rows
            training = Problem(
                everything.X[rows], everything.y[rows], self.beta, everything.loss, everything.output_offset
            )
            if self.is_training_problem(training):
                return training
        return everything

    def is_training_problem(self, problem: Problem) -> bool:
        """Return whether a problem is the one that the network was trained on, by its fingerprint."""
        return fingerprint_of(problem) == self.fingerprint

    def _problem(self, X: Array, y: Array) -> Problem:
        return self.scaling.problem(with_ramps(self.encoder, X), y, loss=self.loss, beta=self.beta)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a file, atomically; `load_table_model` reads it back bit for bit."""
        header: Header = {
            "columns": [column_to_json(column) for column in self.encoding.columns],
            "target": self.target,
            "target_mean": self.scaling.y_mean,
            "target_scale": self.scaling.y_scale,
            "bias": self.scaling.bias,
            "beta": self.beta,
            "loss": self.loss,
            "certificate": asdict(self.certificate),
            "status": self.status.name,
            "train_scores": asdict(self.train_scores),
            "test_scores": None if self.test_scores is None else asdict(self.test_scores),
            "n_table_rows": self.n_table_rows,
            "fingerprint": self.fingerprint,
            "cvxnn_version": self.cvxnn_version,
            "knots": None if self.encoder is None else self.encoder.knots,
        }
        arrays: Arrays = {
            "hidden": self.network.hidden,
            "output": self.network.output,
            "offset": self.network.offset,
            "x_mean": self.scaling.x_mean,
            "x_scale": self.scaling.x_scale,
            "training_rows": self.training_rows,
            **({} if self.encoder is None else knots_to_arrays(self.encoder)),
        }
        write_model(path, KIND, FILE_VERSION, header, arrays)

    def __repr__(self) -> str:
        return (
            f"TableModel({self.target!r} from {len(self.encoding.columns)} columns, "
            f"{self.network.n_neurons} neurons, relative_gap={self.certificate.relative_gap:.3g})"
        )


def with_ramps(encoder: PiecewiseLinearEncoder | None, X: Array) -> Array:
    """Return a data matrix with its ramps beside it; without an encoder as it is."""
    return X if encoder is None else encoder.ramps_.beside(X)


def predict_target(network: ReLUNetwork, scaling: Standardisation, X: Array) -> Array:
    """Return a network's predictions in units of the target, from a data matrix in raw units, ramps included."""
    return network.predict(scaling.inputs(X)) * scaling.y_scale + scaling.y_mean


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
        encoding=Encoding(tuple(column_from_json(column) for column in header["columns"])),
        scaling=Standardisation(
            arrays["x_mean"], arrays["x_scale"], header["target_mean"], header["target_scale"], header["bias"]
        ),
        target=header["target"],
        beta=header["beta"],
        loss=header["loss"],
        certificate=Certificate(**header["certificate"]),
        status=SolveStatus[header["status"]],
        train_scores=Scores(**header["train_scores"]),
        test_scores=None if test_scores is None else Scores(**test_scores),
        training_rows=arrays["training_rows"],
        n_table_rows=header["n_table_rows"],
        fingerprint=header["fingerprint"],
        cvxnn_version=header["cvxnn_version"],
        encoder=None if header["knots"] is None else encoder_from_arrays(header["knots"], arrays),
    )
