"""Real data for examples, tests and benchmarks, offline: bundled with scikit-learn, or in a local folder."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from cvxnn.validation import Array, as_finite_array, read_only

FOLDER_VARIABLE = "CVXNN_DATA"


@dataclass(frozen=True, eq=False)
class Dataset:
    """Data for regression in raw units.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, read-only.
    y : ndarray of shape (n,)
        Targets, read-only.
    feature_names : tuple of str
        Names of the d columns.
    target_name : str
        Name of the target.
    source : str
        Where the data come from.
    """

    X: Array  # (n, d)
    y: Array  # (n,)
    feature_names: tuple[str, ...]
    target_name: str
    source: str

    def __repr__(self) -> str:
        n, d = self.X.shape
        return f"Dataset({self.target_name!r} from {d} columns, n={n}, source={self.source!r})"


def load_diabetes() -> Dataset:
    """Return the diabetes data, n = 442, d = 10, in raw units; bundled with scikit-learn.

    References
    ----------
    B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least angle regression", Annals of Statistics 2004.

    Examples
    --------
    >>> load_diabetes()
    Dataset('disease progression' from 10 columns, n=442, source='scikit-learn, load_diabetes')
    """
    from sklearn.datasets import load_diabetes as load

    bunch = load(scaled=False)
    names = tuple(str(name) for name in bunch.feature_names)
    return _dataset(bunch.data, bunch.target, names, "disease progression", "scikit-learn, load_diabetes")


def load_uci(name: str, *, data_home: str | os.PathLike[str] | None = None) -> Dataset:
    """Return a regression table of the UCI repository from a local folder.

    Parameters
    ----------
    name : str
        "yacht", "energy", "housing", ...: the name of a file ``uci/<name>.csv.gz`` in the folder, with the
        target in its last column.
    data_home : path-like, optional
        The folder; by default the environment variable ``CVXNN_DATA`` names it.

    Raises
    ------
    FileNotFoundError
        If no folder is named or it has no tables; the message says how to provide them.
    ValueError
        If the folder has no table of this name, or the file is damaged.
    """
    folder = _folder(data_home) / "uci"
    names = sorted(path.name.removesuffix(".csv.gz") for path in folder.glob("*.csv.gz"))
    if not names:
        raise FileNotFoundError(
            f"{str(folder)!r} has no tables: put files <name>.csv.gz there, with a row of column names "
            "and the target in the last column"
        )
    if name not in names:
        raise ValueError(
            f"name must be one of {', '.join(names)}, the tables in {str(folder)!r}; got {name!r}"
        )
    path = folder / f"{name}.csv.gz"
    with _readable(path):
        table = pd.read_csv(path)
    columns = [str(column) for column in table.columns]
    values = as_finite_array(table.to_numpy(), f"table {str(path)!r}", (2,))
    return _dataset(values[:, :-1], values[:, -1], tuple(columns[:-1]), columns[-1], f"UCI, {path}")


def load_planted(*, data_home: str | os.PathLike[str] | None = None) -> Dataset:
    """Return the planted problem from a local folder: n = 200, d = 10, the last column ones.

    Five teacher neurons, Gaussian inputs, noise 0.1, y standardised. With ``beta = 0.5`` and the squared loss
    the best known objective of ``Problem(X, y, 0.5)`` is 1.5402.

    Parameters
    ----------
    data_home : path-like, optional
        The folder of ``planted.npz``; by default the environment variable ``CVXNN_DATA`` names it.

    Raises
    ------
    FileNotFoundError
        If no folder is named or it has no such file; the message says how to provide it.
    ValueError
        If the file is damaged.
    """
    path = _folder(data_home) / "planted.npz"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}: put arrays X (n, d) and y (n,) there")
    # opened here: np.load leaves a path's file open when the archive in it is damaged
    with _readable(path), path.open("rb") as stream, np.load(stream, allow_pickle=False) as data:
        X, y = data["X"], data["y"]
    names = (*(f"x{k}" for k in range(X.shape[1] - 1)), "ones")
    return _dataset(X, y, names, "y", f"planted, {path}")


def _folder(data_home: str | os.PathLike[str] | None) -> Path:
    """Return the folder of the data sets."""
    named = os.environ.get(FOLDER_VARIABLE) if data_home is None else data_home
    if not named:
        raise FileNotFoundError(
            f"no folder of data sets is named: give data_home, or set the environment variable "
            f"{FOLDER_VARIABLE} to a folder with uci/<name>.csv.gz and planted.npz"
        )
    folder = Path(named)
    if not folder.is_dir():
        raise FileNotFoundError(
            f"data_home (or {FOLDER_VARIABLE}) must name a folder; {str(folder)!r} is none"
        )
    return folder


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error) as error:
        raise ValueError(f"{str(path)!r} is damaged or holds other arrays ({error})") from None


def _dataset(X: object, y: object, names: tuple[str, ...], target: str, source: str) -> Dataset:
    return Dataset(
        read_only(as_finite_array(X, "X", (2,))),
        read_only(as_finite_array(y, "y", (1,))),
        names,
        target,
        source,
    )
