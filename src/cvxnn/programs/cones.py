"""Euclidean projection onto the cones of activation patterns, many at a time.

The projection onto ``K = {u : A u >= 0}`` is ``v + A^T z`` with ``z`` from one non-negative least-squares problem,
``min over z >= 0 of ||v + A^T z||``. Of the n rows of A only a few matter, so each block keeps a *working set* of
rows: solve on the working set, look for violated rows with one matrix product for all blocks, add the worst, and
repeat. Working sets of the last call make the next one cheap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnn.validation import Array

Rows = NDArray[np.intp]

# A row counts as violated below this fraction of ||x_i|| ||v||: the rounding of a product of d = 100 terms.
_FEASIBILITY = 1e-13
# Violated rows added to a block's working set in one round.
_ROWS_ADDED = 8


@dataclass(eq=False)
class WorkingSets:
    """Rows in the working set of each block, and which of them hold with a positive multiplier.

    Parameters
    ----------
    rows : list of int arrays
        ``rows[b]`` are the sample indices in the working set of block b; kept by `project_blocks` from one call
        to the next. Mutable state of a solver, never part of a program.
    """

    rows: list[Rows]
    active: list[Rows] = field(default_factory=list)

    @classmethod
    def empty(cls, n_blocks: int) -> WorkingSets:
        """Return working sets without rows."""
        none = np.zeros(0, dtype=np.intp)
        return cls([none] * n_blocks, [none] * n_blocks)

    def select(self, blocks: NDArray[np.intp]) -> WorkingSets:
        """Return the working sets of some blocks."""
        return WorkingSets([self.rows[b] for b in blocks], [self.active[b] for b in blocks])


def project_on_rows(rows: Array, v: Array) -> tuple[Array, Array]:
    """Project v on ``{u : rows @ u >= 0}``.

    Parameters
    ----------
    rows : ndarray of shape (k, d)
        Signed rows.
    v : ndarray of shape (d,)
        The point.

    Returns
    -------
    projection : ndarray of shape (d,)
    multipliers : ndarray of shape (k,)
        Non-negative, zero for rows that are not active.
    """
    if rows.shape[0] == 0:
        return v, np.zeros(0)
    z, _ = nnls(rows.T, -v, maxiter=30 * max(rows.shape))
    return v + rows.T @ z, z


def project_blocks(
    X: Array, masks: NDArray[np.bool_], V: Array, sets: WorkingSets, blocks: NDArray[np.intp]
) -> Array:
    """Project columns of V on the cones of their patterns.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, with rows of norm at most about one: the caller normalises them (cones do not change).
    masks : bool ndarray of shape (n, B)
        Patterns of all blocks.
    V : ndarray of shape (d, B)
        Points.
    sets : WorkingSets
        Working sets of all B blocks; changed in place.
    blocks : int ndarray
        Which columns to project; the others are not looked at.

    Returns
    -------
    ndarray of shape (d, len(blocks))
        The projections.
    """
    T = np.array(V[:, blocks])
    norms = np.linalg.norm(T, axis=0)
    pending = np.arange(len(blocks))
    grown = [sets.rows[b] for b in blocks]
    while pending.size:
        for k in pending:
            b = blocks[k]
            rows = grown[k]
            signed = np.where(masks[rows, b], 1.0, -1.0)[:, None] * X[rows]
            T[:, k], z = project_on_rows(signed, V[:, b])
            sets.active[b] = rows[z > 0]
        pending = _grow(X, masks, T, norms, blocks, pending, grown)
    for k, b in enumerate(blocks):
        sets.rows[b] = _kept(sets.active[b], grown[k], X.shape[1])
    return T


def _kept(active: Rows, grown: Rows, d: int) -> Rows:
    """Keep the active rows and the most recent others, so that sets follow the block without growing for ever."""
    if grown.size <= 3 * d:
        return grown
    others = np.setdiff1d(grown, active, assume_unique=True)
    return np.concatenate([others[-d:], active])


def _grow(
    X: Array,
    masks: NDArray[np.bool_],
    T: Array,
    norms: Array,
    blocks: NDArray[np.intp],
    pending: NDArray[np.intp],
    grown: list[Rows],
) -> NDArray[np.intp]:
    """Add each pending block's worst violated rows to its working set; return the blocks that had any."""
    margins = X @ T[:, pending]
    margins[~masks[:, blocks[pending]]] *= -1.0
    violated = margins < -_FEASIBILITY * norms[pending]
    again = []
    for column in np.flatnonzero(violated.any(axis=0)):
        k = pending[column]
        bad = np.flatnonzero(violated[:, column])
        if bad.size > _ROWS_ADDED:
            bad = bad[np.argpartition(margins[bad, column], _ROWS_ADDED)[:_ROWS_ADDED]]
        new = np.setdiff1d(bad, grown[k])
        if new.size:  # rows already in the set are violated by rounding only
            grown[k] = np.concatenate([grown[k], new])
            again.append(k)
    return np.array(again, dtype=np.intp)
