"""The cells of the convex rows: the linear programs over the ball that are left in them, bounded in batches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.local_search.ascent import Ascent, polish
from cvxnn.certificates.oracles import correlations, units
from cvxnn.cones import least_norm_in_box
from cvxnn.validation import Array

_SEEDS = 64
_POLISHED = 8


class Incumbent:
    """Collects directions while cells are settled; its value only rises.

    Parameters
    ----------
    C : ndarray of shape (n, r)
        Data.
    l : ndarray of shape (n,)
        Weights, a signed dual variable.
    value : float
        What is attained already, or a threshold.

    Attributes
    ----------
    value : float
        The largest of it and of the values met.
    directions : ndarray of shape (r, k)
        Unit vectors: the ends of the climbs.
    """

    def __init__(self, C: Array, l: Array, value: float) -> None:
        self.value = value
        self._C, self._l = C, l
        self._norms = np.linalg.norm(C, axis=1)
        self.directions = np.zeros((C.shape[1], 0))
        self._offers, self._offered = np.zeros((C.shape[1], 0)), np.zeros(0)

    def offer(self, vectors: Array) -> None:
        """Take note of the values that non-zero vectors, shape (k, r), attain; keep the best as seeds."""
        U = units(vectors.T)
        values = correlations(self._C, self._l, U)
        self._raise(values)
        values = np.concatenate([self._offered, values])
        kept = np.argsort(-values, kind="stable")[:_SEEDS]
        self._offers = np.concatenate([self._offers, U], axis=1)[:, kept]
        self._offered = values[kept]

    def climb(self, *, floor: float = -np.inf) -> None:
        """Climb from the best offers above a floor to local maxima, the best of them exact."""
        seeds = self._offers[:, self._offered > floor]
        self._offers, self._offered = self._offers[:, :0], self._offered[:0]
        if seeds.size == 0:
            return
        values, U = Ascent(self._C, self._l).run(seeds, inner=30, outer=10)
        order = np.argsort(-values, kind="stable")[:_POLISHED]
        for k in order[values[order] > 0]:
            values[k], U[:, k] = polish(self._C, self._l, U[:, k], self._norms)
        self._raise(values)
        self.directions = np.concatenate([self.directions, U], axis=1)

    def _raise(self, values: Array) -> None:
        self.value = max(self.value, float(np.max(values, initial=0.0)))


_EPS = float(np.finfo(np.float64).eps)
_SWEEPS = 20


@dataclass(frozen=True, eq=False)
class Branches:
    """The maximisation of ``l^T (C u)_+`` over the unit ball, with the rows of ``l_i > 0`` to be branched on.

    Only they are convex. On a cell of their arrangement, ``{u : (2 D - I) C_+ u >= 0}``, the objective is the
    concave ``c^T u - sum_{l_i < 0} |l_i| (c_i^T u)_+`` with ``c = sum_{l_i > 0} l_i D_i c_i``, and its
    maximum over the unit ball is

        ``min over 0 <= b <= |l|, z >= 0 of || c - C_-^T b + C_+^T (2 D - I) z ||``.

    Any such b and z give an upper bound, on all the cells of the full arrangement that share D.

    Rows are scaled to unit length, with their weights multiplied by it, and the multipliers of a cell are one
    vector m with ``m_i = -b_i`` or ``m_i = (2 D_i - 1) z_i`` in a box: the vector is ``c + rows^T m``.

    Parameters
    ----------
    C : ndarray of shape (n, r)
        Data.
    l : ndarray of shape (n,)
        Weights, a signed dual variable. Rows with ``l_i = 0`` and zero rows play no part.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1 and its dual.
    """

    rows: Array  # (m, r), unit rows, concave ones first
    gains: Array  # (p,) l_i ||c_i|| of the convex rows
    limits: Array  # (m - p,) |l_i| ||c_i|| of the concave rows
    lipschitz: float  # ||rows||_2^2

    def __init__(self, C: Array, l: Array) -> None:
        norms = np.linalg.norm(C, axis=1)
        weights = l * norms
        convex, concave = np.flatnonzero(weights > 0), np.flatnonzero(weights < 0)
        order = np.concatenate([concave, convex])
        rows = C[order] / norms[order, None]
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "gains", weights[convex])
        object.__setattr__(self, "limits", -weights[concave])
        top = float(np.linalg.eigvalsh(rows.T @ rows)[-1]) if rows.size else 0.0
        object.__setattr__(self, "lipschitz", max(top, 1e-300))

    @property
    def convex(self) -> Array:
        """Return the unit rows that are branched on, shape (p, r)."""
        return self.rows[len(self.limits) :]

    @property
    def concave(self) -> Array:
        """Return the other unit rows, shape (m - p, r)."""
        return self.rows[: len(self.limits)]

    def screen(self, active: NDArray[np.bool_], gates: Array) -> Array:
        """Return cheap upper bounds of some cells, shape (k,): two choices of b, with z = 0.

        Parameters
        ----------
        active : ndarray of shape (k, p)
            Patterns D on the convex rows.
        gates : ndarray of shape (k, r)
            A point of each cell.
        """
        linear = (active * self.gains) @ self.convex
        gated = linear - (gates @ self.concave.T > 0) * self.limits @ self.concave
        bounds: Array = np.minimum(np.linalg.norm(linear, axis=1), np.linalg.norm(gated, axis=1))
        return bounds

    def batch(self, active: NDArray[np.bool_], gates: Array) -> Batch:
        """Return the problems of some cells, with the multipliers of the full cells that the gates are in."""
        k, q = len(active), len(self.limits)
        lower, upper = np.zeros((k, len(self.rows))), np.zeros((k, len(self.rows)))
        lower[:, :q] = -self.limits
        lower[:, q:][~active] = -np.inf
        upper[:, q:][active] = np.inf
        multipliers = np.zeros_like(lower)
        multipliers[:, :q] = -self.limits * (gates @ self.concave.T > 0)
        linear = (active * self.gains) @ self.convex
        return Batch(self, linear, lower, upper, multipliers)


@dataclass(frozen=True, eq=False)
class Batch:
    """Problems ``min over lower <= m <= upper of ||linear + rows^T m||`` of k cells, and feasible multipliers.

    Parameters
    ----------
    branches : Branches
        The rows.
    linear : ndarray of shape (k, r)
    lower, upper, multipliers : ndarray of shape (k, m)
    """

    branches: Branches
    linear: Array  # (k, r)
    lower: Array  # (k, m)
    upper: Array  # (k, m)
    multipliers: Array  # (k, m)

    def __len__(self) -> int:
        """Return k."""
        return len(self.linear)

    def take(self, kept: NDArray[np.intp]) -> Batch:
        """Return some of the problems."""
        arrays = (self.linear, self.lower, self.upper, self.multipliers)
        return Batch(self.branches, *(array[kept] for array in arrays))

    def vectors(self) -> Array:
        """Return ``linear + rows^T m``, shape (k, r): near the minimum, multiples of the maximisers u."""
        vectors: Array = self.linear + self.multipliers @ self.branches.rows
        return vectors

    def bounds(self, vectors: Array) -> Array:
        """Return proven upper bounds, shape (k,): the vectors' norms, and what rounding of z can add.

        Rounding of c and b is bounded by the weights of the objective, whatever the cell: see
        `RowSpace.allowance`.
        """
        rounding = 4 * len(self.branches.rows) * _EPS
        convex = np.abs(self.multipliers[:, len(self.branches.limits) :])
        bounds: Array = np.linalg.norm(vectors, axis=1) + rounding * np.sum(convex, axis=1)
        return bounds

    def greedy(self, steps: int) -> Batch:
        """Minimise exactly over one multiplier of each cell at a time, the one that gains most.

        The first step is the projection on the most violated half-space. Two steps settle most cells; later
        ones gain little.
        """
        rows, m = self.branches.rows, self.multipliers.copy()
        vectors, cells = self.vectors(), np.arange(len(self))
        for _ in range(steps if rows.size else 0):
            slopes = vectors @ rows.T
            changes = np.clip(m - slopes, self.lower, self.upper)
            changes -= m
            slopes += 0.5 * changes
            slopes *= changes
            chosen = np.argmin(slopes, axis=1)
            change = changes[cells, chosen]
            m[cells, chosen] += change
            vectors += change[:, None] * rows[chosen]
        return self._at(m)

    def corrective(self, steps: int) -> Batch:
        """Minimise over a few multipliers of each cell together, and exchange one of these at each step.

        No more than r multipliers need lie strictly inside their box at the minimum. The one that gains most
        replaces one that sits at a bound.
        """
        if self.branches.rows.size == 0 or len(self) == 0:
            return self
        rows, m, vectors = self.branches.rows, self.multipliers.copy(), self.vectors()
        room = np.minimum(m - self.lower, self.upper - m)
        few = min(2 * rows.shape[1], len(rows))
        slots = np.argpartition(-room, few - 1, axis=1)[:, :few]
        for _ in range(steps):
            slopes = vectors @ rows.T
            self._exchange(slots, m, slopes)
            boxes = (np.take_along_axis(a, slots, axis=1) for a in (slopes, m, self.lower, self.upper))
            chosen = rows[slots]
            changes = _sweep(chosen @ chosen.transpose(0, 2, 1), *boxes)
            np.put_along_axis(m, slots, np.take_along_axis(m, slots, axis=1) + changes, axis=1)
            vectors += (changes[:, None, :] @ chosen)[:, 0]
        return self._at(m)

    def _exchange(self, slots: NDArray[np.intp], m: Array, slopes: Array) -> None:
        """Put the multiplier that alone gains most in the place of the one with the least room."""
        changes = np.clip(m - slopes, self.lower, self.upper)
        changes -= m
        chosen = np.argmin((slopes + 0.5 * changes) * changes, axis=1)
        room = [np.take_along_axis(a, slots, axis=1) for a in (m, self.lower, self.upper)]
        worst = np.argmin(np.minimum(room[0] - room[1], room[2] - room[0]), axis=1)
        absent = np.flatnonzero(np.all(slots != chosen[:, None], axis=1))
        slots[absent, worst[absent]] = chosen[absent]

    def exact(self, starts: Array) -> Batch:
        """Minimise to rounding, cell by cell, from vectors (k, r) near the minimum."""
        problems = zip(self.linear, self.lower, self.upper, starts, strict=True)
        m = [least_norm_in_box(self.branches.rows, *problem) for problem in problems]
        return self._at(np.array(m).reshape(self.multipliers.shape))

    def _at(self, multipliers: Array) -> Batch:
        """Return the problems with other multipliers, clipped: bounds are proven for feasible ones only."""
        clipped = np.clip(multipliers, self.lower, self.upper)
        return Batch(self.branches, self.linear, self.lower, self.upper, clipped)


def _sweep(grams: Array, slopes: Array, m: Array, lower: Array, upper: Array) -> Array:
    """Return the changes of m, (k, j), that minimise over one multiplier after another, some rounds of them."""
    grams = np.ascontiguousarray(grams.transpose(1, 2, 0))  # contiguous along the cells
    slopes, start, lower, upper = (np.ascontiguousarray(a.T) for a in (slopes, m, lower, upper))
    m = start.copy()
    for _ in range(_SWEEPS):
        for j in range(len(m)):
            new = np.clip(m[j] - slopes[j], lower[j], upper[j])
            slopes += grams[j] * (new - m[j])
            m[j] = new
    changes: Array = (m - start).T
    return changes
