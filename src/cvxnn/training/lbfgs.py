"""Limited-memory BFGS on flat arrays of any float type, made for functions that are dear and not quite smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import solve_triangular

from cvxnn.deadlines import NEVER, Deadline
from cvxnn.threads import run_tasks, single_threaded_blas
from cvxnn.validation import Array

ValueAndGradient = Callable[[Any], tuple[float, Any]]

_SUFFICIENT_DECREASE = 1e-4
_CURVATURE = 0.9
_TRIALS = 25
# Iterations over which progress is judged.
_WINDOW = 10
# Numbers of a row that are worked on at a time: a hundred rows of them in single precision are 1.6 MB. And how many
# such segments are worth a thread's start.
_SEGMENT, _SEGMENTS_PER_THREAD = 4096, 8


@dataclass(eq=False)
class _Pairs:
    """The last steps s and changes of gradient y, as rows of one array, with the products that the metric needs."""

    rows: Any  # (2 k, N): steps, then changes
    steps_changes: Array  # (k, k) s_i^T y_j
    changes_changes: Array  # (k, k) y_i^T y_j
    seen: int = 0

    @classmethod
    def empty(cls, memory: int, start: Any) -> _Pairs:
        zeros = np.zeros((memory, memory))
        return cls(np.zeros((2 * memory, start.size), start.dtype), zeros, zeros.copy())

    @property
    def memory(self) -> int:
        return len(self.steps_changes)

    def add(self, step: Any, change: Any) -> None:
        """Store a pair in the place of the oldest."""
        k, at = self.memory, self.seen % self.memory
        self.rows[at], self.rows[k + at] = step, change
        products = _products(self.rows, step, change)
        self.steps_changes[:, at] = products[:k, 1]
        self.steps_changes[at, :] = products[k:, 0]
        self.changes_changes[:, at] = self.changes_changes[at, :] = products[k:, 1]
        self.seen += 1

    def direction(self, gradient: Any) -> Any:
        """Return ``-H gradient`` by the compact form of the inverse metric (reference, theorem 2.2)."""
        k, count = self.memory, min(self.seen, self.memory)
        oldest_first = np.arange(self.seen - count, self.seen) % k
        last = oldest_first[-1]
        R = np.triu(self.steps_changes[np.ix_(oldest_first, oldest_first)])
        gamma = R[-1, -1] / self.changes_changes[last, last]
        products = _products(self.rows, gradient)[:, 0]
        p = solve_triangular(R, products[oldest_first], check_finite=False)
        inner = np.diag(R) * p + gamma * self.changes_changes[np.ix_(oldest_first, oldest_first)] @ p
        inner -= gamma * products[k + oldest_first]
        weights = np.zeros(2 * k)
        weights[oldest_first] = solve_triangular(R, inner, trans="T", check_finite=False)
        weights[k + oldest_first] = -gamma * p
        direction = _combination(weights.astype(gradient.dtype), self.rows)
        direction += gradient.dtype.type(gamma) * gradient
        return np.negative(direction, out=direction)


def _products(rows: Any, *vectors: Any) -> Array:
    """Return the products of rows and vectors, (2 k, c), each segment of the rows read once for all of them.

    Against one product of matrices half of the time on one thread, a fifth on two, at a hundred rows of 255,000
    numbers. Segments are cut by shape alone and summed up in order.
    """
    n_segments = -(-rows.shape[1] // _SEGMENT)
    parts = np.empty((n_segments, len(vectors), len(rows)), rows.dtype)

    def multiply(k: int) -> None:
        columns = slice(k * _SEGMENT, (k + 1) * _SEGMENT)
        for part, vector in zip(parts[k], vectors, strict=True):
            np.matmul(rows[:, columns], vector[columns], out=part)

    _for_segments(multiply, n_segments)
    return np.asarray(np.sum(parts, axis=0, dtype=np.float64)).T


def _combination(weights: Any, rows: Any) -> Any:
    """Return the sum of rows times weights."""
    total = np.empty(rows.shape[1], rows.dtype)

    def combine(k: int) -> None:
        columns = slice(k * _SEGMENT, (k + 1) * _SEGMENT)
        np.matmul(weights, rows[:, columns], out=total[columns])

    _for_segments(combine, -(-len(total) // _SEGMENT))
    return total


def _for_segments(run: Callable[[int], None], n_segments: int) -> None:
    with single_threaded_blas as allowed:
        run_tasks(run, range(n_segments), min(allowed, n_segments // _SEGMENTS_PER_THREAD))


def minimise(
    function: ValueAndGradient,
    start: Any,
    *,
    memory: int = 50,
    max_iterations: int = 1000,
    tol: float = 0.0,
    deadline: Deadline = NEVER,
) -> tuple[Any, float]:
    """Minimise a function from a point; return the best point met and its value.

    Parameters
    ----------
    function : callable
        ``function(x)`` returns the value as a float and the gradient, an array like x. At kinks any one-sided
        gradient will do.
    start : ndarray of shape (N,)
        Start; its float type is that of all work on vectors.
    memory : int, default 50
        Pairs kept. On networks of 400 and 800 neurons 50 pairs need a fifth fewer iterations than 20; 200 no
        fewer than 100.
    max_iterations : int, default 1000
        Iterations at most.
    tol : float, default 0
        Stop when ten iterations together lower the value by less than this fraction.
    deadline : Deadline, default never
        When to stop.

    Raises
    ------
    KeyboardInterrupt
        Passed on; a caller that wants the best point then keeps it in ``function``.

    References
    ----------
    R. H. Byrd, J. Nocedal, R. B. Schnabel, "Representations of quasi-Newton matrices and their use in limited
    memory methods", Math. Program. 63 (1994), theorem 2.2. A. S. Lewis, M. L. Overton, "Nonsmooth optimization via
    quasi-Newton methods", Math. Program. 141 (2013), section 4 (a line search that needs no smoothness).
    """
    x, pairs = start, _Pairs.empty(memory, start)
    value, gradient = function(x)
    values = [value]
    for _ in range(max_iterations):
        if deadline.is_over:
            break
        direction = pairs.direction(gradient) if pairs.seen else _first_direction(x, gradient)
        slope = float(gradient @ direction)
        if not -np.inf < slope < 0:
            break
        found = _line_search(function, x, value, direction, slope)
        if found is None:
            break
        new, new_value, new_gradient = found
        step, change = new - x, new_gradient - gradient
        # The square of a change may vanish where its product with a longer step does not.
        if float(step @ change) > 0 and float(change @ change) > 0:
            pairs.add(step, change)
        x, value, gradient = new, new_value, new_gradient
        values.append(value)
        if len(values) > _WINDOW and values[-1 - _WINDOW] - value <= tol * abs(value):
            break
    return x, value


def _first_direction(x: Any, gradient: Any) -> Any:
    """Return the negative gradient, as long as a tenth of x: nothing else is known of the function's scales."""
    length = max(float(np.linalg.norm(gradient)), 1e-300)
    return -gradient * gradient.dtype.type((0.1 * float(np.linalg.norm(x)) or 1.0) / length)


def _line_search(
    function: ValueAndGradient, x: Any, value: float, direction: Any, slope: float
) -> tuple[Any, float, Any] | None:
    """Return a point of sufficient decrease whose slope is not too negative, by bisection; None where there is none.

    Steps of 1 mostly do. The slope test is one-sided: at a kink the slope may jump far above zero.
    """
    low, high, size = 0.0, np.inf, 1.0
    best: tuple[Any, float, Any] | None = None
    for _ in range(_TRIALS):
        new = x + direction.dtype.type(size) * direction
        new_value, gradient = function(new)
        if not new_value <= value + _SUFFICIENT_DECREASE * size * slope:
            high = size
        else:
            if new_value < value:
                best = new, new_value, gradient
            if float(gradient @ direction) >= _CURVATURE * slope:
                return best
            low = size
        size = 0.5 * (low + high) if np.isfinite(high) else 2.0 * low
    return best
