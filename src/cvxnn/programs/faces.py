"""Lawson and Hanson's active sets for many small non-negative least-squares problems at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import cone_multipliers
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.programs.working_sets import Indices, OutOfTime
from cvxnn.validation import Array

Sides = NDArray[np.int8]

# A row counts as violated below this fraction of ||x_i|| ||v||: the rounding of a product of d = 100 terms.
FEASIBILITY = 1e-13
# Rows closer than this to the span of the others add rounding, not a direction.
_DEPENDENT = 1e-14
# Rounds for each row that a face can have. Cold starts take five; only rounding makes the method cycle.
_PIVOTS = 10


def signed_margins(X: Array, sides: Sides, ids: Indices, points: Array) -> Array:
    """Return ``s_bi x_i^T u_b`` for points (b, d) of the blocks ``ids``, shape (b, n)."""
    margins: Array = points @ X.T
    margins *= sides[ids]
    return margins


class Faces:
    """Lawson and Hanson's method on b blocks at once.

    ``rows[k, :count[k]]`` is the face of block k, ``basis[k]`` (K, d) an orthonormal basis of its signed rows and
    ``triangle[k]`` (K, K) their coordinates: ``A^T = basis^T triangle``. Beyond ``count[k]`` the basis is zero and
    the triangle the identity, so that blocks with different counts share every product.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, rows of norm one or zero.
    sides : int8 ndarray of shape (B, n)
        Patterns, of more blocks than these perhaps.
    ids : int ndarray of shape (b,)
        Where these blocks' patterns are.
    V : ndarray of shape (b, d)
        Points to project.
    near : int ndarray of shape (b, c), optional
        Each block's rows, then -1, where other rows are not to be looked at.
    deadline : Deadline, default never
        When `project` raises `OutOfTime` between two pivots.
    """

    def __init__(
        self,
        X: Array,
        sides: Sides,
        ids: Indices,
        V: Array,
        near: Indices | None = None,
        deadline: Deadline = NEVER,
    ) -> None:
        self.deadline = deadline
        self.X, self.sides, self.ids, self.V, self.near = X, sides, ids, V, near
        b, (n, d) = len(ids), X.shape
        width = min(n, d)
        if near is not None:
            signs = sides[ids[:, None], near] * (near >= 0)
            self.near_rows = signs[:, :, None] * X[near]
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
        signed = self.sides[self.ids[blocks, None], rows[:, :width]] * used[:, :width]
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
            self._look_at_the_clock()
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
            self._look_at_the_clock()
            self.solve_alone(int(k))
        return self.points

    def _look_at_the_clock(self) -> None:
        if self.deadline.is_over:
            raise OutOfTime

    def normals(self) -> Array:
        """Return ``A^T z``, (b, d); zero where rounding of V would be more than 1e-12 of it."""
        normals = self.points - self.V
        long = np.einsum("bd,bd->b", normals, normals) > (1e-3 * self.norms) ** 2
        return np.asarray(normals * long[:, None])

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
        if self.near is None:
            margins = signed_margins(self.X, self.sides, self.ids[blocks], self.points[blocks])
        else:
            margins = (self.near_rows[blocks] @ self.points[blocks, :, None])[:, :, 0]
        places = np.argmin(margins, axis=1)
        violated = margins[np.arange(len(blocks)), places] < -FEASIBILITY * self.norms[blocks]
        return places if self.near is None else self.near[blocks, places], violated

    def append(self, blocks: Indices, rows: Indices) -> NDArray[np.bool_]:
        """Add a row to the faces of blocks; return where it was independent of the rows there."""
        at = self.count[blocks]
        vectors = (self.sides[self.ids[blocks], rows, None] * self.X[rows])[:, :, None]
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
        rows = np.arange(len(self.X)) if self.near is None else self.near[block][self.near[block] >= 0]
        A = self.sides[self.ids[block], rows, None] * self.X[rows]
        z = cone_multipliers(A, self.V[block])
        rows = rows[np.flatnonzero(z)]
        self.points[block] = self.V[block] + A.T @ z
        self.rows[block] = -1
        self.rows[block, : rows.size] = rows
