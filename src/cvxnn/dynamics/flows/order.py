"""Descent with small steps follows the flow: the error at a fixed time is of first order in the step size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.starts.weights import Weights, as_weights
from cvxnn.dynamics.trajectories.trajectory import FlowEvents
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import log_log_slope
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, PrecisionError, as_count

# What weights of `gradient_flow` are exact to, relative to the largest.
_FLOW_ERROR = 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class DescentOrder:
    """How far descent is from flow at one time, for several step sizes.

    Parameters
    ----------
    step_sizes : ndarray of shape (k,)
        Step sizes of gradient descent.
    errors : ndarray of shape (k,)
        Largest difference of a weight from the flow's.
    order : Comparison
        Slope of ``log(error)`` against ``log(step size)``, predicted to be 1.
    events : FlowEvents
        What the flow met on its way.
    """

    step_sizes: Array
    errors: Array
    order: Comparison
    events: FlowEvents


@on_one_blas_thread
def descent_order(
    problem: Problem,
    start: Weights | ReLUNetwork,
    *,
    t_end: float,
    n_steps: Sequence[int] = (500, 1000, 2000, 4000),
    activation: Any = "relu",
    tol: float = 0.2,
    max_seconds: float | None = None,
) -> DescentOrder:
    """Compare gradient descent with gradient flow at one time, for several step sizes.

    Statement
        ``max |theta_h(t) - theta(t)| = O(h)`` as the step size h goes to zero: explicit Euler steps are of first
        order, and remain so across kinks that flow crosses or slides along.
    Hypotheses
        Flow is unique up to the time (`FlowEvents.unique`); the start is not stationary, so that errors are larger than
        those of `gradient_flow` itself.
    Guarantee
        An upper bound: errors may fall faster for a while. While kinks are crossed the constant jumps with the step
        in which the crossing falls, by which single slopes scatter around 1.

    Parameters
    ----------
    problem : Problem
        One output, a smooth loss; ``beta >= 0``.
    start : Weights or ReLUNetwork
        One network.
    t_end : float
        The time.
    n_steps : sequence of int, default (500, 1000, 2000, 4000)
        Numbers of steps up to that time, at least two different ones.
    activation : str, int or Activation, default "relu"
        Activation function.
    tol : float, default 0.2
        Tolerance of the slope.
    max_seconds : float, optional
        Time limit of the flow; without an order where flow does not come to ``t_end``.

    Returns
    -------
    DescentOrder

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.
    ValueError
        If an argument has a wrong shape or value.
    PrecisionError
        If flow cannot be continued to ``t_end``, or not in time.

    References
    ----------
    E. Hairer, S. P. Norsett, G. Wanner, "Solving ordinary differential equations I", theorem II.3.4; for differential
    inclusions A. Dontchev and F. Lempio, "Difference methods for differential inclusions: a survey", SIAM Review 1992.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.6, 0.8]], [-1.0, 1.0], beta=0.0)
    >>> found = descent_order(problem, Weights([[0.5], [0.1]], [0.8]), t_end=0.5)
    >>> found.order.holds, round(found.order.measured, 2)
    (True, 1.0)
    """
    problem = as_problem(problem)
    counts = [as_count(k, "n_steps", 1) for k in n_steps]
    if len(set(counts)) < 2:
        raise ValueError(f"n_steps must hold two different numbers; got {list(n_steps)}")
    start = as_weights(start)
    if start.n_networks != 1:
        raise ValueError(f"start must be one network; got {start!r}")
    flow = gradient_flow(
        problem, start, t_end=t_end, activation=activation, n_records=2, max_seconds=max_seconds
    )
    events = flow.events
    assert events is not None
    if flow.status is not TrajectoryStatus.FINISHED:
        raise PrecisionError(
            f"flow must come to t_end; it ended at t = {flow.times[-1]:.6g}: {flow.status.value}"
        )
    if not np.all(events.unique):
        first = int(np.argmin(events.unique))
        raise HypothesisError(
            f"flow must be unique up to t_end; it may go on in several ways from t = {events.times[first]:.6g} on, at "
            f"neuron {events.neurons[first]}"
        )
    steps, errors = np.array([t_end / k for k in counts]), []
    for k, h in zip(counts, steps, strict=True):
        end = simulate(problem, start, n_steps=k, step_size=h, activation=activation, n_records=2).final
        errors.append(
            max(
                np.max(np.abs(end.hidden - flow.final.hidden)), np.max(np.abs(end.output - flow.final.output))
            )
        )
    size = max(np.max(np.abs(flow.final.hidden)), np.max(np.abs(flow.final.output)))
    if min(errors) <= _FLOW_ERROR * size:
        raise HypothesisError(
            f"descent must differ from flow by more than flow's own error, {_FLOW_ERROR} of the weights; it differs by "
            f"{min(errors):.3g} at {size:.3g}: the start must not be stationary, steps not be too small"
        )
    slope = log_log_slope(steps, errors).value
    return DescentOrder(steps, np.array(errors), Comparison(slope, 1.0, tol=tol), events)
