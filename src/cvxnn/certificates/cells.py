"""The exact oracle for data of low rank: every cell of the arrangement, best first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.ascent import Ascent, polish
from cvxnn.certificates.cones import project_on_cone
from cvxnn.certificates.oracles import Oracle, OracleValue, correlations, oracle_value, units
from cvxnn.certificates.row_space import RowSpace
from cvxnn.patterns import ActivationPatterns, enumerate_patterns
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
_CHUNK = 1 << 14  # cells whose gradients are summed at a time: their partial sums stay in cache
_BATCH = 256  # cells whose half-space bounds are computed at a time
_SEEDS = 64  # directions of large gated norm, of each kind, that climb to give a first value
_POLISHED = 8


@dataclass(frozen=True, eq=False)
class _Tally:
    """What the walk over the cells has found so far."""

    best: float  # largest attained value, or the threshold
    upper: float  # proven bound on every cell that was projected
    directions: list[Array]
    signs: list[float]


@dataclass(frozen=True, eq=False)
class CellOracle(Oracle):
    """Exact maximiser of ``s lam^T (X u)_+`` over all cells of the arrangement of X's rows.

    On the closed cell K of pattern D the maximum over unit vectors is ``||Pi_K(X^T D lam)||``, at most the
    gated norm ``||X^T D lam||``. All gated norms come from table look-ups on packed patterns; then the cells
    are taken by decreasing norm, and projected only while the norm, lowered by the most violated half-space,
    exceeds the best value found. The cells come in opposite pairs, ``X^T D(-K) lam = X^T lam - X^T D(K)
    lam``: half are stored.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_cells : int, default 2_000_000
        Refuse data that can have more cells.

    Raises
    ------
    ValueError
        If X can have more cells.
    FloatingPointError
        If X is too ill-conditioned to tell its cells apart.

    Notes
    -----
    Exact as the enumeration is: rows whose determinants are zero up to rounding are taken as dependent.
    Memory is n / 16 bytes a cell.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1 and its dual.

    Examples
    --------
    >>> import numpy as np
    >>> oracle = CellOracle(np.eye(3))
    >>> round(oracle.maximise(np.array([2.0, 3.0, 6.0])).value, 12)
    7.0
    """

    space: RowSpace
    packed: NDArray[np.uint8]  # (ceil(n / 8), cells / 2): byte b of every stored cell is contiguous

    def __init__(self, X: Array, *, max_cells: int = 2_000_000) -> None:
        patterns = enumerate_patterns(X, max_patterns=max_cells)
        object.__setattr__(self, "space", RowSpace(X))
        object.__setattr__(self, "packed", _one_of_each_pair(X, patterns))

    @property
    def n_cells(self) -> int:
        """Return the number of cells, opposite ones included."""
        return 2 * int(self.packed.shape[1])

    @property
    def is_cheap(self) -> bool:
        """Return False."""
        return False

    def maximise(self, lam: Array, *, threshold: float = 0.0) -> OracleValue:
        """Return the maximum over all cells and both signs.

        Parameters
        ----------
        lam : ndarray of shape (n,)
            The dual variable.
        threshold : float, default 0.0
            Cells that cannot exceed it are not looked at: ``upper`` is at least this large.
        """
        C = self.space.coordinates
        total = C.T @ lam
        gradients = self._gradients(lam)
        kinds = (gradients, gradients - total)  # of the stored cells, and of their opposites seen from them
        norms = [np.linalg.norm(kind, axis=1) for kind in kinds]
        U, signs = self._first_directions(lam, kinds, norms)
        values = signs * correlations(C, lam, U)
        tally = _Tally(max(float(np.max(values, initial=0.0)), threshold), 0.0, [], [])
        for number, (kind, norm) in enumerate(zip(kinds, norms, strict=True)):
            tally = self._walk(kind, norm, opposite=number == 1, tally=tally)
        upper = max(tally.best, tally.upper) + self.space.allowance(lam)
        W = (
            np.stack([*U.T, *tally.directions], axis=1)
            if U.size or tally.directions
            else np.zeros((C.shape[1], 0))
        )
        signs = np.concatenate([signs, tally.signs])
        return oracle_value(self.space.X, lam, self.space.lift(W), signs, upper, "cell enumeration")

    def _gradients(self, lam: Array) -> Array:
        """Return ``C^T D lam`` for every stored cell, shape (cells / 2, r): a look-up for each 8 rows."""
        terms = np.zeros((8 * len(self.packed), self.space.rank))
        terms[: len(lam)] = lam[:, None] * self.space.coordinates
        bits = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float64)
        tables = bits @ terms.reshape(len(self.packed), 8, -1)  # (ceil(n / 8), 256, r)
        gradients = np.zeros((self.packed.shape[1], self.space.rank))
        for start in range(0, len(gradients), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            for table, byte in zip(tables, self.packed, strict=True):
                gradients[chunk] += table[byte[chunk]]
        return gradients

    def _first_directions(
        self, lam: Array, kinds: tuple[Array, Array], norms: list[Array]
    ) -> tuple[Array, Array]:
        """Climb from the gradients of largest norm: a first value that spares most projections."""
        C = self.space.coordinates
        tops = [
            kind[np.argsort(-norm, kind="stable")[:_SEEDS]] for kind, norm in zip(kinds, norms, strict=True)
        ]
        seeds = units(np.concatenate([*tops, *(-top for top in tops)]).T)
        directions, signs = [], []
        for sign in (1.0, -1.0):
            if not np.any(sign * lam > 0) or seeds.size == 0:
                continue
            values, U = Ascent(C, sign * lam).run(seeds, inner=30, outer=10)
            best = np.argsort(-values, kind="stable")[:_POLISHED]
            row_norms = np.linalg.norm(C, axis=1)
            for k in best[values[best] > 0]:
                U[:, k] = polish(C, sign * lam, U[:, k], row_norms)[1]
            directions.append(U)
            signs.append(np.full(U.shape[1], sign))
        if not directions:
            return np.zeros((C.shape[1], 0)), np.zeros(0)
        return np.concatenate(directions, axis=1), np.concatenate(signs)

    def _walk(self, gradients: Array, norms: Array, *, opposite: bool, tally: _Tally) -> _Tally:
        """Project the gradients of one kind on their cells, largest first, while they can beat the best."""
        best, upper = tally.best, tally.upper
        directions, signs = list(tally.directions), list(tally.signs)
        for cells in _by_decreasing(norms, best):
            if norms[cells[0]] <= best:
                break
            rows = self._oriented_rows(cells)
            for flip in (1.0, -1.0):
                bounds = self._half_space_bounds(rows, flip * gradients[cells], norms[cells])
                for k in np.flatnonzero(bounds > best):
                    if bounds[k] <= best:
                        continue
                    g = flip * gradients[cells[k]]
                    w, used, z = project_on_cone(rows[k], g, self._row_norms)
                    length = float(np.linalg.norm(w))
                    upper = max(upper, length + self._slack(used, z))
                    if length > best:
                        best = length
                        # on the opposite cell the same number is attained by -w
                        directions.append(-w if opposite else w)
                        signs.append(flip)
        return _Tally(best, upper, directions, signs)

    @property
    def _row_norms(self) -> Array:
        norms: Array = np.linalg.norm(self.space.coordinates, axis=1)
        return norms

    def _oriented_rows(self, cells: NDArray[np.intp]) -> Array:
        """Return ``(2 D - I) C`` of some cells, shape (k, n, r)."""
        active = np.unpackbits(self.packed[:, cells].T, axis=1, count=len(self.space.X)).view(np.bool_)
        return np.where(active, 1.0, -1.0)[:, :, None] * self.space.coordinates

    def _half_space_bounds(self, rows: Array, vectors: Array, norms: Array) -> Array:
        """Return the norms of the projections on each cell's most violated half-space."""
        lengths = np.where(self._row_norms > 0, self._row_norms, 1.0)
        depths = np.max(-(rows @ vectors[:, :, None])[:, :, 0] / lengths, axis=1, initial=0.0)
        bounds: Array = np.sqrt(np.maximum(norms**2 - depths**2, 0.0))
        return bounds

    def _slack(self, used: NDArray[np.intp], z: Array) -> float:
        """Return what leaks and rounding of the multipliers' own rows can add to ``||g + A^T z||``."""
        n = len(self.space.X)
        return float(z @ (self.space.leaks[used] + 4 * n * _EPS * self.space.row_norms[used]))


def _one_of_each_pair(X: Array, patterns: ActivationPatterns) -> NDArray[np.uint8]:
    """Return the packed patterns on whose positive side the first non-zero row lies, bytes first."""
    nonzero = np.flatnonzero(np.any(X != 0, axis=1))
    if len(nonzero) == 0:
        return np.zeros((patterns.packed.shape[1], 0), dtype=np.uint8)
    byte, bit = divmod(int(nonzero[0]), 8)
    chosen = (patterns.packed[:, byte] >> (7 - bit)) & 1 == 1
    return np.ascontiguousarray(patterns.packed[chosen].T)


def _by_decreasing(norms: Array, floor: float) -> Iterator[NDArray[np.intp]]:
    """Yield batches of the indices of norms above a floor, largest first."""
    above = np.flatnonzero(norms > floor)
    order = above[np.argsort(-norms[above], kind="stable")]
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]
