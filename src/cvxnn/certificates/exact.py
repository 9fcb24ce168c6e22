"""The exact oracle that fits the data, where one is affordable."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates.cells import CellOracle
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.sweep import SweepOracle
from cvxnn.patterns import count_bound, enumerate_patterns
from cvxnn.validation import Array

# Measured on one core, seconds for each cell, sample and dimension: to enumerate, 15 s at n = 1000, r = 3; and to
# settle, at a trained network's dual variable, 22 s there and 2.4 s at n = 150, r = 4.
_SECONDS_TO_ENUMERATE = 5e-9
_SECONDS_TO_SETTLE = 1.5e-8
_MOST_SECONDS = 30.0
_TRIAL_SECONDS = 0.1


def exact_oracle(
    X: Array, *, max_cells: int = 5_000_000, max_seconds: float = _MOST_SECONDS
) -> Oracle | None:
    """Return an exact oracle: a sweep for rank <= 2, else all cells; None where neither is affordable.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_cells : int, default 5_000_000
        Largest number of cells to enumerate, for a dual variable of one sign.
    max_seconds : float, default 30.0
        Longest time that a dual variable may be expected to take.

    Examples
    --------
    >>> import numpy as np
    >>> type(exact_oracle(np.array([[1.0, 1.0], [2.0, 1.0]]))).__name__
    'SweepOracle'
    >>> exact_oracle(np.random.default_rng(0).standard_normal((100, 20))) is None
    True
    """
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
    seconds = max(all_cells * _SECONDS_TO_ENUMERATE, half * _SECONDS_TO_SETTLE) * n * r
    return all_cells <= max_cells and seconds <= max_seconds


def _rows_to_try(space: RowSpace) -> int:
    """Return how many rows can be enumerated in little time, to see whether their cells can be told apart."""
    n, r = len(space.coordinates), space.rank
    while count_bound(n, r) * n * r * _SECONDS_TO_ENUMERATE > _TRIAL_SECONDS:
        n = 3 * n // 4
    return n


def _count_lines(space: RowSpace) -> int:
    """Return the number of distinct lines through the rows, to ten digits."""
    rows = space.X[space.row_norms > 0] / space.row_norms[space.row_norms > 0, None]
    leading = rows[np.arange(len(rows)), np.argmax(np.abs(rows) > 1e-8, axis=1)]
    return len(np.unique(np.round(rows * np.sign(leading)[:, None], 10), axis=0))
