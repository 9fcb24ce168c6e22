"""The exact oracle that fits the data, where one is affordable."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates.cells import CellOracle
from cvxnn.certificates.oracles import Oracle
from cvxnn.certificates.row_space import RowSpace
from cvxnn.certificates.sweep import SweepOracle
from cvxnn.patterns import count_bound
from cvxnn.validation import Array

# Measured on one core: seconds to enumerate for each cell, sample and dimension; 15 s at n = 1000, r = 3.
_SECONDS_PER_WORK = 5e-9
_MOST_SECONDS = 30.0


def exact_oracle(
    X: Array, *, max_cells: int = 2_000_000, max_seconds: float = _MOST_SECONDS
) -> Oracle | None:
    """Return an exact oracle: a sweep for rank <= 2, else all cells; None where neither is affordable.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_cells : int, default 2_000_000
        Largest number of cells to enumerate.
    max_seconds : float, default 30.0
        Longest time that enumeration may be expected to take; a dual variable costs about a tenth of it.

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
        return CellOracle(X, max_cells=max_cells)
    except FloatingPointError:
        return None  # too ill-conditioned to tell the cells apart


def cells_are_affordable(space: RowSpace, max_cells: int, max_seconds: float) -> bool:
    """Return whether the rows of X span few enough cells, counting equal and opposite rows once."""
    n, r = len(space.X), space.rank
    cells = count_bound(_count_lines(space), r)
    return cells <= max_cells and cells * n * r * _SECONDS_PER_WORK <= max_seconds


def _count_lines(space: RowSpace) -> int:
    """Return the number of distinct lines through the rows, to ten digits."""
    rows = space.X[space.row_norms > 0] / space.row_norms[space.row_norms > 0, None]
    leading = rows[np.arange(len(rows)), np.argmax(np.abs(rows) > 1e-8, axis=1)]
    return len(np.unique(np.round(rows * np.sign(leading)[:, None], 10), axis=0))
