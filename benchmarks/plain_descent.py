"""Plain L-BFGS on the network's own objective, float32, rows in chunks: what a reference for training is made of.

Nothing here is cvxnn's but the loss functions of `Problem`: no whitening, no convex program, no search, no pruning.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from joblib import cpu_count
from threadpoolctl import threadpool_info

from cvxnn import Problem, ReLUNetwork
from cvxnn.validation import Array

# Entries of each of a chunk's two temporaries: at 1,030 x 9 2^15, 2^17 and all rows at once cost 25, 10 and 25 % more.
CHUNK_ENTRIES = 1 << 16
# Entries of X U that make a thread pay.
ENTRIES_PER_THREAD = 1 << 18
# Of outputs at the start, in units of the targets' spread or of a logit of one. From a quarter to one objectives differ
# by 1 to 2 %, either way, on concrete, wine and MNIST; a tenth is slower at first.
SPREAD = 0.5
# Pairs of L-BFGS, fewer where the two loops would take longer than the gradient: with 1,000 weights for each row. At
# 100 x 5,000 5 pairs end as low in 2 s as 20 in 5 s, at 100 x 20,000 in 5 s lower than 20 in 10 s; elsewhere 20 are as
# good or better (after 10 s at 200,000 x 30 1.26 instead of 1.30), and 50 lie within 1 % either way.
PAIRS, FEW_PAIRS, MANY_WEIGHTS = 20, 5, 1000
SUFFICIENT, CURVATURE = 1e-4, 0.9  # of the weak Wolfe conditions
ROUNDING = 1e-7  # of the objective, in float32
PATIENCE = 200  # steps in which the objective must fall by more than its rounding


def allowed_threads() -> int:
    """Return the number of threads that BLAS may use here, at most one for each core."""
    allowed = max(
        (info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"), default=1
    )
    return min(allowed, int(cpu_count()))


class ChunkedObjective:
    """Value and gradient of ``Problem.objective`` at weights (U, A, b), packed in one vector of float32.

    The offset b counts from the problem's shift. Sums over samples and squares are float64, products float32. Each
    thread has rows of its own and needs BLAS to keep to one thread meanwhile.
    """

    def __init__(
        self, problem: Problem, m: int, n_threads: int, *, chunk_entries: int = CHUNK_ENTRIES
    ) -> None:
        if problem.output_norm != "l2":
            raise ValueError(f"problem must have output_norm 'l2'; got {problem.output_norm!r}")
        self.problem, self.m = problem, m
        self.X = np.ascontiguousarray(problem.X, dtype=np.float32)
        self.y = problem.centred_target.reshape(problem.n_samples, problem.n_outputs)
        n, self.d = self.X.shape
        cuts = [k * n // n_threads for k in range(n_threads + 1)]
        self.parts = [range(a, b) for a, b in pairwise(cuts)]
        # a chunk adds d x m numbers to the gradient, so it has more rows than X has columns
        self.rows = max(1, min(len(self.parts[-1]), max(chunk_entries // m, 2 * self.d)))
        self.buffers = [np.empty((2, self.rows, m), dtype=np.float32) for _ in self.parts]
        self.pool = ThreadPoolExecutor(n_threads)  # starts threads when it gets work

    @property
    def n_penalised(self) -> int:
        """Return the number of weights under weight decay, which come first."""
        return self.m * (self.d + self.problem.n_outputs)

    @property
    def size(self) -> int:
        """Return the number of weights."""
        return self.n_penalised + (self.problem.n_outputs if self.problem.output_offset else 0)

    def layers(self, w: Array) -> tuple[Array, Array, Array]:
        """Return views of packed weights: (d, m), (m, C), (C,), the last empty without an offset."""
        cut = self.m * self.d
        return (
            w[:cut].reshape(self.d, self.m),
            w[cut : self.n_penalised].reshape(self.m, -1),
            w[self.n_penalised :],
        )

    @property
    def n_pairs(self) -> int:
        """Return the number of pairs that L-BFGS is to keep."""
        return FEW_PAIRS if self.size > MANY_WEIGHTS * len(self.X) else PAIRS

    def network(self, w: Array) -> ReLUNetwork:
        """Return the network of packed weights, in float64."""
        U, A, b = self.layers(w.astype(np.float64))
        if not b.size:
            return self.problem.fitting(ReLUNetwork(U, A))
        return self.problem.fitting(ReLUNetwork(U, A, b + self.problem.shift))

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the objective, and its gradient in a new array."""
        work = list(zip(self.parts, self.buffers, strict=True))
        runs = [self.pool.submit(self._part, w, *each) for each in work[1:]]
        found = [self._part(w, *work[0]), *(run.result() for run in runs)]
        losses, gradients = zip(*found, strict=True)
        gradient = gradients[0]
        for other in gradients[1:]:
            gradient += other
        penalised = w[: self.n_penalised]
        gradient[: self.n_penalised] += np.float32(self.problem.beta) * penalised
        squares = float(np.sum(np.square(penalised), dtype=np.float64))
        return sum(losses) + 0.5 * self.problem.beta * squares, gradient

    def _part(self, w: Array, part: range, buffers: Array) -> tuple[float, Array]:
        """Return loss and its gradient on some of the rows."""
        U, A, b = self.layers(w)
        gradient = np.zeros_like(w)
        of_U, of_A, of_b = self.layers(gradient)
        loss = 0.0
        for start in range(part.start, part.stop, self.rows):
            rows = slice(start, min(start + self.rows, part.stop))
            H, M = buffers[:, : rows.stop - rows.start]
            np.matmul(self.X[rows], U, out=H)
            np.maximum(H, 0.0, out=H)
            value, residual = self._loss((H @ A + b) if b.size else H @ A, rows)
            loss += value
            of_A += H.T @ residual
            of_b += np.sum(residual, axis=0)[: b.size]
            np.greater(H, 0.0, out=M)
            if A.shape[1] == 1:  # X^T (1[XU > 0] * r a^T) = ((X * r)^T 1[XU > 0]) * a: one pass less
                of_U += (self.X[rows] * residual).T @ M
            else:
                np.matmul(residual, A.T, out=H)
                H *= M
                of_U += self.X[rows].T @ H
        if A.shape[1] == 1:
            of_U *= A[:, 0]
        return loss, gradient

    def _loss(self, f: Array, rows: slice) -> tuple[float, Array]:
        """Return loss and its gradient (k, C), the latter in float32, at predictions of some of the rows."""
        loss, y, weights = self.problem.loss, self.y[rows], self.problem.sample_weight
        f = f.astype(np.float64)
        gradient = np.asarray(loss.gradient(f, y))
        if weights is not None:
            gradient = gradient * weights[rows, None]
        value = loss.value(f, y, None if weights is None else weights[rows])
        return value, gradient.astype(np.float32)


def balanced_start(objective: ChunkedObjective, rng: np.random.Generator) -> Array:
    """Return packed weights of balanced neurons in random directions, so large that outputs spread by `SPREAD`.

    Output directions are random too, for one output signs in turn. The offset is the best without neurons.
    """
    problem = objective.problem
    d, m, C = objective.d, objective.m, problem.n_outputs
    unit = 1.0 if problem.loss.is_classification else float(np.std(problem.centred_target)) or 1.0
    w = np.zeros(objective.size, dtype=np.float32)
    U, A, b = objective.layers(w)
    U[:] = rng.standard_normal((d, m))
    U /= np.linalg.norm(U, axis=0)
    A[:] = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)[:, None] if C == 1 else rng.standard_normal((m, C))
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    some = objective.X[:: max(1, len(objective.X) // 1000)]
    outputs = np.maximum(some @ U, 0.0) @ A
    w *= np.sqrt(SPREAD * unit / max(float(np.sqrt(np.mean(np.square(outputs)))), 1e-30))
    b[:] = (problem.null_offset() - problem.shift)[: b.size]
    return w


def _direction(gradient: Array, pairs: deque[tuple[Array, Array, float]]) -> Array:
    """Return the L-BFGS direction by the two loops (Nocedal and Wright, algorithm 7.4)."""
    q, scaled = -gradient, np.empty_like(gradient)
    alphas = []
    for s, y, sy in reversed(pairs):
        alphas.append(np.float32((s @ q) / sy))
        q -= np.multiply(y, alphas[-1], out=scaled)
    if pairs:
        _, y, sy = pairs[-1]
        q *= np.float32(sy / (y @ y))
    for (s, y, sy), alpha in zip(pairs, reversed(alphas), strict=True):
        q += np.multiply(s, alpha - np.float32((y @ q) / sy), out=scaled)
    return q


def lbfgs_descent(evaluate: Callable[[Array], tuple[float, Array] | None], w: Array, n_pairs: int) -> None:
    """Minimise by L-BFGS with a line search for the weak Wolfe conditions, until it moves no more.

    Parameters
    ----------
    evaluate : callable
        Returns value and gradient at weights, or None to end. It sees all weights that are tried, so it knows the best.
    w : ndarray
        The start.
    n_pairs : int
        Pairs of steps and differences of gradients that are kept.
    """
    at = evaluate(w)
    pairs: deque[tuple[Array, Array, float]] = deque(maxlen=n_pairs)
    recent: deque[float] = deque(maxlen=PATIENCE)
    while at is not None:
        value, gradient = at
        if len(recent) == PATIENCE and value > recent[0] - ROUNDING * abs(recent[0]):
            return
        recent.append(value)
        direction = _direction(gradient, pairs)
        slope = float(direction @ gradient)
        if not slope < 0:
            if not pairs:
                return
            pairs.clear()
            continue
        step = 1.0 if pairs else 0.1 * float(np.linalg.norm(w)) / float(np.linalg.norm(direction))
        found = _line_search(evaluate, w, value, direction, slope, step)
        if found is None:
            return
        moved, at = found
        if at is None:  # no step is better: once more along the gradient, then the end
            if not pairs:
                return
            pairs.clear()
            at = value, gradient
            continue
        s, y = moved - w, at[1] - gradient
        sy = float(s @ y)
        if sy > 1e-10 * float(y @ y):
            pairs.append((s, y, sy))
        w = moved


def _line_search(
    evaluate: Callable[[Array], tuple[float, Array] | None],
    w: Array,
    value: float,
    direction: Array,
    slope: float,
    step: float,
) -> tuple[Array, tuple[float, Array] | None] | None:
    """Return weights with value and gradient; without the latter where no step is better; None at the end of time."""
    low, high = 0.0, np.inf
    best: tuple[Array, tuple[float, Array]] | None = None
    for _ in range(20):
        moved = w + np.float32(step) * direction
        at = evaluate(moved)
        if at is None:
            return None
        if not at[0] <= value + SUFFICIENT * step * slope + ROUNDING * abs(value):
            high = step
            curve = at[0] - value - slope * step  # the parabola's, times step^2
            least = -0.5 * slope * step * step / curve if np.isfinite(curve) and curve > 0 else 0.0
            step = min(max(least, low + 0.1 * (high - low)), low + 0.5 * (high - low))
        elif float(at[1] @ direction) < CURVATURE * slope:
            best, low = (moved, at), step
            step = 2.0 * step if high == np.inf else 0.5 * (low + high)
        else:
            return moved, at
    return (w, None) if best is None else best
