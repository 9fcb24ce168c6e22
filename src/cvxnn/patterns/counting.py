"""How many patterns a data set can have, by the function-counting theorem, and how many it has."""

import itertools
import math

import numpy as np
from numpy.typing import ArrayLike

from cvxnn.patterns.reduction import merge_parallel, reduce_rows
from cvxnn.validation import Array, as_count, as_finite_array


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


def count_cells(X: ArrayLike) -> int:
    r"""Count the activation patterns of a data set without listing them.

    Adding a hyperplane H to an arrangement cuts in two as many cells as the others cut H into:
    ``c(A + H) = c(A) + c(A restricted to H)``. In the plane k lines make 2 k cells. Rank 3 takes n sorts of n
    angles, and each rank more a factor n: a million cells of n = 1000, r = 3 are counted in a tenth of a second.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data: rows in any position, of any rank.

    Returns
    -------
    int
        ``len(enumerate_patterns(X))``, with dependence of rows judged in the same way: determinants of unit rows
        that are zero up to rounding.

    Raises
    ------
    ValueError
        If `X` is not a finite non-empty matrix.
    PrecisionError
        If `X` is too ill-conditioned to tell which of its rows are dependent.

    References
    ----------
    T. Zaslavsky, "Facing up to arrangements", Memoirs AMS 154 (1975), Theorem A and its recursion.

    Examples
    --------
    >>> count_cells([[3, 3], [2, 2], [1, 0]])  # two of the three rows on one line
    4
    >>> count_cells(np.random.default_rng(0).standard_normal((200, 3))) == count_bound(200, 3)
    True
    """
    arrangement = reduce_rows(as_finite_array(X, "X", (2,)))
    if arrangement.rank < 2:
        return 1 + arrangement.rank
    return _count(arrangement.normals, 1.0, arrangement.tolerance)


def _count(rows: Array, volume: float, tolerance: float) -> int:
    """Count the cells of k pairwise non-parallel rows of R^r, r >= 2, spanning or not.

    They are unit normals projected on the intersection of hyperplanes whose normals span ``volume``, so that volume
    times the determinant of r of them is one of unit normals.
    """
    if rows.shape[1] == 2:
        return 2 * _count_lines(rows, volume, tolerance)
    total = 2
    for j in range(1, len(rows)):
        length = float(np.linalg.norm(rows[j]))
        basis = np.linalg.qr(rows[j, :, None], mode="complete").Q[:, 1:]
        restricted = rows[:j] @ basis
        if restricted.shape[1] > 2:
            restricted = _distinct_lines(restricted, volume * length, tolerance)
        total += _count(restricted, volume * length, tolerance)
    return total


def _distinct_lines(rows: Array, volume: float, tolerance: float) -> Array:
    """Return one row of each line; areas of unit normals up to the tolerance count as zero."""
    lengths = np.linalg.norm(rows, axis=1)
    # Rounding of a projection is relative to the unit normal it came from: the shortest row has the largest.
    first = merge_parallel(rows / lengths[:, None], tolerance / (volume * float(lengths.min())))[2]
    return rows[first]


def _count_lines(rows: Array, volume: float, tolerance: float) -> int:
    """Count the distinct lines of k >= 1 rows of the plane: neighbours in angle are one where they span no area."""
    angles = np.mod(np.arctan2(rows[:, 1], rows[:, 0]), np.pi)
    ordered = rows[np.argsort(angles, kind="stable")]
    following = np.roll(ordered, -1, axis=0)
    areas = ordered[:, 0] * following[:, 1] - ordered[:, 1] * following[:, 0]
    return max(1, int(np.count_nonzero(volume * np.abs(areas) > tolerance)))


def is_in_general_position(X: ArrayLike) -> bool:
    """Return whether any r rows of a data set of rank r are linearly independent, by their determinants.

    Then the number of patterns is ``count_bound(n, r)``; for r >= 2, only then. Takes C(n, r) determinants.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.

    Returns
    -------
    bool
        With determinants of unit rows, in coordinates that make them as large as they can be, taken as zero up to
        rounding; False for data with a zero row, and for X = 0.

    Raises
    ------
    ValueError
        If `X` is not a finite non-empty matrix.
    PrecisionError
        If `X` is too ill-conditioned to tell which of its rows are dependent.

    Examples
    --------
    >>> is_in_general_position([[1, 0], [0, 1], [1, 1]]), is_in_general_position([[1, 0], [0, 1], [2, 0]])
    (True, False)
    """
    data = as_finite_array(X, "X", (2,))
    arrangement = reduce_rows(data)
    rank = arrangement.rank
    if rank < 2 or arrangement.n_lines < len(data):
        return rank == 1 and bool(np.all(np.any(data, axis=1)))
    subsets = itertools.combinations(arrangement.normals, rank)
    while chunk := list(itertools.islice(subsets, 4096)):
        if np.min(np.abs(np.linalg.det(np.array(chunk)))) <= arrangement.tolerance:
            return False
    return True
