"""Networks of every shape with data for them, and what rounding may do to their predictions."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pytest

from cvxnn import ReLUNetwork, ReLURegressor
from cvxnn.datasets import load_diabetes
from cvxnn.validation import Array

# Features, neurons, outputs (None: output weights of shape (m,)), scale of the weights of the layers.
SHAPES = [
    (1, 1, None, 1.0, 1.0),
    (3, 5, None, 1.0, 1.0),
    (4, 6, 3, 1.0, 1.0),
    (2, 3, 1, 1.0, 1.0),
    (3, 0, None, 1.0, 1.0),
    (3, 0, 2, 1.0, 1.0),
    (20, 50, 2, 1e-8, 1e8),
    (20, 50, None, 1e8, 1e8),
    (5, 7, 2, 1e-8, 1e-8),
]


@dataclass(frozen=True, eq=False)
class Case:
    network: ReLUNetwork
    hidden_bias: bool
    X: Array  # what the network takes
    columns: Array  # what the exported model takes: X without its column of ones, where there is one

    @property
    def expected(self) -> Array:
        """Return predictions, shape (n, C)."""
        return self.network.predict(self.X).reshape(len(self.X), self.network.n_outputs)

    def tolerance(self, dtype: str) -> Array:
        """Return what rounding may change: each product and sum by a relative eps, in both computations.

        There are at most d + m + 4 of them in a row (data and weights are rounded too), and 2 for the two.
        """
        network = self.network
        output = np.abs(network.output.reshape(network.n_neurons, network.n_outputs))
        size = np.abs(self.X) @ np.abs(network.hidden) @ output + np.abs(network.offset)
        return 2 * (network.n_features + network.n_neurons + 4) * np.finfo(dtype).eps * size


def make_case(shape: tuple[int, int, int | None, float, float], hidden_bias: bool) -> Case:
    d, m, n_outputs, hidden_scale, output_scale = shape
    rng = np.random.default_rng([d, m, n_outputs or 0, hidden_bias])
    columns = rng.standard_normal((12, d)) + 1.0  # off the origin
    X = np.column_stack([columns, np.ones(12)]) if hidden_bias else columns
    network = ReLUNetwork(
        hidden_scale * rng.standard_normal((X.shape[1], m)),
        output_scale * rng.standard_normal((m,) if n_outputs is None else (m, n_outputs)),
        hidden_scale * output_scale * rng.standard_normal(n_outputs or 1),
    )
    return Case(network, hidden_bias, X, columns)


@pytest.fixture(params=list(product(SHAPES, [False, True])), ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    return make_case(*request.param)


@pytest.fixture(scope="session")
def diabetes_model() -> ReLURegressor:
    """Give an estimator of raw data in mixed units."""
    data = load_diabetes()
    return ReLURegressor(beta_ratio=0.2, max_seconds=5).fit(data.X[::3], data.y[::3])


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make a module look as if it were not installed."""
    real_import = builtins.__import__

    def hide(missing: str) -> None:
        def no_such_module(name: str, *args: Any, **kwargs: Any) -> Any:
            if name == missing:
                raise ImportError(f"No module named {name!r}")
            return real_import(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", no_such_module)

    return hide
