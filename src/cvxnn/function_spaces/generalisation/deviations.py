"""How far a sample's risk can be from the population's, over a ball of F_1: a proven bracket.

With weights ``w_i = counts_i / n - 1 / N`` of the N points of a population, the squared loss has

    J_n(f) - J(f) = 1/2 sum_i w_i (f_i - y_i)^2 = 1/2 f^T W f - (W y)^T f + 1/2 y^T W y ,   W = diag(w),

a quadratic form of either sign: its supremum over the ball, the hull of the atoms ``+-delta (X u)_+``, is no convex
program. Writing f as a convex combination of atoms, ``f^T W f`` is a mean of ``a^T W a'`` over pairs of atoms and so at
most the largest, and on cells D and D' of u and u' that is at most ``delta^2 ||X^T D W D' X||_2``. The linear term's
supremum is the oracle's value.
"""

from __future__ import annotations

import numpy as np

from cvxnn.function_spaces.oracles.neurons_found import NeuronOracle
from cvxnn.patterns import ActivationPatterns
from cvxnn.validation import Array

_STARTS, _STEPS = 5, 20
_PAIRS = 1 << 14  # matrices of pairs of cells at once
_EPS = float(np.finfo(np.float64).eps)


def deviation(w: Array, f: Array, y: Array) -> float:
    """Return ``J_n(f) - J(f)``."""
    return 0.5 * float(w @ (f - y) ** 2)


def largest_pair(X: Array, w: Array, patterns: ActivationPatterns) -> float:
    """Return ``max over pairs of cells of ||X^T D W D' X||_2``, at least ``|a^T W a'|`` of all pairs of unit atoms.

    P^2 / 2 singular values of d x d matrices.

    Parameters
    ----------
    X : ndarray of shape (N, d)
        Data.
    w : ndarray of shape (N,)
        Diagonal of W.
    patterns : ActivationPatterns
        All patterns of X; rows on a boundary add nothing to an atom, so that open cells are enough.
    """
    masks = np.asarray(patterns, dtype=np.float64).T  # (P, N)
    products = (w[:, None, None] * X[:, :, None] * X[:, None, :]).reshape(len(X), -1)
    rows, columns = np.triu_indices(len(masks))
    largest = 0.0
    for start in range(0, len(rows), _PAIRS):
        pairs = slice(start, start + _PAIRS)
        both = masks[rows[pairs]] * masks[columns[pairs]]
        matrices = (both @ products).reshape(-1, X.shape[1], X.shape[1])
        largest = max(largest, float(np.max(np.linalg.norm(matrices, 2, axis=(1, 2)))))
    rounding = 8 * len(X) * _EPS * float(np.sum(np.abs(products)))
    return largest + rounding


def largest_deviation(
    X: Array, w: Array, y: Array, delta: float, oracle: NeuronOracle, patterns: ActivationPatterns
) -> float:
    """Return a proven upper bound on ``sup over the ball of |J_n(f) - J(f)|``."""
    constant = 0.5 * abs(float(w @ y**2))
    return constant + delta * oracle.maximise(w * y).upper + 0.5 * delta**2 * largest_pair(X, w, patterns)


def deviation_found(
    X: Array,
    w: Array,
    y: Array,
    delta: float,
    oracle: NeuronOracle,
    patterns: ActivationPatterns,
    fits: Array | None = None,
) -> float:
    """Return the largest ``|J_n(f) - J(f)|`` met by ascent from members of the ball.

    Starts are zero, the ``fits`` (N, s) given, and of the atoms along the patterns' gates the best of either sign. Each
    step moves towards the atom of the largest slope, as far as the quadratic on that segment rises.
    """
    atoms = delta * np.maximum(X @ patterns.gates, 0.0)
    atoms = np.column_stack([np.zeros(len(y)), atoms, -atoms])
    values = 0.5 * (w @ (atoms - y[:, None]) ** 2)
    given = np.zeros((len(y), 0)) if fits is None else fits
    best = 0.0
    for sign in (1.0, -1.0):
        chosen = np.argsort(-sign * values, kind="stable")[:_STARTS]
        for start in np.column_stack([atoms[:, chosen], given]).T:
            best = max(best, _climb(X, sign * w, y, delta, oracle, start))
    return best


def _climb(X: Array, w: Array, y: Array, delta: float, oracle: NeuronOracle, f: Array) -> float:
    for _ in range(_STEPS):
        slope = w * (f - y)
        found = oracle.maximise(slope)
        if delta * found.value - slope @ f <= 1e-12 * (1 + abs(float(slope @ f))) or len(found.signs) == 0:
            break
        atom = delta * found.signs[0] * np.maximum(X @ found.directions[:, 0], 0.0)
        step = atom - f
        rise, bend = float(slope @ step), float(w @ step**2)
        f = f + (min(1.0, -rise / bend) if bend < 0 else 1.0) * step
    return deviation(w, f, y)
