"""The limit of stochastic gradient descent with decaying steps: stationary points, in Clarke's sense."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics.descent.methods import decaying
from cvxnn.dynamics.descent.simulation import require_fitting, simulate
from cvxnn.dynamics.descent.sources import MiniBatches
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights, as_weights
from cvxnn.dynamics.trajectories.records import StationarityResidual
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_number, within_float64

# Residuals below this are rounding.
_STATIONARY = 1e-12


@short_repr
@dataclass(frozen=True, eq=False)
class SGDLimit:
    """Distances from stationary points along SGD.

    Parameters
    ----------
    steps : ndarray of shape (k,)
        Numbers of steps, logarithmically spaced.
    distances : ndarray of shape (k, B)
        Distance of zero from Clarke's subdifferentials of the neighbourhood of each network.
    exact_distances : ndarray of shape (k, B)
        The same at the network itself. Where the limit is on kinks this does not tend to zero: it jumps there.
    limit : Comparison
        Median of the final distances over the median of the first ones, predicted to tend to 0.
    trajectory : Trajectory
        The run.
    """

    steps: Array
    distances: Array
    exact_distances: Array
    limit: Comparison
    trajectory: Trajectory


@on_one_blas_thread
def sgd_limit(
    problem: Problem,
    start: Weights | ReLUNetwork,
    *,
    step_size: float,
    n_steps: int = 100_000,
    power: float = 0.75,
    offset: float = 100.0,
    batch_size: int = 1,
    kink_tol: float = 1e-3,
    tol: float = 0.02,
    random_state: Seed = 0,
) -> SGDLimit:
    """Follow SGD with steps ``step_size (1 + t / offset)^(-power)`` and measure how stationary it becomes.

    Statement
        If the iterates stay bounded, every limit point is Clarke stationary. The subdifferential is outer
        semicontinuous, so that the distance of zero from the subdifferentials of a neighbourhood of the iterate tends
        to zero, for every size of the neighbourhood. Nothing is said of how fast.
    Hypotheses
        The steps sum to infinity and their squares do not; a loss without kinks; bounded iterates. To measure the limit
        in units of the start, most networks must not be stationary there.
    Guarantee
        In the limit. ``limit`` compares what is left after ``n_steps`` with 0, to ``tol``.

    Parameters
    ----------
    problem : Problem
        One output, a smooth loss; ``beta >= 0``.
    start : Weights or ReLUNetwork
        B networks.
    step_size : float
        First step size, of the summed objective.
    n_steps : int, default 100_000
        Number of steps.
    power, offset : float, default 0.75 and 100
        How steps decay, the power in (1/2, 1].
    batch_size : int, default 1
        Samples in a step.
    kink_tol : float, default 1e-3
        Size of the neighbourhood: samples whose cosine with a neuron is within it may be on either side.
    tol : float, default 0.02
        Tolerance of ``limit``.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the samples.

    Returns
    -------
    SGDLimit

    Raises
    ------
    HypothesisError
        If the power is outside (1/2, 1], the starts are stationary, or a network diverges.
    ValueError
        If an argument has a wrong shape or value, or the loss has kinks.

    References
    ----------
    D. Davis, D. Drusvyatskiy, S. Kakade, J. D. Lee, "Stochastic subgradient method converges on tame functions",
    Foundations of Computational Mathematics 2020, theorem 3.2 and corollary 5.11.

    Examples
    --------
    >>> from cvxnn.dynamics.initialisation import he
    >>> problem = Problem([[1.0, 0.0], [0.6, 0.8], [0.0, -1.0]], [1.0, -1.0, 2.0], beta=0.1)
    >>> sgd_limit(problem, he(2, 4, n_networks=4), step_size=0.05, n_steps=20_000).limit.holds
    True
    """
    with within_float64("the problem, start and step_size"):
        problem = as_problem(problem)
        if not 0.5 < as_number(power, "power") <= 1.0:
            raise HypothesisError(
                f"power must be in (1/2, 1]: steps sum to infinity, squares do not; got {power}"
            )
        near, exact = StationarityResidual(kink_tol=kink_tol), StationarityResidual(name="at the network")
        start = as_weights(start)
        _require_moving(problem, start, kink_tol)
        run = simulate(
            MiniBatches(problem, batch_size),
            start,
            n_steps=n_steps,
            step_size=step_size,
            schedule=decaying(power, offset),
            record=[near, exact],
            n_records=21,
            spacing="log",
            random_state=random_state,
        )
        if run.diverged.any():
            raise HypothesisError(
                f"iterates must stay bounded; {int(run.diverged.sum())} of {len(run.diverged)} networks diverged: take "
                "a smaller step_size"
            )
        distances = run[near.name]
        left = float(np.median(distances[-1]) / np.median(distances[0]))
        return SGDLimit(run.times, distances, run[exact.name], Comparison(left, 0.0, tol=tol), run)


def _require_moving(problem: Problem, start: Weights, kink_tol: float) -> None:
    """Raise `HypothesisError` where half of the starts are stationary, to rounding."""
    objective = BatchedObjective.of(problem)
    require_fitting(objective, start)
    residuals = StationarityResidual(kink_tol=kink_tol, relative=True).measure(objective, start)
    if not np.median(residuals) > _STATIONARY:
        raise HypothesisError(
            f"most starts must not be stationary, or there is no distance to compare the limit with; "
            f"{int(np.sum(residuals <= _STATIONARY))} of {len(residuals)} are"
        )
