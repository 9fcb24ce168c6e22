"""The hyperplanes that a neuron sits on: what its part of the objective does to either side of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import least_norm_in_box
from cvxnn.patterns import reduce_rows
from cvxnn.validation import Array

# Hyperplanes at which a neuron's part of the objective is concave: every choice of sides is looked at.
MOST_CONCAVE = 14


@dataclass(frozen=True, eq=False)
class KinkLines:
    """The distinct hyperplanes ``e_l^T u = 0`` that a neuron sits on, and the slopes of the objective around it.

    Rows of X on one line through the origin make one hyperplane. To first order the objective, as a function of the
    neuron's hidden weight, changes along v by ``-ascent^T v + sum_l bends_l (e_l^T v)_+``.

    Parameters
    ----------
    normals : ndarray of shape (L, d)
        Unit vectors e_l.
    bends : ndarray of shape (L,)
        How much the slope along ``e_l`` rises across the hyperplane; the objective is convex there where it is >= 0.
    ascent : ndarray of shape (d,)
        Minus the gradient where every ``e_l^T u`` is slightly negative.
    rows : int ndarray of shape (k,)
        The samples on the kink, zero ones left out.
    line : int ndarray of shape (k,)
        The hyperplane of each.
    along : bool ndarray of shape (k,)
        Whether ``x_i`` points along ``e_l``, not against it.
    are_independent : bool
        Whether the normals are linearly independent: then every choice of sides is a cell that the neuron touches.
    """

    normals: Array
    bends: Array
    ascent: Array
    rows: NDArray[np.intp]
    line: NDArray[np.intp]
    along: NDArray[np.bool_]
    are_independent: bool

    @classmethod
    def of(cls, X: Array, slopes: Array, active: NDArray[np.bool_], kinks: NDArray[np.bool_]) -> KinkLines:
        """Return the hyperplanes of one neuron.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Data.
        slopes : ndarray of shape (n,)
            ``q_i = lam_i^T a``: minus the derivative of the loss by the neuron's activation on sample i.
        active, kinks : bool ndarrays of shape (n,)
            Samples on the neuron's positive side, and on its kink; no sample is both.
        """
        ascent = X[active].T @ slopes[active]
        norms = np.linalg.norm(X, axis=1)
        rows = np.flatnonzero(kinks & (norms > 0))
        if rows.size == 0:
            none, d = np.zeros(0, dtype=np.intp), X.shape[1]
            return cls(
                np.zeros((0, d)), np.zeros(0), np.asarray(ascent), rows, none, none > 0, are_independent=True
            )
        reduced = reduce_rows(X[rows])
        line, along = reduced.line, reduced.orientation
        _, first = np.unique(line, return_index=True)
        units = X[rows] / norms[rows, None] * np.where(along, 1.0, -1.0)[:, None]
        sizes = norms[rows] * slopes[rows]
        bends = -np.bincount(line, weights=sizes, minlength=reduced.n_lines).astype(np.float64)
        ascent = ascent + X[rows[~along]].T @ slopes[rows[~along]]
        independent = reduced.n_lines == reduced.rank
        return cls(units[first], bends, ascent, rows, line, along, independent)

    def nearest(self, decay: Array, fixed: Array | None = None) -> tuple[Array, Array]:
        """Return the shortest of the vectors ``ascent - decay - sum_l t_l bends_l e_l`` over t in [0, 1], and its t.

        Parameters
        ----------
        decay : ndarray of shape (d,)
            The gradient of the penalty.
        fixed : ndarray of shape (L,), optional
            Values of some t_l, NaN where they are free.
        """
        t = np.full(len(self.bends), np.nan) if fixed is None else np.array(fixed)
        free = np.isnan(t)
        t[free] = 0.0
        columns = self.normals.T * self.bends
        target = self.ascent - decay - columns @ t
        useful = free & (self.bends != 0)
        if np.any(useful):
            rows = columns[:, useful].T
            t[useful] = least_norm_in_box(rows, -target, np.zeros(len(rows)), np.ones(len(rows)))
            target = self.ascent - decay - columns @ t
        return target, t

    def steepest(self, decay: Array) -> tuple[Array, Array]:
        """Return the direction v of steepest descent, as long as its slope, and the sides t it leads to.

        The slope along a unit vector v is ``min over ||v|| <= 1``; at a hyperplane where the objective is concave
        both sides are tried, elsewhere the shortest subgradient decides.

        Raises
        ------
        ValueError
            If the objective is concave at more than 14 of the hyperplanes.
        """
        concave = np.flatnonzero(self.bends < 0)
        if concave.size > MOST_CONCAVE:
            raise ValueError(
                f"network must have neurons on at most {MOST_CONCAVE} kinks where the objective is concave; found "
                f"one on {concave.size}"
            )
        best, sides = np.zeros(0), np.zeros(0)
        for choice in product((0.0, 1.0), repeat=len(concave)):
            fixed = np.full(len(self.bends), np.nan)
            fixed[concave] = choice
            found, t = self.nearest(decay, fixed)
            if best.size == 0 or np.linalg.norm(found) > np.linalg.norm(best):
                best, sides = found, t
        return best, sides

    def multipliers(self, t: Array) -> Array:
        """Return D^ in [0, 1] of the samples `rows` for values t of the hyperplanes, shape (k,)."""
        values = t[self.line]
        return np.asarray(np.where(self.along, values, 1.0 - values))
