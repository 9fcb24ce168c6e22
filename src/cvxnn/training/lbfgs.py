"""Limited-memory BFGS on flat arrays of any float type, made for functions that are dear and not quite smooth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg.lapack import dtrtrs

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
    """The last steps s and changes of gradient y, as rows of one array, with the products that the metric needs.

    Products are kept in the order in which pairs came, the oldest first; rows are not: a pair takes the oldest's place.
    """

    rows: Any  # (2 k, N): s and y in turns
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
        k, at = self.memory, 2 * (self.seen % self.memory)
        self.rows[at], self.rows[at + 1] = step, change
        if self.seen >= k:
            for products in (self.steps_changes, self.changes_changes):
                products[:-1, :-1] = products[1:, 1:]
        self.seen += 1
        last = min(self.seen, k) - 1
        products = self._in_order(_products(self.rows[: 2 * last + 2], step, change))
        self.steps_changes[: last + 1, last] = products[::2, 1]
        self.steps_changes[last, : last + 1] = products[1::2, 0]
        self.changes_changes[: last + 1, last] = self.changes_changes[last, : last + 1] = products[1::2, 1]

    def _in_order(self, numbers: Array, *, back: bool = False) -> Array:
        """Return numbers of the rows in use with the oldest pair's first, or ``back`` in the order of the rows."""
        oldest = 2 * (self.seen % self.memory) if self.seen > self.memory else 0
        if oldest == 0:
            return numbers
        at = len(numbers) - oldest if back else oldest
        return np.concatenate([numbers[at:], numbers[:at]])

    def direction(self, gradient: Any) -> Any:
        """Return ``-H gradient`` by the compact form of the inverse metric (reference, theorem 2.2)."""
        count = min(self.seen, self.memory)
        rows = self.rows[: 2 * count]
        transposed, changes = self.steps_changes[:count, :count].T, self.changes_changes[:count, :count]
        diagonal = np.diagonal(transposed)
        gamma = diagonal[-1] / changes[-1, -1]
        products = self._in_order(_products(rows, gradient))[:, 0]
        # LAPACK itself: on small data SciPy's checks take as long as a gradient. It reads columns, hence R^T.
        p, _ = dtrtrs(transposed, products[::2], lower=1, trans=1)
        inner = diagonal * p + gamma * (changes @ p)
        inner -= gamma * products[1::2]
        weights = np.empty(2 * count)
        weights[::2], _ = dtrtrs(transposed, inner, lower=1)
        weights[1::2] = -gamma * p
        direction = _combination(self._in_order(weights, back=True).astype(gradient.dtype), rows)
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
    return np.asarray(parts.sum(axis=0, dtype=np.float64)).T


def _combination(weights: Any, rows: Any) -> Any:
    """Return the sum of rows times weights."""
    total = np.empty(rows.shape[1], rows.dtype)

    def combine(k: int) -> None:
        columns = slice(k * _SEGMENT, (k + 1) * _SEGMENT)
        np.matmul(weights, rows[:, columns], out=total[columns])

    _for_segments(combine, -(-len(total) // _SEGMENT))
    return total


def _for_segments(run: Callable[[int], None], n_segments: int) -> None:
    if n_segments < 2 * _SEGMENTS_PER_THREAD:
        for k in range(n_segments):
            run(k)
        return
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
