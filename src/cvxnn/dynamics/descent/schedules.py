"""Step sizes that decay."""

from __future__ import annotations

from collections.abc import Callable

from cvxnn.validation import as_number


def decaying(power: float, offset: float = 100.0) -> Callable[[int], float]:
    """Return the schedule ``(1 + t / offset)^(-power)`` of steps t = 0, 1, ...

    With a power in (1/2, 1] the steps sum to infinity and their squares do not, as stochastic approximation asks.

    Parameters
    ----------
    power : float
        >= 0; 0 keeps the step size.
    offset : float, default 100
        Steps before the decay sets in, > 0.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 1951.

    Examples
    --------
    >>> [decaying(1.0, 10.0)(t) for t in (0, 10, 30)]
    [1.0, 0.5, 0.25]
    """
    power, offset = as_number(power, "power"), as_number(offset, "offset", positive=True)
    return lambda t: float((1.0 + t / offset) ** -power)
