"""Euclidean projection onto the cones of activation patterns, many at a time.

The projection onto ``K = {u : A u >= 0}`` is ``v + A^T z`` with ``z`` from one non-negative least-squares problem,
``min over z >= 0 of ||v + A^T z||``. The few rows with a positive multiplier are its *face*: given them, the
projection is that onto a subspace. All blocks run the active-set method of Lawson and Hanson side by side, one
pivot a round: a round is a batch of small orthogonalisations and one matrix product that looks for violated rows.
The faces of the last call are the first guess of the next, and mostly right.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cvxnn.programs.faces import FEASIBILITY, Faces, Sides, signed_margins
from cvxnn.programs.working_sets import Indices, NearRows, OutOfTime, WorkingSets
from cvxnn.validation import Array

# Entries of one batch: 8 MiB of float64. Smaller batches pay more for the interpreter than they gain from cache.
_BATCH_ENTRIES = 1 << 20
# Rows near the boundary to keep for a block, at least, and how many times as many rows make that worth while.
_NEAR = 128
_MANY = 32
# Rounds of adding violated rows. Cold starts take five.
_REPEATS = 50


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
    sets.widen(min(X.shape), X.shape[1])
    points = shorten(V[:, blocks].T, sets.normals[blocks])
    pending = np.flatnonzero(np.einsum("bd,bd->b", points, points) > negligible**2)
    capacity = max(_NEAR, 8 * X.shape[1])
    if len(X) > _MANY * capacity:
        if sets.near is None:
            sets.near = NearRows.empty(len(sides), X.shape[1], capacity)
        project = _project_near
    else:
        project = _project_all
    for batch in _batches(pending, max(min(len(X), 2 * capacity), X.shape[1] ** 2), sets):
        chosen = blocks[batch]
        points[batch] = project(X, sides, np.ascontiguousarray(V[:, chosen].T), sets, chosen, negligible)
    return points.T


def _batches(items: Indices, entries: int, sets: WorkingSets) -> Iterator[Indices]:
    """Yield items, so many at a time that a batch of ``entries`` numbers each is not too large."""
    size = max(1, _BATCH_ENTRIES // entries)
    for start in range(0, len(items), size):
        if sets.deadline.is_over:
            raise OutOfTime
        yield items[start : start + size]


def _project_all(
    X: Array, sides: Sides, V: Array, sets: WorkingSets, blocks: Indices, negligible: float
) -> Array:
    """Project rows of V, looking at all rows of X in every round."""
    faces = Faces(X, sides, blocks, V, deadline=sets.deadline)
    faces.start(np.arange(len(blocks)), sets.rows[blocks])
    points = faces.project(negligible)
    sets.rows[blocks], sets.normals[blocks] = faces.rows, faces.normals()
    return points


def _project_near(
    X: Array, sides: Sides, V: Array, sets: WorkingSets, blocks: Indices, negligible: float
) -> Array:
    """Project rows of V on the constraints near the boundary; add others as long as they are violated."""
    assert sets.near is not None
    points, norms = np.array(V), np.sqrt(np.einsum("bd,bd->b", V, V))
    pending = np.arange(len(blocks))
    for _ in range(_REPEATS):
        ids = blocks[pending]
        faces = Faces(X, sides, ids, V[pending], sets.near.rows[ids], sets.deadline)
        faces.start(np.arange(len(ids)), sets.rows[ids])
        points[pending] = faces.project(negligible)
        sets.rows[ids], sets.normals[ids] = faces.rows, faces.normals()
        long = np.einsum("bd,bd->b", points[pending], points[pending]) > negligible**2
        unsure = pending[long & ~sets.near.cover(ids, points[pending])]
        violated = [np.zeros(0, dtype=np.intp)]
        for batch in _batches(unsure, len(X), sets):
            margins = signed_margins(X, sides, blocks[batch], points[batch])
            sets.near.renew(blocks[batch], points[batch], margins)
            violated.append(batch[np.min(margins, axis=1) < -FEASIBILITY * norms[batch]])
        pending = np.concatenate(violated)
        if pending.size == 0:
            return points
    for batch in _batches(pending, len(X), sets):
        points[batch] = _project_all(X, sides, V[batch], sets, blocks[batch], negligible)
    return points


def shorten(V: Array, normals: Array) -> Array:
    """Return the shortest of ``v + t p``, t >= 0, for each row v of V and p of normals.

    Where ``p = A^T z`` with z >= 0, its norm is at least that of the projection of v on ``{u : A u >= 0}``, which is
    the shortest of all ``v + A^T z``.
    """
    squares = np.einsum("bd,bd->b", normals, normals)
    products = np.minimum(np.einsum("bd,bd->b", V, normals), 0.0)
    return np.asarray(V - (products / np.where(squares > 0, squares, 1.0))[:, None] * normals)
