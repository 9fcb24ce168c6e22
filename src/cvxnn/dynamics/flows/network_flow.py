"""Gradient flow of two-layer networks, integrated piece by piece between the boundaries of samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from scipy.integrate import DOP853, Radau

from cvxnn.activations import PositivePart, get_activation
from cvxnn.deadlines import Deadline
from cvxnn.dynamics.descent.simulation import require_fitting
from cvxnn.dynamics.flows.boundaries import Boundaries
from cvxnn.dynamics.flows.integrator import BatchFlow, NetworkFlow
from cvxnn.dynamics.flows.pieces import FlowPiece
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights, as_weights
from cvxnn.dynamics.trajectories.record_book import Record, RecordBook, Spacing
from cvxnn.dynamics.trajectories.records import as_records
from cvxnn.dynamics.trajectories.trajectory import FlowEvents, Trajectory
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.statuses import TrajectoryStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number, within_float64

# Logarithmic times begin at this share of the end.
_FIRST_TIME = 1e-6
# An explicit method of order 8 takes steps of about six in units of the curvature's inverse, some 10,000 a second.
_STEP_IN_CURVATURE = 6.0
_MOST_STEPS, _MOST_STEPS_AT_ALL = 1e8, 1e30


@on_one_blas_thread
def gradient_flow(
    problem: Problem,
    start: Weights | ReLUNetwork,
    *,
    t_end: float,
    activation: Any = "relu",
    rtol: float = 1e-10,
    atol: float = 1e-13,
    stiff: bool = False,
    record: Iterable[str | Record] | str | Record = ("objective",),
    n_records: int = 101,
    spacing: Spacing = "linear",
    max_bytes: float = 2**30,
    max_seconds: float | None = None,
) -> Trajectory:
    """Follow gradient flow ``dtheta/dt = -grad F(theta)`` of a batch of networks, locating every crossing of a kink.

    Parameters
    ----------
    problem : Problem
        One output, no output offset, a smooth loss; ``beta >= 0``.
    start : Weights or ReLUNetwork
        B networks to start from.
    t_end : float
        When to end; the flow is that of the *summed* objective.
    activation : str, int or Activation, default "relu"
        Activation function. Only ReLU's flow jumps, so that only its crossings are located.
    rtol, atol : float, default 1e-10 and 1e-13
        Tolerances of a step: its estimated error is at most ``atol + rtol |theta|`` in root mean square.
        Within a step weights are read off its interpolant, which is less exact: to some 1e-9 by default.
    stiff : bool, default False
        Whether to take an implicit method (Radau of order 5) instead of the explicit one of order 8.
    record, n_records, spacing, max_bytes, max_seconds
        As of `simulate`. Logarithmic times begin at ``1e-6 t_end``.

    Returns
    -------
    Trajectory
        Its ``times`` are times of the flow; its ``events`` are the crossings and slides, none but for ReLU. A run that
        ends early has a row at the time that all networks have reached, where ``final`` is too.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value, the loss is not smooth, or the explicit method would take more than
        about 1e8 steps and there is no time limit: the message says up to which ``t_end`` it would not.

    Notes
    -----
    A step takes the field with the patterns frozen. Where one of the margins ``+-x_i^T u_j`` has become negative, at
    one of four times within the step, the crossing is located on the step's interpolant by Brent's method, and the
    integrator starts anew there. At the boundary the fields of both sides are compared: if both push back to it,
    which is where the objective is convex across it, the neuron slides along it by the projected field, until the
    multiplier that keeps it there leaves ``[0, 1]``. That is Filippov's solution, and the element of least norm of
    Clarke's subdifferential. Where the objective is concave across the boundary the neuron passes.

    Flow is not unique everywhere. A neuron that starts on a boundary across which the objective is concave, or slides
    along one while ``a_j`` passes through zero, may go to either side: the inactive one is followed, as ReLU's
    derivative is 0 at 0. A neuron that starts at or slides into the origin, ``u_j = 0``, may stay or leave: it stays.
    `FlowEvents.unique` tells of all these, of starts by an event at time 0. Balanced neurons, ``||u_j|| = |a_j| > 0``,
    slide into neither, but may start on a boundary.

    A network whose flow cannot be continued, because steps fall below rounding or boundaries are met without end, is
    not a number from there on, and logged; the others go on. Where none is left the trajectory ends, with status
    ``STALLED`` and the last one's state.

    Flow multiplies ``||u_j||^2 - a_j^2`` of every ReLU neuron by ``exp(-2 beta t)``, whatever it crosses.

    A step costs some 13 products with X of one network; the network that is behind takes the next step.

    References
    ----------
    A. F. Filippov, "Differential equations with discontinuous righthand sides", 1988, section 4; E. Hairer, S. P.
    Norsett, G. Wanner, "Solving ordinary differential equations I", sections II.5-6.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.6, 0.8]], [-1.0, 1.0], beta=0.0)
    >>> flow = gradient_flow(problem, Weights([[0.5], [0.1]], [0.8]), t_end=10.0)
    >>> flow.events, round(float(flow["objective"][-1, 0]), 6)
    (FlowEvents(0 crossings, 1 slides, 0 rests), 0.5)
    """
    problem = as_problem(problem)
    if not isinstance(problem, Problem):
        raise ValueError(
            f"problem must be a Problem: flow is that of all samples; got {type(problem).__name__}"
        )
    activation = get_activation(activation)
    if not problem.loss.is_smooth:
        raise ValueError(f"problem must have a smooth loss; its loss {problem.loss.name!r} has kinks")
    objective, start = BatchedObjective.of(problem, activation), as_weights(start)
    require_fitting(objective, start)
    settings = {
        "rtol": as_number(rtol, "rtol", positive=True),
        "atol": as_number(atol, "atol", positive=True),
    }
    deadline = Deadline.after(max_seconds)
    times = _record_times(as_number(t_end, "t_end", positive=True), n_records, spacing)
    book = RecordBook(objective, as_records(record), len(times), max_bytes)
    shape = start.n_features, start.n_neurons
    begin = _integrator(objective, shape, Radau if stiff else DOP853, float(times[-1]), settings)
    with within_float64("the problem, start and t_end"):
        _require_ending(problem, start, float(times[-1]), limited=max_seconds is not None or stiff)
        flows = _flows(objective, start, begin)
    return _followed(BatchFlow(flows, deadline), flows, book, times, shape)


def _require_ending(problem: Problem, start: Weights, t_end: float, *, limited: bool) -> None:
    """Refuse what an explicit method would not come to the end of, and what no method would.

    It takes steps of some units of the curvature's inverse, also where flow has come to rest. The curvature is about
    ``L ||X||_2^2 ||theta||^2`` with L that of the loss, and ``||theta||^2`` at least what targets of that size take.
    """
    rows = np.linalg.norm(problem.X, axis=1)
    weights = np.sum(start.hidden**2, axis=(1, 2)) + np.sum(start.output**2, axis=1)
    reach = float(np.max(np.abs(problem.y))) / float(np.max(rows)) if np.any(rows) else 0.0
    largest = float(np.max(np.append(weights, reach)))
    curvature = problem.curvature * float(np.linalg.norm(problem.X, 2)) ** 2 * largest + problem.beta
    n_steps = t_end * curvature / _STEP_IN_CURVATURE
    if n_steps > (_MOST_STEPS_AT_ALL if limited else _MOST_STEPS):
        raise ValueError(
            f"t_end must be at most about {t_end / n_steps * _MOST_STEPS:.1e} for data, targets and weights of this "
            f"size; got {t_end:g}, which takes about {n_steps:.1e} steps: rescale X and y"
            + ("" if limited else ", or give max_seconds, or take gradient_flow with stiff=True")
        )


def _flows(objective: BatchedObjective, start: Weights, begin: Callable[..., Any]) -> list[NetworkFlow]:
    """Return the flows of all networks, each on the piece that it starts on."""
    boundaries = Boundaries.of(objective.samples.X) if _jumps(objective.activation) else None
    flows = []
    for hidden, output in zip(start.hidden, start.output, strict=True):
        state, piece = _state(hidden, output), None
        if boundaries is not None:
            piece, state = FlowPiece.at(objective, boundaries, state, start.n_neurons)
        flows.append(NetworkFlow(begin, piece, state))
    return flows


def _followed(
    batch: BatchFlow, flows: list[NetworkFlow], book: RecordBook, times: Array, shape: tuple[int, int]
) -> Trajectory:
    """Follow flows to the last time, the time limit, an interrupt or the end of all flows; record on the way."""
    status, ended = TrajectoryStatus.FINISHED, float(times[-1])
    try:
        for t in times:
            with np.errstate(over="ignore", invalid="ignore"):  # steps that are too long are taken back
                batch.advance_to(t)
            book.add(t, _point(shape, batch.at(t)))
    except TimeoutError:
        status, ended = TrajectoryStatus.MAX_SECONDS, batch.reach
    except KeyboardInterrupt:
        status, ended = TrajectoryStatus.INTERRUPTED, batch.reach
    except ArithmeticError:
        status, ended = TrajectoryStatus.STALLED, batch.reach
    point = _point(shape, batch.at(ended))
    if book.n_filled == 0 or book.last < ended:
        book.add(ended, point)
    rows = [(e[0], b, *e[1:]) for b, flow in enumerate(flows) for e in flow.events if e[0] <= book.last]
    return book.trajectory(point, status, FlowEvents.of(rows))


def _integrator(
    objective: BatchedObjective,
    shape: tuple[int, int],
    method: Any,
    t_end: float,
    settings: Mapping[str, float],
) -> Callable[..., Any]:
    """Return what begins to integrate a piece, or the smooth flow where there are none."""

    def smooth(_: float, state: Array) -> Array:
        hidden, output = _layers(state, shape)
        return -_state(*objective.gradient(hidden[:, None], output[None]))

    def begin(t: float, state: Array, piece: FlowPiece | None, step: float | None) -> Any:
        field = smooth if piece is None else piece.velocity
        first = None if step is None else min(step, t_end - t)
        return method(field, t, state, t_end, first_step=first, **settings)

    return begin


def _jumps(activation: Any) -> bool:
    return isinstance(activation, PositivePart) and activation.degree == 1


def _state(hidden: Array, output: Array) -> Array:
    return np.concatenate([hidden.ravel(), output.ravel()])


def _layers(state: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    size = shape[0] * shape[1]
    return state[:size].reshape(shape), state[size:]


def _point(shape: tuple[int, int], states: list[Array]) -> tuple[Array, Array]:
    """Return states as hidden weights (d, B, m) and output weights (B, m)."""
    layers = [_layers(state, shape) for state in states]
    return np.stack([u for u, _ in layers], axis=1), np.stack([a for _, a in layers])


def _record_times(t_end: float, n_records: int, spacing: Spacing) -> Array:
    n_records = as_count(n_records, "n_records", 2)
    if spacing == "linear":
        return np.linspace(0.0, t_end, n_records)
    if spacing == "log":
        return np.concatenate([[0.0], np.geomspace(_FIRST_TIME * t_end, t_end, n_records - 1)])
    raise ValueError(f"spacing must be 'linear' or 'log'; got {spacing!r}")
