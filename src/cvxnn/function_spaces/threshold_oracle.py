"""The oracle of threshold units, k = 0: a hyperplane of least weighted misclassification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import RowSpace
from cvxnn.function_spaces.neurons_found import NeuronOracle, NeuronsFound, rank_neurons
from cvxnn.patterns import ActivationPatterns, count_bound, enumerate_patterns
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)
# Seconds for each cell and sample, measured on one core: to unpack a pattern and multiply it.
_SECONDS = 2e-9
_MOST_CELLS = 500_000
_CHUNK_ENTRIES = 1 << 22
_STARTS, _PLANES = 8, 40
# Arcs narrower than this, in radians, hold no float64 direction that keeps its pattern.
_THINNEST = 1e-10


@dataclass(frozen=True, eq=False)
class Split:
    """A hyperplane through the origin and the weight it puts on the wrong side.

    Parameters
    ----------
    direction : ndarray of shape (d,)
        v; samples with ``x^T v >= 0`` are on its positive side.
    sign : float
        +1: samples with ``lam_i > 0`` belong on the positive side; -1: those with ``lam_i < 0``.
    value : float
        ``s lam^T 1[X v >= 0]``; it may be negative.
    error : float
        ``sum |lam_i|`` over samples on the wrong side: ``sum_i (s lam_i)_+ - value``.
    """

    direction: Array  # (d,)
    sign: float
    value: float
    error: float


@dataclass(frozen=True, eq=False)
class ThresholdOracle(NeuronOracle):
    """Maximiser of ``|lam^T 1[X v >= 0]|``: weighted misclassification by a hyperplane.

    ``max_v lam^T 1[X v >= 0] = sum_i (lam_i)_+ - min_v sum_i |lam_i| 1[sample i on the wrong side]``. In rank 2 by an
    angular sweep, O(n log n); else over all cells where these are affordable; else by exact sweeps of random planes,
    with ``max(sum (lam_i)_+, sum (-lam_i)_+)`` for an upper bound. The problem is NP-hard, and to approximate as well.

    A sample on the hyperplane counts as active, ``1[0] = 1``, but the maximum is taken over the open cells: a pattern
    that hyperplanes through samples alone have (there are none for rows in general position) is left out, because no
    float64 direction makes it reliably. Only a row of zeros is on every hyperplane, and always active.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_seconds : float, default 0.5
        Longest time that a call over all cells may be expected to take; 0 asks for the search, but in rank 2.
    random_state : int, Generator or None, default 0
        Seed of the search.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 3.2.

    Examples
    --------
    >>> oracle = ThresholdOracle(np.array([[1.0, 1.0], [2.0, 1.0], [3.0, 1.0]]))
    >>> above, below = oracle.sides(np.array([1.0, -2.0, 3.0]))
    >>> above.value, above.error, below.value, below.error
    (3.0, 1.0, 1.0, 1.0)
    """

    space: RowSpace
    patterns: ActivationPatterns | None
    random_state: Any

    def __init__(self, X: Array, *, max_seconds: float = 0.5, random_state: Any = 0) -> None:
        object.__setattr__(self, "space", RowSpace(X))
        object.__setattr__(self, "patterns", _patterns(self.space, max_seconds))
        object.__setattr__(self, "random_state", random_state)

    @property
    def degree(self) -> int:
        """Return 0."""
        return 0

    def maximise(self, lam: Array, *, starts: Array | None = None) -> NeuronsFound:
        """Return the best neurons; see `NeuronOracle.maximise`."""
        candidates, method = self._candidates(lam, starts)
        if method == "search":
            upper = max(float(np.sum(np.maximum(lam, 0.0))), float(np.sum(np.maximum(-lam, 0.0))))
        else:
            upper = 0.0
        upper += 4 * len(lam) * _EPS * float(np.sum(np.abs(lam)))
        found = rank_neurons(self.space.X, lam, candidates, 0, upper, method)
        if method == "search":
            return found
        top = found.value + 4 * len(lam) * _EPS * float(np.sum(np.abs(lam)))
        return NeuronsFound(found.value, top, found.directions, found.signs, found.values, method)

    def sides(self, lam: Array, *, starts: Array | None = None) -> tuple[Split, Split]:
        """Return the best hyperplane for each sign: the most of ``lam`` on the positive side, and the least.

        Parameters
        ----------
        lam : ndarray of shape (n,)
            Weights with signs.
        starts : ndarray of shape (d, m), optional
            Directions that a search starts from.
        """
        candidates, _ = self._candidates(lam, starts)
        products = lam @ (self.space.X @ candidates >= 0)
        splits = []
        for sign in (1.0, -1.0):
            best = int(np.argmax(sign * products))
            value = float(sign * products[best])
            error = float(np.sum(np.maximum(sign * lam, 0.0))) - value
            splits.append(Split(candidates[:, best], sign, value, error))
        return splits[0], splits[1]

    def _candidates(self, lam: Array, starts: Array | None) -> tuple[Array, str]:
        """Return unit directions, the best of either sign among them, and the method."""
        if self.space.rank <= 2:
            planar = np.zeros((len(lam), 2))
            planar[:, : self.space.rank] = self.space.coordinates
            if self.space.rank == 0:
                return np.eye(self.space.X.shape[1])[:, :1], "angular sweep"
            turns = _best_turns(planar, lam)
            if self.space.rank == 1:
                turns = np.array([[1.0, -1.0], [0.0, 0.0]])
            return self.space.lift(turns[: self.space.rank]), "angular sweep"
        if self.patterns is not None:
            return _best_gates(self.patterns, lam), "cell enumeration"
        rng = np.random.default_rng(self.random_state)
        return self.space.lift(_search(self.space, lam, starts, rng)), "search"


def _patterns(space: RowSpace, max_seconds: float) -> ActivationPatterns | None:
    """Return all cells where a call over them takes no longer than this."""
    n, r = space.coordinates.shape
    if r <= 2:
        return None
    cells = count_bound(n, r)
    if cells > _MOST_CELLS or cells * n * _SECONDS > max_seconds:
        return None
    try:
        return enumerate_patterns(space.X)
    except FloatingPointError:
        return None  # too ill-conditioned to tell the cells apart


def _best_gates(patterns: ActivationPatterns, lam: Array) -> Array:
    """Return the gates of the largest and the smallest sums, (d, k)."""
    size = max(1, _CHUNK_ENTRIES // patterns.n_samples)
    sums = [lam @ patterns.columns(at, at + size) for at in range(0, len(patterns), size)]
    order = np.argsort(np.concatenate(sums), kind="stable")
    gates = patterns.gates[:, np.concatenate([order[:8], order[-8:]])]
    return np.asarray(gates / np.linalg.norm(gates, axis=0))


def _best_turns(planar: Array, lam: Array) -> Array:
    """Return unit vectors of the plane, (2, 2), in the middle of the arcs of the largest and the smallest sum."""
    rows = np.flatnonzero(np.any(planar != 0, axis=1))
    if len(rows) == 0:
        return np.array([[1.0, -1.0], [0.0, 0.0]])
    angles = np.arctan2(planar[rows, 1], planar[rows, 0])
    # row i is active between angle_i - pi/2 and angle_i + pi/2
    events = np.mod(np.concatenate([angles - np.pi / 2, angles + np.pi / 2]), 2 * np.pi)
    changes = np.concatenate([lam[rows], -lam[rows]])
    order = np.argsort(events, kind="stable")
    events = events[order]
    widths = np.diff(np.append(events, events[0] + 2 * np.pi))
    sums = np.cumsum(changes[order])  # up to a constant, the same on every arc
    wide = np.flatnonzero(widths > min(_THINNEST, 0.5 * float(np.max(widths))))
    best = wide[[np.argmax(sums[wide]), np.argmin(sums[wide])]]
    middles = events[best] + 0.5 * widths[best]
    return np.stack([np.cos(middles), np.sin(middles)])


def _search(space: RowSpace, lam: Array, starts: Array | None, rng: np.random.Generator) -> Array:
    """Return directions (r, k) that are best on random planes through themselves, for either sign."""
    C = space.coordinates
    own = np.zeros((C.shape[1], 0)) if starts is None else space.basis.T @ starts
    first = np.concatenate([C.T @ lam[:, None], own[:, -_STARTS:]], axis=1)
    first = np.concatenate([first, rng.standard_normal((C.shape[1], _STARTS))], axis=1)
    found = list(own.T)
    for sign in (1.0, -1.0):
        found += [_climb(C, sign * lam, v, rng) for v in first.T]
    return np.stack(found, axis=1)


def _climb(C: Array, lam: Array, v: Array, rng: np.random.Generator) -> Array:
    """Return a direction whose sum no random plane through it improved."""
    length = float(np.linalg.norm(v))
    v = v / length if length > 0 else np.eye(len(v))[0]
    value = float(lam @ (C @ v >= 0))
    for _ in range(_PLANES):
        w = rng.standard_normal(len(v))
        w -= (w @ v) * v
        w /= np.linalg.norm(w)
        turn = _best_turns(np.stack([C @ v, C @ w], axis=1), lam)[:, 0]
        other = turn[0] * v + turn[1] * w
        other /= np.linalg.norm(other)
        reached = float(lam @ (C @ other >= 0))
        if reached > value:
            v, value = other, reached
    return v
