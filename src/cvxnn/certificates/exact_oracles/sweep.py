"""The exact oracle for data of rank at most two: one angular sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates.oracles import (
    MAX_DIRECTIONS,
    Maximisers,
    Oracle,
    norm_of_columns,
    output_directions,
    proven_maximisers,
)
from cvxnn.certificates.row_space import RowSpace
from cvxnn.cones import Arcs, on_circle
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array


@short_repr
@dataclass(frozen=True, eq=False)
class SweepOracle(Oracle):
    """Exact maximiser of ``||Lam^T (X u)_+||_2`` for data of rank 0, 1 or 2, and any number of outputs C.

    On an arc (`Arcs`) the value is ``||G u||`` with a fixed G, and its square a quadratic form in (cos, sin): it is
    largest at the leading eigenvector of ``G^T G``, or its negative, if that is on the arc, else at an end. Sorting the
    boundaries, O(n log n), is done once; a dual variable then costs O(n C).

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
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020 (the dual constraint of one output).
    A. Sahiner, T. Ergen, J. Pauly, M. Pilanci, "Vector-output ReLU neural network problems are copositive
    programs", ICLR 2021 (that of several; the sweep is elementary).

    Examples
    --------
    >>> oracle = SweepOracle(np.array([[1.0, 0.0], [0.0, 1.0]]))
    >>> round(oracle.maximise(np.array([3.0, 4.0])).value, 12)
    5.0
    >>> round(oracle.maximise(np.array([[3.0, 0.0], [0.0, -4.0]])).value, 12)
    4.0
    """

    space: RowSpace
    arcs: Arcs

    def __init__(self, X: Array) -> None:
        space = RowSpace(X)
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "arcs", Arcs(space.planar()))

    @property
    def is_cheap(self) -> bool:
        """Return True."""
        return True

    @on_one_blas_thread
    def maximise(self, lam: Array, *, threshold: float = 0.0, deadline: Deadline = NEVER) -> Maximisers:
        """Return the maximum, and every local maximum on the circle (256 best).

        Parameters
        ----------
        lam : ndarray of shape (n,) or (n, C)
            The dual variable.
        threshold : float, default 0.0
            Not needed here: every arc is looked at.
        deadline : Deadline, default never
            Nor that: it takes about as long as to sort the rows.
        """
        space, columns = self.space, lam.reshape(len(lam), -1)
        thetas, top = self._peaks(self.arcs.sums(columns[:, :, None] * space.planar()[:, None, :]))
        U = space.lift(on_circle(thetas)[: space.rank])
        signs = output_directions(space.X, columns, U).reshape(-1, *lam.shape[1:])
        # what leaks and rounding do to each output, as a vector
        upper = top + norm_of_columns(space.allowance, lam)
        return proven_maximisers(space.X, lam, U, signs, upper, "exact sweep")

    def _peaks(self, gradients: Array) -> tuple[Array, float]:
        """Return the angles of the best local maxima of ``||G u||``, and its largest value on any arc.

        Parameters
        ----------
        gradients : ndarray of shape (2m, C, 2)
            G of each arc.
        """
        size = float(np.max(np.abs(gradients), initial=0.0))
        if size == 0.0:
            return np.zeros(0), 0.0
        arcs, G = self.arcs, gradients / size  # squares of 1e-170 vanish
        forms = np.einsum("kci,kcj->kij", G, G)
        tops = 0.5 * np.arctan2(
            2 * forms[:, 0, 1], forms[:, 0, 0] - forms[:, 1, 1]
        )  # the leading eigenvector
        tops = np.where(arcs.contain(tops), tops, tops + np.pi)
        inside = np.flatnonzero(arcs.contain(tops))
        ends = _kinks(forms, arcs.starts)
        at_start = np.linalg.norm(np.einsum("kci,ik->kc", G, arcs.starts), axis=1)
        heights = np.linalg.norm(np.einsum("kci,ik->kc", G[inside], on_circle(tops[inside])), axis=1)
        thetas = np.concatenate([tops[inside], arcs.angles[ends]])
        values = np.concatenate([heights, at_start[ends]])
        thetas, top = _highest(thetas, values, arcs.angles, at_start)
        return thetas, size * top


def _kinks(forms: Array, starts: Array) -> NDArray[np.intp]:
    """Return the boundaries (2, 2m) where the quadratic forms (2m, 2, 2) rise before and fall after."""
    tangents = np.stack([-starts[1], starts[0]])
    before, after = (
        np.einsum("kij,ik,jk->k", at, tangents, starts) for at in (np.roll(forms, 1, axis=0), forms)
    )
    return np.flatnonzero((before > 0) & (after < 0))


def _highest(thetas: Array, values: Array, angles: Array, at_start: Array) -> tuple[Array, float]:
    """Return the angles of the largest values without repeats, best first, and the largest value, 0 at least.

    The largest boundary joins them where it is above all: a maximum whose slopes rounding has hidden.
    """
    best = int(np.argmax(at_start))
    if at_start[best] > np.max(values, initial=0.0):
        thetas, values = np.append(thetas, angles[best]), np.append(values, at_start[best])
    thetas = thetas[np.argsort(-values, kind="stable")[:MAX_DIRECTIONS]]
    _, first = np.unique(np.round(np.mod(thetas, 2 * np.pi), 12), return_index=True)
    return thetas[np.sort(first)], float(np.max(values, initial=0.0))
