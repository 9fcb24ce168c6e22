"""Local ascent of ``l^T (X u)_+`` over the unit sphere: batched convex-concave steps, and an exact polish."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cvxnn.cones import project_on_cone
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.validation import Array

# A start whose value grows by less than this fraction in one outer step is done.
_STALLED = 1e-6
_POLISH_STEPS = 50
# Entries of the largest array of a batch of starts.
_BATCH_ENTRIES = 1_000_000


def batches(n_rows: int, n_starts: int, deadline: Deadline) -> Iterator[tuple[slice, Deadline]]:
    """Yield slices of starts, each with its share of the time, until that is over; one slice in any case."""
    size = max(_BATCH_ENTRIES // max(n_rows, 1), 1)
    for start in range(0, max(n_starts, 1), size):
        if start and deadline.is_over:
            return
        left = 1 + (n_starts - start - 1) // size
        yield slice(start, start + size), deadline.share(1 / max(left, 1))


def spectral_norm_squared(rows: Array) -> float:
    """Return ``||rows||_2^2``, through the smaller Gram matrix; never 0."""
    gram = rows.T @ rows if rows.shape[0] >= rows.shape[1] else rows @ rows.T
    return max(float(np.linalg.eigvalsh(gram)[-1]), 1e-300) if gram.size else 1e-300


@dataclass(frozen=True, eq=False)
class Ascent:
    """The data of one ascent objective ``l^T (X u)_+``: convex rows (l > 0) and concave rows (l < 0) apart.

    Concave rows are scaled to unit length, with their weights multiplied by it: a change of the dual variable
    b only, which conditions the inner problem.
    """

    convex: Array  # (n+, d)
    gains: Array  # (n+,) l on the convex rows
    concave: Array  # (n-, d), unit rows
    limits: Array  # (n-, 1) |l_i| ||x_i|| on the concave rows
    lipschitz: float  # ||concave||_2^2

    def __init__(self, X: Array, l: Array) -> None:
        concave = X[l < 0]
        norms = np.linalg.norm(concave, axis=1)
        concave = concave / np.where(norms > 0, norms, 1.0)[:, None]
        object.__setattr__(self, "convex", X[l > 0])
        object.__setattr__(self, "gains", l[l > 0])
        object.__setattr__(self, "concave", concave)
        object.__setattr__(self, "limits", (-l[l < 0] * norms)[:, None])
        object.__setattr__(self, "lipschitz", spectral_norm_squared(concave))

    def run(self, U: Array, *, inner: int, outer: int, deadline: Deadline = NEVER) -> tuple[Array, Array]:
        """Return the best value of each start and the direction that attains it, shapes (m,) and (d, m).

        One outer step linearises the convex part at u, ``c = sum_{l_i > 0, x_i^T u > 0} l_i x_i``, and
        maximises the minorant ``c^T u - sum_{l_i < 0} |l_i| (x_i^T u)_+`` over the unit ball; its dual is the
        least-squares problem ``min over 0 <= b <= |l| of ||c - X_-^T b||``, with ``u = (c - X_-^T b) /
        ||.||``. Solved exactly, no step lowers the value. All starts share X_- and differ in c only, so
        ``inner`` accelerated projected-gradient iterations on all of them at once are a few matrix products;
        b is kept between outer steps.

        Parameters
        ----------
        U : ndarray of shape (d, m)
            Unit starts.
        inner : int
            Accelerated iterations an outer step. With 15, values at concave kinks end about 1e-4 to 1e-3 low;
            with 100, 1e-9.
        outer : int
            Largest number of outer steps.
        deadline : Deadline, default never
            When to return the best so far; the value of starts that were not reached is minus infinity.

        References
        ----------
        A. L. Yuille and A. Rangarajan, "The concave-convex procedure", Neural Computation 15 (2003).
        A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm", SIAM J. Imaging Sci. 2
        (2009).
        """
        values, directions = np.full(U.shape[1], -np.inf), U.copy()
        for some, until in batches(max(len(self.convex), len(self.concave)), U.shape[1], deadline):
            values[some], directions[:, some] = self._run(U[:, some], inner, outer, until)
        return values, directions

    def _run(self, U: Array, inner: int, outer: int, deadline: Deadline) -> tuple[Array, Array]:
        """Return what `run` does, for starts that are few enough to be taken at once."""
        values, directions = np.full(U.shape[1], -np.inf), U.copy()
        live = np.arange(U.shape[1])
        b = np.zeros((len(self.concave), len(live)))
        for step in range(outer + 1):
            Z, N = self.convex @ U, self.concave @ U
            reached = self.gains @ np.maximum(Z, 0.0) - np.sum(self.limits * np.maximum(N, 0.0), axis=0)
            grown = reached - values[live] > _STALLED * np.abs(reached)
            better = reached > values[live]
            values[live[better]], directions[:, live[better]] = reached[better], U[:, better]
            if step == outer or not np.any(grown) or deadline.is_over:
                break
            live, Z = live[grown], Z[:, grown]
            # the first minorant is tangent at u on the concave side too
            b = b[:, grown] if step else self.limits * (N > 0)[:, grown]
            c = self.convex.T @ (self.gains[:, None] * (Z > 0))
            b = box_least_squares(self.concave, c, b, self.limits, self.lipschitz, inner, deadline)
            W = c - self.concave.T @ b
            lengths = np.linalg.norm(W, axis=0)
            U = np.where(lengths > 0, W / np.where(lengths > 0, lengths, 1.0), directions[:, live])
        return values, directions


def box_least_squares(
    A: Array, c: Array, b: Array, limits: Array, lipschitz: float, iterations: int, deadline: Deadline = NEVER
) -> Array:
    """Return b near ``argmin over 0 <= b <= limits of ||c - A^T b||`` for each column, by FISTA with restarts.

    Parameters
    ----------
    A : ndarray of shape (k, d)
        Rows.
    c : ndarray of shape (d, m)
        One target per column.
    b : ndarray of shape (k, m)
        Start.
    limits : ndarray of shape (k, m) or (k, 1)
        The box.
    lipschitz : float
        ``||A||_2^2``.
    iterations : int
        How many.
    deadline : Deadline, default never
        When to stop.
    """
    if len(b) == 0:
        return b
    point, momentum = np.array(b), 1.0
    for _ in range(iterations):
        # In place, and without NumPy's wrappers: on small data these take longer than the products.
        new = A @ (c - A.T @ point)
        new /= lipschitz
        new += point
        np.maximum(new, 0.0, out=new)
        np.minimum(new, limits, out=new)
        change = new - b
        # gradient restart: momentum that points uphill is dropped (O'Donoghue and Candes 2015)
        point -= new
        point *= change
        downhill = point.sum(axis=0) <= 0
        following = (1 + math.sqrt(1 + 4 * momentum * momentum)) / 2
        change *= ((momentum - 1) / following) * downhill
        point = np.add(new, change, out=change)
        b, momentum = new, following
        if deadline.is_over:
            break
    return b


def polish(X: Array, l: Array, u: Array, norms: Array, deadline: Deadline = NEVER) -> tuple[float, Array]:
    """Return a local maximum of ``l^T (X u)_+`` near u, solved exactly cell by cell, and its direction.

    On the closed cell K of u's pattern D the objective is linear, and its maximiser is the projection of
    ``X^T D l`` on K. A row on whose kink the maximiser sits with a multiplier ``z_i > max(-l_i, 0)`` gains by
    crossing: such rows flip, and the next closed cell, which contains the same point, is solved.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    l : ndarray of shape (n,)
        Signed dual variable ``s lam``.
    u : ndarray of shape (d,)
        Start.
    norms : ndarray of shape (n,)
        ``||x_i||``.
    deadline : Deadline, default never
        When to return the best so far, between two cells.
    """
    value, active = -np.inf, X @ u >= 0
    slack = 1e-12 * float(np.max(np.abs(l)))
    for _ in range(_POLISH_STEPS):
        g = (active * l) @ X
        w, rows, z = project_on_cone(np.where(active, 1.0, -1.0)[:, None] * X, g, norms)
        length = float(np.linalg.norm(w))
        if length <= value * (1 + 1e-12) or length == 0.0:
            break
        value, u = length, w / length
        crossing = rows[z > np.maximum(-l[rows], 0.0) + slack]
        if len(crossing) == 0 or deadline.is_over:
            break
        active = active.copy()
        active[crossing] = ~active[crossing]
    return value, u
