"""The exact oracle for data of rank at most two: one angular sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.oracles import MAX_DIRECTIONS, Oracle, OracleValue, oracle_value
from cvxnn.certificates.row_space import RowSpace
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class SweepOracle(Oracle):
    """Exact maximiser of ``s lam^T (X u)_+`` for data of rank 0, 1 or 2.

    The unit circle of the row space falls into at most 2n arcs on which ``lam^T (X u)_+ = g^T u`` with a
    fixed g; going round, each boundary adds or removes one ``lam_i x_i``. Sorting the boundaries, O(n log n),
    is done once; a dual variable then costs O(n), both signs together.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data of rank at most 2, for instance one feature and a bias column.

    Raises
    ------
    ValueError
        If the rank of X exceeds 2.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020 (the dual constraint).

    Examples
    --------
    >>> import numpy as np
    >>> oracle = SweepOracle(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> round(oracle.maximise(np.array([3.0, 4.0])).value, 12)
    5.0
    """

    space: RowSpace
    points: Array  # (m, 2) coordinates of the non-zero rows
    rows: NDArray[np.intp]  # (m,) which rows of X they are
    angles: Array  # (2m,) boundaries, sorted
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
        steps = np.repeat([1.0, -1.0], len(rows))
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "angles", angles[order])
        object.__setattr__(self, "events", np.tile(np.arange(len(rows)), 2)[order])
        object.__setattr__(self, "steps", steps[order])
        # read off from the order of a point's own two boundaries, so that it agrees with the sweep however
        # they tie
        object.__setattr__(self, "active", leave < enter)

    @property
    def is_cheap(self) -> bool:
        """Return True."""
        return True

    def maximise(self, lam: Array, *, threshold: float = 0.0) -> OracleValue:
        """Return the maximum over both signs, and every local maximum on the circle (256 best).

        Parameters
        ----------
        lam : ndarray of shape (n,)
            The dual variable.
        threshold : float, default 0.0
            Not needed here: every arc is looked at.
        """
        signs = np.zeros(0)
        thetas = np.zeros(0)
        highest = 0.0
        gradients = self._gradients(lam)
        for sign in (1.0, -1.0):
            found, top = self._peaks(sign * gradients)
            thetas, signs = np.append(thetas, found), np.append(signs, np.full(len(found), sign))
            highest = max(highest, top)
        U = self._lift(thetas)
        upper = highest + self.space.allowance(lam)
        return oracle_value(self.space.X, lam, U, signs, upper, "exact sweep")

    def _gradients(self, lam: Array) -> Array:
        """Return g on the arc after each boundary, shape (2m, 2)."""
        terms = lam[self.rows, None] * self.points
        changes: Array = self.steps[:, None] * terms[self.events]
        gradients: Array = np.sum(terms[self.active], axis=0) + np.cumsum(changes, axis=0)
        return gradients

    def _peaks(self, gradients: Array) -> tuple[Array, float]:
        """Return the angles of the best local maxima of ``g^T u``, and its largest value on any arc."""
        if len(self.angles) == 0:
            return np.zeros(0), 0.0
        cosines, sines = np.cos(self.angles), np.sin(self.angles)
        at_start = gradients[:, 0] * cosines + gradients[:, 1] * sines
        slope_after = gradients[:, 1] * cosines - gradients[:, 0] * sines
        before = np.roll(gradients, 1, axis=0)
        slope_before = before[:, 1] * cosines - before[:, 0] * sines
        kinks = np.flatnonzero((slope_before > 0) & (slope_after < 0))
        norms = np.hypot(gradients[:, 0], gradients[:, 1])
        tops = np.arctan2(gradients[:, 1], gradients[:, 0])
        widths = np.append(np.diff(self.angles), self.angles[0] + 2 * np.pi - self.angles[-1])
        inside = np.flatnonzero((np.mod(tops - self.angles, 2 * np.pi) <= widths) & (norms > 0))
        angles = np.concatenate([tops[inside], self.angles[kinks]])
        values = np.concatenate([norms[inside], at_start[kinks]])
        best = int(np.argmax(at_start))
        if at_start[best] > np.max(values, initial=0.0):  # a maximum whose slopes rounding has hidden
            angles, values = np.append(angles, self.angles[best]), np.append(values, at_start[best])
        keep = np.argsort(-values, kind="stable")[:MAX_DIRECTIONS]
        return _distinct(angles[keep]), float(np.max(values, initial=0.0))

    def _lift(self, thetas: Array) -> Array:
        if self.space.rank == 0:
            return np.zeros((self.space.X.shape[1], 0))
        return self.space.lift(np.stack([np.cos(thetas), np.sin(thetas)])[: self.space.rank])


def _distinct(angles: Array) -> Array:
    """Return the angles without repeats, in their order."""
    _, first = np.unique(np.round(np.mod(angles, 2 * np.pi), 12), return_index=True)
    return angles[np.sort(first)]
