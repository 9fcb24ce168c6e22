"""The exact oracle for data of rank at most two: one angular sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.exact_oracles.arcs import Arcs, highest, kinks
from cvxnn.certificates.oracles import MAX_DIRECTIONS, Oracle, OracleValue, oracle_value
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class SweepOracle(Oracle):
    """Exact maximiser of ``s lam^T (X u)_+`` for data of rank 0, 1 or 2.

    On an arc (`Arcs`) the value is ``g^T u``, largest at ``g / ||g||`` or at an end. Sorting the boundaries,
    O(n log n), is done once; a dual variable then costs O(n), both signs together.

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

    arcs: Arcs

    def __init__(self, X: Array) -> None:
        object.__setattr__(self, "arcs", Arcs(X))

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
        top = 0.0
        gradients = self.arcs.gradients(lam)
        for sign in (1.0, -1.0):
            found, value = self._peaks(sign * gradients)
            thetas, signs = np.append(thetas, found), np.append(signs, np.full(len(found), sign))
            top = max(top, value)
        space = self.arcs.space
        upper = top + space.allowance(lam)
        return oracle_value(space.X, lam, self.arcs.lift(thetas), signs, upper, "exact sweep")

    def _peaks(self, gradients: Array) -> tuple[Array, float]:
        """Return the angles of the best local maxima of ``g^T u``, and its largest value on any arc."""
        angles, starts = self.arcs.angles, self.arcs.starts
        if len(angles) == 0:
            return np.zeros(0), 0.0
        at_start = np.sum(gradients * starts, axis=1)
        ends = kinks(np.roll(gradients, 1, axis=0), gradients, starts)
        norms = np.hypot(gradients[:, 0], gradients[:, 1])
        tops = np.arctan2(gradients[:, 1], gradients[:, 0])
        inside = np.flatnonzero(self.arcs.contain(tops) & (norms > 0))
        thetas = np.concatenate([tops[inside], angles[ends]])
        values = np.concatenate([norms[inside], at_start[ends]])
        return highest(thetas, values, angles, at_start, limit=MAX_DIRECTIONS)
