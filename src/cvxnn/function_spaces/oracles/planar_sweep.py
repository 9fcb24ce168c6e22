"""All arcs and rays into which planar rows divide the circle, in exact order, however thin."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces.oracles.exact_rows import integer_rows, unit_vector
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
# Below, angles are denormal and lose their relative precision.
_LEAST_ANGLE = 1e-300


@dataclass(frozen=True, eq=False)
class PlanarSweep:
    """Sums ``lam^T 1[P v >= 0]`` on every arc and ray of the circle.

    Rows are sorted by angle, and where angles tie to rounding, by exact rational slopes: no arc of positive width is
    lost, and rows are parallel only if they are so exactly. An arc's direction is perpendicular to the mean of the two
    rows at its ends. A ray is of interest only where opposite rows are tied on it, both active: elsewhere it has the
    pattern of an arc beside it.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        P.
    """

    zero: NDArray[np.intp]  # rows of zeros
    rows: NDArray[np.intp]  # (m,) the others
    group: NDArray[np.intp]  # (m,) class of parallel rows, by angle in [0, pi)
    upward: NDArray[np.bool_]  # (m,) whether the row's own angle is in [0, pi)
    arcs: Array  # (2, 2 G) the direction of each arc
    tied: NDArray[np.intp]  # (t,) events, of 2 G, at which opposite rows are tied
    rays: Array  # (2, t)

    def __init__(self, points: Array) -> None:
        peaks = np.max(np.abs(points), axis=1)
        rows = np.flatnonzero(peaks > 0)
        upward = (points[rows, 1] > 0) | ((points[rows, 1] == 0) & (points[rows, 0] > 0))
        lines = np.where(upward[:, None], points[rows], -points[rows])
        group, first = _groups(lines)
        units = lines[first] / np.max(np.abs(lines[first]), axis=1, initial=0.0)[:, None]
        units = units / np.linalg.norm(units, axis=1)[:, None]
        counts = [np.bincount(group[side], minlength=len(first)) for side in (upward, ~upward)]
        tied = np.flatnonzero(np.minimum(*counts))
        rays = _rays(lines[first[tied]])
        object.__setattr__(self, "zero", np.flatnonzero(peaks == 0))
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "group", group)
        object.__setattr__(self, "upward", upward)
        object.__setattr__(self, "arcs", _arc_directions(units))
        object.__setattr__(self, "tied", np.concatenate([tied, tied + len(first)]))
        object.__setattr__(self, "rays", np.concatenate([rays, -rays], axis=1))

    def sums(self, lam: Array) -> tuple[Array, Array]:
        """Return the sums on the arcs, (2 G,), and on the rays with ties, (t,)."""
        size = self.arcs.shape[1] // 2
        weights = lam[self.rows]
        plus = np.bincount(self.group, weights * self.upward, minlength=size)
        minus = np.bincount(self.group, weights * ~self.upward, minlength=size)
        # on the arc before the first event the rows that point up are inactive, the others active
        start = float(np.sum(lam[self.zero]) + np.sum(minus))
        arcs = start + np.cumsum(np.concatenate([plus - minus, minus - plus]))
        before = np.concatenate([[start], arcs])[:-1]
        return arcs, (before + np.concatenate([plus, minus]))[self.tied]


def _groups(lines: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the class of each line, by increasing angle, and one member of each class."""
    angles = np.arctan2(lines[:, 1], lines[:, 0])
    order = np.argsort(angles, kind="stable")
    # arctan2 is right to a relative rounding: farther apart, the order is certain
    fresh = np.diff(angles[order], prepend=-np.inf) > 16 * _EPS * angles[order] + _LEAST_ANGLE
    starts = np.flatnonzero(fresh)
    for start, stop in zip(starts, np.append(starts, len(order))[1:], strict=True):
        if stop - start > 1:
            run = sorted(((_slope(lines[i]), int(i)) for i in order[start:stop]), key=itemgetter(0))
            order[start:stop] = [i for _, i in run]
            fresh[start + 1 : stop] = [later[0] != sooner[0] for sooner, later in pairwise(run)]
    group = np.empty(len(order), dtype=np.intp)
    group[order] = np.cumsum(fresh) - 1
    return group, order[fresh]


def _slope(line: Array) -> tuple[bool, Fraction]:
    """Return what orders lines of the upper half plane by angle, exactly: the x-axis, then ``-x / y``."""
    x, y = (Fraction(entry) for entry in line.tolist())
    return (True, -x / y) if y else (False, y)


def _arc_directions(units: Array) -> Array:
    """Return the unit vectors (2, 2 G) for which the rows at the ends of an arc are equally far from their line."""
    ring = np.concatenate([units, -units])
    after = np.roll(ring, -1, axis=0)
    total, gap = ring + after, ring - after
    # the same bisector twice: of ends less than a right angle apart the sum keeps its digits, of others the difference
    wide = np.sum(ring * after, axis=1) < 0
    middles = np.where(wide[:, None], gap, np.stack([total[:, 1], -total[:, 0]], axis=1))
    return np.asarray(middles / np.linalg.norm(middles, axis=1)[:, None]).T


def _rays(lines: Array) -> Array:
    """Return unit vectors (2, t) at right angles to lines, a quarter turn before them."""
    turned = [unit_vector((q, -p)) for p, q in integer_rows(lines)]
    return np.array(turned).reshape(-1, 2).T
