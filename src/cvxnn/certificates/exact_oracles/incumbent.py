"""The best value of ``l^T (C u)_+`` that a walk over cells has attained, and the directions that attain it."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates.local_search.ascent import Ascent, polish
from cvxnn.certificates.oracles import correlations, units
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
