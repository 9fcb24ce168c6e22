"""Connections of networks of one width: to a nearly minimal network, and to a global optimum, never uphill."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from cvxnn.atoms import ON_KINK
from cvxnn.landscape.connections.stages import (
    Stage,
    balancing,
    dropping_dead,
    merging,
    mixing,
    rebalancing_weights,
)
from cvxnn.landscape.minimal_networks.minimality import EQUAL
from cvxnn.landscape.minimal_networks.operations import merge_directions, require_plain_decay
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count

# Shares of the time that a stage gets at least, of the whole descent: next to none, so that sampled objectives fall at
# a pace that can be measured; or some, so that stages without descent are seen.
_NEXT_TO_NONE, _SOME = 1e-6, 0.05
# A rise along a connection that is rounding.
_RISE = 1e-10


@short_repr
@dataclass(frozen=True, eq=False)
class ConnectionDescent:
    """Objectives sampled along a connection, and what they were to do.

    Parameters
    ----------
    objectives : ndarray of shape (N,)
        At N evenly spaced times from 0 to 1.
    largest_rise : Comparison
        The largest difference of one sample and the one before, at most 0.
    falls_strictly : bool
        Whether each sample is below the one before.
    """

    objectives: Array
    largest_rise: Comparison
    falls_strictly: bool


@short_repr
@dataclass(frozen=True, eq=False)
class Connection:
    """A continuous curve of networks of one width, ``connection(t)`` for 0 <= t <= 1.

    Way-points are hit exactly; between them a stage interpolates by its own formula. The times of way-points are
    spread so that the objective falls by about as much in equal times, wherever it falls.

    Parameters
    ----------
    problem : Problem
        Gives the objective.
    start : ReLUNetwork
        ``connection(0)``.
    stages : tuple of Stage
        The pieces, each beginning where the last one ends; none for a constant connection.
    times : ndarray of shape (S + 1,)
        When the pieces begin, from 0 to 1.
    """

    problem: Problem
    start: ReLUNetwork
    stages: tuple[Stage, ...]
    times: Array

    @classmethod
    def of_stages(
        cls, problem: Problem, start: ReLUNetwork, stages: list[Stage], least_share: float
    ) -> Connection:
        """Return a connection whose stages take time in proportion to what the objective falls, but ``least_share``."""
        values = [problem.objective(network) for network in (start, *(stage.end for stage in stages))]
        falls = np.maximum(-np.diff(values), 0.0)
        total = float(np.sum(falls))
        shares = np.maximum(falls / total if total > 0 else falls, least_share)
        times = np.concatenate([[0.0], np.cumsum(shares) / max(float(np.sum(shares)), least_share)])
        if stages:
            times[-1] = 1.0
        return cls(problem, start, tuple(stages), times)

    def __call__(self, t: float) -> ReLUNetwork:
        """Return the network at time t.

        Raises
        ------
        ValueError
            If t is not in [0, 1].
        """
        if not 0.0 <= t <= 1.0:
            raise ValueError(f"t must be in [0, 1]; got {t!r}")
        stage = int(np.searchsorted(self.times, t, side="right")) - 1
        if stage == len(self.stages) or t == self.times[stage]:
            return self.way_points[stage]
        begins, ends = self.times[stage], self.times[stage + 1]
        return self.stages[stage].at(float((t - begins) / (ends - begins)))

    @property
    def way_points(self) -> tuple[ReLUNetwork, ...]:
        """Return the networks at `times`."""
        return (self.start, *(stage.end for stage in self.stages))

    @property
    def end(self) -> ReLUNetwork:
        """Return ``connection(1)``."""
        return self.way_points[-1]

    def objectives(self, n_points: int = 1000) -> Array:
        """Return the objective at n_points >= 2 evenly spaced times from 0 to 1, shape (n_points,)."""
        times = np.linspace(0.0, 1.0, as_count(n_points, "n_points", 2))
        return np.array([self.problem.objective(self(float(t))) for t in times])

    def descent(self, n_points: int = 1000, *, tol: float = _RISE) -> ConnectionDescent:
        """Sample the objective along the connection.

        Parameters
        ----------
        n_points : int, default 1000
            How many evenly spaced times.
        tol : float, default 1e-10
            Of the comparison with no rise, relative to the largest objective where that is above 1.
        """
        values = self.objectives(n_points)
        rises = np.diff(values)
        scale = max(1.0, float(np.max(np.abs(values))))
        largest = float(np.max(rises))
        return ConnectionDescent(
            values, Comparison(largest, 0.0, "at most", tol=tol * scale), bool(np.all(rises < 0.0))
        )


def _stages_to_nearly_minimal(
    problem: Problem, network: ReLUNetwork, tol: float, kink_tol: float
) -> list[Stage]:
    stages = balancing(network)
    stages += dropping_dead(problem, _end(network, stages), kink_tol)
    return stages + merging(problem, _end(network, stages), tol, kink_tol)


def _end(network: ReLUNetwork, stages: list[Stage]) -> ReLUNetwork:
    return stages[-1].end if stages else network


@on_one_blas_thread
def connect_to_nearly_minimal(
    problem: Problem, network: ReLUNetwork, *, tol: float = EQUAL, kink_tol: float = ON_KINK
) -> Connection:
    """Return a connection on which the objective falls strictly until the network is nearly minimal.

    Statement: from every network a continuous curve of networks of the same width leads to a nearly minimal one, with
    f(X) constant and a strictly falling penalty. It balances, shrinks neurons that no sample activates, and adds up
    neurons of one closed cone and sign that are not collinear. It has no stages where there is nothing to do.
    Hypotheses: the weight decay takes the Euclidean norm of output weights; beta > 0.
    Guarantee: tight; `Connection.descent` measures it. Where less than rounding can be gained a sample cannot fall.
    Reference: Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (path to a nearly minimal network).

    Parameters
    ----------
    problem : Problem
        The training problem.
    network : ReLUNetwork
        Where to start.
    tol : float, default 1e-6
        Directions that differ by at most this are collinear, as in `is_nearly_minimal`.
    kink_tol : float, default 1e-9
        Samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u; f(X) moves by at most as much.

    Raises
    ------
    ValueError
        If the network does not fit the problem, or beta is 0.
    HypothesisError
        If the penalty takes the l1 norm of several output weights.

    Examples
    --------
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    >>> connection = connect_to_nearly_minimal(problem, ReLUNetwork([[1.0, 0.0], [0.0, 1.0]], [2.0, 1.0]))
    >>> [stage.name for stage in connection.stages], connection.descent().falls_strictly
    (['balance', 'merge neurons of one cone'], True)
    """
    problem, network = as_problem(problem), as_network(network)
    network = _checked(problem, network)
    stages = _stages_to_nearly_minimal(problem, network, tol, kink_tol)
    return Connection.of_stages(problem, network, stages, _NEXT_TO_NONE)


@on_one_blas_thread
def connect_to_optimum(
    problem: Problem,
    network: ReLUNetwork,
    optimum: ReLUNetwork,
    *,
    tol: float = EQUAL,
    kink_tol: float = ON_KINK,
) -> Connection:
    """Return a connection from a wide network to a global optimum on which the objective never rises.

    Statement: from every network of ``m >= n C + m_0`` neurons, where some optimum has m_0, a continuous curve of
    networks of the same width leads to that optimum without rising. It first goes to a nearly minimal network, then
    moves weight between neurons at constant f(X) until at most n C are left, then puts t times the optimum in the free
    neurons and (1 - t) times the others: a line between two points of the convex problem, whose objective falls to its
    minimum at t = 1.
    Hypotheses: the width; the optimum is one (a curve along which mixing finds a smaller objective disproves it); the
    weight decay takes the Euclidean norm of output weights; beta > 0.
    Guarantee: tight up to how precisely ``optimum`` is optimal: a rise at the end is at most its gap.
    Reference: Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (path to the global minimum, no spurious valleys); B. D. Haeffele and R. Vidal, "Global
    optimality in neural network training", CVPR 2017.

    Parameters
    ----------
    problem : Problem
        The training problem, with C outputs.
    network : ReLUNetwork
        Where to start; m neurons, zero ones included.
    optimum : ReLUNetwork
        A globally optimal network; it is balanced, and its equal directions are added up.
    tol, kink_tol : float
        As for `connect_to_nearly_minimal`.

    Raises
    ------
    ValueError
        If a network does not fit the problem, or beta is 0.
    HypothesisError
        If the network is too narrow, or ``optimum`` is not optimal: something on the way to it is better by more than
        1e-10 relative.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> optimum = ReLUNetwork([[0.5**0.5]], [0.5**0.5])
    >>> connection = connect_to_optimum(problem, ReLUNetwork([[-2.0, 0.3]], [1.0, -0.3]), optimum)
    >>> round(problem.objective(connection.end), 12), connection.descent().largest_rise.holds
    (0.375, True)
    """
    problem = as_problem(problem)
    network = as_network(network)
    optimum = as_network(optimum, "optimum")
    network = _checked(problem, network)
    optimum = problem.fitting(optimum)
    optimum = merge_directions(optimum)
    needed = problem.n_samples * problem.n_outputs + optimum.n_neurons
    if network.n_neurons < needed:
        raise HypothesisError(
            f"network must have at least n C + m_0 = {needed} neurons, with m_0 = {optimum.n_neurons} the optimum's; "
            f"it has {network.n_neurons}"
        )
    stages = _stages_to_nearly_minimal(problem, network, tol, kink_tol)
    stages += rebalancing_weights(problem, _end(network, stages))
    last = mixing(_end(network, stages), optimum)
    _require_optimal(problem, last[0])
    return Connection.of_stages(problem, network, stages + last, _SOME)


def _checked(problem: Problem, network: ReLUNetwork) -> ReLUNetwork:
    """Return the network in the shape of the problem's targets."""
    problem.require_trainable()
    problem.require_scale()
    require_plain_decay(problem)
    return problem.fitting(network)


def _require_optimal(problem: Problem, mix: Stage) -> None:
    """Raise unless the objective, convex along the last stage, is least at its end."""
    found = minimize_scalar(
        lambda t: problem.objective(mix.at(float(t))), bounds=(0.0, 1.0), method="bounded"
    )
    least, claimed = float(found.fun), problem.objective(mix.end)
    if claimed > least + _RISE * max(1.0, abs(claimed)):
        raise HypothesisError(
            f"optimum must be globally optimal: its objective is {claimed:.12g}, and a mix of it with the network's "
            f"has {least:.12g}"
        )
