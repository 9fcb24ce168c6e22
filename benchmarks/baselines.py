"""What cvxnn is measured against: descent on the network's own objective, and convex programs on random patterns.

Every baseline minimises ``1/2 ||(X U)_+ a - y||^2 + beta/2 (||U||^2 + ||a||^2)``, the reference descent that of any
loss and number of outputs, and returns the curve of seconds and the best objective so far. Objectives come free with
the gradients; a curve's last point is recomputed by `Problem`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import minimize
from sklearn.neural_network import MLPRegressor
from threadpoolctl import threadpool_limits

from cvxnn import Problem, ReLUNetwork, ReLUProgram, sample_patterns, solve
from cvxnn.validation import Array
from plain_descent import ENTRIES_PER_THREAD, ChunkedObjective, allowed_threads, balanced_start, lbfgs_descent

Curve = list[tuple[float, float]]
CLOCKS: dict[str, Callable[[], float]] = {"cpu": time.process_time, "wall": time.perf_counter}


class _TimeIsUp(Exception):
    """Leaves an optimiser that has no time limit of its own."""


@dataclass(frozen=True)
class Budget:
    """Seconds to spend, and the clock that counts them: CPU time is untouched by what else the machine does."""

    seconds: float
    clock: Callable[[], float] = time.process_time


@dataclass(eq=False)
class Recorder:
    """The best objective so far against time."""

    budget: Budget
    curve: Curve = field(default_factory=list)
    best: float = np.inf

    def __post_init__(self) -> None:
        self.started = self.budget.clock()

    @property
    def seconds(self) -> float:
        """Return the seconds since the recorder was made."""
        return self.budget.clock() - self.started

    @property
    def is_up(self) -> bool:
        """Return whether the budget is spent."""
        return self.seconds >= self.budget.seconds

    def see(self, objective: float) -> bool:
        """Note an objective; return whether it is the best so far. Steps below 1e-6 of it leave no point."""
        if objective >= self.best:
            return False
        if not self.curve or objective < self.curve[-1][1] * (1.0 - 1e-6):
            self.curve.append((self.seconds, objective))
        self.best = objective
        return True

    def finish(self, problem: Problem, network: ReLUNetwork) -> Curve:
        """Return the curve, ended by the network's objective as `Problem` evaluates it."""
        seconds = self.seconds
        return [*self.curve, (seconds, min(self.best, problem.objective(network)))]


class Objective:
    """Value and gradient at weights (U, a), packed in one vector, in buffers that are never allocated twice."""

    def __init__(self, X: Array, y: Array, beta: float, m: int) -> None:
        self.X, self.y, self.beta, self.m = X, y, beta, m
        self.H = np.empty((len(X), m))
        self.M = np.empty((len(X), m))
        self.scaled = np.empty_like(X)
        self.gradient = np.empty((X.shape[1] + 1) * m)

    def __call__(self, w: Array) -> tuple[float, Array]:
        """Return the objective and its gradient; the gradient's array is used again by the next call."""
        X, H, m = self.X, self.H, self.m
        U, a = w[:-m].reshape(-1, m), w[-m:]
        np.matmul(X, U, out=H)
        np.maximum(H, 0.0, out=H)
        r = H @ a
        r -= self.y
        np.sign(H, out=self.M)
        # X^T (1[XU > 0] * r a^T) = ((X * r)^T 1[XU > 0]) * a: one pass over (n, m) less
        np.multiply(X, r[:, None], out=self.scaled)
        grad_U, grad_a = self.gradient[:-m].reshape(-1, m), self.gradient[-m:]
        np.matmul(self.scaled.T, self.M, out=grad_U)
        grad_U *= a
        np.matmul(r, H, out=grad_a)
        value = 0.5 * float(r @ r) + 0.5 * self.beta * float(w @ w)
        self.gradient += self.beta * w
        return value, self.gradient


def he_weights(d: int, m: int, scale: float, rng: np.random.Generator) -> Array:
    """Return packed weights: hidden of variance 2/d, output of variance 2/m, both times ``scale``."""
    U = rng.standard_normal((d, m)) * np.sqrt(2.0 / d)
    return scale * np.concatenate([U.ravel(), rng.standard_normal(m) * np.sqrt(2.0 / m)])


def balanced_weights(d: int, m: int, scale: float, rng: np.random.Generator) -> Array:
    """Return packed weights: directions uniform, both layers' norms ``scale``, output signs alternating."""
    U = rng.standard_normal((d, m))
    U *= scale / np.linalg.norm(U, axis=0)
    return np.concatenate([U.ravel(), np.where(np.arange(m) % 2 == 0, scale, -scale)])


def _network(w: Array, m: int) -> ReLUNetwork:
    return ReLUNetwork(w[:-m].reshape(-1, m), w[-m:])


@dataclass(eq=False)
class AdamStep:
    """Adam's update in place, with its usual constants 0.9, 0.999, 1e-8."""

    lr: float
    first: Array
    second: Array
    t: int = 0

    def __call__(self, w: Array, g: Array) -> None:
        """Move ``w`` along the gradient ``g``; ``g`` is overwritten."""
        self.t += 1
        self.first += 0.1 * (g - self.first)
        np.square(g, out=g)
        self.second += 0.001 * (g - self.second)
        np.sqrt(self.second, out=g)
        g *= 1.0 / np.sqrt(1.0 - 0.999**self.t)
        g += 1e-8
        np.divide(self.first, g, out=g)
        g *= self.lr / (1.0 - 0.9**self.t)
        w -= g


def adam(problem: Problem, budget: Budget, seed: int, *, lr: float, m: int = 200) -> Curve:
    """Return the curve of full-batch Adam from half of He's initial scale."""
    rng = np.random.default_rng(seed)
    w = best = he_weights(problem.n_features, m, 0.5, rng)
    objective, step = Objective(problem.X, problem.y, problem.beta, m), AdamStep(lr, 0.0 * w, 0.0 * w)
    recorder = Recorder(budget)
    while not recorder.is_up:
        value, gradient = objective(w)
        if recorder.see(value):
            best = w.copy()
        step(w, gradient)
    return recorder.finish(problem, _network(best, m))


def sgd(problem: Problem, budget: Budget, seed: int, *, lr: float, m: int = 200, batch: int = 32) -> Curve:
    """Return the curve of mini-batch SGD with momentum 0.9, its rate ``lr / ||X||_F^2`` going down a cosine to zero.

    The objective is evaluated once an epoch, and that time counts: SGD has no other way to know it.
    """
    rng = np.random.default_rng(seed)
    n, d = problem.X.shape
    batch = min(batch, n)
    w = best = he_weights(d, m, 0.5, rng)
    full, velocity = Objective(problem.X, problem.y, problem.beta, m), 0.0 * w
    # a batch stands for n/batch times as many samples: its weight decay is batch/n of beta, its gradient that of all
    part = Objective(problem.X[:batch].copy(), problem.y[:batch].copy(), problem.beta * batch / n, m)
    largest = lr / float(np.sum(problem.X**2)) * n / batch
    recorder = Recorder(budget)
    while not recorder.is_up:
        value, _ = full(w)
        if value > 1e3 * recorder.best:  # it diverges
            break
        if recorder.see(value):
            best = w.copy()
        rate = largest * 0.5 * (1.0 + np.cos(np.pi * recorder.seconds / budget.seconds))
        order = rng.permutation(n)
        for start in range(0, n - batch + 1, batch):
            rows = order[start : start + batch]
            part.X[:], part.y[:] = problem.X[rows], problem.y[rows]
            velocity *= 0.9
            velocity -= rate * part(w)[1]
            w = w + velocity
    return recorder.finish(problem, _network(best, m))


def lbfgs(problem: Problem, budget: Budget, seed: int, *, start: str = "balanced", m: int = 200) -> Curve:
    """Return the curve of SciPy's L-BFGS from small balanced neurons or from He's weights, until it stops itself."""
    rng = np.random.default_rng(seed)
    weights = {"balanced": balanced_weights, "he": he_weights}[start]
    w = weights(problem.n_features, m, 0.3 if start == "balanced" else 1.0, rng)
    objective, recorder, best = Objective(problem.X, problem.y, problem.beta, m), Recorder(budget), w

    def value_and_gradient(w: Array) -> tuple[float, Array]:
        nonlocal best
        if recorder.is_up:
            raise _TimeIsUp
        value, gradient = objective(w)
        if recorder.see(value):
            best = w.copy()
        return value, gradient.copy()

    options = {"maxiter": 10**6, "maxfun": 10**6, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-8}
    with contextlib.suppress(_TimeIsUp):
        minimize(value_and_gradient, w, jac=True, method="L-BFGS-B", options=options)
    return recorder.finish(problem, _network(best, m))


def reference_network(
    problem: Problem, budget: Budget, seed: int, *, m: int = 200
) -> tuple[ReLUNetwork, Curve]:
    """Return network and curve of the reference descent: what any training is to be as good as in the same seconds.

    Plain L-BFGS on ``problem.objective`` from balanced neurons, in float32, rows in chunks, a thread of them for each
    that BLAS was allowed; any loss, number of outputs, offset and sample weights. It ends by itself where 200 steps
    bring no more than rounding. What is not over when the budget is spent does not count; the last point is the
    network's objective in float64, whose time does not count either.
    """
    recorder = Recorder(budget)
    n_threads = max(1, min(allowed_threads(), problem.n_samples * m // ENTRIES_PER_THREAD))
    with threadpool_limits(1, user_api="blas"):
        objective = ChunkedObjective(problem, m, n_threads)
        best = balanced_start(objective, np.random.default_rng(seed))

        def evaluate(w: Array) -> tuple[float, Array] | None:
            nonlocal best
            found = objective(w)
            if recorder.is_up:
                return None
            if recorder.see(found[0]):
                best = w
            return found

        lbfgs_descent(evaluate, best, objective.n_pairs)
    seconds = min(recorder.seconds, budget.seconds)
    network = objective.network(best)
    return network, [*recorder.curve, (seconds, problem.objective(network))]


def reference_descent(problem: Problem, budget: Budget, seed: int, *, m: int = 200) -> Curve:
    """Return the curve of `reference_network`."""
    return reference_network(problem, budget, seed, m=m)[1]


def objective_by(curve: Curve, seconds: float) -> float:
    """Return the best objective of a curve's points up to some seconds; infinity where there are none."""
    return min((objective for at, objective in curve if at <= seconds), default=np.inf)


def sklearn_mlp(problem: Problem, budget: Budget, seed: int, *, m: int = 200) -> Curve:
    """Return the curve of scikit-learn's MLPRegressor with Adam, full batch, at its default rate.

    Its objective is ours over n with ``alpha = beta``, but for its biases, which it does not penalise. Every 20 epochs
    they are folded in, the hidden ones into the bias column of X and the output's into a neuron on that column, and the
    objective is that of the balanced network this makes. The time to evaluate it is not counted.
    """
    n, bias = problem.n_samples, int(np.argmin(np.ptp(problem.X, axis=0)))
    model = MLPRegressor(hidden_layer_sizes=(m,), alpha=problem.beta, batch_size=n, random_state=seed)
    curve: Curve = []
    spent, best = 0.0, np.inf
    while spent < budget.seconds:
        started = budget.clock()
        for _ in range(20):
            model.partial_fit(problem.X, problem.y)
        spent += budget.clock() - started
        hidden, output = np.zeros((problem.n_features, m + 1)), np.append(model.coefs_[1][:, 0], 0.0)
        hidden[:, :m] = model.coefs_[0]
        hidden[bias, :m] += model.intercepts_[0] / problem.X[0, bias]
        hidden[bias, m], output[m] = 1.0 / problem.X[0, bias], model.intercepts_[1][0]
        best = min(best, problem.objective(ReLUNetwork(hidden, output).balance()))
        curve.append((spent, best))
    return curve


def random_patterns(problem: Problem, budget: Budget, seed: int, *, n_patterns: int = 200) -> Curve:
    """Return one point: the interior-point solution of the convex program on random patterns; none if out of time.

    The limit is on the wall's clock, whatever clock the budget has: it is passed to native code.
    """
    started = budget.clock()
    program = ReLUProgram(problem, sample_patterns(problem.X, n_patterns, random_state=seed))
    solution = solve(program, solver="interior_point", tol=1e-6, max_seconds=budget.seconds)
    if not solution.certificate.relative_gap <= 1e-3:
        return []
    return [(budget.clock() - started, problem.objective(solution.network))]


ADAM_RATES = (1e-3, 1e-2, 3e-2)
