"""Small data on which theory goes wrong most easily, and the law that an answer is a number or a word of refusal."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from cvxnn.testing.requirements import require
from cvxnn.validation import Array

# What only a solver, or an array library, would say.
_NOT_THE_USERS = (
    "clarabel",
    "highs",
    "scipy",
    "solvererror",
    "try another solver",
    "verbose=true",
    "nonetype",
)


def _corners() -> dict[str, tuple[Array, Array]]:
    rng = np.random.default_rng(7)
    X, y = rng.standard_normal((3, 2)).round(2), np.array([1.0, -0.5, 2.0])
    grid = np.array([[i, j] for i in range(2) for j in range(2)], dtype=np.float64)
    return {
        "ordinary rows": (X, y),
        "a zero row": (np.vstack([X[:2], np.zeros((1, 2))]), y),
        "rows twice": (np.vstack([X[:2], X[:1]]), y[[0, 1, 0]]),
        "opposite rows": (np.vstack([X[:2], -X[:1]]), y),
        "rows of one line": (np.outer([1.0, 2.0, -1.0], [0.6, 0.8]), np.array([1.0, 2.0, -1.0])),
        "an integer grid": (grid, np.array([0.0, 1.0, -1.0, 2.0])),
        "one row": (np.array([[1.0, 2.0]]), np.array([1.5])),
        "one number": (np.array([[2.0]]), np.array([-1.5])),
        "zeros": (np.zeros((2, 2)), np.array([1.0, -1.0])),
        "targets of zero": (X, np.zeros(3)),
    }


CORNERS: Mapping[str, tuple[Array, Array]] = MappingProxyType(_corners())


def check_answers(call: Callable[[], Any]) -> Any:
    """Check that a call gives numbers, or a ``ValueError`` in the user's words; return what it gave, None if refused.

    No NaN in any part of the answer, no warning, no other exception, and no message that a solver wrote. Infinity is
    a number: a gauge may be infinite.

    Parameters
    ----------
    call : callable
        Without arguments.

    Examples
    --------
    >>> check_answers(lambda: 1.0)
    1.0
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = call()
    except ValueError as error:
        message = str(error).lower()
        own = not isinstance(error, np.linalg.LinAlgError) and not any(w in message for w in _NOT_THE_USERS)
        require(own, f"a refusal must be in the user's words; got {type(error).__name__}: {error}")
        return None
    except Exception as error:
        raise AssertionError(
            f"an answer or a ValueError must come back; got {type(error).__name__}: {error}"
        ) from error
    for part in _parts(answer):
        require(not np.any(np.isnan(part)), f"an answer must have no NaN; got {answer!r}")
    return answer


def _parts(value: Any) -> Iterable[Any]:
    """Yield the floats and arrays of floats of a value, however deep in its fields."""
    if isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype.kind == "f"):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _parts(part)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _parts(getattr(value, field.name))
