"""What the convex program costs: cells, variables, constraints, and the interior-point bound, counted and predicted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.names import keep_old_arguments
from cvxnn.patterns import (
    count_bound,
    count_cells,
    enumerate_patterns,
    is_in_general_position,
    loose_count_bound,
    reduce_rows,
    require_few_patterns,
)
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import log_log_slope
from cvxnn.theorems import Comparison, HypothesisError, Relation
from cvxnn.validation import as_count, as_finite_array


@short_repr
@dataclass(frozen=True)
class CellCount:
    """The number of activation patterns of a data set, listed, counted and bounded.

    Parameters
    ----------
    n_samples : int
        n.
    rank : int
        r.
    in_general_position : bool
        Whether any r rows are linearly independent.
    exact : Comparison
        Patterns listed by enumeration, and cells counted by deletion and restriction.
    cover : Comparison
        Patterns listed, and Cover's ``2 sum_{k < r} C(n - 1, k)``: equal in general position, else at most.
    loose : Comparison
        Patterns listed, and ``2 r (e (n - 1) / r)^r``.
    """

    n_samples: int
    rank: int
    in_general_position: bool
    exact: Comparison
    cover: Comparison
    loose: Comparison

    @property
    def holds(self) -> bool:
        """Return whether all three comparisons hold."""
        return self.exact.holds and self.cover.holds and self.loose.holds


def cell_count(X: Any) -> CellCount:
    """Compare the number of activation patterns of a data set with its two bounds.

    Statement. n samples of rank r have at most ``2 sum_{k < r} C(n - 1, k) <= 2 r (e (n - 1) / r)^r`` patterns on open
    cells. The first bound is attained in general position: with r = n it is 2^n, every pattern.

    Hypotheses. n >= 2 (the second bound is 0 at n = 1) and X is not zero.

    Guarantee. Tight for the first bound in general position, otherwise upper bounds. All three comparisons are exact:
    whole numbers, compared to half of one.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data, of any rank, small enough to list its patterns.

    Returns
    -------
    CellCount

    Raises
    ------
    HypothesisError
        If X has one row only, or is zero.
    ValueError
        If X is no finite matrix, or has more than ten million patterns.

    References
    ----------
    T. M. Cover, IEEE Trans. Electronic Computers 14 (1965), Theorem 1; M. Pilanci and T. Ergen, "Neural networks are
    convex regularizers", ICML 2020, section 3; T. Zaslavsky, Memoirs AMS 154 (1975).

    Examples
    --------
    The three points of Wang et al.'s slides, two of them on a line through the origin.

    >>> count = cell_count([[3, 3], [2, 2], [1, 0]])
    >>> int(count.exact.measured), int(count.cover.predicted), round(count.loose.predicted, 1), count.holds
    (4, 6, 29.6, True)
    """
    data = as_finite_array(X, "X", (2,))
    n, rank = len(data), reduce_rows(data).rank
    if n < 2 or rank == 0:
        raise HypothesisError(f"X must have at least two rows and not be zero; found {n} rows of rank {rank}")
    require_few_patterns(data)
    listed = len(enumerate_patterns(data))
    general = is_in_general_position(data)
    exactly = 0.5 / listed  # half of one, relative
    relation: Relation = "equal" if general else "at most"
    return CellCount(
        n_samples=n,
        rank=rank,
        in_general_position=general,
        exact=Comparison(listed, count_cells(data), tol=exactly),
        cover=Comparison(listed, count_bound(n, rank), relation, tol=0.5 / count_bound(n, rank)),
        loose=Comparison(listed, loose_count_bound(n, rank), "at most", tol=0.0),
    )


@short_repr
@dataclass(frozen=True)
class ProgramSize:
    """The size of the convex program over all patterns, as stated to a solver and by formula.

    Parameters
    ----------
    n_patterns : int
        P, counted without listing.
    variables : Comparison
        Entries of the blocks in the statement, and ``2 P d``.
    constraints : Comparison
        Scalar cone constraints in the statement, and ``2 P n``.
    """

    n_patterns: int
    variables: Comparison
    constraints: Comparison

    @property
    def holds(self) -> bool:
        """Return whether both comparisons hold."""
        return self.variables.holds and self.constraints.holds


def program_size(X: Any) -> ProgramSize:
    """Compare the size of the convex program over all patterns, as stated, with its formula.

    Statement. The program has 2 P d variables and 2 P n linear constraints: a block in R^d with n half-spaces for each
    of P patterns and two output signs.

    Hypotheses. One output.

    Guarantee. Equalities (tight).

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data, small enough to list its patterns.

    Returns
    -------
    ProgramSize

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (8).

    Examples
    --------
    >>> size = program_size([[3, 3], [2, 2], [1, 0]])
    >>> size.n_patterns, size.variables.predicted, size.constraints.predicted, size.holds
    (4, 16, 24, True)
    """
    data = as_finite_array(X, "X", (2,))
    n, d = data.shape
    require_few_patterns(data)
    statement = ReLUProgram(Problem(data, np.ones(n), beta=1.0), enumerate_patterns(data)).to_cvxpy()
    cones = sum(part.size for part in statement.problem.constraints if part is not statement.fit)
    P = count_cells(data)
    return ProgramSize(
        n_patterns=P,
        variables=Comparison(statement.blocks.size, 2 * P * d, tol=0.0),
        constraints=Comparison(cones, 2 * P * n, tol=0.0),
    )


def interior_point_operations(n: int, d: int, r: int) -> float:
    """Return ``d^3 r^3 (n / r)^(3 r)``, the order of an interior-point method's operations on the full program.

    It is the cube of the number of variables, with P of the order of ``r (n / r)^r``: polynomial in n and d for fixed
    rank, exponential in the rank. Constants, among them e^(3 r), are left out.

    Parameters
    ----------
    n, d : int
        Shape of the data, at least 1.
    r : int
        Rank, from 1 to the smaller of n and d.

    Returns
    -------
    float
        ``inf`` where it exceeds the largest double.

    Raises
    ------
    ValueError
        If a number is not as above.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, section 3.

    Examples
    --------
    >>> interior_point_operations(20, 2, 2)
    64000000.0
    """
    n, d, r = as_count(n, "n", least=1), as_count(d, "d", least=1), as_count(r, "r", least=1)
    if r > min(n, d):
        raise ValueError(f"r must be at most the smaller of n = {n} and d = {d}; got {r}")
    try:
        return float(d**3 * r**3) * (n / r) ** (3 * r)
    except OverflowError:
        return math.inf


@keep_old_arguments(costs="values")
def fitted_slope(sizes: Any, values: Any) -> float:
    """Return the exponent p of the least-squares fit ``value ~ size^p``: `log_log_slope` without its standard error.

    Parameters
    ----------
    sizes, values : array_like of shape (k,)
        Positive numbers, at two different sizes or more.

    Examples
    --------
    >>> round(fitted_slope([1, 2, 4], [3.0, 12.0, 48.0]), 12)
    2.0
    """
    return log_log_slope(sizes, values).value


def interior_point_growth(n_values: Any, seconds: Any, r: int, *, tol: float = 0.0) -> Comparison:
    """Compare how a solver's time grows with n at fixed rank with the exponent of the interior-point bound.

    Statement. Operations grow no faster than n^(3 r). Guarantee. An upper bound, asymptotic; far from tight for
    solvers that use sparsity, and set-up time flattens small sizes further.

    Parameters
    ----------
    n_values : array_like of shape (k,)
        Numbers of samples.
    seconds : array_like of shape (k,)
        Solve times.
    r : int
        Rank of all the data.
    tol : float, default 0.0
        Tolerance of the comparison.

    Returns
    -------
    Comparison
        The fitted slope of log seconds in log n, at most 3 r.

    Examples
    --------
    >>> growth = interior_point_growth([10, 20, 40], [0.1, 0.9, 7.0], 2)
    >>> round(growth.measured, 2), growth.predicted, growth.holds
    (3.06, 6, True)
    """
    return Comparison(fitted_slope(n_values, seconds), 3 * as_count(r, "r", least=1), "at most", tol)
