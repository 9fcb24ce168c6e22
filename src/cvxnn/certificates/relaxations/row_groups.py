"""Groups of rows that share a dual variable and its multipliers, so that the joint dual SDP fits any number."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.row_space import RowSpace
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_columns, row_norms

# Of the mean. It matters little: 600 groups of elevators' rows prove 495, 493 and 490 with 0.1, 0.5 and equal entries.
_FLOOR = 0.5


@short_repr
@dataclass(frozen=True, eq=False)
class RowGroups:
    """Rows whose dual variables keep their ratios: ``lam_i = profile_i * scale_g``, ``g`` the group of row i.

    With several outputs ``lam_i`` and ``scale_g`` are vectors.

    Restricting the dual variable is valid: any feasible one gives a lower bound.

    Parameters
    ----------
    labels : ndarray of shape (n,)
        Group of each row, 0 .. G - 1.
    profile : ndarray of shape (n,)
        Positive.
    """

    labels: NDArray[np.intp]  # (n,)
    profile: Array  # (n,)

    def __len__(self) -> int:
        """Return G."""
        return int(self.labels.max()) + 1

    def totals(self, values: Array) -> Array:
        """Return the sums of values, shape (n,), over each group."""
        return np.bincount(self.labels, weights=values, minlength=len(self)).astype(np.float64)

    def moments(self, rows: Array, weights: Array) -> tuple[Array, Array]:
        """Return each group's sums of ``w_i x_i``, (G, r), and of ``w_i x_i x_i^T``, (G, r, r)."""
        r = rows.shape[1]
        first, second = np.zeros((len(self), r)), np.zeros((len(self), r, r))
        order = np.argsort(self.labels, kind="stable")
        ends = np.searchsorted(self.labels[order], np.arange(len(self) + 1))
        for g in range(len(self)):
            members = order[ends[g] : ends[g + 1]]
            weighted = weights[members, None] * rows[members]
            first[g], second[g] = weighted.sum(axis=0), weighted.T @ rows[members]
        return first, second


def single_rows(n: int) -> RowGroups:
    """Return groups of one row each: no restriction."""
    return RowGroups(np.arange(n), np.ones(n))


def group_rows(
    space: RowSpace, lam: Array, n_groups: int, *, classes: NDArray[np.intp] | None = None
) -> RowGroups:
    """Return groups of rows that look in similar directions and have similar dual variables.

    Boxes of (unit row, dual variable) are halved at the median of the coordinate that spreads most, the box of
    largest total spread first. One output's dual variables keep their sign in a group, and differ in size.

    Parameters
    ----------
    space : RowSpace
        The data.
    lam : ndarray of shape (n,) or (n, C)
        The dual variable whose ratios of sizes are kept inside a group; small ones are raised to half the mean.
    n_groups : int
        How many groups to make, at least 2.
    classes : ndarray of shape (n,), optional
        Rows of different classes, 0, 1, .., are kept apart: their dual variables may have no direction in common. By
        default the signs of lam, for one output. Not where there are more classes than groups.
    """
    norms = np.where(space.row_norms > 0, space.row_norms, 1.0)
    sizes, columns = row_norms(lam), as_columns(lam)
    typical = float(np.mean(sizes)) or 1.0
    is_one_output = columns.shape[1] == 1
    duals = (sizes if is_one_output else columns) / typical
    points = np.column_stack([space.coordinates / norms[:, None], duals])
    if classes is None:
        classes = np.asarray((columns[:, 0] <= 0) & is_one_output, dtype=np.intp)
    if int(classes.max()) + 1 > n_groups:
        classes = np.zeros(len(lam), dtype=np.intp)
    first = [np.flatnonzero(classes == label) for label in range(int(classes.max()) + 1)]
    boxes = [(-_spread(points[m])[0], k, m) for k, m in enumerate(first) if len(m)]
    heapq.heapify(boxes)
    count = len(first)
    while len(boxes) < n_groups and -boxes[0][0] > 0:
        _, _, members = heapq.heappop(boxes)
        along = points[members, _spread(points[members])[1]]
        order = np.argsort(along, kind="stable")
        for half in (members[order[: len(order) // 2]], members[order[len(order) // 2 :]]):
            heapq.heappush(boxes, (-_spread(points[half])[0], count, half))
            count += 1
    labels = np.empty(len(lam), dtype=np.intp)
    for g, (_, _, members) in enumerate(boxes):
        labels[members] = g
    return RowGroups(labels, np.maximum(sizes, _FLOOR * typical))


def _spread(points: Array) -> tuple[float, int]:
    """Return the sum of squares about the mean, 0 for fewer than two points, and the coordinate with most of it."""
    if len(points) < 2:
        return 0.0, 0
    squares = len(points) * np.var(points, axis=0)
    return float(np.sum(squares)), int(np.argmax(squares))
