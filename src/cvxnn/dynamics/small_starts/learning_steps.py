"""Orthogonal data from small starts: the loss falls in steps, at levels and times that can be told beforehand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics.descent.simulation import simulate, small_steps
from cvxnn.dynamics.small_starts.early_flow import early_path
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import Comparison, HypothesisError, require_balanced
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_number

# Cosines between samples, and relative differences, up to which they count as orthogonal, balanced, equal.
_EXACT = 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class LearningStep:
    """A group of neurons leaves the neighbourhood of zero and fits what it sees.

    Parameters
    ----------
    time : float
        Its time is ``time * log(1 / size)`` to leading order, size that of the weights at the start.
    samples : ndarray of shape (n,)
        Which samples are fitted in it.
    level : float
        The loss after it.
    escape : float
        Its time to the constant, when three quarters of its share of the loss are gone; nan where no closed form is
        known.
    """

    time: float
    samples: NDArray[np.bool_]
    level: float
    escape: float


def predicted_steps(problem: Problem, start: ReLUNetwork) -> tuple[LearningStep, ...]:
    """Return the steps in which a small balanced network learns orthogonal data.

    A neuron of output sign s never gains a sample: ``x_k^T u`` changes by sample k alone. It drops those with
    ``s y_k < 0`` at once and keeps ``S = {k : x_k^T u > 0, s y_k > 0}``. Aligned with ``D = sum y_k x_k`` over its
    samples not yet fitted, it grows like ``exp(||D|| t)``, ``||D||^2 = sum y_k^2 ||x_k||^2``, while sizes are small.
    The first to reach a size of order one fits all its samples; the others grow on with what is left of theirs. Where
    all norms ``||x_k||`` in S are c, its share kappa of the fit follows ``kappa' = 2 ||D|| kappa (1 - kappa)``.

    Samples that no neuron of their sign sees are never fitted.

    Parameters
    ----------
    problem : Problem
        Squared loss, beta = 0, orthogonal rows.
    start : ReLUNetwork
        Small and balanced.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.

    References
    ----------
    E. Boursier, L. Pillaud-Vivien, N. Flammarion, "Gradient flow dynamics of shallow ReLU networks for square loss
    and orthogonal inputs", NeurIPS 2022, Theorem 1 and section 4, for neurons that see all samples of their sign.

    Examples
    --------
    >>> problem = Problem(np.eye(2), [2.0, -1.0], beta=0.0)
    >>> start = ReLUNetwork([[3e-4, 3e-4], [4e-4, 4e-4]], [5e-4, -5e-4])
    >>> steps = predicted_steps(problem, start)
    >>> [(step.time, step.level) for step in steps]
    [(0.5, 0.5), (1.0, 0.0)]
    """
    problem, start = as_problem(problem), as_network(start, "start")
    X, y = _checked(problem, start)
    strengths = np.abs(y) * np.linalg.norm(X, axis=1)
    seen = (X @ start.hidden > 0) & (y[:, None] * start.output > 0)
    missing = np.ones(start.n_neurons)  # what the logarithm of each size lacks, in units of log(1 / size)
    left, now = np.ones(len(y), dtype=bool), 0.0
    steps: list[LearningStep] = []
    while True:
        rates = np.sqrt((strengths[:, None] ** 2 * (seen & left[:, None])).sum(axis=0))
        with np.errstate(divide="ignore"):
            waits = np.where(rates > 0, missing / np.where(rates > 0, rates, 1.0), np.inf)
        first = int(np.argmin(waits)) if waits.size else 0
        if waits.size == 0 or not np.isfinite(waits[first]):
            return tuple(steps)
        now, missing = now + waits[first], np.maximum(missing - rates * waits[first], 0.0)
        samples = seen[:, first] & left
        untouched = bool(np.all(seen[:, first] == samples))
        left = left & ~samples
        escape = _escape_time(X, y, start, seen, first) if untouched else float("nan")
        steps.append(LearningStep(float(now), samples, 0.5 * float(y[left] @ y[left]), escape))


def _escape_time(X: Array, y: Array, start: ReLUNetwork, seen: NDArray[np.bool_], first: int) -> float:
    """Return when kappa of the neurons that see what ``first`` sees is a half; nan where norms differ."""
    samples = seen[:, first]
    norms = np.linalg.norm(X[samples], axis=1)
    if np.ptp(norms) > _EXACT * norms[0]:
        return float("nan")
    group = np.flatnonzero(
        np.all(seen == samples[:, None], axis=0) & (np.sign(start.output) == np.sign(start.output[first]))
    )
    rate = float(norms[0] * np.linalg.norm(y[samples]))
    late = 50.0 / rate  # aligned to rounding: from here on the size grows by exp(rate t) exactly
    paths = [early_path(X, y, start.hidden[:, j], float(np.sign(start.output[j]))) for j in group]
    constants = np.array([path.log_growth(late) - rate * late for path in paths])
    share = norms[0] / np.linalg.norm(y[samples]) * np.sum(start.output[group] ** 2 * np.exp(2.0 * constants))
    return float(-np.log(share) / (2.0 * rate))


@short_repr
@dataclass(frozen=True, eq=False)
class SaddleToSaddle:
    """Steps seen along gradient flow, beside the predicted ones.

    Parameters
    ----------
    steps : tuple of LearningStep
        What is predicted.
    levels : tuple of Comparison
        For every step the loss half-way to the next one, or at the end, beside the predicted level. Here and below,
        where the time limit came first, for those steps only that the flow came to.
    slopes : tuple of Comparison
        For every step the growth of its time with ``log(1 / size)``, between the start and one scaled down.
    escapes : tuple of Comparison
        For the steps with a closed form, the time itself.
    times : ndarray of shape (k,)
        Recorded times.
    losses : ndarray of shape (k, 2)
        Losses from the start and from the one scaled down.
    status : TrajectoryStatus
        Why the simulated flow ended: FINISHED, or MAX_SECONDS.
    """

    steps: tuple[LearningStep, ...]
    levels: tuple[Comparison, ...]
    slopes: tuple[Comparison, ...]
    escapes: tuple[Comparison, ...]
    times: Array
    losses: Array
    status: TrajectoryStatus = TrajectoryStatus.FINISHED


@on_one_blas_thread
def saddle_to_saddle(
    problem: Problem,
    start: ReLUNetwork,
    *,
    shrink: float = 1e-2,
    resolution: float = 5e-3,
    tol: float = 0.02,
    max_seconds: float | None = None,
) -> SaddleToSaddle:
    """Return the steps of gradient flow on orthogonal data from a small start, measured and predicted.

    Statement
        The loss stays near levels, ``1/2 sum y_k^2`` over the samples not yet fitted, and falls from one to the next at
        times ``tau_i log(1 / size) + O(1)``; the levels are exact in the limit of small sizes. See `predicted_steps`.
    Hypotheses
        Squared loss, no weight decay, orthogonal non-zero rows, non-zero targets; a small balanced start.
    Guarantee
        Equal, in the limit of small sizes and steps.

    Parameters
    ----------
    problem : Problem
        Squared loss, beta = 0, orthogonal rows.
    start : ReLUNetwork
        Balanced; the weights' largest norm must be at most 1e-2 of ``sqrt(min |y_k| / max ||x_k||)``.
    shrink : float, default 1e-2
        The second start is the first times this.
    resolution : float, default 5e-3
        Step of the simulated flow times ``||(y_k ||x_k||)||``.
    tol : float, default 0.02
        Tolerance of the comparisons: relative for times, of half the sum of squared targets for levels.
    max_seconds : float, optional
        Time limit of the simulated flow; without one, flows of more than 1e8 steps are refused.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold, or no neuron sees a sample of its sign.

    References
    ----------
    E. Boursier, L. Pillaud-Vivien, N. Flammarion, NeurIPS 2022, Theorem 1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> U = 1e-4 * rng.random((2, 4))
    >>> start = ReLUNetwork(U, np.linalg.norm(U, axis=0) * [1, -1, 1, -1])
    >>> seen = saddle_to_saddle(Problem(np.eye(2), [2.0, -1.0], beta=0.0), start)
    >>> [comparison.holds for comparison in seen.levels + seen.slopes + seen.escapes]
    [True, True, True, True, True, True]
    """
    problem, start = as_problem(problem), as_network(start, "start")
    X, y = _checked(problem, start)
    steps = predicted_steps(problem, start)
    shrink = as_number(shrink, "shrink", positive=True)
    size = float(np.max(np.abs(start.output), initial=0.0))
    natural = float(np.sqrt(np.min(np.abs(y)) / np.max(np.linalg.norm(X, axis=1))))
    if not steps:
        raise HypothesisError(
            f"some neuron must see a sample of its output weight's sign; none of {start.n_neurons} does"
        )
    if size > 1e-2 * natural or shrink >= 1.0:
        raise HypothesisError(
            f"start must be small, at most {1e-2 * natural:.3g}, and shrink < 1; got {size:.3g}, {shrink}"
        )
    strength = float(np.linalg.norm(y * np.linalg.norm(X, axis=1)))
    # The constant in the last step's time, and the time to settle, are some units of the slowest rate.
    slowest = min(strength, 1.0 / max(step.time for step in steps))
    horizon = steps[-1].time * np.log(1.0 / (size / natural * shrink)) + 12.0 / slowest
    n_steps = small_steps(
        horizon * strength / as_number(resolution, "resolution", positive=True), max_seconds
    )
    both = Weights(
        np.stack([start.hidden, shrink * start.hidden]), np.stack([start.output, shrink * start.output])
    )
    run = simulate(
        problem,
        both,
        n_steps=n_steps,
        step_size=horizon / n_steps,
        record=("loss",),
        n_records=min(n_steps, 4000) + 1,
        max_seconds=max_seconds,
    )
    times, losses = run.times * horizon / n_steps, run["loss"]
    unit = 0.5 * float(y @ y)
    marks = _marks(times, losses, unit, steps)
    # What a flow that was cut did not come to is not measured; in one that was not, it has not happened.
    came = np.inf if run.status is TrajectoryStatus.FINISHED else float(times[-1])
    middles = np.vstack([0.5 * (marks[1:] + marks[:-1]), np.full((1, 2), horizon)])
    levels = tuple(
        Comparison(float(np.interp(middle[1], times, losses[:, 1])) / unit, step.level / unit, tol=tol)
        for step, middle in zip(steps, middles, strict=True)
        if middle[1] <= came
    )
    slopes = tuple(
        Comparison(float((mark[1] - mark[0]) / np.log(1.0 / shrink)) / step.time, 1.0, tol=tol)
        for step, mark in zip(steps, marks, strict=True)
        if np.max(mark) <= came
    )
    escapes = tuple(
        Comparison(float(mark[0]) / step.escape, 1.0, tol=tol)
        for step, mark in zip(steps, marks, strict=True)
        if not np.isnan(step.escape) and mark[0] <= came
    )
    return SaddleToSaddle(steps, levels, slopes, escapes, times, losses, run.status)


def _marks(times: Array, losses: Array, unit: float, steps: tuple[LearningStep, ...]) -> Array:
    """Return when three quarters of each step's fall are done, shape (steps, 2)."""
    before = np.array([unit, *(step.level for step in steps[:-1])])
    targets = [step.level + 0.25 * (top - step.level) for step, top in zip(steps, before, strict=True)]
    return np.array([[_crossing(times, column, target) for column in losses.T] for target in targets])


def _crossing(times: Array, losses: Array, target: float) -> float:
    below = losses <= target
    if not below.any():
        return float("inf")
    k = int(np.argmax(below))
    if k == 0:
        return float(times[0])
    share = (losses[k - 1] - target) / (losses[k - 1] - losses[k])
    return float(times[k - 1] + share * (times[k] - times[k - 1]))


def _checked(problem: Any, start: ReLUNetwork) -> tuple[Array, Array]:
    """Return X and y where the hypotheses hold."""
    X, y = problem.X, problem.y
    if not isinstance(problem.loss, SquaredLoss) or problem.beta != 0 or problem.sample_weight is not None:
        raise HypothesisError(f"the loss must be squared, without weights and weight decay; got {problem!r}")
    norms = np.linalg.norm(X, axis=1)
    for values, what in ((norms, "rows of X"), (y, "targets")):
        if np.any(values == 0):
            raise HypothesisError(
                f"{what} must not be zero; that of sample {int(np.argmin(np.abs(values)))} is"
            )
    cosines = np.abs(X @ X.T / np.outer(norms, norms) - np.eye(len(X)))
    if np.max(cosines) > _EXACT:
        raise HypothesisError(f"rows of X must be orthogonal; the largest cosine is {np.max(cosines):.3g}")
    sizes = np.linalg.norm(start.hidden, axis=0)
    require_balanced(sizes, np.abs(start.output), "start", slack=_EXACT * sizes)
    return X, y
