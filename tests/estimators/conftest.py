"""Small data with a known answer."""

import numpy as np
import pytest


@pytest.fixture(scope="module")
def table():
    """Give X (60, 2) in mixed units, and the number that its first column decides."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)) * [1.0, 30.0] + [5.0, -100.0]
    return X, np.abs(X[:, 0] - 5.0)


@pytest.fixture(scope="module")
def two_classes(table):
    X, distance = table
    noise = 0.1 * np.random.default_rng(1).standard_normal(60)
    return X, np.where(distance + noise > 0.7, "outer", "inner")


@pytest.fixture(scope="module")
def three_classes(table):
    X, distance = table
    return X, np.array(["a", "b", "c"])[(distance > 0.5).astype(int) + (distance > 1.2)]
