"""The oracle of threshold units, k = 0: a hyperplane of least weighted misclassification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import Maximisers, RowSpace
from cvxnn.cones import Arcs
from cvxnn.deadlines import as_limit
from cvxnn.function_spaces.oracles.exact_rows import Row, independent_columns, integer_rows
from cvxnn.function_spaces.oracles.ranking import (
    NeuronOracle,
    as_dual,
    maximise_in_units,
    rank_neurons,
)
from cvxnn.function_spaces.oracles.threshold_cells import (
    EnumeratedCells,
    PlanarCells,
    enumerated_cells,
    is_affordable,
)
from cvxnn.seeds import Seed, as_generator, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
_STARTS, _PLANES = 8, 40
# Larger data, or of higher rank, are searched: integer arithmetic would take seconds.
_MOST_ENTRIES, _MOST_RANK = 100_000, 12
# A search may leave out arcs, of this width in radians, that rounding could have made.
_THINNEST = 1e-14


@short_repr
@dataclass(frozen=True, eq=False)
class Split:
    """A hyperplane through the origin and the weight it puts on the wrong side.

    Parameters
    ----------
    direction : ndarray of shape (d,)
        v; samples with ``x^T v >= 0`` are on its positive side.
    sign : float
        +1: samples with ``lam_i > 0`` belong on the positive side; -1: those with ``lam_i < 0``.
    value : float
        ``s lam^T 1[X v >= 0]``; it may be negative.
    error : float
        ``sum |lam_i|`` over samples on the wrong side: ``sum_i (s lam_i)_+ - value``.
    """

    direction: Array  # (d,)
    sign: float
    value: float
    error: float


@short_repr
@dataclass(frozen=True, eq=False)
class ThresholdOracle(NeuronOracle):
    """Maximiser of ``|lam^T 1[X v >= 0]|``: weighted misclassification by a hyperplane.

    ``max_v lam^T 1[X v >= 0] = sum_i (lam_i)_+ - min_v sum_i |lam_i| 1[sample i on the wrong side]``. In rank 2 by an
    angular sweep, O(n log n); else over all cells where these are affordable; else by sweeps of random planes,
    with ``max(sum (lam_i)_+, sum (-lam_i)_+)`` for an upper bound. The problem is NP-hard, and to approximate as well.

    The maximum, and the upper bound on it, is over all real v with the signs of exact products: over open cells and
    over hyperplanes through samples, which are active there, ``1[0] = 1``. It is exact only if nothing was left out.
    Rank, parallel rows and the number of cells are decided in integer arithmetic, and what float64 cannot tell or
    reach, such as a cell too thin for it, stays in the upper bound. Where no neuron is active on all samples, what
    hyperplanes through samples add is swept in rank 2; above, the bound allows for it, where rows are dependent.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_seconds : float or None, default 0.5
        Longest time that a call over all cells may be expected to take, None for no limit; 0 asks for the search,
        but in rank 2.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 3.2.

    Examples
    --------
    >>> oracle = ThresholdOracle(np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]]))
    >>> above, below = oracle.sides(np.array([1.0, -2.0, 3.0]))
    >>> above.value, above.error, below.value, below.error
    (3.0, 1.0, 1.0, 1.0)
    """

    X: Array  # (n, d)
    scaled: Array  # (n, d), rows of about length one; for the search
    cells: PlanarCells | EnumeratedCells | None
    frame: Array | None  # (d, r), of the search: neurons are v = frame w
    random_state: Seed

    def __init__(self, X: Array, *, max_seconds: float | None = 0.5, random_state: Seed = 0) -> None:
        require_seed(random_state)
        scaled = np.ldexp(X, -np.frexp(np.max(np.abs(X), axis=1))[1][:, None])
        cells = _cells(X, RowSpace(scaled).rank, as_limit(max_seconds))
        sure = isinstance(cells, PlanarCells) or (cells is not None and cells.is_complete)
        object.__setattr__(self, "X", X)
        object.__setattr__(self, "scaled", scaled)
        object.__setattr__(self, "cells", cells)
        object.__setattr__(self, "frame", None if sure else _frame(scaled))
        object.__setattr__(self, "random_state", random_state)

    @property
    def degree(self) -> int:
        """Return 0."""
        return 0

    @on_one_blas_thread
    def maximise(self, lam: Array, *, starts: Array | None = None) -> Maximisers:
        """Return the best neurons; see `NeuronOracle.maximise`."""
        lam = as_dual(lam, len(self.X))
        return maximise_in_units(lam, 0, lambda own: self._maximise(own, starts))

    def _maximise(self, lam: Array, starts: Array | None) -> Maximisers:
        candidates, upper, method = self._candidates(lam, starts)
        # sums of n terms added up twice, in two orders
        slack = 4 * len(lam) * _EPS * float(np.sum(np.abs(lam)))
        return rank_neurons(self.X, lam, candidates, 0, upper + slack, method, rounding=2 * slack)

    def sides(self, lam: Array, *, starts: Array | None = None) -> tuple[Split, Split]:
        """Return the best hyperplane for each sign: the most of ``lam`` on the positive side, and the least.

        Parameters
        ----------
        lam : ndarray of shape (n,)
            Weights with signs.
        starts : ndarray of shape (d, m), optional
            Directions that a search starts from.

        Raises
        ------
        ValueError
            If lam is not a finite vector with one entry a sample.
        """
        lam = as_dual(lam, len(self.X))
        candidates, _, _ = self._candidates(lam, starts)
        products = lam @ (self.X @ candidates >= 0)
        splits = []
        for sign in (1.0, -1.0):
            best = int(np.argmax(sign * products))
            value = float(sign * products[best])
            error = float(np.sum(np.maximum(sign * lam, 0.0))) - value
            splits.append(Split(candidates[:, best], sign, value, error))
        return splits[0], splits[1]

    def _candidates(self, lam: Array, starts: Array | None) -> tuple[Array, float, str]:
        """Return unit directions, the best of either sign among them, an upper bound, and the method."""
        trivial = max(float(np.sum(np.maximum(lam, 0.0))), float(np.sum(np.maximum(-lam, 0.0))))
        found, upper = (
            (np.zeros((self.X.shape[1], 0)), np.inf) if self.cells is None else self.cells.best(lam)
        )
        if self.frame is None:
            method = "angular sweep" if isinstance(self.cells, PlanarCells) else "cell enumeration"
            return found, min(upper, trivial), method
        rng = as_generator(self.random_state)
        searched = _search(self.scaled, self.frame, lam, starts, rng)
        return np.concatenate([found, searched], axis=1), trivial, "search"


def _cells(X: Array, rank: int, max_seconds: float) -> PlanarCells | EnumeratedCells | None:
    """Return all cells, or those that enumeration tells apart; None where they are too many for this rank."""
    n, d = X.shape
    if d <= 2 or not np.any(X):
        return PlanarCells(X, np.arange(min(d, 2)))
    rows: list[Row] | None = None
    columns: NDArray[np.intp] | None = None
    if X.size <= _MOST_ENTRIES and (rank <= 2 or is_affordable(n, rank, max_seconds)):
        rows = integer_rows(X)
        columns = independent_columns(rows, max(rank, _MOST_RANK))
    if columns is not None and len(columns) <= 2:
        return PlanarCells(X, columns, rows)
    rank = rank if columns is None else len(columns)
    return enumerated_cells(X, rows, columns) if is_affordable(n, rank, max_seconds) else None


def _frame(X: Array) -> Array:
    """Return a basis (d, r) of neurons, not orthonormal, in which the unit rows have orthonormal columns.

    Patterns stay as they are, and rows that a common offset or a column of large entries makes nearly parallel become
    as distinct as they can be.
    """
    lengths = np.linalg.norm(X, axis=1)
    units = X[lengths > 0] / lengths[lengths > 0, None]
    sizes = np.linalg.norm(units, axis=0)
    kept = sizes > 0
    _, singular, Vt = np.linalg.svd(units[:, kept] / sizes[kept], full_matrices=False)
    rank = int(np.count_nonzero(singular > singular[0] * max(X.shape) * _EPS))
    frame = np.zeros((X.shape[1], rank))
    frame[kept] = Vt[:rank].T / singular[:rank] / sizes[kept, None]
    return frame


def _search(X: Array, frame: Array, lam: Array, starts: Array | None, rng: np.random.Generator) -> Array:
    """Return unit directions (d, k) that are best on random planes through themselves, for either sign."""
    C = X @ frame
    own = np.zeros((X.shape[1], 0)) if starts is None else starts
    met = np.linalg.lstsq(frame, own[:, -_STARTS:], rcond=None)[0]
    drawn = rng.standard_normal((C.shape[1], _STARTS))
    first = np.concatenate([C.T @ lam[:, None], met, drawn], axis=1)
    found = [_climb(C, sign * lam, v, rng) for sign in (1.0, -1.0) for v in first.T]
    lifted = frame @ np.stack(found, axis=1)
    return np.concatenate([own, lifted / np.linalg.norm(lifted, axis=0)], axis=1)


def _climb(C: Array, lam: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return a direction whose sum no random plane through it improved."""
    length = float(np.linalg.norm(v))
    v = v / length if length > 0 else np.eye(len(v))[0]
    value = float(lam @ (C @ v >= 0))
    for _ in range(_PLANES if len(v) > 1 else 0):
        w = rng.standard_normal(len(v))
        w -= (w @ v) * v
        w /= np.linalg.norm(w)
        turn = _best_turn(np.stack([C @ v, C @ w], axis=1), lam)
        other = turn[0] * v + turn[1] * w
        other /= np.linalg.norm(other)
        reached = float(lam @ (C @ other >= 0))
        if reached > value:
            v, value = other, reached
    return v


def _best_turn(planar: Array, lam: Array) -> Array:
    """Return the unit vector of the plane in the middle of the arc of the largest sum, the thinnest left out."""
    arcs = Arcs(planar)
    wide = np.flatnonzero(arcs.widths > _THINNEST)
    turn: Array = arcs.middles[:, wide[np.argmax(arcs.sums(lam)[wide])]]
    return turn
