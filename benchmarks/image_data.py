"""MNIST and CIFAR-10 as tables of pixels, from the folder that CVXNN_DATA names."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cvxnn import Problem, ReLUNetwork
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Split:
    """Data to train on and data to test with."""

    X: Array  # (n, d)
    y: Array  # (n,)
    X_test: Array  # (k, d)
    y_test: Array  # (k,)


def _path(name: str) -> Path:
    return Path(os.environ["CVXNN_DATA"]) / name


def mnist(n: int = 60_000) -> Split:
    """Return the first n images of MNIST (60,000 x 784, grey values 0 to 255), and the 10,000 of the test."""
    with np.load(_path("mnist.npz")) as data:
        X, X_test = (data[key].reshape(-1, 784).astype(np.float64) for key in ("X_train", "X_test"))
        return Split(X[:n].copy(), data["y_train"][:n], X_test, data["y_test"])


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
    X = split.X / 255.0
    X = np.hstack([X - X.mean(axis=0), np.ones((len(X), 1))])
    return Problem(X, np.eye(int(split.y.max()) + 1)[split.y], beta, "multinomial", output_offset=True)


def pixel_accuracy(network: ReLUNetwork, split: Split) -> float:
    """Return the share of test images that a network of `pixel_problem` sees right."""
    X = np.hstack([(split.X_test - split.X.mean(axis=0)) / 255.0, np.ones((len(split.X_test), 1))])
    return float(np.mean(np.argmax(network.predict(X), axis=1) == split.y_test))
