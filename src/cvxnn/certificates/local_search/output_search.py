"""Local ascent of ``||Lam^T (X u)_+||_2`` over the unit sphere: the search for neurons of several outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import find_kinks
from cvxnn.certificates.local_search.ascent import batches, box_least_squares, polish, spectral_norm_squared
from cvxnn.certificates.oracles import correlations, distinct, output_directions, units
from cvxnn.cones import null_space
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.validation import Array

# A start whose value grows by less than this fraction in one outer step is done.
_STALLED = 1e-6
_PLAIN = 10  # outer steps of plain power iteration, which are cheap
_INNER, _FINE_INNER = 20, 60
_FINE = 128  # candidates that get the fine inner iterations
_POLISHED = 32  # candidates that get the exact polish
_POLISH_WORK = 2e8  # n d^2 summed over the polished candidates
_POLISH_ROUNDS = 30
_DEPENDENT = 1e-9  # singular values of unit rows below this fraction of the largest are rounding


@dataclass(frozen=True, eq=False)
class OutputAscent:
    """The data of one ascent objective ``F(u) = ||Lam^T (X u)_+||_2``.

    ``F(u) = max over ||q|| <= 1 of l^T (X u)_+`` with ``l = Lam q``: with q the best for u, a step that raises
    ``l^T (X u)_+`` raises F by at least as much. Rows are scaled to unit length, with their weights multiplied by
    it, which conditions the inner problem.
    """

    rows: Array  # (n, d), unit rows
    weights: Array  # (n, C): Lam, times the rows' lengths
    lipschitz: float  # ||rows||_2^2

    def __init__(self, X: Array, lam: Array, norms: Array) -> None:
        rows = X / np.where(norms > 0, norms, 1.0)[:, None]
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "weights", lam * norms[:, None])
        object.__setattr__(self, "lipschitz", spectral_norm_squared(rows))

    def run(self, U: Array, *, inner: int, outer: int, deadline: Deadline = NEVER) -> tuple[Array, Array]:
        """Return the best value of each start and the direction that attains it, shapes (m,) and (d, m).

        One outer step takes the best q of each start, and then the convex-concave step of `Ascent.run` for
        ``l = Lam q``; all starts at once, each with its own l.

        Parameters
        ----------
        U : ndarray of shape (d, m)
            Unit starts.
        inner : int
            Accelerated iterations an outer step. Without any, the concave part is linearised as well: the power
            iteration ``u <- X^T D(u) l / ||.||``, which does not settle on concave kinks.
        outer : int
            Largest number of outer steps.
        deadline : Deadline, default never
            When to return the best so far; the value of starts that were not reached is minus infinity.
        """
        values, directions = np.full(U.shape[1], -np.inf), U.copy()
        for some, until in batches(len(self.rows), U.shape[1], deadline):
            values[some], directions[:, some] = self._run(U[:, some], inner, outer, until)
        return values, directions

    def _run(self, U: Array, inner: int, outer: int, deadline: Deadline) -> tuple[Array, Array]:
        """Return what `run` does, for starts that are few enough to be taken at once."""
        values, directions = np.full(U.shape[1], -np.inf), U.copy()
        live = np.arange(U.shape[1])
        for step in range(outer + 1):
            Z = self.rows @ U
            products = self.weights.T @ np.maximum(Z, 0.0)
            reached = np.linalg.norm(products, axis=0)
            grown = reached - values[live] > _STALLED * reached
            better = reached > values[live]
            values[live[better]], directions[:, live[better]] = reached[better], U[:, better]
            grown &= reached > 0
            if step == outer or not np.any(grown) or deadline.is_over:
                break
            live, active = live[grown], Z[:, grown] > 0
            l = self.weights @ (products[:, grown] / reached[grown])
            W = self._linearised(l, active, inner, deadline)
            lengths = np.linalg.norm(W, axis=0)
            U = np.where(lengths > 0, W / np.where(lengths > 0, lengths, 1.0), directions[:, live])
        return values, directions

    def _linearised(self, l: Array, active: NDArray[np.bool_], inner: int, deadline: Deadline) -> Array:
        """Return the maximisers over the ball, up to length, of the minorants of ``l^T (X u)_+``, shape (d, m)."""
        W: Array = self.rows.T @ (l * active)
        if inner == 0:
            return W
        limits = np.maximum(-l, 0.0)
        b = limits * active
        c = W + self.rows.T @ b
        b = box_least_squares(self.rows, c, b, limits, self.lipschitz, inner, deadline)
        minorant: Array = c - self.rows.T @ b
        return minorant


def climb_jointly(
    X: Array, lam: Array, U0: Array, norms: Array, *, max_iterations: int, deadline: Deadline
) -> Array:
    """Return the directions that the starts end in, shape (d, k).

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    lam : ndarray of shape (n, C)
        Dual variable.
    U0 : ndarray of shape (d, m)
        Unit starts; gradients for some output directions are added.
    norms : ndarray of shape (n,)
        ``||x_i||``.
    max_iterations : int
        Outer steps of each stage.
    deadline : Deadline
        When to return the best so far.
    """
    ascent = OutputAscent(X, lam, norms)
    U = np.concatenate([_gradients(X, lam), U0], axis=1)
    values, U = ascent.run(U, inner=0, outer=_PLAIN, deadline=deadline)
    U = U[:, _best_first(U, values)]
    if deadline.is_over:
        return U
    values, U = ascent.run(U, inner=_INNER, outer=max_iterations, deadline=deadline)
    order = _best_first(U, values)
    top, rest = order[:_FINE], order[_FINE:]
    values, fine = ascent.run(U[:, top], inner=_FINE_INNER, outer=max_iterations, deadline=deadline)
    fine = fine[:, _best_first(fine, values)]
    polished = min(_POLISHED, int(_POLISH_WORK // X.size / X.shape[1]))
    for k in range(min(polished, fine.shape[1])):
        if deadline.is_over:
            break
        fine[:, k] = polish_jointly(X, lam, fine[:, k], norms, deadline)
    return np.concatenate([fine, U[:, rest]], axis=1)


def polish_jointly(X: Array, lam: Array, u: Array, norms: Array, deadline: Deadline = NEVER) -> Array:
    """Return a local maximiser of ``||Lam^T (X u)_+||`` near u.

    Two steps take turns, and neither lowers the value: the exact `polish` for the best output direction of u, and,
    within the face of the cell that u is in, a move towards the leading singular vector of ``Lam^T D X``, where the
    first step alone converges slowly.
    """
    value = -np.inf
    for _ in range(_POLISH_ROUNDS):
        q = output_directions(X, lam, u[:, None])[0]
        u = _best(X, lam, np.stack([u, polish(X, lam @ q, u, norms, deadline)[1]], axis=1))
        u = _best(X, lam, _towards_leading(X, lam, u, norms))
        last, value = value, float(np.linalg.norm(correlations(X, lam, u[:, None])))
        if value <= last * (1 + 1e-12) or deadline.is_over:
            break
    return u


def _towards_leading(X: Array, lam: Array, u: Array, norms: Array) -> Array:
    """Return u, the leading right singular vector in its face, and the last points between them inside the cell.

    In a face, ``F(u) = ||M u||`` with ``M = Lam^T D X``, and rises all the way along the circle from u to the leading
    right singular vector of M on the face's linear span.
    """
    margins = X @ u
    on_kink = find_kinks(X, u[:, None])[:, 0] & (norms > 0)
    face = null_space(X[on_kink], _DEPENDENT)
    if face.shape[1] == 0:
        return u[:, None]
    leading = face @ np.linalg.svd((lam * (margins > 0)[:, None]).T @ X @ face)[2][0]
    leading = leading if leading @ u >= 0 else -leading
    ends = X @ leading
    crossed = ~on_kink & (margins * ends < 0)
    wall = float(np.min(margins[crossed] / (margins[crossed] - ends[crossed]), initial=1.0))
    return units(u[:, None] + np.array([0.0, 0.5 * wall, wall, 1.0]) * (leading - u)[:, None])


def _best(X: Array, lam: Array, U: Array) -> Array:
    """Return the direction of largest value, the first of equals."""
    best: Array = U[:, int(np.argmax(np.linalg.norm(correlations(X, lam, U), axis=0)))]
    return best


def _best_first(U: Array, values: Array) -> NDArray[np.intp]:
    """Return the indices of distinct directions of positive value, best first."""
    order = np.argsort(-values, kind="stable")
    return distinct(U, np.ones(len(order)), order[values[order] > 0])


def _gradients(X: Array, lam: Array) -> Array:
    """Return unit gradients for the outputs, and for the leading directions of Lam and of ``X^T Lam``."""
    outputs = [np.eye(lam.shape[1]), *(np.linalg.svd(M, full_matrices=False)[2].T for M in (lam, X.T @ lam))]
    q = np.concatenate(outputs, axis=1)
    l = lam @ np.concatenate([q, -q], axis=1)
    return units(np.concatenate([X.T @ l, X.T @ np.maximum(l, 0.0)], axis=1))
