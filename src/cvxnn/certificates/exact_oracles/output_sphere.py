"""The exact oracle for few outputs: outer polytopes of the hidden layer's images, cut by an oracle for one output."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.bounds.enclosure import Enclosure
from cvxnn.certificates.bounds.output_bounds import basis_allowance, output_basis
from cvxnn.certificates.local_search.multi_start import search
from cvxnn.certificates.local_search.output_search import polish_jointly
from cvxnn.certificates.oracles import (
    Maximisers,
    Oracle,
    correlations,
    output_directions,
    proven_maximisers,
)
from cvxnn.deadlines import NEVER, Deadline, as_limit
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

_PROMISING = 0.9  # of the largest value: directions that are polished
_RANDOM_STARTS = 64
_SEARCH_SHARE = 0.25  # of the time, for the first search
# Queries need not tell values apart that are less than this fraction of the largest.
_LEAST = 0.1


@short_repr
@dataclass(frozen=True, eq=False)
class OutputSphereOracle(Oracle):
    """Maximiser of ``||Lam^T (X u)_+||_2`` over unit vectors u to a given precision, by an exact oracle for one output.

    The oracle for one output gives the support function of the hidden layer's images, seen through Lam (`Enclosure`).
    The farthest vertex v of the enclosing polytope is cut off by the next query, ``q = v / ||v||``, until the bound is
    within ``tol`` of the value attained. A query need only tell values above ``value - (||v|| - value)`` apart: with
    two outputs, less than that settles both sides of q.

    Parameters
    ----------
    oracle : Oracle
        An exact oracle for one output.
    X : ndarray of shape (n, d)
        Its data.
    tol : float, default 1e-4
        Relative precision of ``upper``.
    max_queries : int, default 1000
        Stop after so many: ``upper`` is proven, but not as tight.
    max_seconds : float, optional
        Likewise.

    Notes
    -----
    Outputs are counted by the rank of Lam: one less than classes for the multinomial loss. At the dual variables of
    trained networks, where the largest norm is nearly attained at many points, it takes some 10 to 30 queries with two
    outputs, 40 to 180 with three, 80 to 270 with four.

    References
    ----------
    R. Horst and H. Tuy, "Global optimization: deterministic approaches", 1996, chapter VI (outer approximation for
    convex maximisation).

    Examples
    --------
    >>> from cvxnn.certificates import CellOracle
    >>> oracle = OutputSphereOracle(CellOracle(np.eye(3)), np.eye(3))
    >>> round(oracle.maximise(np.diag([2.0, 3.0, 6.0])[:, :2]).value, 9)
    3.0
    """

    oracle: Oracle
    X: Array
    tol: float = 1e-4
    max_queries: int = 1000
    max_seconds: float | None = None

    @property
    def is_cheap(self) -> bool:
        """Return False."""
        return False

    def __post_init__(self) -> None:
        as_limit(self.max_seconds)

    @on_one_blas_thread
    def maximise(self, lam: Array, *, threshold: float = 0.0, deadline: Deadline = NEVER) -> Maximisers:
        """Return the maximum, with an upper bound within a relative ``tol`` of it or of the threshold.

        Parameters
        ----------
        lam : ndarray of shape (n, C)
            The dual variable.
        threshold : float, default 0.0
            Directions of no larger value are not looked for.
        deadline : Deadline, default never
            When to stop, beside ``max_seconds``: ``upper`` is proven, but not as tight.
        """
        basis = output_basis(lam)
        upper = basis_allowance(np.linalg.norm(self.X, axis=1), lam, basis)
        directions, method = np.zeros((self.X.shape[1], 0)), "zero"
        if basis.shape[1]:
            own = Deadline.after(self.max_seconds)
            deadline = min(own, deadline, key=lambda limit: limit.seconds_left)
            climb = _Enclosing(self.oracle, self.X, lam @ basis, threshold, deadline)
            upper += climb.shrink(self)
            directions, method = climb.directions, climb.method
        signs = output_directions(self.X, lam, directions)
        return proven_maximisers(self.X, lam, directions, signs, upper, method)


class _Enclosing:
    """The enclosure for one dual variable of full column rank, and the directions met on the way."""

    def __init__(self, oracle: Oracle, X: Array, lam: Array, threshold: float, deadline: Deadline) -> None:
        self._oracle, self._X, self._lam, self._deadline = oracle, X, lam, deadline
        self._norms = np.linalg.norm(X, axis=1)
        found = search(X, lam, n_random=_RANDOM_STARTS, max_seconds=deadline.share(_SEARCH_SHARE).limit())
        self.directions = found.directions
        self._target = max(found.value, threshold)
        self._methods: set[str] = set()
        leading = found.signs[:1] if len(found.signs) else np.eye(lam.shape[1])[:1]
        axes = np.linalg.qr(leading.T, mode="complete")[0].T
        self._enclosure = Enclosure(axes, np.array([self._query(q, _LEAST * self._target) for q in axes]))

    @property
    def method(self) -> str:
        """Return the name of the proof."""
        return f"{', '.join(sorted(self._methods))}, {len(self._enclosure.psi)} output directions"

    def shrink(self, limits: OutputSphereOracle) -> float:
        """Cut off vertices until the largest norm is within tol of the target, and return it."""
        bound, q = self._enclosure.farthest()
        while bound > self._target * (1 + limits.tol) and len(self._enclosure.psi) < limits.max_queries:
            if self._deadline.is_over:
                break
            psi = self._query(q, max(2 * self._target - bound, _LEAST * self._target))
            if psi >= bound:
                break  # no cut: rounding, or an oracle that proves no better
            self._enclosure.cut(q, psi)
            bound, q = self._enclosure.farthest()
        return bound

    def _query(self, q: Array, threshold: float) -> float:
        """Ask the oracle for Psi(q), as far as it is above a threshold; keep what its directions attain."""
        found = self._oracle.maximise(self._lam @ q, threshold=threshold, deadline=self._deadline)
        self._methods.add(found.method)
        if found.directions.size:
            self._offer(found.directions)
        return found.upper

    def _offer(self, directions: Array) -> None:
        values = np.linalg.norm(correlations(self._X, self._lam, directions), axis=0)
        best = directions[:, int(np.argmax(values))]
        if np.max(values) > _PROMISING * self._target:
            best = polish_jointly(self._X, self._lam, best, self._norms, self._deadline)
        self.directions = np.concatenate([self.directions, best[:, None], directions], axis=1)
        value = float(np.linalg.norm(correlations(self._X, self._lam, best[:, None])))
        self._target = max(self._target, value)
