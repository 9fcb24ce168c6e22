"""The exact oracle that fits the data, where one is affordable."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates.exact_oracles.cells import CellOracle, seconds_to_enumerate
from cvxnn.certificates.exact_oracles.output_sphere import OutputSphereOracle
from cvxnn.certificates.exact_oracles.per_output import PerOutputOracle
from cvxnn.certificates.exact_oracles.sweep import SweepOracle
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import as_limit
from cvxnn.patterns import count_bound, enumerate_patterns
from cvxnn.problem import OutputNorm
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

# Measured on one core, seconds for each cell, sample and dimension to settle, at a trained network's dual variable:
# 22 s at n = 1000, r = 3, and 2.4 s at n = 150, r = 4.
_SECONDS_TO_SETTLE = 1.5e-8
_MOST_SECONDS = 30.0
_TRIAL_SECONDS = 0.1
# Calls of the oracle for one output that a dual variable of several asks for, at trained networks' dual variables of 40
# to 200 rows of rank 3 and 4 and a precision of 1e-4: up to 28, 175 and 266; more than 400 with five outputs.
_QUERIES = {1: 1, 2: 30, 3: 130, 4: 300}

# Rows that are looked at first.
_FEW_ROWS = 64


@on_one_blas_thread
def exact_oracle(
    X: Array,
    *,
    n_outputs: int = 1,
    n_independent: int | None = None,
    output_norm: OutputNorm = "l2",
    max_cells: int = 5_000_000,
    max_seconds: float | None = _MOST_SECONDS,
    tol: float = 1e-4,
) -> Oracle | None:
    """Return an exact oracle: a sweep for rank <= 2, else all cells; None where neither is affordable.

    With several outputs and the Euclidean norm, cells serve up to four independent outputs.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    n_outputs : int, default 1
        C. For one, the oracle takes dual variables of shape (n,), for several (n, C).
    n_independent : int, optional
        The rank of dual variables, C unless given: C - 1 for the multinomial loss, where their rows sum to zero.
    output_norm : {"l2", "l1"}, default "l2"
        The norm of output weights in the penalty, as of `Problem`.
    max_cells : int, default 5_000_000
        Largest number of cells to enumerate, for a dual variable of one sign.
    max_seconds : float or None, default 30.0
        Longest time that a dual variable may be expected to take; None for no limit.
    tol : float, default 1e-4
        Relative precision where cells serve several outputs in the Euclidean norm; all else is exact to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> type(exact_oracle(np.array([[1.0, 1.0], [2.0, 1.0]]))).__name__
    'SweepOracle'
    >>> exact_oracle(np.random.default_rng(0).standard_normal((100, 20))) is None
    True
    """
    limit = as_limit(max_seconds)
    if n_outputs == 1:
        return _scalar_oracle(X, max_cells, limit)
    if output_norm == "l1":
        scalar = _scalar_oracle(X, max_cells, limit / n_outputs)
        return None if scalar is None else PerOutputOracle(scalar)
    if not _has_too_many_cells(X, max_cells) and RowSpace(X).rank <= 2:
        return SweepOracle(X)
    queries = _QUERIES.get(n_outputs if n_independent is None else n_independent)
    if queries is None:
        return None
    scalar = _scalar_oracle(X, max_cells, limit / queries)
    return None if scalar is None else OutputSphereOracle(scalar, X, tol=tol, max_seconds=max_seconds)


def _scalar_oracle(X: Array, max_cells: int, max_seconds: float) -> Oracle | None:
    if _has_too_many_cells(X, max_cells):
        return None
    space = RowSpace(X)
    if space.rank <= 2:
        return SweepOracle(X)
    if not cells_are_affordable(space, max_cells, max_seconds):
        return None
    try:
        oracle = CellOracle(X, max_cells=max_cells)
        enumerate_patterns(space.coordinates[: _rows_to_try(space)])
    except FloatingPointError:
        return None  # too ill-conditioned to tell the cells apart
    return oracle


def cells_are_affordable(space: RowSpace, max_cells: int, max_seconds: float) -> bool:
    """Return whether the rows of X span few enough cells, counting equal and opposite rows once.

    Two dual variables are thought of: one of one sign, whose cells are those of all rows, most of them
    settled by their norms; and one of either sign on half of the rows, near the optimum.
    """
    n, r = len(space.X), space.rank
    lines = _count_lines(space)
    all_cells, half = count_bound(lines, r), 2 * count_bound((lines + 1) // 2, r)
    if all_cells > max_cells:
        return False
    # Rows that are equal up to a factor are listed once, but have their signs looked up.
    listing = seconds_to_enumerate(lines, r) * n / max(lines, 1)
    return max(listing, half * _SECONDS_TO_SETTLE * n * r) <= max_seconds


def _has_too_many_cells(X: Array, max_cells: int) -> bool:
    """Return whether a few rows alone span more cells than are allowed, in general position or not.

    k independent rows span 2^k cells, more rows never fewer. The singular values of all of X would take seconds where
    it is large, and say no more.
    """
    few = X[:: max(1, len(X) // _FEW_ROWS)][:_FEW_ROWS]
    independent = int(np.linalg.matrix_rank(few))
    return independent >= 3 and 2**independent > max_cells


def _rows_to_try(space: RowSpace) -> int:
    """Return how many rows can be enumerated in little time, to see whether their cells can be told apart."""
    n, r = len(space.coordinates), space.rank
    while seconds_to_enumerate(n, r) > _TRIAL_SECONDS:
        n = 3 * n // 4
    return n


def _count_lines(space: RowSpace) -> int:
    """Return the number of distinct lines through the rows, to ten digits."""
    rows = space.X[space.row_norms > 0] / space.row_norms[space.row_norms > 0, None]
    leading = rows[np.arange(len(rows)), np.argmax(np.abs(rows) > 1e-8, axis=1)]
    return len(np.unique(np.round(rows * np.sign(leading)[:, None], 10), axis=0))
