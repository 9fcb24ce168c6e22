"""Settings and fixtures of all tests."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

# The same examples every time, so that a run that fails can be run again; no time limit on shared machines.
settings.register_profile(
    "cvxnn",
    derandomize=True,
    deadline=None,
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
# Other examples every time, and more of them: HYPOTHESIS_PROFILE=search looks for what the fixed ones miss.
settings.register_profile("search", settings.get_profile("cvxnn"), derandomize=False, max_examples=400)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "cvxnn"))


@pytest.fixture
def rng() -> np.random.Generator:
    """Give the same numbers to every test, whatever ran before."""
    return np.random.default_rng(20240607)


@pytest.fixture(scope="session")
def data_home() -> Path:
    """Give the folder of the real data sets, or skip where there is none."""
    folder = os.environ.get("CVXNN_DATA")
    if not folder:
        pytest.skip("the environment variable CVXNN_DATA names no folder of data sets")
    path = Path(folder)
    if not path.is_dir():
        pytest.fail(f"CVXNN_DATA must name a folder; {folder!r} is none")
    return path
