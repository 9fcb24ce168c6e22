"""Gradient flow of two-layer ReLU networks on the logistic loss, followed to very small losses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp

from cvxnn.dynamics.logistic_field import LogisticField, log_loss, smoothed_margin
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_labelled
from cvxnn.theorems import HypothesisError
from cvxnn.validation import Array, as_count, as_number

# Half the width of a kink, as a cosine.
KINK_WIDTH = 1e-6
# A flow whose weights change by less than this share of themselves in a unit of its clock has stopped; while it
# separates the data they grow by the margin per unit.
_STOPPED = 1e-5
_BALANCED = 1e-9
# Of SciPy's methods: a fifth of the time of Radau; LSODA takes the stiff end for not stiff and is ten times as slow.
_METHOD = "BDF"


class FlowStatus(Enum):
    """Why a flow ended."""

    REACHED = "the loss fell to the value asked for"
    STOPPED = "the weights stopped to move before the loss fell that far: try another start, or more neurons"
    CLOCK = "the clock ran out before the loss fell that far: try another start, or raise max_clock"


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
    status : FlowStatus
        Why it ended.
    """

    X: Array
    y: Array
    signs: Array
    clock: Array
    hidden: Array
    log_losses: Array
    status: FlowStatus

    @property
    def network(self) -> ReLUNetwork:
        """Return the network at the end."""
        U = self.hidden[-1]
        return ReLUNetwork(U, self.signs * np.linalg.norm(U, axis=0))

    @property
    def weight_decays(self) -> Array:
        """Return ``1/2 ||theta||^2 = sum_j ||u_j||^2`` at each time."""
        return np.asarray(np.sum(self.hidden**2, axis=(1, 2)))

    @property
    def smoothed_margins(self) -> Array:
        """Return ``l^{-1}(L) / (1/2 ||theta||^2)`` at each time.

        Once it is positive it never falls, and it tends to the margin of the limit's direction (Lyu and Li 2020).
        """
        return np.asarray(smoothed_margin(self.log_losses) / self.weight_decays)


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
    random_state: int = 0,
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
    random_state : int, default 0
        Seed of the start.

    Returns
    -------
    LogisticFlow

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value.

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
    max_clock = as_number(max_clock, "max_clock", positive=True)
    rtol = as_number(rtol, "rtol", positive=True)
    scale = float(np.median(np.linalg.norm(X, axis=1)))
    if start is None:
        m = as_count(n_neurons, "n_neurons", 1)
        hidden, signs = _small(X.shape[1], m, as_number(size, "size", positive=True), random_state)
    else:
        hidden, signs = _of_network(start, X.shape[1])
        hidden = hidden * np.sqrt(scale)
    flow = LogisticField(X / scale, y, signs, KINK_WIDTH)
    events = [lambda _, state: -log_loss(flow.margins(state)) - loss_exponent]
    events.append(lambda _, state: flow.growth(state) - _STOPPED)
    for event in events:
        event.terminal = True  # type: ignore[attr-defined]
    found = solve_ivp(
        flow.velocity,
        (0.0, max_clock),
        hidden.ravel(),
        method=_METHOD,
        jac=flow.jacobian,
        rtol=rtol,
        atol=rtol * float(np.min(np.linalg.norm(hidden, axis=0))),
        events=events,
    )
    if not found.success:
        raise ArithmeticError(f"gradient flow could not be integrated: {found.message}")
    ended = [len(times) > 0 for times in found.t_events]
    status = FlowStatus.REACHED if ended[0] else FlowStatus.STOPPED if ended[1] else FlowStatus.CLOCK
    states = found.y.T
    losses = np.array([log_loss(flow.margins(state)) for state in states])
    path = states.reshape(-1, *hidden.shape) / np.sqrt(scale)
    return LogisticFlow(X, y, signs, found.t / scale, path, losses, status)


def _small(d: int, m: int, size: float, random_state: int) -> tuple[Array, Array]:
    """Return hidden weights (d, m) of one norm and random directions, and alternating signs."""
    hidden = np.random.default_rng(random_state).standard_normal((d, m))
    return size * hidden / np.linalg.norm(hidden, axis=0), np.where(np.arange(m) % 2 == 0, 1.0, -1.0)


def _of_network(network: ReLUNetwork, d: int) -> tuple[Array, Array]:
    """Return the hidden weights and output signs of a balanced network."""
    norms = np.linalg.norm(network.hidden, axis=0)
    plain = network.n_features == d and network.output.ndim == 1 and not np.any(network.offset)
    if not plain or network.n_neurons == 0 or np.min(norms, initial=np.inf) == 0.0:
        raise ValueError(
            f"start must have {d} features, one output, no output offset and no zero neuron; got {network!r}"
        )
    if np.any(np.abs(np.abs(network.output) - norms) > _BALANCED * norms):
        raise HypothesisError("start must be balanced: ||u_j|| = |a_j| for every neuron")
    return network.hidden, np.sign(network.output)
