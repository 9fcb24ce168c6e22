"""Settings and fixtures of all tests."""

from __future__ import annotations

import dataclasses
import os
import re
import traceback
from collections.abc import Callable
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


def _awkward_samples() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give data on which theory is easy to get wrong: small, so that every public function can be tried on all."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((4, 2)), rng.standard_normal(4)
    grid = np.array([[i, j] for i in (-1.0, 0.0, 1.0) for j in (-1.0, 0.0, 1.0)])
    return {
        "plain": (X, y),
        "zero row": (np.vstack([X, [0.0, 0.0]]), np.append(y, 3.0)),
        "zero row, target 0": (np.vstack([X, [0.0, 0.0]]), np.append(y, 0.0)),
        "all rows zero": (np.zeros((2, 2)), np.array([1.0, -2.0])),
        "repeated rows": (np.vstack([X, X]), np.append(y, y)),
        "repeated rows, other targets": (np.vstack([X, X]), np.append(y, y + 1.0)),
        "repeated to 1e-8": (np.vstack([X, X + 1e-8]), np.append(y, y)),
        "repeated to 1e-8, other targets": (np.vstack([X, X + 1e-8]), np.append(y, y + 1.0)),
        "opposite rows": (np.vstack([X, -X]), np.append(y, y)),
        "collinear": (np.outer([1.0, 2.0, -1.0], [1.0, 2.0]), np.array([1.0, 2.0, 2.0])),
        "collinear with a bias": (np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]]), np.array([1.0, 0.0, 2.0])),
        "integer grid": (grid, np.arange(9.0) % 4),
        "one sample": (np.array([[1.0, 2.0]]), np.array([3.0])),
        **{f"X times {s:g}": (s * X, y) for s in (1e-150, 1e6, 1e150)},
        **{f"y times {s:g}": (X, s * y) for s in (1e-150, 1e6, 1e150)},
        **{f"X and y times {s:g}": (s * X, s * y) for s in (1e-150, 1e150)},
    }


@pytest.fixture(scope="session")
def awkward_samples() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Give data (X, y) by name: degenerate, near-degenerate and of extreme scales."""
    return _awkward_samples()


# Words of solvers, arrays and other packages: an error that holds them is not about what the user passed.
_FOREIGN = re.compile(
    r"HiGHS|Clarabel|CVXPY|cvxpy|scipy|LAPACK|SVD|eigenval.*converge|array must not contain|Singular|infs or NaNs"
)


@pytest.fixture(scope="session")
def right_or_refused() -> Callable[[Callable[[], object]], object]:
    """Give what calls a function and judges it: its result if every number in it is one, None where it refused.

    A refusal is a ``ValueError`` of the package's own making. Infinite numbers are judged by the caller, who knows
    where theory has them: ``infinite`` names their fields.
    """

    def judged(call: Callable[[], object], infinite: frozenset[str] = frozenset()) -> object:
        refusal: ValueError | None = None
        try:
            result = call()
        except ValueError as error:
            refusal = error
        if refusal is not None:
            made_at = traceback.extract_tb(refusal.__traceback__)[-1].filename
            assert "cvxnn" in Path(made_at).parts, f"{refusal} comes from {made_at}"
            assert not _FOREIGN.search(str(refusal)), str(refusal)
            return None
        found = _not_numbers(result, "result", infinite)
        assert not found, f"{found[0]} is not a finite number"
        return result

    return judged


def _not_numbers(value: object, name: str, infinite: frozenset[str]) -> list[str]:
    """Return the names of what holds NaN, or infinity where it must not."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        parts = [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
        return [bad for key, part in parts for bad in _not_numbers(part, f"{name}.{key}", infinite)]
    if isinstance(value, tuple | list):
        return [bad for k, part in enumerate(value) for bad in _not_numbers(part, f"{name}[{k}]", infinite)]
    if isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f":
        numbers = np.asarray(value)
        allowed = ~np.isnan(numbers) if name.rpartition(".")[2] in infinite else np.isfinite(numbers)
        return [] if np.all(allowed) else [name]
    return []


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
