"""Particle gradient flow: descent on a measure, moved as particles that are neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.activations import get_activation
from cvxnn.deadlines import Deadline
from cvxnn.dynamics.descent.simulation import (
    drawn_objective,
    require_fitting,
    require_schedule,
    run_steps,
    sample_stream,
    schedule_factor,
    simulate,
)
from cvxnn.dynamics.descent.sources import SampleSource, as_source
from cvxnn.dynamics.initialisation import mean_field_rates
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Point, Weights, as_weights
from cvxnn.dynamics.trajectories.record_book import Record, RecordBook, Spacing, record_steps
from cvxnn.dynamics.trajectories.records import Objective, as_records
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import Seed
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, require_kind


@dataclass(frozen=True)
class MassObjective(Record):
    """The loss and ``beta sum_j |a_j|``, shape (B,): the objective of particles with bounded activations.

    Parameters
    ----------
    beta : float
        Weight decay.
    """

    beta: float
    name: str = "objective"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the objective."""
        loss = objective.loss(np.moveaxis(weights.hidden, 0, 1), weights.output)
        return np.asarray(loss + self.beta * np.sum(np.abs(weights.output), axis=1))


@on_one_blas_thread
def particle_flow(
    source: Problem | SampleSource,
    start: Weights | ReLUNetwork,
    *,
    n_steps: int,
    step_size: Any,
    activation: Any = "relu",
    schedule: Callable[[int], float] | None = None,
    record: Iterable[str | Record] | str | Record = ("objective",),
    n_records: int = 101,
    spacing: Spacing = "linear",
    max_bytes: float = 2**30,
    max_seconds: float | None = None,
    random_state: Seed = 0,
) -> Trajectory:
    """Move particles down the gradient of the objective as a function of their measure, by explicit Euler steps.

    With m particles ``p_j = (v_j, w_j)`` the objective is ``F = R((1/m) sum_j phi(p_j)) + (1/m) sum_j V(p_j)``, R the
    summed loss and ``phi = w sigma(X v)``, and they follow ``dp_j/dt = -m grad_{p_j} F``, where

    - for ReLU (phi is 2-homogeneous) ``V = beta/2 (||v||^2 + w^2)``;
    - for sigmoid, tanh and others without a degree (phi is 1-homogeneous in w only) ``V = beta |w|``, by
      soft-thresholding steps.

    Networks are those of the plain sum, ``f = sum_j a_j sigma(X u_j)``, as `mean_field` makes them and `particles_of`
    reads them: for ReLU ``u = v/sqrt(m)``, ``a = w/sqrt(m)``, for others ``u = v``, ``a = w/m``.

    Parameters
    ----------
    source : Problem or SampleSource
        What gradients are taken of, as for `simulate`; ``beta >= 0``.
    start : Weights or ReLUNetwork
        B networks to start from.
    n_steps : int
        Number of steps.
    step_size : float or ndarray of shape (B,)
        Time of a step: after t steps the flow is at time ``t step_size``.
    activation : str, int or Activation, default "relu"
        Of degree 1 or none.
    schedule, record, n_records, spacing, max_bytes, max_seconds, random_state
        As for `simulate`. "objective" is F with the V above.

    Returns
    -------
    Trajectory
        Of the networks; ``times`` are numbers of steps. After an interrupt or the time limit, what there is of it.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value, or the activation has another degree than 1.

    Notes
    -----
    For ReLU the particles' flow *is* gradient flow of the network with weight decay at the same time t, and the same
    holds for Euler steps: this is `simulate`. For others the hidden weights move m times as fast as in plain descent,
    and the output weights m times more slowly.

    References
    ----------
    L. Chizat and F. Bach, "On the global convergence of gradient descent for over-parameterized models using optimal
    transport", NeurIPS 2018, eq. (3)-(4) and section 4; report "On convex neural networks", section 4.3.

    Examples
    --------
    >>> from cvxnn.dynamics.initialisation import mean_field
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> flow = particle_flow(problem, mean_field(1, 20), n_steps=500, step_size=0.1)
    >>> flow["objective"][[0, -1], 0].round(3)
    array([2.607, 0.29 ])
    """
    activation = get_activation(activation)
    if activation.degree == 1:
        return simulate(
            source,
            start,
            n_steps=n_steps,
            step_size=step_size,
            schedule=schedule,
            activation=activation,
            record=record,
            n_records=n_records,
            spacing=spacing,
            max_bytes=max_bytes,
            max_seconds=max_seconds,
            random_state=random_state,
        )
    if activation.degree is not None:
        raise ValueError(f"activation must have degree 1, as ReLU, or none, as sigmoid; got {activation!r}")
    source, start = as_source(source), as_weights(start)
    loss = BatchedObjective(source.judge(), 0.0, activation)
    require_fitting(loss, start)
    steps = record_steps(as_count(n_steps, "n_steps", 1), n_records, spacing)
    records = tuple(MassObjective(source.beta) if isinstance(r, Objective) else r for r in as_records(record))
    deadline = Deadline.after(max_seconds)
    book = RecordBook(loss, records, len(steps), max_bytes)
    require_schedule(schedule)
    # the stream of `simulate`: with equal seeds both kinds of particles see the same samples
    rng = sample_stream(random_state)
    flow = _MassFlow(source, loss, _times(step_size, start), schedule, rng, start)
    return run_steps(flow, book, steps, deadline)


class _MassFlow:
    """A batch of networks on its way, with mobilities m and 1/m, and soft thresholds for ``V = beta |w|``.

    Parameters
    ----------
    source : SampleSource
        Where gradients come from.
    loss : BatchedObjective
        The loss of all samples.
    times : ndarray of shape (B, 1)
        Step sizes.
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
        loss: BatchedObjective,
        times: Array,
        schedule: Callable[[int], float] | None,
        rng: np.random.Generator,
        start: Weights,
    ) -> None:
        self._source, self._loss, self._times = source, loss, times
        self._schedule, self._rng = schedule, rng
        self.point: Point = (np.moveaxis(start.hidden, 0, 1).copy(), start.output.copy())
        self.n_steps = 0
        self._rates = mean_field_rates(start.n_neurons, activation=loss.activation)

    def step(self) -> None:
        """Take a step: forward in the loss, and in ``beta |a|`` by its proximal map."""
        hidden, output = self.point
        drawn = drawn_objective(self._source, self._loss, self._rng, len(output))
        grad_hidden, grad_output = drawn.gradient(hidden, output)
        factor = schedule_factor(self._schedule, self.n_steps)
        fast, slow = (rate * factor * self._times for rate in self._rates)
        moved = output - slow * grad_output
        shrunk = np.maximum(np.abs(moved) - slow * self._source.beta, 0.0)
        point = (hidden - fast * grad_hidden, np.sign(moved) * shrunk)
        self.point, self.n_steps = point, self.n_steps + 1


def _times(step_size: Any, start: Weights) -> Array:
    times = as_finite_array(step_size, "step_size", (0, 1))
    if (times.ndim == 1 and len(times) != start.n_networks) or np.any(times < 0):
        raise ValueError(f"step_size must be a number >= 0, or {start.n_networks} of them; got {step_size!r}")
    return np.broadcast_to(times, (start.n_networks,))[:, None]


def particles_of(weights: Weights, *, activation: Any = "relu") -> Weights:
    """Return the particles ``(v_j, w_j)`` of networks of the plain sum: the inverse of `of_particles`.

    Parameters
    ----------
    weights : Weights
        Networks ``f = sum_j a_j sigma(x^T u_j)``.
    activation : str, int or Activation, default "relu"
        Activation function.

    Returns
    -------
    Weights
        ``hidden`` holds v_j, ``output`` holds w_j: ``f = (1/m) sum_j w_j sigma(x^T v_j)``.

    Examples
    --------
    >>> particles_of(Weights(np.ones((1, 4)), np.ones(4))).output
    array([[2., 2., 2., 2.]])
    """
    m = require_kind(weights, Weights, "weights").n_neurons
    if get_activation(activation).degree == 1:
        return Weights(np.sqrt(m) * weights.hidden, np.sqrt(m) * weights.output)
    return Weights(weights.hidden, m * weights.output)
