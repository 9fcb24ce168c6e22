"""The largest sum of threshold units over every cell, with what is proved about cells that were not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces.oracles.exact_rows import Row, as_line, count_cells, null_vector, unit_vector
from cvxnn.function_spaces.oracles.planar_sweep import PlanarSweep
from cvxnn.patterns import ActivationPatterns, count_bound, enumerate_patterns
from cvxnn.validation import Array

# Seconds for each cell and sample, measured on one core: to unpack a pattern and multiply it.
_SECONDS = 2e-9
_MOST_CELLS = 500_000
_CHUNK_ENTRIES = 1 << 22
# Directions that are tried for each sign: float64 may have none for the best.
_TRIED = 8


@dataclass(frozen=True, eq=False)
class PlanarCells:
    """Every cell and ray of data of rank at most 2.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    columns : ndarray of shape (r,)
        One or two columns of the same rank as X: patterns of ``X v`` are those of ``X[:, columns] w``.
    rows : list of tuple of int, optional
        The rows in integers; needed where there are more columns.
    """

    n_features: int
    columns: NDArray[np.intp]
    sweep: PlanarSweep
    beyond: Array  # (d, k) unit vectors with X v = 0, k = 0 or 1
    is_deficient: bool  # whether there are such vectors in R^d

    def __init__(self, X: Array, columns: NDArray[np.intp], rows: list[Row] | None = None) -> None:
        points = np.zeros((len(X), 2))
        points[:, : len(columns)] = X[:, columns]
        beyond = np.zeros((X.shape[1], 0))
        if len(columns) < X.shape[1] and rows is not None:
            vector = unit_vector(null_vector(rows, columns))[:, None]
            beyond = vector if not np.any(X @ vector) else beyond
        object.__setattr__(self, "n_features", X.shape[1])
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "sweep", PlanarSweep(points))
        object.__setattr__(self, "beyond", beyond)
        object.__setattr__(self, "is_deficient", len(columns) < X.shape[1])

    def best(self, lam: Array) -> tuple[Array, float]:
        """Return directions (d, k) of the largest sums of either sign, and the largest size of any."""
        arcs, rays = self.sweep.sums(lam)
        if len(self.columns) < 2:
            rays = rays[:0]  # in R^1 there is no direction at right angles
        found = [
            self._lift(self.sweep.arcs[:, _extremes(arcs)]),
            self._lift(self.sweep.rays[:, _extremes(rays)]),
        ]
        sizes = np.abs(np.concatenate([arcs, rays]))
        upper = float(np.max(sizes, initial=0.0))
        if self.is_deficient or len(arcs) == 0:
            upper = max(upper, abs(float(np.sum(lam))))
        directions = np.concatenate([*found, self.beyond], axis=1)
        return directions if directions.shape[1] else np.eye(self.n_features)[:, :1], upper

    def _lift(self, turns: Array) -> Array:
        lifted = np.zeros((self.n_features, turns.shape[1]))
        lifted[self.columns] = turns[: len(self.columns)]
        return lifted


@dataclass(frozen=True, eq=False)
class EnumeratedCells:
    """The cells that enumeration found, and whether they are all.

    Enumeration takes rows as dependent within a tolerance, and each cell it lists was verified on X. They are all of
    them if they are as many as exact arithmetic counts.

    Parameters
    ----------
    patterns : ActivationPatterns
        Of X.
    rows : list of tuple of int, optional
        The rows in integers; without them nothing is proved.
    columns : ndarray of shape (r,), optional
        Columns of the rank of X; without them nothing is proved.
    """

    patterns: ActivationPatterns
    is_complete: bool
    tied: NDArray[
        np.bool_
    ]  # (n,) samples that a hyperplane through them may have active where no cell beside it has

    def __init__(
        self, patterns: ActivationPatterns, rows: list[Row] | None, columns: NDArray[np.intp] | None
    ) -> None:
        tied = np.ones(patterns.n_samples, dtype=np.bool_)
        complete = False
        if rows is not None and columns is not None:
            complete, tied = self._proved(patterns, rows, columns)
        object.__setattr__(self, "patterns", patterns)
        object.__setattr__(self, "is_complete", complete)
        object.__setattr__(self, "tied", tied)

    @staticmethod
    def _proved(
        patterns: ActivationPatterns, rows: list[Row], columns: NDArray[np.intp]
    ) -> tuple[bool, NDArray[np.bool_]]:
        n = len(rows)
        named = [as_line(tuple(row[j] for j in columns)) for row in rows]
        sides: dict[Row, set[bool]] = {}
        for line, side in named:
            sides.setdefault(line, set()).add(side)
        lines = [line for line in sides if any(line)]
        general = len(patterns) == count_bound(len(lines), len(columns))
        complete = general or len(patterns) == count_cells(lines)
        if _largest(patterns, np.ones(n)) == n:
            # a step towards a neuron active on all samples makes ties active and changes nothing else
            return complete, np.zeros(n, dtype=np.bool_)
        if general and len(columns) == len(rows[0]):
            # lines tied together are independent: only opposite rows cannot both be made active
            return complete, np.array([len(sides[line]) == 2 for line, _ in named])
        return complete, np.array([any(line) for line, _ in named])

    def best(self, lam: Array) -> tuple[Array, float]:
        """Return gates (d, k) of the largest sums of either sign, and an upper bound, infinite if cells may lack."""
        sums = _sums(self.patterns, lam)
        gates = self.patterns.gates[:, _extremes(sums)]
        ties = lam[self.tied]
        above = float(np.max(sums)) + float(np.sum(np.maximum(ties, 0.0)))
        below = float(np.max(-sums)) + float(np.sum(np.maximum(-ties, 0.0)))
        return gates / np.linalg.norm(gates, axis=0), max(above, below) if self.is_complete else np.inf


def is_affordable(n: int, rank: int, max_seconds: float) -> bool:
    """Return whether a call over all cells takes no longer than this."""
    cells = count_bound(n, rank)
    return cells <= _MOST_CELLS and cells * n * _SECONDS <= max_seconds


def enumerated_cells(
    X: Array, rows: list[Row] | None, columns: NDArray[np.intp] | None
) -> EnumeratedCells | None:
    """Return the cells of data, None where float64 cannot tell them apart."""
    try:
        return EnumeratedCells(enumerate_patterns(X), rows, columns)
    except FloatingPointError:
        return None


def _extremes(sums: Array) -> NDArray[np.intp]:
    order = np.argsort(sums, kind="stable")
    return np.concatenate([order[:_TRIED], order[-_TRIED:]]) if len(order) > 2 * _TRIED else order


def _sums(patterns: ActivationPatterns, lam: Array) -> Array:
    size = max(1, _CHUNK_ENTRIES // patterns.n_samples)
    return np.concatenate([lam @ patterns.columns(at, at + size) for at in range(0, len(patterns), size)])


def _largest(patterns: ActivationPatterns, lam: Array) -> float:
    return float(np.max(_sums(patterns, lam)))
