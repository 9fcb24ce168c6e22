"""Over which members of a family a law runs, and how it fails: by an `AssertionError` that says what was expected."""

from __future__ import annotations

from inspect import isabstract
from typing import Any, TypeVar

import numpy as np

Family = TypeVar("Family")


def members(family: type[Family]) -> list[type[Family]]:
    """Return the concrete classes of a family that this package defines, by name.

    Parameters
    ----------
    family : type
        An abstract class, such as `Loss`, `ConvexProgram` or `Solver`. Its modules must have been imported.

    Examples
    --------
    >>> from cvxnn.losses import Loss
    >>> "SquaredLoss" in [loss.__name__ for loss in members(Loss)]
    True
    """
    found: dict[str, type[Family]] = {}
    pending = [family]
    while pending:
        for child in pending.pop().__subclasses__():
            pending.append(child)
            if child.__module__.startswith("cvxnn.") and not isabstract(child):
                found[f"{child.__module__}.{child.__qualname__}"] = child
    return [found[name] for name in sorted(found)]


# Rounding of a sum of float64 products, relative to the sum of their sizes, for sums of up to 10^4 terms.
ROUNDING = 1e-12


def require(claim: bool | np.bool_, message: str) -> None:
    """Raise ``AssertionError`` with a message unless the claim holds.

    An ``assert`` statement would vanish under ``python -O``.

    Examples
    --------
    >>> require(1 + 1 == 2, "sums must be right")
    """
    if not claim:
        raise AssertionError(message)


def require_close(found: Any, expected: Any, tolerance: float, message: str) -> None:
    """Raise ``AssertionError`` unless ``max |found - expected| <= tolerance``; NaN is never close.

    Parameters
    ----------
    found, expected : float or array_like of one shape
        What to compare.
    tolerance : float
        Absolute.
    message : str
        The claim.
    """
    found, expected = np.asarray(found, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    require(found.shape == expected.shape, f"{message}: shape {found.shape} instead of {expected.shape}")
    error = float(np.max(np.abs(found - expected), initial=0.0))
    require(error <= tolerance, f"{message}: off by {error:.3g}, tolerance {tolerance:.3g}")


def require_at_most(small: float, large: float, tolerance: float, message: str) -> None:
    """Raise ``AssertionError`` unless ``small <= large + tolerance``; NaN never is."""
    require(
        small <= large + tolerance, f"{message}: {small!r} exceeds {large!r} by more than {tolerance:.3g}"
    )
