"""Euclidean projection onto the cones of activation patterns, many at a time.

The projection onto ``K = {u : A u >= 0}`` is ``v + A^T z`` with ``z`` from one non-negative least-squares problem,
``min over z >= 0 of ||v + A^T z||``. The few rows with a positive multiplier are its *face*: given them, the
projection is that onto a subspace. All blocks run the active-set method of Lawson and Hanson side by side, one
pivot a round: a round is a batch of small orthogonalisations and one matrix product that looks for violated rows.
The faces of the last call are the first guess of the next, and mostly right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnn.validation import Array

Indices = NDArray[np.intp]
Sides = NDArray[np.int8]

# A row counts as violated below this fraction of ||x_i|| ||v||: the rounding of a product of d = 100 terms.
_FEASIBILITY = 1e-13
# Rows closer than this to the span of the others add rounding, not a direction.
_DEPENDENT = 1e-14
# Rounds for each row that a face can have. Cold starts take five; only rounding makes the method cycle.
_PIVOTS = 10
# Entries of one batch: 8 MiB of float64. Smaller batches pay more for the interpreter than they gain from cache.
_BATCH_ENTRIES = 1 << 20


@dataclass(eq=False)
class WorkingSets:
    """The rows on whose face each block's last projection lies: a guess for the next.

    Parameters
    ----------
    rows : int ndarray of shape (B, K)
        ``rows[b]`` are sample indices, then -1; linearly independent rows of X. Kept by `project_blocks` from one
        call to the next. Mutable state of a solver, never part of a program.
    """

    rows: Indices

    @classmethod
    def empty(cls, n_blocks: int) -> WorkingSets:
        """Return working sets without rows."""
        return cls(np.zeros((n_blocks, 0), dtype=np.intp))

    @property
    def counts(self) -> Indices:
        """Return the number of rows of each block, shape (B,)."""
        return np.asarray(np.count_nonzero(self.rows >= 0, axis=1), dtype=np.intp)

    def widen(self, n_rows: int) -> None:
        """Make room for ``n_rows`` rows a block."""
        missing = n_rows - self.rows.shape[1]
        if missing > 0:
            self.rows = np.pad(self.rows, ((0, 0), (0, missing)), constant_values=-1)


def project_blocks(
    X: Array, sides: Sides, V: Array, sets: WorkingSets, blocks: Indices, negligible: float = 0.0
) -> Array:
    """Project columns of V on the cones of their patterns.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, rows of norm one or zero: the caller normalises them (cones do not change).
    sides : int8 ndarray of shape (B, n)
        Patterns of all blocks, +1 or -1: block b's cone is ``{u : sides[b, i] x_i^T u >= 0}``.
    V : ndarray of shape (d, B)
        Points.
    sets : WorkingSets
        Working sets of all B blocks; changed in place.
    blocks : int ndarray
        Which columns to project; the others are not looked at.
    negligible : float, default 0
        Columns whose projection is found to be no longer than this need no more than that: another vector, also
        no longer, may be returned for them. (``||v + A^T z||`` bounds the projection's norm for every z >= 0.)

    Returns
    -------
    ndarray of shape (d, len(blocks))
        The projections.

    References
    ----------
    C. L. Lawson and R. J. Hanson, "Solving least squares problems", 1974, chapter 23, algorithm NNLS.
    """
    n, d = X.shape
    sets.widen(min(n, d))
    points = np.empty((len(blocks), d))
    size = max(1, _BATCH_ENTRIES // max(n, d * d))
    for start in range(0, len(blocks), size):
        batch = slice(start, start + size)
        chosen = blocks[batch]
        faces = _Faces(X, sides[chosen], np.ascontiguousarray(V[:, chosen].T))
        faces.start(np.arange(len(chosen)), sets.rows[chosen])
        points[batch] = faces.project(negligible)
        sets.rows[chosen] = faces.rows
    return points.T


class _Faces:
    """Lawson and Hanson's method on b blocks at once.

    ``rows[k, :count[k]]`` is the face of block k, ``basis[k]`` (K, d) an orthonormal basis of its signed rows and
    ``triangle[k]`` (K, K) their coordinates: ``A^T = basis^T triangle``. Beyond ``count[k]`` the basis is zero and
    the triangle the identity, so that blocks with different counts share every product.
    """

    def __init__(self, X: Array, sides: Sides, V: Array) -> None:
        self.X, self.sides, self.V = X, sides, V
        (b, n), d = sides.shape, X.shape[1]
        width = min(n, d)
        self.norms = np.sqrt(np.einsum("bd,bd->b", V, V))
        self.points = np.array(V)
        self.rows = np.full((b, width), -1, dtype=np.intp)
        self.count = np.zeros(b, dtype=np.intp)
        self.basis = np.zeros((b, width, d))
        self.triangle = np.tile(np.eye(width), (b, 1, 1))
        self.multipliers = np.zeros((b, width))

    def start(self, blocks: Indices, rows: Indices) -> None:
        """Put the rows (b, K), up to -1, on the faces of blocks, in place of what is there."""
        used = rows >= 0
        width = int(np.max(np.sum(used, axis=1), initial=0))
        signed = self.sides[blocks[:, None], rows[:, :width]] * used[:, :width]
        q, r = np.linalg.qr((signed[:, :, None] * self.X[rows[:, :width]]).mT)
        # Householder's QR leaves zero columns at the end alone: their part of q is any completion, of r zero.
        self.rows[blocks] = rows
        self.count[blocks] = np.sum(used, axis=1)
        self.basis[blocks] = 0.0
        self.basis[blocks, :width] = q.mT * used[:, :width, None]
        self.triangle[blocks] = np.eye(self.rows.shape[1])
        self.triangle[blocks, :width, :width] = r + np.eye(width) * ~used[:, None, :width]

    def project(self, negligible: float) -> Array:
        """Pivot until every block is done, and return the projections, shape (b, d)."""
        pending = np.arange(len(self.V))
        for number in range(_PIVOTS * (self.rows.shape[1] + 2)):
            z = self.solve(pending)
            if number == 0:
                # Any non-negative multipliers will do to start from; these make `step_back` drop all negative ones.
                self.multipliers = np.maximum(z, 0.0)
            back = (z < 0).any(axis=1)
            ready = pending[~back]
            self.multipliers[ready] = z[~back]
            row, violated = self.worst_rows(ready)
            violated &= np.einsum("bd,bd->b", self.points[ready], self.points[ready]) > negligible**2
            violated[violated] = self.append(ready[violated], row[violated])
            self.step_back(pending[back], z[back])
            pending = np.concatenate([pending[back], ready[violated]])
            if pending.size == 0:
                return self.points
        for k in pending:
            self.solve_alone(int(k))
        return self.points

    def solve(self, blocks: Indices) -> Array:
        """Project on the subspaces where the faces' rows are zero; return the multipliers, of any sign."""
        width = int(np.max(self.count[blocks], initial=0))
        basis, v = self.basis[blocks, :width], self.V[blocks, :, None]
        first = basis @ v
        point = v - basis.mT @ first
        # Once more, or the rows would be zero to rounding of v instead of its projection's, which may be far shorter.
        second = basis @ point
        self.points[blocks] = (point - basis.mT @ second)[:, :, 0]
        z = np.zeros((len(blocks), self.rows.shape[1]))
        z[:, :width] = -np.linalg.solve(self.triangle[blocks, :width, :width], first + second)[:, :, 0]
        return z

    def worst_rows(self, blocks: Indices) -> tuple[Indices, NDArray[np.bool_]]:
        """Return the most violated row of each block, and whether it is violated by more than rounding."""
        margins = self.points[blocks] @ self.X.T
        margins *= self.sides[blocks]
        rows = np.argmin(margins, axis=1)
        return rows, margins[np.arange(len(blocks)), rows] < -_FEASIBILITY * self.norms[blocks]

    def append(self, blocks: Indices, rows: Indices) -> NDArray[np.bool_]:
        """Add a row to the faces of blocks; return where it was independent of the rows there."""
        at = self.count[blocks]
        vectors = (self.sides[blocks, rows, None] * self.X[rows])[:, :, None]
        basis = self.basis[blocks, : int(np.max(at, initial=0))]
        # Gram-Schmidt twice is orthogonal to rounding.
        first = basis @ vectors
        vectors = vectors - basis.mT @ first
        second = basis @ vectors
        vectors = (vectors - basis.mT @ second)[:, :, 0]
        length = np.sqrt(np.einsum("bd,bd->b", vectors, vectors))
        good: NDArray[np.bool_] = (length > _DEPENDENT) & (at < self.rows.shape[1])
        b, at, length = blocks[good], at[good], length[good]
        self.triangle[b, : basis.shape[1], at] = (first + second)[good, :, 0]
        self.triangle[b, at, at] = length
        self.basis[b, at] = vectors[good] / length[:, None]
        self.rows[b, at] = rows[good]
        self.multipliers[b, at] = 0.0
        self.count[b] += 1
        return good

    def step_back(self, blocks: Indices, z: Array) -> None:
        """Go from the last non-negative multipliers towards z up to the first zero, and drop the rows there."""
        if blocks.size == 0:
            return
        old = self.multipliers[blocks]
        with np.errstate(divide="ignore", invalid="ignore"):
            steps = np.where(z < 0, old / (old - z), np.inf)
        step = np.min(steps, axis=1, keepdims=True)
        new = np.maximum(old + step * (z - old), 0.0)
        kept = (steps > step) & (self.rows[blocks] >= 0)
        # Kept rows to the front, in their order.
        order = np.argsort(~kept, axis=1, kind="stable")
        kept = np.take_along_axis(kept, order, axis=1)
        rows = np.where(kept, np.take_along_axis(self.rows[blocks], order, axis=1), -1)
        self.start(blocks, rows)
        self.multipliers[blocks] = np.where(kept, np.take_along_axis(new, order, axis=1), 0.0)

    def solve_alone(self, block: int) -> None:
        """Solve one block by SciPy's non-negative least squares on all rows."""
        A = self.sides[block, :, None] * self.X
        z, _ = nnls(A.T, -self.V[block], maxiter=30 * max(A.shape))
        rows = np.flatnonzero(z)
        self.points[block] = self.V[block] + A.T @ z
        self.rows[block] = -1
        self.rows[block, : rows.size] = rows
