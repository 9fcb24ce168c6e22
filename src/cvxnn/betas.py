"""Weight decays in a row: checked, and in equal factors from the critical one down."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.validation import Array, as_count, as_finite_array, as_number


def as_decreasing(values: Any, name: str, *, least: int = 1) -> Array:
    """Return decreasing numbers > 0 as an array of shape (k,).

    Parameters
    ----------
    values : array_like of shape (k,)
        What the user passed.
    name : str
        Name of the argument, for the error message.
    least : int, default 1
        The fewest that are accepted.

    Raises
    ------
    ValueError
        If they are anything else.

    Examples
    --------
    >>> as_decreasing([2, 1], "betas")
    array([2., 1.])
    """
    array = as_finite_array(values, name, (1,))
    if np.any(array <= 0.0) or np.any(np.diff(array) >= 0.0):
        at = int(np.argmax((array <= 0.0) | (np.diff(array, prepend=np.inf) >= 0.0)))
        found = f"{array[at]:g}" if at == 0 else f"{array[at - 1]:g} before {array[at]:g}"
        raise ValueError(f"{name} must be decreasing and > 0; got {found}, in place {at} of {len(array)}")
    if len(array) < least:
        raise ValueError(f"{name} must be decreasing and at least {least}; got {len(array)}")
    return array


def equal_factors(n_betas: int, ratio: float, *, least: int = 1) -> Array:
    """Return ``n_betas`` numbers from 1 down to ``ratio``, in equal factors.

    Parameters
    ----------
    n_betas : int
        How many, at least ``least``.
    ratio : float
        The last over the first, in (0, 1).
    least : int, default 1
        The fewest that are accepted.

    Raises
    ------
    ValueError
        If ``n_betas`` is no such integer, or ``ratio`` is not in (0, 1).

    Examples
    --------
    >>> equal_factors(3, 0.01)
    array([1.  , 0.1 , 0.01])
    """
    return np.asarray(np.geomspace(1.0, as_ratio(ratio), as_count(n_betas, "n_betas", least)))


def as_ratio(ratio: Any) -> float:
    """Return the last weight decay of a grid over its first, in (0, 1).

    Raises
    ------
    ValueError
        If it is anything else.
    """
    value = as_number(ratio, "ratio", positive=True)
    if value >= 1.0:
        raise ValueError(f"ratio must be < 1; got {ratio!r}")
    return value


def grid_below(critical: float, n_betas: int, ratio: float, *, least: int = 1) -> Array:
    """Return ``n_betas`` weight decays from the critical one down to ``ratio`` times it, in equal factors.

    Raises
    ------
    ValueError
        As `equal_factors`; if the critical weight decay is 0.

    Examples
    --------
    >>> grid_below(5.0, 2, 0.1)
    array([5. , 0.5])
    """
    factors = equal_factors(n_betas, ratio, least=least)
    require_critical(critical)
    return critical * factors


def require_critical(critical: float) -> None:
    """Raise ``ValueError`` where no weight decay is small enough for a neuron, so that a grid has no first one."""
    if critical <= 0.0:
        raise ValueError(
            "betas must be given where every weight decay gives the network without neurons; the critical one is 0"
        )
