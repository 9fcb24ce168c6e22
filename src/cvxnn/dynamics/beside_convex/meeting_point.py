"""The end of a trajectory whose patterns rest: the optimum of the convex program on them."""

from __future__ import annotations

from dataclasses import dataclass

from cvxnn.dynamics.beside_convex.comparison import convex_comparison
from cvxnn.dynamics.descent.projected import relatively_compared
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.landscape import stationarity
from cvxnn.names import keep_old_arguments
from cvxnn.problem import Problem, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import as_count, within_float64


@short_repr
@dataclass(frozen=True)
class Meeting:
    """The end of a trajectory beside the convex optimum on its patterns.

    Parameters
    ----------
    objective : Comparison
        The network's objective at the end; the optimum of the convex program on its patterns.
    settled_at : float
        Since when patterns have not changed.
    residual : float
        Clarke stationarity residual of the network at the end, as of `stationarity`.
    """

    objective: Comparison
    settled_at: float
    residual: float


@keep_old_arguments(network="index")
@on_one_blas_thread
def meeting(
    problem: Problem,
    trajectory: Trajectory,
    *,
    index: int = 0,
    n_still: int = 2,
    residual: float = 1e-2,
    tol: float = 1e-3,
) -> Meeting:
    """Compare the end of a trajectory whose patterns have stopped changing with the convex optimum on them.

    Statement: where descent converges without leaving its patterns any more, its limit is the optimum of the convex
    program on these patterns and signs. Hypotheses: patterns are the same at the last ``n_still`` recorded times, and
    the network at the end is stationary to ``residual``. Guarantee: tight in the limit.

    Parameters
    ----------
    problem : Problem
        One output, beta > 0, smooth loss.
    trajectory : Trajectory
        With the record "weights".
    index : int, default 0
        Which of its networks.
    n_still : int, default 2
        How many of the last recorded times must share their patterns.
    residual : float, default 1e-2
        Stationarity residual up to which the network counts as converged.
    tol : float, default 1e-3
        Relative tolerance of the comparison: descent that is stopped has not arrived.

    Raises
    ------
    HypothesisError
        If patterns still change, or the network is not stationary.
    ValueError
        As for `convex_comparison`.

    Notes
    -----
    Optimal neurons often sit on the boundary of their cell. Descent of a fixed step then goes to and fro across it: its
    patterns may never rest, and the residual stays of the order of the step. Smaller steps at the end help.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, ICLR 2022 (Clarke stationary points and sub-sampled convex programs); see
    `cvxnn.landscape.optimal_on_own_patterns` for a network that is stationary exactly.

    Examples
    --------
    >>> from cvxnn import ReLUNetwork
    >>> from cvxnn.dynamics.descent.simulation import simulate
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> start = ReLUNetwork([[0.1, -0.1]], [0.1, 0.1])
    >>> trajectory = simulate(problem, start, n_steps=300, step_size=0.1, record="weights")
    >>> meeting(problem, trajectory).objective.holds
    True
    """
    with within_float64("the problem and trajectory"):
        problem = as_problem(problem)
        k = len(trajectory.times)
        n_still = min(as_count(n_still, "n_still", 2), k)
        found = convex_comparison(problem, trajectory, index=index, at=range(k - n_still, k), tol=0.1 * tol)
        if found.changed.any():
            raise HypothesisError(
                f"patterns must have stopped changing; they changed at time {found.settled_at:g} of {found.times[-1]:g}"
            )
        measured = stationarity(problem, trajectory.weights(k - 1).network(index)).residual
        if measured > residual:
            raise HypothesisError(
                f"the network must be stationary to {residual:g}; its residual is {measured:.3g}"
            )
        compared = relatively_compared(float(found.objective[-1]), float(found.optimum[-1]), tol=tol)
        return Meeting(compared, found.settled_at, measured)
