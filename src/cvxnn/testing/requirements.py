"""How a law fails: an `AssertionError` that says what was expected and what was found."""

from __future__ import annotations

from typing import Any

import numpy as np

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
