"""Cells of a line arrangement in the plane: sort the lines by angle."""

from collections.abc import Iterator

import numpy as np

from cvxnn.cones import Arcs
from cvxnn.patterns.activation import BoolArray
from cvxnn.validation import Array

# Signs made at a time.
_CHUNK_ENTRIES = 1 << 17


def sweep_plane(normals: Array) -> Iterator[tuple[Array, BoolArray]]:
    """Walk half way round the circle and yield one point of each pair of opposite cells.

    k distinct lines through the origin cut the plane into 2k sectors. Sorting the lines by angle takes O(k
    log k); between two neighbours the signs change in one place.

    Parameters
    ----------
    normals : ndarray of shape (k, 2)
        Pairwise non-parallel, k >= 2.

    Yields
    ------
    points : ndarray of shape (m, 2)
        Middle of each sector, as a unit vector.
    signs : ndarray of shape (m, k), bool
        ``normals @ point > 0``.

    Examples
    --------
    >>> [(points, signs)] = sweep_plane(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> signs.astype(int)
    array([[1, 1],
           [0, 1]])
    """
    arcs = Arcs(normals)
    order = arcs.events[: len(normals)]
    points = np.ascontiguousarray(arcs.middles[:, : len(normals)].T)
    start = normals @ points[0] > 0
    crossed_at = np.empty(len(order), dtype=np.intp)
    crossed_at[order] = np.arange(len(order))
    crossed_at[order[0]] = len(order)  # the walk starts just past this line and ends before its other ray
    size = max(1, _CHUNK_ENTRIES // len(order))
    for begin in range(0, len(order), size):
        sector = np.arange(begin, min(begin + size, len(order)))
        yield points[sector], start ^ (crossed_at <= sector[:, None])
