"""What a solver remembers of its last projections on cones, to make the next ones cheap."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

Indices = NDArray[np.intp]


class OutOfTime(TimeoutError):
    """The deadline of some working sets has passed in the middle of a projection."""


@short_repr
@dataclass(eq=False)
class WorkingSets:
    """What each block's last projection leaves to make the next one cheap.

    Kept by `project_blocks` from one call to the next. Mutable state of a solver, never part of a program.

    Parameters
    ----------
    rows : int ndarray of shape (B, K)
        The rows on whose face the projection lies: ``rows[b]`` are sample indices, then -1; linearly independent
        rows of X. A guess for the next face.
    normals : ndarray of shape (B, d), optional
        ``A^T z`` with z >= 0, the projection less its point: such vectors prove other projections to be short.
    near : NearRows, optional
        Where there are many rows: those near each block's boundary.
    deadline : Deadline, default never
        When `project_blocks` raises `OutOfTime`, between two pivots; the batch in hand is lost.
    """

    rows: Indices
    normals: Array = field(default_factory=lambda: np.zeros((0, 0)))
    near: NearRows | None = None
    deadline: Deadline = NEVER

    @classmethod
    def empty(cls, n_blocks: int) -> WorkingSets:
        """Return working sets without rows."""
        return cls(np.zeros((n_blocks, 0), dtype=np.intp))

    @property
    def counts(self) -> Indices:
        """Return the number of rows of each block, shape (B,)."""
        return np.asarray(np.count_nonzero(self.rows >= 0, axis=1), dtype=np.intp)

    def widen(self, n_rows: int, n_features: int) -> None:
        """Make room for ``n_rows`` rows and a normal of ``n_features`` entries a block."""
        missing = n_rows - self.rows.shape[1]
        if missing > 0:
            self.rows = np.pad(self.rows, ((0, 0), (0, missing)), constant_values=-1)
        if self.normals.size == 0:
            self.normals = np.zeros((len(self.rows), n_features))

    def copy(self) -> WorkingSets:
        """Return a copy that another caller may change."""
        near = None if self.near is None else self.near.copy()
        return WorkingSets(self.rows.copy(), self.normals.copy(), near, self.deadline)


@dataclass(eq=False)
class NearRows:
    """The rows whose constraints each block's next projection is likely to meet, and how far that is certain.

    Parameters
    ----------
    rows : int ndarray of shape (B, c)
        Sample indices, then -1.
    anchors : ndarray of shape (B, d)
        Unit vectors, points where all rows were looked at; zero where that never happened.
    radius : ndarray of shape (B,)
        All other rows have ``s_i x_i^T u >= radius > 0`` at the anchor u, for rows of X of norm one: they are
        satisfied by every point that is at most ``radius`` (times c) away from some multiple c u, c > 0. Negative
        where there is no such promise.
    width : float
        The margin below which rows are taken in; follows the data.
    """

    rows: Indices
    anchors: Array
    radius: Array
    width: float

    @classmethod
    def empty(cls, n_blocks: int, n_features: int, n_rows: int) -> NearRows:
        """Return no rows, with room for ``n_rows`` a block."""
        rows = np.full((n_blocks, n_rows), -1, dtype=np.intp)
        return cls(rows, np.zeros((n_blocks, n_features)), np.full(n_blocks, -1.0), 1e-2)

    def copy(self) -> NearRows:
        """Return a copy that another caller may change."""
        return NearRows(self.rows.copy(), self.anchors.copy(), self.radius.copy(), self.width)

    def cover(self, blocks: Indices, points: Array) -> NDArray[np.bool_]:
        """Return for which points, (b, d) of blocks (b,), all rows that are not near are sure to be satisfied."""
        anchors = self.anchors[blocks]
        along = np.einsum("bd,bd->b", points, anchors)
        off = points - along[:, None] * anchors
        # Less the rounding of the products. Where there is no promise, or the point is on the other side, none holds.
        safe = np.maximum(self.radius[blocks] - 1e-12, 0.0) * np.maximum(along, 0.0)
        return np.asarray(np.einsum("bd,bd->b", off, off) < safe**2)

    def renew(self, blocks: Indices, points: Array, margins: Array) -> None:
        """Take in the rows with the smallest margins, (b, n), at points (b, d)."""
        capacity = self.rows.shape[1]
        norms = np.sqrt(np.einsum("bd,bd->b", points, points))
        limits = self.width * norms
        owner, row = np.nonzero(margins < limits[:, None])
        counts = np.bincount(owner, minlength=len(blocks))
        fits = counts <= capacity
        self.rows[blocks] = -1
        place = np.arange(owner.size) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = fits[owner]
        self.rows[blocks[owner[kept]], place[kept]] = row[kept]
        self.anchors[blocks] = points / np.where(norms > 0, norms, 1.0)[:, None]
        self.radius[blocks] = self.width
        for k in np.flatnonzero(~fits):
            nearest = np.argpartition(margins[k], capacity)[: capacity + 1]
            self.rows[blocks[k]] = nearest[:capacity]
            self.radius[blocks[k]] = margins[k, nearest[capacity]] / norms[k] if norms[k] > 0 else -1.0
        if np.any(fits):
            typical = float(np.median(counts))
            self.width *= min(max(0.5 * capacity / max(typical, 1.0), 0.25), 4.0)
