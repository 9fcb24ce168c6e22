"""Gradient flow of two-layer ReLU networks on the logistic loss, followed to very small losses."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.integrate import BDF
from scipy.optimize import brentq

from cvxnn.deadlines import Deadline
from cvxnn.dynamics.flows.logistic_field import LogisticField, log_loss, log_times, smoothed_margin
from cvxnn.model_files import read_model, write_model
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_labelled
from cvxnn.seeds import Seed, as_generator, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import require_balanced
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import power_of_four
from cvxnn.validation import Array, PrecisionError, as_count, as_number, within_float64

# Half the width of a kink, as a cosine.
_KINK_WIDTH = 1e-6
# A flow whose weights change by less than this share of themselves in a unit of its clock has stopped; while it
# separates the data they grow by the margin per unit.
_STOPPED = 1e-5
_BALANCED = 1e-9
# Of the longest row: squares of shorter ones vanish.
_LEAST_LENGTH = 1e-100
# Of SciPy's methods BDF takes a fifth of the time of Radau; LSODA takes the stiff end for not stiff and is ten times
# as slow.
_METHOD = BDF

_KIND, _VERSION = "logistic flow", 1
_ARRAYS = ("X", "y", "signs", "clock", "hidden", "log_losses")

# What is left to the end of a flow, at a state.
_Left = Callable[[Array], float]


@short_repr
@dataclass(frozen=True, eq=False)
class LogisticFlow:
    """A trajectory of gradient flow.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    y : ndarray of shape (n,)
        Labels.
    signs : ndarray of shape (m,)
        Signs of the output weights, which do not change.
    clock : ndarray of shape (k,)
        ``s`` with ``ds = sum_i |l_i'| dt``.
    hidden : ndarray of shape (k, d, m)
        Hidden weights at each time; output weights are ``s_j ||u_j||``.
    log_losses : ndarray of shape (k,)
        Natural logarithms of the loss.
    status : TrajectoryStatus
        Why it ended.
    """

    X: Array
    y: Array
    signs: Array
    clock: Array
    hidden: Array
    log_losses: Array
    status: TrajectoryStatus

    @property
    def network(self) -> ReLUNetwork:
        """Return the network at the end."""
        U = self.hidden[-1]
        return ReLUNetwork(U, self.signs * np.linalg.norm(U, axis=0))

    @property
    def kink_width(self) -> float:
        """Return half the width within which the flow holds a neuron on a kink, as a cosine of neuron and sample."""
        return _KINK_WIDTH

    @property
    def weight_decays(self) -> Array:
        """Return ``1/2 ||theta||^2 = sum_j ||u_j||^2`` at each time."""
        return np.asarray(np.sum(self.hidden**2, axis=(1, 2)))

    @cached_property
    def log_times(self) -> Array:
        """Return ``log t`` at each time, t the time of plain gradient flow, which overflows; ``-inf`` at the start.

        ``t = integral of ds / r``, by quadrature on parts of the recorded steps. At losses of ``exp(-600)`` that costs
        0.2 % of t, less before; small margins' errors of the flow itself count like theirs in ``exp(margin)``.
        """
        unit = power_of_four(self.X)  # weights are in units of its root, the clock and times of its inverse
        flow = LogisticField(self.X / unit, self.y, self.signs, _KINK_WIDTH)
        states = self.hidden.reshape(len(self.clock), -1) * math.sqrt(unit)
        return log_times(flow, self.clock * unit, states) - math.log(unit)

    @property
    def smoothed_margins(self) -> Array:
        """Return ``l^{-1}(L) / (1/2 ||theta||^2)`` at each time.

        Once it is positive it never falls, and it tends to the margin of the limit's direction (Lyu and Li 2020).
        """
        return np.asarray(smoothed_margin(self.log_losses) / self.weight_decays)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the flow to a file, atomically and as plain data; `load_logistic_flow` reads it back bit for bit."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        write_model(path, _KIND, _VERSION, {"status": self.status.name}, arrays)


def load_logistic_flow(path: str | os.PathLike[str]) -> LogisticFlow:
    """Read a flow that `LogisticFlow.save` wrote.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    LogisticFlow

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds no such flow, is damaged, or is newer than this release.
    """
    header, arrays = read_model(path, _KIND, _VERSION)
    try:
        X, y, signs, clock, hidden, losses = (arrays[name] for name in _ARRAYS)
        if hidden.shape != (len(clock), X.shape[1], len(signs)) or (y.shape, losses.shape) != (
            X.shape[:1],
            clock.shape,
        ):
            raise ValueError("shapes that do not agree")
        return LogisticFlow(X, y, signs, clock, hidden, losses, TrajectoryStatus[header["status"]])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ValueError(f"path must be a whole file of a flow; {path} is damaged ({error!r})") from None


@on_one_blas_thread
def logistic_flow(
    X: Any,
    y: Any,
    *,
    n_neurons: int = 20,
    size: float = 1e-4,
    start: ReLUNetwork | None = None,
    loss_exponent: float = 1e3,
    max_clock: float = 1e4,
    rtol: float = 1e-6,
    max_seconds: float | None = None,
    random_state: Seed = 0,
) -> LogisticFlow:
    """Follow gradient flow on ``sum_i log(1 + exp(-y_i f(x_i)))`` without weight decay, from a small balanced start.

    In the clock s the weights grow like ``exp(s / value)`` once the data is separated, so that losses as small as
    ``exp(-1000)`` are reached in some tens of units, by an implicit multistep method.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, no zero row.
    y : array_like of shape (n,)
        Labels, -1 and +1.
    n_neurons : int, default 20
        m, with alternating output signs and uniform random directions.
    size : float, default 1e-4
        ``||u_j||`` at the start, on data scaled to a median row norm of one.
    start : ReLUNetwork, optional
        Where to start instead; balanced, one output, no output offset, no zero neuron.
    loss_exponent : float, default 1e3
        Stop at a loss of ``exp(-loss_exponent)``; the direction is then within some ``1 / loss_exponent`` of its
        limit.
    max_clock : float, default 1e4
        Stop at this clock, on data scaled to a median row norm of one.
    rtol : float, default 1e-6
        Relative tolerance of the integrator.
    max_seconds : float, optional
        Stop after this long; the flow so far is returned, as it is after an interrupt.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the start.

    Returns
    -------
    LogisticFlow

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value, a row of X is zero, or labels are not -1 and +1.
    HypothesisError
        If ``start`` is not balanced.
    PrecisionError
        If the integrator's steps fall below rounding, or rows are of lengths too different for double precision.

    References
    ----------
    K. Lyu and J. Li, "Gradient descent maximizes the margin of homogeneous neural networks", ICLR 2020; L. F.
    Shampine and M. W. Reichelt, "The MATLAB ODE suite", SIAM J. Sci. Comput. 1997 (backward differentiation).

    Examples
    --------
    >>> flow = logistic_flow([[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0], n_neurons=8)
    >>> flow.status.name, round(float(flow.log_losses[-1]))
    ('REACHED', -1000)
    """
    X, y = as_labelled(X, y)
    if not np.all(np.any(X != 0, axis=1)):
        raise ValueError("X must have no zero row: its prediction is 0 whatever the weights")
    loss_exponent = as_number(loss_exponent, "loss_exponent", positive=True)
    require_seed(random_state)
    max_clock = as_number(max_clock, "max_clock", positive=True)
    rtol = as_number(rtol, "rtol", positive=True)
    unit = power_of_four(X)
    lengths = np.linalg.norm(X / unit, axis=1)
    if np.min(lengths) < _LEAST_LENGTH:
        raise PrecisionError(
            f"X must have rows of lengths within a factor of {1 / _LEAST_LENGTH:.0e} of each other; row "
            f"{int(np.argmin(lengths))} is shorter"
        )
    scale = float(np.median(lengths))
    if start is None:
        m = as_count(n_neurons, "n_neurons", 1)
        hidden, signs = _small(X.shape[1], m, as_number(size, "size", positive=True), random_state)
    else:
        hidden, signs = _of_network(start, X.shape[1])
        hidden = hidden * math.sqrt(unit) * np.sqrt(scale)
    deadline = Deadline.after(max_seconds)
    flow = LogisticField(X / unit / scale, y, signs, _KINK_WIDTH)
    atol = rtol * float(np.min(np.linalg.norm(hidden, axis=0)))
    solver = _METHOD(flow.velocity, 0.0, hidden.ravel(), max_clock, jac=flow.jacobian, rtol=rtol, atol=atol)
    # SciPy leaves these rows as memory was; its first step takes a difference with one of them, and never uses it.
    solver.D[2:] = 0.0
    clock, states, status = _followed(flow, solver, loss_exponent, deadline)
    losses = np.array([log_loss(flow.margins(state)) for state in states])
    with within_float64("X"):
        path = states.reshape(-1, *hidden.shape) / np.sqrt(scale) / math.sqrt(unit)
        return LogisticFlow(X, y, signs, clock / scale / unit, path, losses, status)


def _followed(
    flow: LogisticField, solver: Any, loss_exponent: float, deadline: Deadline
) -> tuple[Array, Array, TrajectoryStatus]:
    """Take steps to the first end; return times (k,) of the clock, states (k, d m), and why it ended."""
    ends: dict[TrajectoryStatus, _Left] = {
        TrajectoryStatus.REACHED: lambda state: log_loss(flow.margins(state)) + loss_exponent,
        TrajectoryStatus.STOPPED: lambda state: flow.growth(state) - _STOPPED,
    }
    clock, states, status = [0.0], [solver.y], TrajectoryStatus.CLOCK
    left = {status: end(solver.y) for status, end in ends.items()}
    if left[TrajectoryStatus.REACHED] <= 0:
        return np.array(clock), np.array(states), TrajectoryStatus.REACHED
    try:
        while solver.status == "running" and status is TrajectoryStatus.CLOCK:
            if deadline.is_over:
                status = TrajectoryStatus.MAX_SECONDS
                break
            message = solver.step()
            if solver.status == "failed":
                raise PrecisionError(f"gradient flow could not be integrated in double precision: {message}")
            before, left = left, {status: end(solver.y) for status, end in ends.items()}
            fallen = [(end, status) for status, end in ends.items() if before[status] > 0 >= left[status]]
            t, state, status = _first_end(fallen, solver)
            clock.append(t)
            states.append(state)
    except KeyboardInterrupt:
        status = TrajectoryStatus.INTERRUPTED
    k = min(len(clock), len(states))
    return np.array(clock[:k]), np.array(states[:k]), status


def _first_end(
    fallen: list[tuple[_Left, TrajectoryStatus]], solver: Any
) -> tuple[float, Array, TrajectoryStatus]:
    """Return where a step ends, or where the first of the quantities that fell to zero on it did, and which."""
    if not fallen:
        return solver.t, solver.y, TrajectoryStatus.CLOCK
    path = solver.dense_output()
    times = [float(brentq(lambda t, end=end: end(path(t)), solver.t_old, solver.t)) for end, _ in fallen]
    first = int(np.argmin(times))
    return times[first], np.asarray(path(times[first])), fallen[first][1]


def _small(d: int, m: int, size: float, random_state: Seed) -> tuple[Array, Array]:
    """Return hidden weights (d, m) of one norm and random directions, and alternating signs."""
    hidden = as_generator(random_state).standard_normal((d, m))
    return size * hidden / np.linalg.norm(hidden, axis=0), np.where(np.arange(m) % 2 == 0, 1.0, -1.0)


def _of_network(network: ReLUNetwork, d: int) -> tuple[Array, Array]:
    """Return the hidden weights and output signs of a balanced network."""
    norms = np.linalg.norm(network.hidden, axis=0)
    plain = network.n_features == d and network.n_outputs == 1 and not np.any(network.offset)
    if not plain or network.n_neurons == 0 or np.min(norms, initial=np.inf) == 0.0:
        raise ValueError(
            f"start must have {d} features, one output, no output offset and no zero neuron; got {network!r}"
        )
    network = network.one_output()
    require_balanced(norms, np.abs(network.output), "start", slack=_BALANCED * norms)
    return network.hidden, np.sign(network.output)
