"""The arcs into which planar rows divide the unit circle, walked once round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class Arcs:
    """The unit circle of the plane, cut where the sign of a row's product changes, into two arcs a row.

    Going round, each boundary makes one row active or stops it. Each row has one boundary in each half of the circle.

    Parameters
    ----------
    points : ndarray of shape (n, 2)
        The rows; of these m are not zero.

    Attributes
    ----------
    angles : ndarray of shape (2m,)
        Boundaries, sorted. Arc k goes from boundary k to the next.
    widths : ndarray of shape (2m,)
        Lengths of the arcs.
    events : int ndarray of shape (2m,)
        Which row changes at each boundary.
    steps : ndarray of shape (2m,)
        +1 where the row becomes active there, -1 where it stops being so.
    active : bool ndarray of shape (n,)
        Rows with ``x_i^T u > 0`` on the arc before the first boundary.

    Examples
    --------
    >>> arcs = Arcs(np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]))
    >>> (arcs.angles / np.pi).tolist(), arcs.events.tolist()
    ([0.0, 0.5, 1.0, 1.5], [2, 0, 2, 0])
    >>> arcs.sums(np.array([1.0, 5.0, 10.0])).tolist()
    [11.0, 10.0, 0.0, 1.0]
    """

    angles: Array  # (2m,)
    widths: Array  # (2m,)
    events: NDArray[np.intp]  # (2m,)
    steps: Array  # (2m,)
    active: NDArray[np.bool_]  # (n,)

    def __init__(self, points: Array) -> None:
        rows = np.flatnonzero(np.any(points != 0, axis=1))
        turned = np.arctan2(points[rows, 1], points[rows, 0]) + np.pi / 2
        turned[np.mod(turned, np.pi) == np.pi] = 0.0  # a tiny negative angle, whose remainder is rounded up
        # whether a row stops being active at its boundary in [0, pi), and becomes it at the opposite one
        stops = (turned >= 0) & (turned < np.pi)
        first = np.mod(turned, np.pi)
        angles, ends = np.concatenate([first, first + np.pi]), np.concatenate([stops, ~stops])
        order = np.lexsort((ends, angles))  # where boundaries tie, rows become active first
        angles = angles[order]
        active = np.zeros(len(points), dtype=np.bool_)
        active[rows] = stops
        object.__setattr__(self, "angles", angles)
        object.__setattr__(self, "widths", np.diff(angles, append=angles[:1] + 2 * np.pi))
        object.__setattr__(self, "events", np.tile(rows, 2)[order])
        object.__setattr__(self, "steps", np.where(ends, -1.0, 1.0)[order])
        object.__setattr__(self, "active", active)

    @property
    def starts(self) -> Array:
        """Return the unit vectors at the boundaries, shape (2, 2m)."""
        return on_circle(self.angles)

    @property
    def middles(self) -> Array:
        """Return the unit vectors in the middle of the arcs, shape (2, 2m)."""
        return on_circle(self.angles + 0.5 * self.widths)

    def sums(self, terms: Array) -> Array:
        """Return the sum of the active rows' terms on each arc, shape (2m, ...) for terms (n, ...)."""
        steps = self.steps.reshape(-1, *(1,) * (terms.ndim - 1))
        sums: Array = np.sum(terms[self.active], axis=0) + np.cumsum(steps * terms[self.events], axis=0)
        return sums

    def contain(self, thetas: Array) -> NDArray[np.bool_]:
        """Return whether the angle thetas[k] lies on the closed arc k, shape (2m,)."""
        inside: NDArray[np.bool_] = np.mod(thetas - self.angles, 2 * np.pi) <= self.widths
        return inside


def on_circle(thetas: Array) -> Array:
    """Return the unit vectors at angles, shape (2, k)."""
    return np.stack([np.cos(thetas), np.sin(thetas)])
