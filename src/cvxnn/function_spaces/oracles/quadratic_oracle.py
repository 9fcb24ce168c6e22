"""The oracle of squared positive parts, k = 2: eigenvectors that lie in their own cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import Maximisers, RowSpace
from cvxnn.cones import Arcs, on_circle
from cvxnn.deadlines import as_limit
from cvxnn.function_spaces.oracles.ranking import (
    MOST_NEURONS,
    NeuronOracle,
    as_dual,
    maximise_in_units,
    rank_neurons,
)
from cvxnn.patterns import ActivationPatterns, count_bound, enumerate_patterns
from cvxnn.seeds import Seed, as_generator, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, exponent

_EPS = float(np.finfo(np.float64).eps)
# Seconds for each cell and r (r^2 + n), measured on one core: eigenvectors and whether they lie in their cell.
_SECONDS = 2e-8
_MOST_CELLS = 100_000
_CHUNK_ENTRIES = 1 << 21
# Eigenvalues closer than this share of the matrix's norm have eigenvectors that rounding turns.
_CLUSTER = 1e-6
_INSIDE = 1e-6
_STARTS, _STEPS, _POLISHED, _POLISH_STEPS = 64, 200, 16, 8


@short_repr
@dataclass(frozen=True, eq=False)
class QuadraticOracle(NeuronOracle):
    """Maximiser of ``|lam^T (X v)_+^2|`` over unit vectors.

    ``h(v) = lam^T (X v)_+^2`` is continuously differentiable, and ``v^T M_D v`` with ``M_D = sum_{i in D} lam_i x_i
    x_i^T`` on the cell of a pattern D. So a maximiser on the sphere is an eigenvector of M_D that lies in the closed
    cell, even on its boundary, and its value is the eigenvalue. In rank 2 the arcs are swept; in low rank the
    eigenvectors of all cells are looked at; else a local search is made from many starts, each step of which maximises
    a tangent minorant, and the largest eigenvalue of ``sum_i (lam_i)_+ x_i x_i^T`` (and for -lam) is the upper bound.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_seconds : float or None, default 0.5
        Longest time that a call over all cells may be expected to take, None for no limit; 0 asks for the search,
        but in rank 2.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search.

    Examples
    --------
    >>> found = QuadraticOracle(np.eye(2)).maximise(np.array([3.0, -4.0]))
    >>> round(found.value, 12), float(found.signs[0]), found.is_exact
    (4.0, -1.0, True)
    """

    space: RowSpace  # of X in units of its size
    power: int
    arcs: Arcs | None
    patterns: ActivationPatterns | None
    random_state: Seed

    def __init__(self, X: Array, *, max_seconds: float | None = 0.5, random_state: Seed = 0) -> None:
        require_seed(random_state)
        object.__setattr__(self, "power", exponent(X))
        X = np.ldexp(X, -self.power)
        space = RowSpace(X)
        object.__setattr__(self, "space", space)
        object.__setattr__(self, "arcs", Arcs(space.planar()) if space.rank <= 2 else None)
        object.__setattr__(self, "patterns", _patterns(space, as_limit(max_seconds)))
        object.__setattr__(self, "random_state", random_state)

    @property
    def degree(self) -> int:
        """Return 2."""
        return 2

    @on_one_blas_thread
    def maximise(self, lam: Array, *, starts: Array | None = None) -> Maximisers:
        """Return the best neurons; see `NeuronOracle.maximise`."""
        lam = as_dual(lam, len(self.space.X))
        return maximise_in_units(lam, 2 * self.power, lambda own: self._maximise(own, starts))

    def _maximise(self, lam: Array, starts: Array | None) -> Maximisers:
        space = self.space
        if space.rank == 0 or not np.any(lam):
            return rank_neurons(space.X, lam, np.zeros((space.X.shape[1], 0)), 2, 0.0, "angular sweep")
        if self.arcs is not None:
            vectors, top, method = *_sweep(space, self.arcs, lam), "angular sweep"
        elif self.patterns is not None:
            vectors, top, method = *_eigenvectors(space.coordinates, self.patterns, lam), "cell eigenvectors"
        else:
            rng = as_generator(self.random_state)
            own = np.zeros((space.rank, 0)) if starts is None else space.basis.T @ starts
            vectors, method = _search(space.coordinates, lam, own, rng), "search"
            top = max(_positive_part_bound(space, lam), _positive_part_bound(space, -lam))
        slack = _allowance(space, lam)
        return rank_neurons(space.X, lam, space.lift(vectors), 2, top + slack, method, rounding=2 * slack)


def _allowance(space: RowSpace, lam: Array) -> float:
    """Return what change of coordinates and rounding can add: ``|(x^T v)_+^2 - (c^T w)_+^2| <= 2 ||x|| ||e||``."""
    n, d = space.X.shape
    leaks = 2 * np.abs(lam) @ (space.row_norms * space.leaks)
    return float(leaks + (8 * n + 16 * d + 64) * _EPS * (np.abs(lam) @ space.row_norms**2))


def _patterns(space: RowSpace, max_seconds: float) -> ActivationPatterns | None:
    """Return all cells where a call over them takes no longer than this."""
    n, r = space.coordinates.shape
    if r <= 2:
        return None
    cells = count_bound(n, r)
    if cells > _MOST_CELLS or cells * r * (n + r * r) * _SECONDS > max_seconds:
        return None
    try:
        return enumerate_patterns(space.coordinates)
    except FloatingPointError:
        return None  # too ill-conditioned to tell the cells apart


def _sweep(space: RowSpace, arcs: Arcs, lam: Array) -> tuple[Array, float]:
    """Return the best stationary directions of the arcs, (r, k), and the largest ``|h|`` on any arc."""
    p, q = space.planar().T
    sums = arcs.sums(lam[:, None] * np.stack([p * p, p * q, q * q], axis=1))
    # h = (a + c)/2 + (a - c)/2 cos 2t + b sin 2t on the arc: largest at t0 and t0 + pi, smallest a quarter later
    peak = 0.5 * np.arctan2(2 * sums[:, 1], sums[:, 0] - sums[:, 2])
    turns = [peak + k * np.pi / 2 for k in range(4)]
    kept = [turn[arcs.contain(turn)] for turn in turns]
    thetas = np.concatenate([*kept, arcs.angles])
    cells = [np.flatnonzero(arcs.contain(turn)) for turn in turns]
    at = np.concatenate([*cells, np.arange(len(arcs.angles))])
    cosines, sines = on_circle(thetas)
    a, b, c = sums[at].T
    sizes = np.abs(a * cosines**2 + 2 * b * cosines * sines + c * sines**2)
    top = float(np.max(sizes, initial=0.0))
    if space.rank == 1:
        return np.array([[1.0, -1.0]]), top
    # twice as many as are returned: repeats fall out
    best = np.argsort(-sizes, kind="stable")[: 2 * MOST_NEURONS]
    return np.stack([cosines[best], sines[best]]), top


def _eigenvectors(C: Array, patterns: ActivationPatterns, lam: Array) -> tuple[Array, float]:
    """Return the eigenvectors that may lie in their cell, (r, k), and the largest of their absolute eigenvalues."""
    n, r = C.shape
    outer = (C[:, :, None] * C[:, None, :]).reshape(n, r * r)
    norms = np.linalg.norm(C, axis=1)
    size = max(1, _CHUNK_ENTRIES // (n * r))
    vectors, values = [], []
    for at in range(0, len(patterns), size):
        active = patterns.columns(at, at + size).T
        matrices = ((active * lam) @ outer).reshape(-1, r, r)
        levels, frames = np.linalg.eigh(matrices)
        kept = _may_be_inside(C, norms, active, levels, frames)
        vectors.append(np.moveaxis(frames, 1, 2)[kept])
        values.append(np.abs(levels[kept]))
    found, sizes = np.concatenate(vectors), np.concatenate(values)
    best = np.argsort(-sizes, kind="stable")[:_STARTS]
    found = found[best].T
    return np.concatenate([found, -found], axis=1), float(np.max(sizes, initial=0.0))


def _may_be_inside(C: Array, norms: Array, active: Any, levels: Array, frames: Array) -> Any:
    """Return which eigenvectors, or their opposites, lie in the closed cell, or may for all rounding says, (P, r)."""
    signed = np.where(active, 1.0, -1.0)[:, :, None] * (C @ frames)
    slack = _INSIDE * norms[:, None]
    inside = np.all(signed >= -slack, axis=1) | np.all(signed <= slack, axis=1)
    gaps = np.diff(levels, axis=1) < _CLUSTER * np.max(np.abs(levels), axis=1, keepdims=True)
    clustered = np.zeros_like(inside)
    clustered[:, 1:] |= gaps
    clustered[:, :-1] |= gaps
    return inside | clustered


def _positive_part_bound(space: RowSpace, lam: Array) -> float:
    root = space.coordinates * np.sqrt(np.maximum(lam, 0.0))[:, None]
    return max(float(np.linalg.eigvalsh(root.T @ root)[-1]), 0.0)


def _search(C: Array, lam: Array, starts: Array, rng: np.random.Generator) -> Array:
    """Return where ascents from many starts end, (r, k), for either sign."""
    V0 = np.concatenate([starts, C.T, -C.T, rng.standard_normal((C.shape[1], _STARTS))], axis=1)
    V0 = V0[:, np.linalg.norm(V0, axis=0) > 0]
    if V0.shape[1] > 2 * _STARTS:
        own = starts.shape[1]
        drawn = own + rng.permutation(V0.shape[1] - own)[: 2 * _STARTS]
        V0 = V0[:, np.concatenate([np.arange(own), drawn])]
    return np.concatenate([_climb(C, sign * lam, V0) for sign in (1.0, -1.0)], axis=1)


def _climb(C: Array, lam: Array, V: Array) -> Array:
    """Return ends of the ascent ``v <- unit(X^T diag(lam) (X v)_+ + c v)``, the best polished.

    ``h(v) + c ||v||^2`` is convex with c the largest eigenvalue of ``sum_i (-lam_i)_+ x_i x_i^T``: its tangent at v is
    a minorant, which the next v maximises, so no step lowers h.
    """
    root = C * np.sqrt(np.maximum(-lam, 0.0))[:, None]
    shift = max(float(np.linalg.eigvalsh(root.T @ root)[-1]), 0.0)
    V = V / np.linalg.norm(V, axis=0)
    for _ in range(_STEPS):
        W = C.T @ (lam[:, None] * np.maximum(C @ V, 0.0)) + shift * V
        lengths = np.linalg.norm(W, axis=0)
        V = np.where(lengths > 0, W / np.where(lengths > 0, lengths, 1.0), V)
    values = lam @ np.maximum(C @ V, 0.0) ** 2
    V = V[:, np.argsort(-values, kind="stable")]
    for k in range(min(_POLISHED, V.shape[1])):
        V[:, k] = _polish(C, lam, V[:, k])
    return V


def _polish(C: Array, lam: Array, v: Array) -> Array:
    """Return the eigenvector of v's cell nearest to v, cell after cell while the value rises."""
    value = float(lam @ np.maximum(C @ v, 0.0) ** 2)
    for _ in range(_POLISH_STEPS):
        active = (C @ v >= 0) * lam
        frames = np.linalg.eigh((C.T * active) @ C)[1]
        nearest = frames[:, np.argmax(np.abs(frames.T @ v))]
        other = nearest * (1.0 if nearest @ v >= 0 else -1.0)
        reached = float(lam @ np.maximum(C @ other, 0.0) ** 2)
        if not reached > value:
            break
        v, value = other, reached
    return v
