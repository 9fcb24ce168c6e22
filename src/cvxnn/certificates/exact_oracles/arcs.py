"""The arcs into which the rows of planar data divide the unit circle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.row_space import RowSpace
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Arcs:
    """The unit circle of the row space of X, cut where a row's sign changes into at most 2n arcs.

    On each arc ``Lam^T (X u)_+ = G u`` with a fixed G; going round, each boundary adds or removes one
    ``lam_i x_i^T``.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data of rank at most 2.

    Attributes
    ----------
    space : RowSpace
        The row space of X.
    angles : ndarray of shape (2m,)
        Boundaries, sorted; m rows are not zero. Arc k goes from boundary k to the next.
    widths : ndarray of shape (2m,)
        Lengths of the arcs.

    Raises
    ------
    ValueError
        If the rank of X exceeds 2.
    """

    space: RowSpace
    points: Array  # (m, 2) coordinates of the non-zero rows
    rows: NDArray[np.intp]  # (m,) which rows of X they are
    angles: Array  # (2m,)
    widths: Array  # (2m,)
    events: NDArray[np.intp]  # (2m,) which point's boundary
    steps: Array  # (2m,) +1 where the point becomes active, -1 where it stops being so
    active: NDArray[np.bool_]  # (m,) points active before the first boundary

    def __init__(self, X: Array) -> None:
        space = RowSpace(X)
        if space.rank > 2:
            raise ValueError(f"X must have rank <= 2 for the angular sweep; its rank is {space.rank}")
        points = np.zeros((X.shape[0], 2))
        points[:, : space.rank] = space.coordinates
        rows = np.flatnonzero(np.any(points != 0, axis=1))
        points = points[rows]
        directions = np.arctan2(points[:, 1], points[:, 0])
        enter, leave = (np.mod(directions + shift, 2 * np.pi) for shift in (-np.pi / 2, np.pi / 2))
        angles = np.concatenate([enter, leave])
        order = np.argsort(angles, kind="stable")
        angles = angles[order]
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "angles", angles)
        object.__setattr__(self, "widths", np.diff(angles, append=angles[:1] + 2 * np.pi))
        object.__setattr__(self, "events", np.tile(np.arange(len(rows)), 2)[order])
        object.__setattr__(self, "steps", np.repeat([1.0, -1.0], len(rows))[order])
        # read off from the order of a point's own two boundaries, so that it agrees with the sweep however
        # they tie
        object.__setattr__(self, "active", leave < enter)

    @property
    def starts(self) -> Array:
        """Return the unit vectors at the boundaries, shape (2m, 2)."""
        return np.stack([np.cos(self.angles), np.sin(self.angles)], axis=1)

    def gradients(self, lam: Array) -> Array:
        """Return G on each arc: shape (2m, 2) for lam (n,), (2m, C, 2) for lam (n, C)."""
        terms = np.expand_dims(lam[self.rows], -1) * (
            self.points if lam.ndim == 1 else self.points[:, None, :]
        )
        steps = self.steps.reshape(-1, *(1,) * lam.ndim)
        gradients: Array = np.sum(terms[self.active], axis=0) + np.cumsum(steps * terms[self.events], axis=0)
        return gradients

    def contain(self, thetas: Array) -> NDArray[np.bool_]:
        """Return whether the angle thetas[k] lies on the closed arc k, shape (2m,)."""
        inside: NDArray[np.bool_] = np.mod(thetas - self.angles, 2 * np.pi) <= self.widths
        return inside

    def lift(self, thetas: Array) -> Array:
        """Return the unit vectors of R^d at angles, shape (d, k)."""
        if self.space.rank == 0:
            return np.zeros((self.space.X.shape[1], 0))
        return self.space.lift(np.stack([np.cos(thetas), np.sin(thetas)])[: self.space.rank])


def kinks(before: Array, after: Array, starts: Array) -> NDArray[np.intp]:
    """Return the boundaries where a value rises before and falls after, by its gradients there, shape (2m, 2)."""
    tangents = np.stack([-starts[:, 1], starts[:, 0]], axis=1)
    rises, falls = np.sum(before * tangents, axis=1) > 0, np.sum(after * tangents, axis=1) < 0
    return np.flatnonzero(rises & falls)


def highest(
    thetas: Array, values: Array, angles: Array, at_start: Array, *, limit: int
) -> tuple[Array, float]:
    """Return the angles of the largest values without repeats, best first, and the largest value, 0 at least.

    The largest boundary joins them where it is above all: a maximum whose slopes rounding has hidden.
    """
    best = int(np.argmax(at_start))
    if at_start[best] > np.max(values, initial=0.0):
        thetas, values = np.append(thetas, angles[best]), np.append(values, at_start[best])
    thetas = thetas[np.argsort(-values, kind="stable")[:limit]]
    _, first = np.unique(np.round(np.mod(thetas, 2 * np.pi), 12), return_index=True)
    return thetas[np.sort(first)], float(np.max(values, initial=0.0))
