"""The exact oracle for several outputs and data of rank at most two: one angular sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.exact_oracles.arcs import Arcs, highest, kinks
from cvxnn.certificates.oracles import (
    MAX_DIRECTIONS,
    Oracle,
    OracleValue,
    norm_of_columns,
    oracle_value,
    output_directions,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class OutputSweepOracle(Oracle):
    """Exact maximiser of ``||Lam^T (X u)_+||_2`` for data of rank 0, 1 or 2, and any number of outputs.

    On an arc (`Arcs`) the value is ``||G u||``, whose square is a quadratic form in (cos, sin): it is largest at the
    leading eigenvector of ``G^T G``, or its negative, if that is on the arc, else at an end. O(n log n) once, and
    O(n C) for each dual variable.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data of rank at most 2.

    Raises
    ------
    ValueError
        If the rank of X exceeds 2.

    References
    ----------
    A. Sahiner, T. Ergen, J. Pauly, M. Pilanci, "Vector-output ReLU neural network problems are copositive
    programs", ICLR 2021 (the dual constraint; the sweep is elementary).

    Examples
    --------
    >>> import numpy as np
    >>> oracle = OutputSweepOracle(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> round(oracle.maximise(np.array([[3.0, 0.0], [0.0, -4.0]])).value, 12)
    4.0
    """

    arcs: Arcs

    def __init__(self, X: Array) -> None:
        object.__setattr__(self, "arcs", Arcs(X))

    @property
    def is_cheap(self) -> bool:
        """Return True."""
        return True

    def maximise(self, lam: Array, *, threshold: float = 0.0) -> OracleValue:
        """Return the maximum, and every local maximum on the circle (256 best).

        Parameters
        ----------
        lam : ndarray of shape (n, C)
            The dual variable.
        threshold : float, default 0.0
            Not needed here: every arc is looked at.
        """
        thetas, top = self._peaks(self.arcs.gradients(lam))
        space = self.arcs.space
        U = self.arcs.lift(thetas)
        # what leaks and rounding do to each output, as a vector
        upper = top + norm_of_columns(space.allowance, lam)
        return oracle_value(space.X, lam, U, output_directions(space.X, lam, U), upper, "exact sweep")

    def _peaks(self, gradients: Array) -> tuple[Array, float]:
        """Return the angles of the best local maxima of ``||G u||``, and its largest value on any arc."""
        angles, starts = self.arcs.angles, self.arcs.starts
        if len(angles) == 0:
            return np.zeros(0), 0.0
        a, b, c = (
            np.sum(gradients[:, :, i] * gradients[:, :, j], axis=1) for i, j in ((0, 0), (0, 1), (1, 1))
        )
        tops = 0.5 * np.arctan2(2 * b, a - c)  # the leading eigenvector
        tops = np.where(self.arcs.contain(tops), tops, tops + np.pi)
        inside = np.flatnonzero(self.arcs.contain(tops))
        forms = np.stack([np.stack([a, b], axis=1), np.stack([b, c], axis=1)], axis=2)
        after = np.einsum("kij,kj->ki", forms, starts)
        ends = kinks(np.einsum("kij,kj->ki", np.roll(forms, 1, axis=0), starts), after, starts)
        at_start = np.linalg.norm(np.einsum("kci,ki->kc", gradients, starts), axis=1)
        at_top = np.stack([np.cos(tops[inside]), np.sin(tops[inside])], axis=1)
        heights = np.linalg.norm(np.einsum("kci,ki->kc", gradients[inside], at_top), axis=1)
        thetas = np.concatenate([tops[inside], angles[ends]])
        values = np.concatenate([heights, at_start[ends]])
        return highest(thetas, values, angles, at_start, limit=MAX_DIRECTIONS)
