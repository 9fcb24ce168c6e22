"""The best network in a ball of the variation norm, and its relation to weight decay."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import Maximisers
from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.conditional_gradient.combinations import Combination
from cvxnn.function_spaces.conditional_gradient.hull import best_weights, slope
from cvxnn.function_spaces.conditional_gradient.method import smooth_problem
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.oracles.ranking import NeuronOracle
from cvxnn.function_spaces.unit_norm.problem_units import ProblemUnits
from cvxnn.function_spaces.unit_norm.rounds import settled, uninterrupted
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, as_degree
from cvxnn.losses import Loss
from cvxnn.problem import Problem, as_problem
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import train
from cvxnn.validation import as_count, as_number, times_power, within_float64

logger = logging.getLogger(__name__)

# Relative gap that training is asked for.
_TRAIN_TOL = 1e-9


@dataclass(frozen=True, eq=False)
class ConstrainedFit:
    """The network of least loss in a ball, with its proof.

    Parameters
    ----------
    network : UnitNetwork
        Of l1 norm at most delta.
    objective : float
        Its loss J.
    lower_bound : float
        Proven lower bound on the loss of every network in the ball.
    multiplier : float
        ``max_v |lam^T (X v)_+^k|`` at the network's ``lam = -grad J``, as the oracle found it. At the optimum, minus
        its slope in delta, and the weight decay beta at which ``min J + beta gamma_1`` has the same solution; before
        it, neither. NaN where an interrupt came before the oracle's first answer.
    delta : float
        The radius.
    rounds : int
        How often all weights were fitted.
    is_exact : bool
        Whether the oracle of the last round was.
    status : SolveStatus
        Why it stopped.
    """

    network: UnitNetwork
    objective: float
    lower_bound: float
    multiplier: float
    delta: float
    rounds: int
    is_exact: bool
    status: SolveStatus

    @property
    def gap(self) -> float:
        """Return objective less lower bound."""
        return max(self.objective - self.lower_bound, 0.0)

    def __repr__(self) -> str:
        return (
            f"ConstrainedFit(objective={self.objective:.6g}, lower_bound={self.lower_bound:.6g}, "
            f"neurons={self.network.n_neurons}, rounds={self.rounds}, status={self.status.name})"
        )


@short_repr
@dataclass(frozen=True, eq=False)
class FormsAgree:
    """The penalised optimum beside the constrained one, of the radius that the first has.

    Parameters
    ----------
    beta : float
        Weight decay of the penalised problem.
    delta : float
        ``sum_j ||u_j|| |a_j|`` of its trained network.
    losses : Comparison
        J of the trained network, beside the optimum of the constrained problem of radius delta: equal.
    multipliers : Comparison
        The constrained problem's multiplier beside beta: equal.
    norms : Comparison
        The constrained optimum's l1 norm beside delta: equal, the constraint is active.
    """

    beta: float
    delta: float
    losses: Comparison
    multipliers: Comparison
    norms: Comparison

    @property
    def holds(self) -> bool:
        """Return whether all comparisons hold."""
        return self.losses.holds and self.multipliers.holds and self.norms.holds


@on_one_blas_thread
def constrained_fit(
    X: Any,
    y: Any,
    delta: float,
    activation: Any = "relu",
    *,
    loss: str | Loss = "squared",
    sample_weight: Any = None,
    tol: float = 1e-9,
    max_rounds: int = 200,
    max_seconds: float | None = None,
    oracle_seconds: float = 0.5,
    random_state: Seed = 0,
) -> ConstrainedFit:
    """Return the solution of ``min ell(f, y)`` subject to ``gamma_1(f) <= delta``.

    Fully corrective conditional gradient that adds all local maxima which the oracle names at once: the number of
    neurons on the way does not matter here, the number of rounds does.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Targets.
    delta : float
        The radius, > 0.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    loss : str or Loss, default "squared"
        A smooth loss, summed over samples.
    sample_weight : array_like of shape (n,), optional
        Weights of the samples' losses.
    tol : float, default 1e-9
        Gap to stop at, as a share of the loss of the zero network: proven, or, where no more can be proved, found.
    max_rounds : int, default 200
        Largest number of rounds; the result's gap says what is left then.
    max_seconds : float, optional
        Time limit, looked at after every round.
    oracle_seconds : float, default 0.5
        About the longest time that one call of an exact oracle may take; 0 asks for searches.
    random_state : int, Generator, RandomState or None, default 0
        Seed of searches.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.

    Examples
    --------
    >>> fit = constrained_fit([[1.0]], [3.0], 2.0)
    >>> fit.objective, fit.multiplier, fit.network.total_variation
    (0.5, 1.0, 2.0)
    """
    delta = as_number(delta, "delta", positive=True)
    tol, max_rounds = as_number(tol, "tol"), as_count(max_rounds, "max_rounds", 1)
    oracle_seconds, deadline = as_number(oracle_seconds, "oracle_seconds"), Deadline.after(max_seconds)
    problem, degree = smooth_problem(X, y, loss, sample_weight), as_degree(activation)
    units = ProblemUnits.of(problem, degree)
    with within_float64("X, y and delta"):
        problem, radius = units.problem, times_power(delta, -units.weights)
    oracle = neuron_oracle(problem.X, degree, max_seconds=oracle_seconds, random_state=random_state)
    zero = UnitNetwork(np.zeros((problem.n_features, 0)), np.zeros(0), degree)
    fit = _Fit(problem, oracle, Combination.of(zero, problem.X, radius))
    try:
        status = fit.to_the_end(tol, max_rounds, deadline)
    except KeyboardInterrupt:
        logger.info("interrupted: the best point so far is returned")
        status = SolveStatus.INTERRUPTED
    with within_float64("X, y and delta"):
        return fit.result(status, units, delta)


class _Fit:
    """One fit: where it is, and what is known of that point."""

    def __init__(self, problem: Problem, oracle: NeuronOracle, start: Combination) -> None:
        self.problem, self.oracle, self.at = problem, oracle, start
        self.bound, self.multiplier, self.rounds, self.is_exact = 0.0, math.nan, 0, False

    def to_the_end(self, tol: float, max_rounds: int, deadline: Deadline) -> SolveStatus:
        """Fit all weights, ask the oracle, and again; return the reason to stop."""
        target = tol * self.problem.loss_value(np.zeros(self.problem.n_samples), np.zeros(1))
        next_at, lowest = self.at, math.inf
        for rounds in range(max_rounds):
            f = next_at.values
            lam = -slope(self.problem, f)
            found = self.oracle.maximise(lam, starts=next_at.directions)
            objective, correlation = self.problem.loss_value(f, np.zeros(1)), float(lam @ f)
            self.bound = max(self.bound, objective - (next_at.delta * found.upper - correlation))
            if objective >= lowest:  # corrective rounds never raise J, but by rounding
                return SolveStatus.PROVEN if lowest - self.bound <= target else SolveStatus.ROUNDING
            # only now, so that an interrupt leaves the last point that the oracle has answered for
            self.at, self.rounds, lowest = next_at, rounds, objective
            self.multiplier, self.is_exact = found.value, found.is_exact
            found_gap = self.at.delta * found.value - correlation
            reason = settled(found_gap, objective - self.bound, target, found.method)
            if reason is not None:
                return reason
            if deadline.is_over:
                return SolveStatus.MAX_SECONDS
            if rounds < max_rounds - 1:
                next_at = _correct(self.problem, self.at, found, correlation / self.at.delta)
        return SolveStatus.MAX_ROUNDS

    def result(self, status: SolveStatus, units: ProblemUnits, delta: float) -> ConstrainedFit:
        """Return the point, out of its units; its objective is evaluated anew, from the network."""
        network = self.at.network()
        objective = self.problem.loss_value(network.predict(self.problem.X), np.zeros(1))
        return ConstrainedFit(
            units.network(network, back=True),
            times_power(objective, units.losses),
            times_power(self.bound, units.losses),
            times_power(self.multiplier, units.correlations),
            delta,
            self.rounds,
            self.is_exact,
            status,
        )


def _correct(problem: Problem, at: Combination, found: Maximisers, level: float) -> Combination:
    """Return the best point of the hull of zero, the neurons in use, and those found that descend."""
    for index in range(len(found.values)):
        if found.values[index] > level:
            at, _ = at.join(problem.X, found, index)
    columns = np.column_stack([np.zeros(problem.n_samples), at.columns])
    return at.with_weights(best_weights(problem, columns, np.append(at.rest, at.weights))).used()


@on_one_blas_thread
def penalty_and_constraint(
    problem: Problem, *, tol: float = 1e-6, max_seconds: float | None = None
) -> FormsAgree:
    """Train with weight decay, then solve the constrained problem of the radius found, and compare.

    Statement: let f solve ``min J(f) + beta gamma_1(f)`` and ``delta = gamma_1(f)``. Then f solves ``min J s.t. gamma_1
    <= delta``, whose multiplier is beta. Conversely a solution of the constrained problem with multiplier beta solves
    the penalised one.
    Hypotheses: a smooth loss, one output, no offset, and a trained network that is not zero, so that the multiplier is
    unique.
    Guarantee: tight.

    The two sides are computed by different algorithms: `train`, and `constrained_fit`.

    Parameters
    ----------
    problem : Problem
        With beta > 0, for the ReLU.
    tol : float, default 1e-6
        Tolerance of losses and norms. That of multipliers is ``0.1 sqrt(tol)``: a fit within a gap of the optimum is
        within the root of twice the gap of the optimal values, and so is its dual variable.
    max_seconds : float, optional
        Time limit of each of the two computations; the comparisons are of what they have then.

    Raises
    ------
    HypothesisError
        If the trained network is zero, or the problem has an offset, several outputs or a loss with kinks.
    ValueError
        If `problem` is not a Problem.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.2.

    Examples
    --------
    >>> forms = penalty_and_constraint(Problem([[1.0]], [3.0], beta=1.0))
    >>> round(forms.delta, 6), round(forms.multipliers.measured, 6), forms.holds
    (2.0, 1.0, True)
    """
    problem = as_problem(problem)
    if not isinstance(problem, Problem):
        raise ValueError(f"problem must be a Problem; got {type(problem).__name__}")
    if problem.output_offset:
        raise HypothesisError(
            f"the problem must have no output offset; output_offset is {problem.output_offset}"
        )
    if problem.n_outputs != 1:
        raise HypothesisError(f"the problem must have one output; it has {problem.n_outputs}")
    if not problem.loss.is_smooth:
        raise HypothesisError(f"the loss must be smooth; got {problem.loss.name!r}")
    units = ProblemUnits.of(problem.one_output(), 1)
    own = units.problem
    trained = train(own, tol=_TRAIN_TOL, max_seconds=max_seconds).network
    radius = trained.path_norm
    if radius == 0.0:
        raise HypothesisError(
            f"the trained network must not be zero; it is at beta = {problem.beta:.6g}: lower beta"
        )
    fit = uninterrupted(
        constrained_fit(
            own.X,
            own.y,
            radius,
            loss=own.loss,
            sample_weight=own.sample_weight,
            tol=1e-10,
            max_seconds=max_seconds,
        )
    )
    loss = own.loss_value(trained.predict(own.X), np.zeros(1))
    with within_float64("X, y and beta"):
        delta = times_power(radius, units.weights)
        losses = [times_power(value, units.losses) for value in (loss, fit.objective)]
        multiplier = times_power(fit.multiplier, units.correlations)
        norm = times_power(fit.network.total_variation, units.weights)
    return FormsAgree(
        problem.beta,
        delta,
        Comparison(losses[0], losses[1], tol=tol),
        Comparison(multiplier, problem.beta, tol=0.1 * tol**0.5),
        Comparison(norm, delta, tol=tol),
    )
