"""Descent methods on two-layer networks, many networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import get_activation
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.dynamics.descent.methods import GradientDescent, Method
from cvxnn.dynamics.descent.sources import FullBatch, SampleSource, as_source, judging_objective
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Point, Weights, as_weights
from cvxnn.dynamics.trajectories.record_book import Record, RecordBook, Spacing, record_steps
from cvxnn.dynamics.trajectories.records import as_records
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import Seed, as_seed
from cvxnn.statuses import TrajectoryStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, within_float64

# Steps between two looks, apart from those at records, whether anything is finite still.
_LOOK = 64
# Small networks take some ten thousand steps a second.
_MOST_STEPS, _MOST_STEPS_AT_ALL = 1e8, 1e15


@on_one_blas_thread
def simulate(
    source: Problem | SampleSource,
    start: Weights | ReLUNetwork,
    *,
    n_steps: int,
    step_size: Any,
    output_step_size: Any = None,
    schedule: Callable[[int], float] | None = None,
    method: Method | None = None,
    activation: Any = "relu",
    record: Iterable[str | Record] | str | Record = ("objective",),
    n_records: int = 101,
    spacing: Spacing = "linear",
    max_bytes: float = 2**30,
    max_seconds: float | None = None,
    random_state: Seed = 0,
) -> Trajectory:
    """Train a batch of two-layer networks by a first-order method and record what is asked.

    Parameters
    ----------
    source : Problem or SampleSource
        What gradients are taken of: all samples of a problem, `MiniBatches` of it, or `FreshSamples`. One output;
        ``beta >= 0``.
    start : Weights or ReLUNetwork
        B networks to start from, side by side.
    n_steps : int
        Number of steps.
    step_size : float or ndarray of shape (B,)
        Step size, of hidden weights and, unless another is given, of output weights. It multiplies the gradient of
        the *summed* objective.
    output_step_size : float or ndarray of shape (B,), optional
        Step size of output weights: another time-scale. 0 keeps them, as a ``step_size`` of 0 keeps hidden weights.
    schedule : callable, optional
        ``schedule(t)`` multiplies the step sizes of step t = 0, 1, ...
    method : Method, default GradientDescent()
        How a gradient becomes a step: `GradientDescent`, `Momentum`, `Adam`, `Adagrad`.
    activation : str, int or Activation, default "relu"
        Activation function.
    record : names and Record objects, default ("objective",)
        What is recorded: "objective", "loss", "weights", "patterns", "unique_patterns", "activation_points", ... or
        objects.
    n_records : int, default 101
        At how many steps, the first and last among them (fewer where they would coincide).
    spacing : {"linear", "log"}, default "linear"
        How these steps are spaced.
    max_bytes : float, default 2**30
        Memory that recorded rows may take; measuring one takes little beside them.
    max_seconds : float, optional
        Stop after this long; what was recorded is returned.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the samples drawn, a stream that differs from ``numpy.random.default_rng`` of the same seed.

    Returns
    -------
    Trajectory

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value, or the records would take more than ``max_bytes``.

    Notes
    -----
    A step costs two products with X, ``4 n d m B`` operations, for all networks in one. A network that diverges does
    so alone: the others go on. At a kink the derivative is the activation's own one-sided one.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.0)
    >>> start = Weights([[0.1, -0.1]], [0.1, 0.1])
    >>> trajectory = simulate(problem, start, n_steps=200, step_size=0.1)
    >>> trajectory["objective"].shape, bool(trajectory["objective"][-1, 0] < 1e-12)
    ((101, 1), True)
    """
    source, start = as_source(source), as_weights(start)
    objective = judging_objective(source, get_activation(activation))
    require_fitting(objective, start)
    steps = record_steps(as_count(n_steps, "n_steps", 1), n_records, spacing)
    rates = _rates(step_size, output_step_size, start.n_networks)
    deadline = Deadline.after(max_seconds)
    book = RecordBook(objective, as_records(record), len(steps), max_bytes)
    if not isinstance(method, Method | None):
        raise ValueError(f"method must be a Method object, such as Adam(); got {method!r}")
    require_schedule(schedule)
    rng = sample_stream(random_state)
    descent = _Descent(source, objective, method or GradientDescent(), rates, schedule, rng, start)
    return run_steps(descent, book, steps, deadline)


class _Descent:
    """A batch of networks on its way: where it is, and what its method remembers.

    Parameters
    ----------
    source, objective : SampleSource and BatchedObjective
        Where gradients come from, and the objective of all samples.
    method : Method
        How a gradient becomes a step.
    rates : tuple of ndarray of shape (B, 1)
        Step sizes of both layers.
    schedule : callable or None
        What multiplies them at a step.
    rng : numpy.random.Generator
        Source of samples.
    start : Weights
        Where to start.
    """

    def __init__(
        self,
        source: SampleSource,
        objective: BatchedObjective,
        method: Method,
        rates: tuple[Array, Array],
        schedule: Callable[[int], float] | None,
        rng: np.random.Generator,
        start: Weights,
    ) -> None:
        self._source, self._objective, self._method = source, objective, method
        self._rates, self._schedule, self._rng = rates, schedule, rng
        self.point: Point = (np.moveaxis(start.hidden, 0, 1).copy(), start.output.copy())
        self.n_steps = 0
        self._memory = method.start(self.point)

    def step(self) -> None:
        """Take a step."""
        direction, self._memory = self._method.direction(self._drawn().gradient(*self.point), self._memory)
        factor = schedule_factor(self._schedule, self.n_steps)
        changes = zip(self.point, self._rates, direction, strict=True)
        moved = tuple(array - (factor * rate) * change for array, rate, change in changes)
        self.point, self.n_steps = moved, self.n_steps + 1

    def _drawn(self) -> BatchedObjective:
        return drawn_objective(self._source, self._objective, self._rng, len(self.point[1]))


class Stepper(Protocol):
    """A batch of networks that takes steps."""

    point: Point  # hidden weights (d, B, m) and output weights (B, m)
    n_steps: int

    def step(self) -> None:
        """Take a step."""


def schedule_factor(schedule: Callable[[int], float] | None, step: int) -> float:
    """Return what a schedule multiplies the step sizes by at a step; 1 without one.

    Raises
    ------
    ValueError
        If it is negative or not finite.
    """
    if schedule is None:
        return 1.0
    factor = float(schedule(step))
    if not 0.0 <= factor < np.inf:
        raise ValueError(f"schedule must return numbers >= 0; got {factor!r} at step {step}")
    return factor


def drawn_objective(
    source: SampleSource, whole: BatchedObjective, rng: np.random.Generator, n_networks: int
) -> BatchedObjective:
    """Return the objective that estimates the whole one at this step: the whole one itself for full batches."""
    if isinstance(source, FullBatch):
        return whole
    return BatchedObjective(source.draw(rng, n_networks), whole.beta, whole.activation)


def sample_stream(random_state: Seed) -> np.random.Generator:
    """Return the generator of samples, a stream of its own: test samples of the same seed are not trained on."""
    seed = np.random.SeedSequence(as_seed(random_state), spawn_key=(0,))
    return np.random.default_rng(seed)


def require_schedule(schedule: Any) -> None:
    """Raise ``ValueError`` where a schedule is neither None nor a function."""
    if not (schedule is None or callable(schedule)):
        raise ValueError(f"schedule must be a function of the step; got {schedule!r}")


def run_steps(descent: Stepper, book: RecordBook, steps: NDArray[np.int64], deadline: Deadline) -> Trajectory:
    """Take steps until the last one, the time limit, an interrupt, or nothing finite is left; record on the way."""
    status = TrajectoryStatus.FINISHED
    with within_float64("the problem and start"):
        book.add(0, descent.point)
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            while descent.n_steps < steps[-1]:
                if deadline.is_over:
                    status = TrajectoryStatus.MAX_SECONDS
                    break
                descent.step()
                records = descent.n_steps == steps[book.n_filled]
                if records:
                    book.add(descent.n_steps, descent.point)
                if (records or descent.n_steps % _LOOK == 0) and not _any_finite(descent.point):
                    status = TrajectoryStatus.DIVERGED
                    break
    except KeyboardInterrupt:
        status = TrajectoryStatus.INTERRUPTED
    if book.last != descent.n_steps:
        book.add(descent.n_steps, descent.point)
    return book.trajectory(descent.point, status)


def small_steps(number: float, max_seconds: float | None) -> int:
    """Return a number of steps as a whole number, at least one; refuse more than would end.

    Parameters
    ----------
    number : float
        Steps that follow a flow closely enough.
    max_seconds : float or None
        The time limit of the simulation.

    Raises
    ------
    ValueError
        If they are more than 1e8 and there is no time limit, or more than 1e15.
    """
    most = _MOST_STEPS if as_limit(max_seconds) == np.inf else _MOST_STEPS_AT_ALL
    if not number <= most:
        raise ValueError(
            f"resolution must leave at most {most:.0e} steps, but the flow takes about {number:.1e}: raise it, start "
            "less small, or bring data and targets to one size"
            + (", or give max_seconds" if most == _MOST_STEPS else "")
        )
    return max(1, int(np.ceil(number)))


def require_fitting(objective: BatchedObjective, weights: Weights) -> None:
    """Raise ``ValueError`` where weights do not fit the data."""
    d, y = objective.samples.X.shape[-1], objective.samples.y
    if weights.n_features != d:
        raise ValueError(f"start must have {d} features; got {weights!r}")
    if y.ndim == 2 and len(y) != weights.n_networks:
        raise ValueError(f"start must have {len(y)} networks, one for each row of targets; got {weights!r}")


def _rates(step_size: Any, output_step_size: Any, n_networks: int) -> tuple[Array, Array]:
    """Return the step sizes of hidden and output weights, shape (B, 1)."""
    given = [
        ("step_size", step_size),
        ("output_step_size", step_size if output_step_size is None else output_step_size),
    ]
    rates = []
    for name, value in given:
        array = as_finite_array(value, name, (0, 1))
        if (array.ndim == 1 and len(array) != n_networks) or np.any(array < 0):
            raise ValueError(f"{name} must be a number >= 0, or {n_networks} of them; got {value!r}")
        rates.append(np.broadcast_to(array, (n_networks,))[:, None])
    return rates[0], rates[1]


def _any_finite(point: Point) -> bool:
    """Return whether any of the networks has finite weights only."""
    hidden, output = point
    return bool((np.isfinite(hidden).all(axis=(0, 2)) & np.isfinite(output).all(axis=1)).any())
