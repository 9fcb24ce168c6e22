"""Small tables: one input, so that proofs are exact and training takes a tenth of a second."""

import numpy as np
import pandas as pd
import pytest


@pytest.fixture
def plain(rng: np.random.Generator) -> pd.DataFrame:
    """A kink with noise, far from the origin and in odd units."""
    x = np.linspace(1000.0, 1004.0, 30)
    return pd.DataFrame({"x": x, "y": 1e-3 * (np.abs(x - 1002.0) + 0.1 * rng.standard_normal(30)) + 5.0})


@pytest.fixture(scope="session")
def mixed_table() -> pd.DataFrame:
    """Numbers, text, booleans and a constant; the target depends on all that vary."""
    rng = np.random.default_rng(5)
    n = 24
    x = rng.standard_normal(n)
    colour = np.where(np.arange(n) % 3 == 0, "red", "blue")
    flag = np.arange(n) % 2 == 0
    y = np.abs(x) + 2.0 * (colour == "red") - flag + 0.05 * rng.standard_normal(n)
    return pd.DataFrame({"x": x, "colour": colour, "flag": flag, "const": 7, "y": y})


@pytest.fixture
def mixed(mixed_table: pd.DataFrame) -> pd.DataFrame:
    """A copy, to change."""
    return mixed_table.copy()
