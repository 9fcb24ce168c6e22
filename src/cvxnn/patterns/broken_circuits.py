"""Cells of an arrangement of any rank: one for each set of normals that contains no broken circuit.

Order the normals. A circuit is a minimal dependent set of normals, and a broken circuit is a circuit without
its first element. By Zaslavsky's theorem the cells are as many as the sets without broken circuit. Such sets
come in pairs, S and S without normal 0, just as cells come in opposite pairs, so it is enough to find one
cell for each S of t normals that contains normal 0, for t = 1, ..., r.

The cell is explicit. Restrict the arrangement to a t-dimensional subspace in general position: dependent sets
of at most t normals stay dependent, independent ones stay independent. There S is a basis, and bounds 2^t
simplicial cones; take the one on which a generic linear functional is positive. The cell is the one inside
this cone whose points leave the hyperplanes of S by steps of decreasing order: 1 from the first, e from the
second, e^2 from the third, and so on. Distinct sets give distinct cells, which `enumerate_patterns` checks;
with Zaslavsky's count none is missing.

Nothing in this depends on the position of the normals: in general position no set of at most r normals is
excluded.
"""

from collections.abc import Iterator
from itertools import chain, combinations, islice

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns.activation import BoolArray
from cvxnn.validation import Array, PrecisionError

# Slacks held at a time: 1 MiB of float64, so that the passes over them stay in cache. At n = 1,000 and rank 3
# four times as many take twice as long.
_CHUNK_ENTRIES = 1 << 17


def cells_by_broken_circuits(normals: Array, tolerance: float) -> Iterator[tuple[Array, BoolArray]]:
    """Yield one point of each pair of opposite cells of a central arrangement.

    Takes O(k) work for each of the sum over t <= r of C(k - 1, t - 1) candidate sets: in general position
    that is the size of the result.

    Parameters
    ----------
    normals : ndarray of shape (k, r)
        Unit rows that span R^r, r >= 1, pairwise non-parallel.
    tolerance : float
        Determinants of unit normals up to this size count as zero.

    Yields
    ------
    points : ndarray of shape (m, r)
        Interior points.
    signs : ndarray of shape (m, k), bool
        ``normals @ point > 0``.

    Raises
    ------
    PrecisionError
        If rounding leaves a point on a hyperplane.

    References
    ----------
    T. Zaslavsky, "Facing up to arrangements", Memoirs AMS 154 (1975), Theorem A. T. Brylawski, "The
    broken-circuit complex", Trans. AMS 234 (1977), 417-433.

    Examples
    --------
    >>> sum(len(points) for points, signs in cells_by_broken_circuits(np.eye(3), 1e-12))
    4
    """
    n_lines, rank = normals.shape
    flag = _generic_rotation(rank)
    rotated = normals @ flag
    for dimension in range(1, rank + 1):
        restricted = rotated[:, :dimension]
        lengths = np.linalg.norm(restricted, axis=1)
        scaled_tolerance = tolerance / float(lengths.min())
        restricted = restricted / lengths[:, None]
        for sets in _sets_with_first(n_lines, dimension):
            points, slacks = _leave_in_turn(restricted, sets, scaled_tolerance)
            if (slacks == 0).any():
                raise PrecisionError("rounding put the witness of a cell on one of the hyperplanes of X")
            yield points @ flag[:, :dimension].T, slacks > 0


def _generic_rotation(rank: int) -> Array:
    # Any rotation in general position serves. A fixed one keeps the order of the patterns reproducible.
    return np.linalg.qr(np.random.default_rng(1975).standard_normal((rank, rank))).Q


def _sets_with_first(n_lines: int, size: int) -> Iterator[NDArray[np.intp]]:
    """Yield, in chunks (m, size), the sorted sets of `size` normals that contain normal 0."""
    rest = chain.from_iterable(combinations(range(1, n_lines), size - 1))
    if size == 1:
        yield np.zeros((1, 1), dtype=np.intp)
        return
    per_chunk = max(1, _CHUNK_ENTRIES // n_lines)
    while True:
        flat = np.fromiter(islice(rest, per_chunk * (size - 1)), dtype=np.intp)
        if not flat.size:
            return
        others = flat.reshape(-1, size - 1)
        yield np.concatenate([np.zeros((len(others), 1), dtype=np.intp), others], axis=1)


def _leave_in_turn(normals: Array, sets: NDArray[np.intp], tolerance: float) -> tuple[Array, Array]:
    """Return points (m', t) for the sets without broken circuit, and their slacks (m', k) on all normals."""
    directions, thresholds, sets = _dual_bases(normals, sets, tolerance)
    points = directions[:, :, 0].copy()
    slacks = _snapped(points @ normals.T, thresholds[:, 0])
    unbroken = np.ones(len(sets), dtype=np.bool_)
    position = np.arange(len(normals))
    for i in range(1, normals.shape[1]):
        moves = _snapped(directions[:, :, i] @ normals.T, thresholds[:, i])
        # A normal that comes before the i-th element of the set and leaves its hyperplane only now depends on
        # that element and later ones, and precedes them all: with it they form a circuit, without it a broken
        # one.
        leaves_now = (slacks == 0) & (moves != 0)
        unbroken &= ~(leaves_now & (position < sets[:, i, None])).any(axis=1)
        steps = _half_way_to_wall(slacks, moves)
        slacks += steps[:, None] * moves
        points += steps[:, None] * directions[:, :, i]
    return points[unbroken], slacks[unbroken]


def _dual_bases(
    normals: Array, sets: NDArray[np.intp], tolerance: float
) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return edges (m, t, t) of simplicial cones, thresholds (m, t) for products with them, and the bases.

    Column i of a cone is the unit vector orthogonal to all normals of the set but the i-th, on the positive
    side of the functional, the last coordinate. Replacing normal i by row j multiplies the determinant by
    ``row j @ edge i`` over ``normal i @ edge i``: the thresholds state "this determinant is zero" for all
    rows alike, so that it has the same answer whichever set it is asked from.
    """
    bases = normals[sets]
    volumes = np.abs(np.linalg.det(bases))
    independent = volumes > tolerance
    edges = np.linalg.inv(bases[independent])
    edges *= np.sign(edges[:, -1:, :])
    lengths = np.linalg.norm(edges, axis=1)
    thresholds = tolerance / (volumes[independent, None] * lengths)
    return edges / lengths[:, None, :], thresholds, sets[independent]


def _snapped(products: Array, thresholds: Array) -> Array:
    products[np.abs(products) <= thresholds[:, None]] = 0.0
    return products


def _half_way_to_wall(slacks: Array, moves: Array) -> Array:
    """Find the step (m,) to the middle of the chord inside the cell, or 1 where the cell has no far wall."""
    approach = np.divide(-moves, slacks, out=np.zeros_like(moves), where=slacks != 0).max(axis=1)
    steps: Array = np.divide(0.5, approach, out=np.ones_like(approach), where=approach > 0)
    return steps
