"""How many patterns a data set can have: the function-counting theorem."""

import math

from cvxnn.validation import as_count


def count_bound(n: int, r: int) -> int:
    r"""Count the open cells of n hyperplanes through the origin of R^r, in general position.

    .. math:: 2 \sum_{k=0}^{r-1} \binom{n-1}{k}

    n samples of rank r have exactly this many activation patterns when any r of them are linearly
    independent, and fewer otherwise. With r >= n the count is 2^n, with r = 0 it is 1.

    Parameters
    ----------
    n : int
        Number of samples, at least 0.
    r : int
        Rank of the data, at least 0.

    Returns
    -------
    int
        Exact: a Python integer of any size.

    Raises
    ------
    ValueError
        If `n` or `r` is negative or not an integer.

    References
    ----------
    T. M. Cover, "Geometrical and statistical properties of systems of linear inequalities", IEEE Trans.
    Electronic Computers 14 (1965), Theorem 1. T. Zaslavsky, "Facing up to arrangements", Memoirs AMS 154
    (1975).

    Examples
    --------
    >>> count_bound(1000, 3), count_bound(12, 12)
    (999002, 4096)
    """
    n, r = as_count(n, "n"), as_count(r, "r")
    if n == 0 or r == 0:
        return 1
    total = binomial = 1
    for k in range(1, min(n, r)):
        binomial = binomial * (n - k) // k
        total += binomial
    return 2 * total


def loose_count_bound(n: int, r: int) -> float:
    r"""Bound the number of patterns by a single power: ``2 r (e (n - 1) / r)^r``.

    The bound that shows the number of patterns to be polynomial in n for fixed rank; never below
    :func:`count_bound`. A rank above n is taken as n, the largest that n samples can have.

    Parameters
    ----------
    n : int
        Number of samples, at least 2.
    r : int
        Rank of the data, at least 1.

    Returns
    -------
    float
        ``inf`` where it exceeds the largest double.

    Raises
    ------
    ValueError
        If `n` < 2, `r` < 1, or either is not an integer.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, section 3, after Cover
    (1965).

    Examples
    --------
    >>> round(loose_count_bound(10, 2), 1)
    598.5
    """
    n, r = as_count(n, "n", least=2), as_count(r, "r", least=1)
    r = min(n, r)
    try:
        return 2 * r * (math.e * (n - 1) / r) ** r
    except OverflowError:
        return math.inf
