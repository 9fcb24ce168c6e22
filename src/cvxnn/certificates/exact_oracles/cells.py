"""The exact oracle for data of low rank: the cells of the convex rows, settled in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.bounds.norms import norm_bound
from cvxnn.certificates.exact_oracles.branches import Batch, Branches, Incumbent
from cvxnn.certificates.oracles import Maximisers, Oracle, proven_maximisers
from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.patterns import count_bound, enumerate_patterns, reduce_rows
from cvxnn.programs import OutOfTime
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, one_column

MOST_CELLS = 5_000_000
_CHUNK_ENTRIES = 1 << 18  # multipliers at a time: the few arrays of that size stay in cache
_FEW = 4  # cells that are cheaper to solve exactly than to step on
_STARTS = 256  # gates that are tried for a first value
# For each cell; for each cell, row and dimension; for each cell and two dimensions. Measured on one core, within a
# factor of 1.5: 7.9 us a cell at n = 200, r = 3; 2.6 at 20 x 6; 5.3 at 16 x 16; 5.5 at 17 x 14.
_SECONDS_A_CELL, _SECONDS_A_PRODUCT, _SECONDS_A_BASIS = 1e-6, 7e-9, 8e-9
_Step = Callable[[Batch], Batch]
# Steps in single multipliers settle most cells, steps in a few of them together nearly all others.
_FIRST: tuple[_Step, ...] = (partial(Batch.greedy, steps=2),)
_SECOND: tuple[_Step, ...] = tuple(partial(Batch.corrective, steps=steps) for steps in (2, 2, 4, 8, 16))


def seconds_to_enumerate(n: int, r: int) -> float:
    """Return about how long it takes to list the cells of n rows in general position of R^r, on one core."""
    a_cell = _SECONDS_A_CELL + _SECONDS_A_PRODUCT * n * r + _SECONDS_A_BASIS * r**2
    return count_bound(n, r) * a_cell


@short_repr
@dataclass(frozen=True, eq=False)
class CellOracle(Oracle):
    """Exact maximiser of ``s lam^T (X u)_+``, cell by cell of the arrangement of the rows that are convex in u.

    For a sign s only the rows with ``s lam_i > 0`` are convex, and only these are branched on: with half of n
    rows, in rank r, there are some 2^(r - 1) times fewer cells than with all. The maximum on each is a convex
    problem whose dual gives upper bounds; cells are dropped, many at a time, as soon as a bound is at most
    the best value attained. The few that are left are solved to rounding.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_cells : int, default 5_000_000
        Refuse data whose rows can have more cells: a dual variable of one sign needs them all.

    Raises
    ------
    ValueError
        If X can have more cells.
    PrecisionError
        If X is too ill-conditioned to tell which of its rows are dependent.

    Notes
    -----
    Exact as the enumeration is: rows whose determinants are zero up to rounding are taken as dependent. The
    cells are enumerated anew for each dual variable. At n = 20, r = 6 and a dual variable of a trained
    network, 764 cells a sign replace 33,328, and a call takes 0.04 s; at n = 1000, r = 3, some 250,000 replace
    a million, and it takes 20 s.

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

    def __init__(self, X: Array, *, max_cells: int = MOST_CELLS) -> None:
        arrangement = reduce_rows(X)
        cells = count_bound(arrangement.n_lines, arrangement.rank)
        if cells > max_cells:
            raise ValueError(
                f"max_cells = {max_cells:,} is less than the {cells:,} cells that {arrangement.n_lines:,} distinct "
                f"lines of rank {arrangement.rank} can have"
            )
        object.__setattr__(self, "space", RowSpace(X))

    @property
    def is_cheap(self) -> bool:
        """Return False."""
        return False

    @on_one_blas_thread
    def maximise(self, lam: Array, *, threshold: float = 0.0, deadline: Deadline = NEVER) -> Maximisers:
        """Return the maximum over all cells and both signs.

        Parameters
        ----------
        lam : ndarray of shape (n,) or (n, 1)
            The dual variable.
        threshold : float, default 0.0
            Cells that cannot exceed it are dropped: ``upper`` is at least this large.
        deadline : Deadline, default never
            When to give up, between two chunks of cells, and before cells are enumerated that take longer.

        Returns
        -------
        Maximisers
            Where rounding hides cells of the rows that this dual variable asks for, or after the deadline, ``method``
            is "norm bound" instead of "cell enumeration", and ``upper`` not tight.
        """
        column = one_column(lam, "lam")
        best, upper, method = threshold, threshold, "cell enumeration"
        directions, signs = [np.zeros((self.space.rank, 0))], [np.zeros(0)]
        for sign in (1.0, -1.0):
            branches = Branches(self.space.coordinates, sign * column)
            if len(branches.gains) == 0:
                continue
            incumbent = Incumbent(self.space.coordinates, sign * column, best)
            try:
                upper = max(upper, _walk(_Cells.of(branches, deadline), incumbent))
            except (FloatingPointError, OutOfTime):
                upper, method = max(upper, norm_bound(self.space, sign * column)), "norm bound"
                incumbent.offer(branches.convex)
            incumbent.climb(floor=threshold if method == "cell enumeration" else -np.inf)
            best = incumbent.value
            directions.append(incumbent.directions)
            signs.append(np.full(incumbent.directions.shape[1], sign))
        upper = max(upper, best) + self.space.allowance(column)
        U = self.space.lift(np.concatenate(directions, axis=1))
        shaped = np.concatenate(signs).reshape(-1, *lam.shape[1:])
        return proven_maximisers(self.space.X, lam, U, shaped, upper, method)


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells of the convex rows, one of them a pattern and a gate."""

    branches: Branches
    packed: NDArray[np.uint8]  # (P, b): the patterns, after `skipped` bits
    skipped: int
    gates: Array  # (P, r)
    deadline: Deadline

    @classmethod
    def of(cls, branches: Branches, deadline: Deadline) -> _Cells:
        """Enumerate the convex rows; all rows, with repeats, where rounding hides cells of these alone."""
        n, r = branches.convex.shape
        if deadline.seconds_left < seconds_to_enumerate(n, r):
            raise OutOfTime
        try:
            patterns, skipped = enumerate_patterns(branches.convex, max_patterns=None), 0
        except FloatingPointError:
            patterns, skipped = enumerate_patterns(branches.rows, max_patterns=None), len(branches.limits)
        return cls(branches, patterns.packed, skipped, patterns.gates.T, deadline)

    def __len__(self) -> int:
        return len(self.packed)

    def chunks(self, cells: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.bool_], Array]]:
        """Yield indices of cells with their patterns (k, p) and gates (k, r)."""
        size = max(1, _CHUNK_ENTRIES // len(self.branches.rows))
        n_bits = self.skipped + len(self.branches.gains)
        for start in range(0, len(cells), size):
            if self.deadline.is_over:
                raise OutOfTime
            chunk = cells[start : start + size]
            bits = np.unpackbits(self.packed[chunk], axis=1, count=n_bits)[:, self.skipped :]
            yield chunk, bits.view(np.bool_), self.gates[chunk]


def _walk(cells: _Cells, incumbent: Incumbent) -> float:
    """Return an upper bound on the cells whose bound stays above the incumbent's value, 0 without any."""
    incumbent.offer(cells.gates[:: max(1, len(cells) // _STARTS)])
    incumbent.climb()
    left = _settle(cells, np.arange(len(cells)), incumbent, _FIRST)[0]
    if len(left):
        incumbent.climb()
    left, vectors = _settle(cells, left, incumbent, _SECOND)
    upper = 0.0
    for k in np.argsort(-np.linalg.norm(vectors, axis=1), kind="stable"):
        ((_, active, gates),) = cells.chunks(left[k : k + 1])
        batch = cells.branches.batch(active, gates).exact(vectors[k : k + 1])
        upper = max(upper, _offer(batch, incumbent)[0])
    return upper


def _settle(
    cells: _Cells, candidates: NDArray[np.intp], incumbent: Incumbent, steps: Sequence[_Step]
) -> tuple[NDArray[np.intp], Array]:
    """Return the cells that the steps leave with a bound above the incumbent's value, and their vectors."""
    left, bounds, vectors = [candidates[:0]], [np.zeros(0)], [cells.gates[:0]]
    for indices, active, gates in cells.chunks(candidates):
        kept = np.flatnonzero(cells.branches.screen(active, gates) > incumbent.value)
        indices, batch = indices[kept], cells.branches.batch(active[kept], gates[kept])
        last = np.full(len(indices), np.inf)
        for step in steps:
            if len(batch) <= _FEW:
                break
            batch = step(batch)
            last = _offer(batch, incumbent)
            above = np.flatnonzero(last > incumbent.value)
            indices, batch, last = indices[above], batch.take(above), last[above]
        left.append(indices)
        bounds.append(last)
        vectors.append(batch.vectors())
    # the incumbent has risen meanwhile
    above = np.flatnonzero(np.concatenate(bounds) > incumbent.value)
    return np.concatenate(left)[above], np.concatenate(vectors)[above]


def _offer(batch: Batch, incumbent: Incumbent) -> Array:
    """Offer the maximisers that the multipliers name to the incumbent, and return the proven bounds."""
    vectors = batch.vectors()
    incumbent.offer(vectors)
    return batch.bounds(vectors)
