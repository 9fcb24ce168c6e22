"""Train on a table: encode, split, standardise, train, score."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cvxnn.deadlines import Deadline
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators import Preparation
from cvxnn.losses import Loss, get_loss
from cvxnn.seeds import Seed, as_random_state
from cvxnn.short_reprs import short_repr
from cvxnn.tables.columns.encoding import Encoding, NumericColumn
from cvxnn.tables.columns.frames import as_table, require_columns
from cvxnn.tables.columns.learning import learn_encoding, require_complete, require_unspoilt
from cvxnn.tables.columns.row_numbering import row_numbers
from cvxnn.tables.scores import score
from cvxnn.tables.table_model import TableModel, predict_target, with_ramps
from cvxnn.tables.training_problem import fingerprint_of, target_of
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import TrainingResult, train
from cvxnn.validation import Array, as_number

logger = logging.getLogger(__name__)

Rows = NDArray[np.int64]


@short_repr
@dataclass(frozen=True, eq=False)
class TableReport:
    """What happened when a model was fitted to a table.

    Parameters
    ----------
    constant : tuple of str
        Columns left out since they have one value only in the training rows.
    dropped : tuple of str
        Columns left out as asked for.
    row_numbers : tuple of str
        The leading column, where it was left out since it numbers the rows.
    imputed : dict of str to int
        Missing values filled in the training rows, by column.
    unknown : dict of str to int
        Test values of no category seen in training, by column.
    nearly_unique : tuple of str
        Columns that have a category of its own for nearly every training row.
    X_train : ndarray of shape (n_train, d)
        The encoded training rows, in raw units.
    y_train, predicted_train : ndarray of shape (n_train,)
        Truth and predictions on the training rows, in units of the target.
    y_test, predicted_test : ndarray of shape (n_test,) or None
        The same on the test rows, where there are any.
    result : TrainingResult
        Of the standardised problem: network, certificate, status, history.
    seconds : float
        Wall time of fitting, training and its proof included.
    """

    constant: tuple[str, ...]
    dropped: tuple[str, ...]
    row_numbers: tuple[str, ...]
    imputed: Mapping[str, int]
    unknown: Mapping[str, int]
    nearly_unique: tuple[str, ...]
    X_train: Array  # (n_train, d)
    y_train: Array  # (n_train,)
    predicted_train: Array  # (n_train,)
    y_test: Array | None  # (n_test,)
    predicted_test: Array | None  # (n_test,)
    result: TrainingResult
    seconds: float


@on_one_blas_thread
def fit_table(
    table: pd.DataFrame,
    target: str,
    *,
    beta: float | Literal["auto"] = "auto",
    beta_ratio: float = 0.005,
    knots: int | None = None,
    loss: str | Loss = "squared",
    fit_intercept: bool = True,
    drop: Sequence[str] = (),
    text: Collection[str] = (),
    impute: bool = False,
    test_size: float = 0.0,
    tol: float = 1e-2,
    max_seconds: float | None = None,
    random_state: Seed = 0,
    verbose: int = 0,
) -> tuple[TableModel, TableReport]:
    """Train a network to the global optimum on a table, with a proof of how close it is.

    Text, booleans and categories become one-hot columns; numbers and target are scaled to mean 0 and variance
    1. All of that is learned from the training rows alone. A first column that numbers the rows is left out if
    it has no name or one such as "id" or "row"; a warning says so.

    Parameters
    ----------
    table : pandas.DataFrame
        Any columns of numbers, text, booleans or categories.
    target : str
        The column to predict, of numbers.
    beta : float or "auto", default "auto"
        Weight decay of the standardised problem. "auto" means ``beta_ratio`` times its critical beta, from
        which on the network is constant.
    beta_ratio : float, default 0.005
        Used when ``beta="auto"``.
    knots : int or None, default None
        Quantile intervals a column of numbers whose clipped ramps are put beside it
        (`cvxnn.encoding.PiecewiseLinearEncoder`); columns of two values have none. Objective and certificate are then
        of the problem on columns and ramps.
    loss : str or Loss, default "squared"
        Training loss, summed over rows; the squared loss is ``1/2 ||f - y||^2``.
    fit_intercept : bool, default True
        Add a hidden bias, penalised like the other weights, and an unpenalised output offset.
    drop : sequence of str, default ()
        Columns to leave out.
    text : collection of str, default ()
        Columns of categories, whatever they look like: numbers that are codes, numbers beside words.
    impute : bool, default False
        Fill missing values, numbers with the median and text with the most frequent category of the training
        rows; by default they are refused. A missing target is always refused.
    test_size : float, default 0.0
        Share of the rows, drawn at random, that only serve to score the model; in [0, 1).
    tol : float, default 1e-2
        Relative gap asked for.
    max_seconds : float, optional
        Time limit of training; the best network so far is kept, with its certificate.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the split and of training.
    verbose : int, default 0
        1 shows a line of progress on a terminal.

    Returns
    -------
    model : TableModel
        Predicts from tables like this one.
    report : TableReport
        What was done to the columns, truth and predictions, training result.

    Raises
    ------
    ValueError
        If a column is not there, an option is out of range, a column cannot be used, is numbers or dates but
        for some words, or has missing values without ``impute``, fewer than two rows are left for training, or
        no column varies.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> x = np.linspace(-1, 1, 20)
    >>> model, report = fit_table(pd.DataFrame({"x": x, "y": np.abs(x)}), "y")
    >>> model.certificate.proven, round(model.train_scores.r2, 2)
    (True, 1.0)
    """
    started = time.perf_counter()
    beta_ratio = as_number(beta_ratio, "beta_ratio", positive=True)
    loss, table = get_loss(loss), as_table(table)
    y = target_of(table, target)
    inputs = _inputs(table, target, drop)
    require_columns(table, list(text))
    numbering = _row_numbers(table, inputs, text)
    inputs = inputs.drop(columns=list(numbering))
    if not impute:
        require_complete(inputs)
    require_unspoilt(inputs, text)
    rng = as_random_state(random_state)
    train_rows, test_rows = _split(len(table), test_size, rng)
    learned = learn_encoding(inputs.iloc[train_rows], impute=impute, text=text)
    for name in learned.nearly_unique:
        logger.warning(
            "column %r has a category of its own for nearly every row: what is learned of them is of no use for "
            "other rows; leave it out with drop (--drop)",
            name,
        )
    X = learned.encoding.encode(inputs.iloc[train_rows]).X
    encoder = None if knots is None else PiecewiseLinearEncoder(knots).fit(X)
    Z = with_ramps(encoder, X)
    categories = _zeros_and_ones(learned.encoding)
    prepared = Preparation.of(
        Z,
        y[train_rows],
        loss=loss,
        fit_intercept=fit_intercept,
        unscaled=np.concatenate([categories, np.zeros(Z.shape[1] - len(categories), dtype=np.bool_)]),
    )
    deadline = Deadline.after(max_seconds, positive=True)
    scaling = prepared.scaling
    problem, _ = prepared.with_beta(beta, beta_ratio, lambda: prepared.critical_beta(deadline))
    result = train(
        problem, tol=tol, max_seconds=deadline.limit(), random_state=rng.randint(2**31), verbose=verbose
    )

    def assembled() -> tuple[TableModel, TableReport]:
        test = learned.encoding.encode(inputs.iloc[test_rows]) if len(test_rows) else None
        predicted_train = predict_target(result.network, scaling, Z)
        predicted_test = (
            None if test is None else predict_target(result.network, scaling, with_ramps(encoder, test.X))
        )
        model = TableModel(
            network=result.network,
            encoding=learned.encoding,
            scaling=scaling,
            target=target,
            beta=problem.beta,
            loss=problem.loss.name,
            certificate=result.certificate,
            status=result.status,
            train_scores=score(y[train_rows], predicted_train),
            test_scores=None if predicted_test is None else score(y[test_rows], predicted_test),
            training_rows=train_rows,
            n_table_rows=len(table),
            fingerprint=fingerprint_of(problem),
            cvxnn_version=version("cvxnn"),
            encoder=encoder,
        )
        report = TableReport(
            constant=learned.constant,
            dropped=tuple(drop),
            row_numbers=numbering,
            imputed=learned.imputed,
            unknown={} if test is None else test.unknown,
            nearly_unique=learned.nearly_unique,
            X_train=X,
            y_train=y[train_rows],
            predicted_train=predicted_train,
            y_test=None if test is None else y[test_rows],
            predicted_test=predicted_test,
            result=result,
            seconds=time.perf_counter() - started,
        )
        return model, report

    try:
        return assembled()
    except KeyboardInterrupt:
        # The network is there: an interrupt that comes too late to end training does not lose it.
        return assembled()


def _inputs(table: pd.DataFrame, target: str, drop: Sequence[str]) -> pd.DataFrame:
    """Return the columns to learn from."""
    require_columns(table, list(drop))
    if target in drop:
        raise ValueError(f"drop must not hold the target; found {target!r} in it")
    inputs = table.drop(columns=[target, *drop])
    if inputs.shape[1] == 0:
        raise ValueError(f"table must have a column besides the target {target!r}; none is left")
    return inputs


def _row_numbers(table: pd.DataFrame, inputs: pd.DataFrame, text: Collection[str]) -> tuple[str, ...]:
    """Return the table's first column if it is to be left out since it numbers the rows, and say so."""
    found = row_numbers(table)
    if found is None or found.name not in inputs or found.name in text or inputs.shape[1] == 1:
        return ()
    logger.warning("%s", found)
    return (found.name,) if found.surely else ()


def _split(n: int, test_size: float, rng: np.random.RandomState) -> tuple[Rows, Rows]:
    """Return training and test rows, each ascending; the test share is rounded up."""
    test_size = as_number(test_size, "test_size")
    if test_size >= 1:
        raise ValueError(f"test_size must be a share of the rows in [0, 1); got {test_size!r}")
    n_test = math.ceil(test_size * n)
    if n - n_test < 2:
        raise ValueError(
            f"table must have at least 2 rows for training; got {n}, {n_test} of them for testing"
        )
    shuffled = rng.permutation(n) if n_test else np.arange(n)
    return np.sort(shuffled[n_test:]), np.sort(shuffled[:n_test])


def _zeros_and_ones(encoding: Encoding) -> NDArray[np.bool_]:
    """Return which features are of categories: to standardise them would inflate rare categories."""
    return np.array([not isinstance(c, NumericColumn) for c in encoding.columns for _ in c.features])
