"""Data by name, to train on and to test with: tables, images, planted and synthetic ones of any size.

The tables and images are in the folder that CVXNN_DATA names; the others are drawn, the same every time.
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split

from cvxnn import Problem, ReLUNetwork
from cvxnn.datasets import load_uci
from cvxnn.validation import Array

DRAWN = re.compile(r"(\d+) x (\d+)(?: in (\d+) classes)?")
IMAGES = re.compile(r"(mnist|cifar10) (\d+)")


@dataclass(frozen=True, eq=False)
class Split:
    """Data to train on and data to test with."""

    X: Array  # (n, d)
    y: Array  # (n,), integers for classes
    X_test: Array  # (k, d)
    y_test: Array  # (k,)

    @property
    def has_classes(self) -> bool:
        """Return whether targets are classes."""
        return bool(self.y.dtype.kind in "iu")


def is_at_hand(name: str) -> bool:
    """Return whether data of this name can be had: drawn, or read from a folder that is named."""
    return DRAWN.fullmatch(name) is not None or bool(os.environ.get("CVXNN_DATA"))


def data_split(name: str) -> Split:
    """Return the data of a name.

    ``"concrete"``: 80 % of a UCI table, and the rest; ``"mnist 2000"``, ``"cifar10 50000"``: the first images of the
    training part, and all of the test part; ``"100 x 5000"``: planted regression of so many rows and columns;
    ``"2000 x 16 in 26 classes"``: clusters.
    """
    if found := DRAWN.fullmatch(name):
        n, d, n_classes = (int(number or 0) for number in found.groups())
        return clusters(n, d, n_classes) if n_classes else planted(n, d)
    if found := IMAGES.fullmatch(name):
        return {"mnist": mnist, "cifar10": cifar10}[found[1]](int(found[2]))
    data = load_uci(name)
    X, X_test, y, y_test = train_test_split(data.X, data.y, test_size=0.2, random_state=0)
    return Split(X, y, X_test, y_test)


def _parts(X: Array, y: Array, n: int) -> Split:
    return Split(X[:n].copy(), y[:n].copy(), X[n:].copy(), y[n:].copy())


def _test_rows(n: int) -> int:
    return min(max(n // 4, 200), 10_000)


def planted(n: int, d: int) -> Split:
    """Return Gaussian inputs and the outputs of five random neurons with noise of a tenth of their spread."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n + _test_rows(n), d))
    y = np.maximum(X @ rng.standard_normal((d, 5)) / np.sqrt(d), 0.0) @ rng.standard_normal(5)
    return _parts(X, y + 0.1 * np.std(y) * rng.standard_normal(len(y)), n)


def clusters(n: int, d: int, n_classes: int) -> Split:
    """Return classes of two clusters each in three quarters of the columns; the other columns tell nothing."""
    X, y = make_classification(
        n + _test_rows(n),
        d,
        n_informative=3 * d // 4,
        n_redundant=0,
        n_classes=n_classes,
        n_clusters_per_class=2,
        class_sep=3.5,
        random_state=0,
    )
    return _parts(X, y, n)


def _path(name: str) -> Path:
    return Path(os.environ["CVXNN_DATA"]) / name


def mnist(n: int = 60_000) -> Split:
    """Return the first n images of MNIST (60,000 x 784, grey values 0 to 255), and the 10,000 of the test."""
    with np.load(_path("mnist.npz")) as data:
        X, X_test = (images.reshape(-1, 784) for images in (data["X_train"][:n], data["X_test"]))
        return Split(X.astype(np.float64), data["y_train"][:n], X_test.astype(np.float64), data["y_test"])


def cifar10(n: int = 50_000) -> Split:
    """Return the first n images of CIFAR-10 (50,000 x 3,072, colours 0 to 255), and the 10,000 of the test."""
    import pandas as pd
    from PIL import Image

    table = pd.read_parquet(_path("cifar10.parquet"))
    parts = []
    for name, most in (("train", n), ("test", 10_000)):
        rows = table[table["split"] == name].iloc[:most]
        pixels = [np.asarray(Image.open(io.BytesIO(jpeg))).ravel() for jpeg in rows["jpeg"]]
        parts += [np.array(pixels, dtype=np.float64), rows["label"].to_numpy(dtype=np.int64)]
    return Split(*parts)


def pixel_problem(split: Split, beta: float) -> Problem:
    """Return softmax training on pixels over 255, centred, with a column of ones and an output offset."""
    X = np.hstack([(split.X - split.X.mean(axis=0)) / 255.0, np.ones((len(split.X), 1))])
    return Problem(X, np.eye(int(split.y.max()) + 1)[split.y], beta, "multinomial", output_offset=True)


def pixel_accuracy(network: ReLUNetwork, split: Split) -> float:
    """Return the share of test images that a network of `pixel_problem` sees right."""
    X = np.hstack([(split.X_test - split.X.mean(axis=0)) / 255.0, np.ones((len(split.X_test), 1))])
    return float(np.mean(np.argmax(network.predict(X), axis=1) == split.y_test))
