"""Smooth descent on the non-convex objective: cheap, and it finds good patterns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn.certificates import Rotation
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.linear_maps import relu_forward, relu_value_and_gradients
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.threads import on_one_blas_thread
from cvxnn.training.lbfgs import minimise
from cvxnn.validation import Array

# Samples times neurons from which single precision pays; descent finds patterns, and the convex program their digits.
_SINGLE = 1 << 15
# Single precision is for data of ordinary size: squares of gradients must neither overflow nor vanish.
_ORDINARY = 1e-6, 1e6
# Penalty at the end of a descent, of the loss without neurons.
_SHARE_AT_END = 0.04
# Correlations of columns below this, relative to the largest, are left as they are.
_CORRELATION_FLOOR = 1e-3
# Seconds of the metric of correlations, over d^2 (2 d + n): its eigenvectors and products, 0.2 s at 2000 x 784, 7 at
# 3072 x 3072; and the share of a time limit from which it is left out: it saves a quarter to a third of the iterations.
_METRIC_SECONDS, _METRIC_SHARE = 1e-10, 0.15
# Where time is short: neurons that are timed, and the fewest, more for many outputs; iterations that a descent should
# have; and seconds of the products with stored pairs for each weight. At 26 and 100 classes 100 neurons are better than
# 50 even where they have 30 iterations, and 300 at 70 iterations as 150 at 110. A look that takes longer than some
# hundredths of a second is not repeated.
_FEWEST_EACH, _ITERATIONS_OF_SEVERAL, _DEAR_LOOK = 3, 70, 0.02
_FEWEST, _ITERATIONS_AT_LEAST, _PAIRS_SECONDS = 50, 110, 1e-7
# The start's predictions, relative to the spread of the first dual variable (root mean squares). Larger starts take
# twice the iterations to shrink, smaller ones to grow.
_START_SIZE = 0.25


def small_random_network(
    problem: Problem, n_neurons: int, rng: np.random.Generator, *, size: float = _START_SIZE
) -> ReLUNetwork:
    """Return balanced neurons of one small norm with random directions and alternating output signs.

    Several outputs have random output directions; in the per-class variant each neuron serves one output, in turn.

    Parameters
    ----------
    problem : Problem
        Gives d, the offset, and the columns' sizes: directions are uniform after columns are scaled to norm one,
        so that a column in other units does not own every direction.
    n_neurons : int
        m.
    rng : numpy.random.Generator
        Source of randomness.
    size : float, default 0.25
        Root mean square of the network's predictions, in units of that of the null network's dual variable (its
        residual, for the squared loss).
    """
    problem = as_problem(problem)
    columns = np.linalg.norm(problem.X, axis=0)
    columns = np.where(columns > 0, columns, 1.0)
    hidden = rng.standard_normal((problem.n_features, n_neurons)) / columns[:, None]
    hidden /= np.linalg.norm(hidden, axis=0)
    output = _output_directions(problem, n_neurons, rng)
    offset = problem.null_offset()
    null = problem.dual_variable(np.broadcast_to(offset, problem.y.shape))
    reached = float(np.linalg.norm(relu_forward(problem.X, hidden, output)))
    scale = np.sqrt(size * float(np.linalg.norm(null)) / reached) if reached > 0 else 1.0
    return ReLUNetwork(scale * hidden, scale * output, offset)


def affordable_width(problem: Problem, most: int, seconds: float, rng: np.random.Generator) -> int:
    """Return the neurons of a descent of so many seconds: few enough for some hundred iterations, by a measured one.

    Where time is short fewer neurons reach a better objective: on 200,000 x 30 with 5 s 50 reach 0.55 of what 200 do.

    Parameters
    ----------
    problem : Problem
        Its loss smooth.
    most : int
        Neurons where there is time enough.
    seconds : float
        Of the descent.
    rng : numpy.random.Generator
        Source of the neurons that are timed.
    """
    fewest = max(_FEWEST, min(_FEWEST_EACH * problem.n_outputs, 2 * _FEWEST))
    if most <= fewest:
        return most
    probe = small_random_network(problem, fewest, rng)
    objective, spent = _Objective.of(problem, probe, Deadline(0.0)), []
    weights = objective.pack(probe)
    for _ in range(2):  # the first makes buffers
        started = Deadline()
        objective(weights)
        spent.append(started.elapsed)
        if spent[0] > _DEAR_LOOK:
            break
    an_iteration = (min(spent) + _PAIRS_SECONDS * weights.size) / fewest
    iterations = _ITERATIONS_AT_LEAST if problem.n_outputs == 1 else _ITERATIONS_OF_SEVERAL
    return int(np.clip(seconds / (iterations * an_iteration), fewest, most))


def _output_directions(problem: Problem, n_neurons: int, rng: np.random.Generator) -> Array:
    """Return unit output weights, shape (m,) or (m, C)."""
    signs = np.where(np.arange(n_neurons) % 2 == 0, 1.0, -1.0)
    if problem.n_outputs == 1:
        return signs
    if problem.output_norm == "l1":
        return signs[:, None] * np.eye(problem.n_outputs)[np.arange(n_neurons) // 2 % problem.n_outputs]
    output = rng.standard_normal((n_neurons, problem.n_outputs))
    return np.asarray(output / np.linalg.norm(output, axis=1, keepdims=True))


@on_one_blas_thread
def descend(
    problem: Problem,
    network: ReLUNetwork,
    *,
    max_iterations: int = 400,
    tol: float = 0.0,
    max_seconds: float | None = None,
) -> ReLUNetwork:
    """Run L-BFGS on ``ell(f) + beta/2 (||U||^2 + ||A||^2)`` from a network.

    The metric starts from the columns' sizes and correlations C: hidden weights are ``C^{-1/4}`` times the variables,
    which takes a quarter to a third of the iterations away. Large problems are descended in single precision.

    Parameters
    ----------
    problem : Problem
        Its loss smooth. In the per-class variant output weights that are zero stay zero.
    network : ReLUNetwork
        Where to start.
    max_iterations : int, default 400
        L-BFGS iterations. Descent finds patterns; the convex program finds their last digits.
    tol : float, default 0
        Stop when ten iterations together lower the objective by less than this fraction.
    max_seconds : float, optional
        Time limit; the best point so far is returned.

    Returns
    -------
    ReLUNetwork
        With an objective not above the start's (in single precision: to its rounding).

    Raises
    ------
    DescentInterrupted
        On a keyboard interrupt; it carries the best network so far.
    """
    problem, network = as_problem(problem), as_network(network)
    if network.n_neurons == 0:
        return network
    deadline = Deadline.after(max_seconds)
    # What is orthogonal to all rows of X only costs: of wide data the descent is in the row space.
    rotation = Rotation.of(problem)
    start = rotation.network_in_coordinates(network)
    objective = _Objective.of(rotation.problem, start, deadline)
    try:
        weights, _ = minimise(
            objective, objective.pack(start), max_iterations=max_iterations, tol=tol, deadline=deadline
        )
    except KeyboardInterrupt as interrupt:
        best = rotation.network(objective.unpack(objective.best_weights))
        raise DescentInterrupted(best) from interrupt
    return rotation.network(objective.unpack(weights))


class DescentInterrupted(KeyboardInterrupt):
    """A keyboard interrupt during descent, with the best network so far."""

    def __init__(self, network: ReLUNetwork) -> None:
        super().__init__()
        self.network = network


@dataclass(eq=False)
class _Objective:
    """The objective of a network of one width, as a function of one flat array."""

    problem: Problem
    X: Array  # (n, d) data times the metric, in the working precision
    metric: _Metric  # T: hidden weights are T V
    decay: Array  # (d, d) beta T^T T, or (d, 1) its diagonal
    shape: tuple[int, int]
    support: Any  # (m, C) of 0 and 1 in the per-class variant, else None
    no_offset: Array  # (C,)
    best_value: float = field(default=np.inf, init=False)
    best_weights: Any = field(default=None, init=False)

    @classmethod
    def of(cls, problem: Problem, network: ReLUNetwork, deadline: Deadline = NEVER) -> _Objective:
        d, m = network.hidden.shape
        metric = _Metric.of(problem.X, deadline, _length_of_decay(problem, m))
        dtype = _working_precision(problem, m)
        support = (network.output != 0).astype(dtype) if problem.output_norm == "l1" else None
        X, decay = metric.data(problem.X).astype(dtype), metric.squares(problem.beta).astype(dtype)
        return cls(problem, X, metric, decay, (d, m), support, np.zeros(problem.n_outputs))

    def pack(self, network: ReLUNetwork) -> Any:
        """Return a network's variables: V, A, and the offset beyond the problem's shift where there is one."""
        offset = network.offset - self.problem.shift if self.problem.output_offset else np.zeros(0)
        V = self.metric.variables(network.hidden)
        return np.concatenate([V.ravel(), network.output.ravel(), offset]).astype(self.X.dtype)

    def unpack(self, weights: Any) -> ReLUNetwork:
        """Return the network of some variables."""
        V, output, offset = self.split(np.asarray(weights, dtype=np.float64))
        return ReLUNetwork(
            self.metric.weights(V), output, offset + self.problem.shift if offset.size else None
        )

    def split(self, weights: Any) -> tuple[Any, Any, Any]:
        d, m = self.shape
        outputs = self.problem.y.shape[1:]
        end = d * m + m * self.problem.n_outputs
        return weights[: d * m].reshape(d, m), weights[d * m : end].reshape(m, *outputs), weights[end:]

    def __call__(self, weights: Any) -> tuple[float, Any]:
        V, output, offset = self.split(weights)
        problem = self.problem
        b = problem.shift + offset if offset.size else self.no_offset
        slopes = np.empty(problem.y.shape)  # of the loss, for the offset too

        def loss_gradient(f: Any, rows: slice) -> Any:
            slopes[rows] = found = problem.loss_gradient(f.astype(np.float64, copy=False), b, rows)
            return found.astype(f.dtype, copy=False)

        f, V_gradient, output_gradient = relu_value_and_gradients(self.X, V, output, loss_gradient)
        decayed = self.decay * V if self.metric.is_diagonal else self.decay @ V
        value = problem.loss_value(f.astype(np.float64, copy=False), b)
        value += 0.5 * float((decayed * V).sum()) + 0.5 * problem.beta * float(np.vdot(output, output))
        V_gradient += decayed
        output_gradient += weights.dtype.type(problem.beta) * output
        if self.support is not None:
            output_gradient *= self.support
        gradients = [V_gradient.ravel(), output_gradient.ravel()]
        if offset.size:
            gradients.append(slopes.sum(axis=0).reshape(-1).astype(weights.dtype, copy=False))
        if value < self.best_value:
            self.best_value, self.best_weights = value, weights
        return value, np.concatenate(gradients)


@dataclass(frozen=True, eq=False)
class _Metric:
    """``T = s D^{-1} C^{-1/4}``: D the columns' norms, with a floor, C their correlations; s makes T of size one.

    Where correlations take too long to be worth it, ``T = s D^{-1}``.
    """

    T: Array  # (d, d), or (d,) the diagonal

    @classmethod
    def of(cls, X: Array, deadline: Deadline, floor: float = 0.0) -> _Metric:
        """Return the metric of data, by what there is time for; ``floor^2`` is added to the columns' squared norms."""
        n, d = X.shape
        norms = np.linalg.norm(X, axis=0)
        norms = np.hypot(norms, floor)
        norms = np.where(norms > 0, norms, np.max(norms, initial=0.0) or 1.0)
        if _METRIC_SECONDS * d * d * (2 * d + n) > _METRIC_SHARE * deadline.seconds_left:
            return cls(1.0 / norms / np.exp(np.mean(np.log(1.0 / norms))))
        levels, vectors = np.linalg.eigh((X / norms).T @ (X / norms))
        levels = (
            np.maximum(levels, _CORRELATION_FLOOR * levels[-1]) if levels[-1] > 0 else np.ones_like(levels)
        )
        T = (vectors * levels**-0.25) @ vectors.T / norms[:, None]
        return cls(np.asarray(T / np.exp(np.mean(np.log(np.abs(np.diag(T)))))))

    @property
    def is_diagonal(self) -> bool:
        """Return whether T is given by its diagonal."""
        return self.T.ndim == 1

    def data(self, X: Array) -> Array:
        """Return ``X T``."""
        return np.asarray(X * self.T if self.is_diagonal else X @ self.T)

    def weights(self, V: Array) -> Array:
        """Return ``T V``."""
        return np.asarray(self.T[:, None] * V if self.is_diagonal else self.T @ V)

    def variables(self, hidden: Array) -> Array:
        """Return V with ``T V`` the hidden weights."""
        return np.asarray(hidden / self.T[:, None] if self.is_diagonal else np.linalg.solve(self.T, hidden))

    def squares(self, beta: float) -> Array:
        """Return ``beta T^T T``, or its diagonal as a column."""
        return np.asarray(beta * self.T[:, None] ** 2 if self.is_diagonal else beta * self.T.T @ self.T)


def _length_of_decay(problem: Problem, n_neurons: int) -> float:
    """Return the norm of a column that bends the objective about as much as the decay of its weights does.

    In a neuron's weight for a column c the loss bends by ``a^2 curvature ||c||^2`` at most and the decay by beta; the m
    squared output weights add up to some hundredths of ``ell(0) / beta`` at the end. Without it weights of short
    columns took steps that decay forbids: on 10,000 images of MNIST, one unit for all pixels, a descent of 6 s ended at
    .86 of the test images right where it ends at .959 with it; with a fifth of it at an objective a tenth higher.
    """
    null = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    bend = _SHARE_AT_END * null * problem.curvature
    return float(problem.beta * np.sqrt(n_neurons / bend)) if bend > 0 else 0.0


def _working_precision(problem: Problem, n_neurons: int) -> type[np.floating[Any]]:
    low, high = _ORDINARY
    sizes = [np.sqrt(np.mean(problem.X**2)), np.sqrt(np.mean(problem.y**2)), problem.beta]
    ordinary = all(low <= float(size) <= high for size in sizes)
    return np.float32 if ordinary and problem.n_samples * n_neurons >= _SINGLE else np.float64
