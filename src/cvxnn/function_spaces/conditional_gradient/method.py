"""Conditional gradient in the ball of the variation norm: one neuron a step, with a proven gap at every step."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from cvxnn.certificates import Maximisers
from cvxnn.deadlines import Deadline, as_limit
from cvxnn.function_spaces.conditional_gradient.combinations import Combination
from cvxnn.function_spaces.conditional_gradient.hull import slope
from cvxnn.function_spaces.conditional_gradient.result import (
    ConditionalGradientRecord,
    ConditionalGradientResult,
)
from cvxnn.function_spaces.conditional_gradient.steps import Step, StepRule, take_step
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.oracles.ranking import NeuronOracle
from cvxnn.function_spaces.unit_norm.problem_units import ProblemUnits
from cvxnn.function_spaces.unit_norm.rounds import settled
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, as_degree, unit_norm_form
from cvxnn.losses import Loss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.seeds import Seed, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import as_count, as_number, times_power, within_float64

logger = logging.getLogger(__name__)


@short_repr
@dataclass(frozen=True)
class ConditionalGradient:
    """Minimise a smooth loss over networks of bounded variation norm, adding at most one neuron a step.

    ``min J(f) = ell(f, y)  s.t.  gamma_1(f) <= delta`` for values f on the data. With ``lam = -grad J(f)`` the oracle
    finds the unit neuron v and sign s of the largest ``s lam^T (X v)_+^k``, and f moves towards ``fbar = delta s (X
    v)_+^k``, the farthest point of the ball along lam. ``<lam, fbar - f>`` bounds ``J(f) - J*`` at every step; where
    the oracle is a search its proven upper bound takes the place of the value found.

    Parameters
    ----------
    delta : float
        The radius, > 0.
    step : {"line_search", "fixed", "fully_corrective", "away"}, default "line_search"
        "fixed": ``rho_t = 2 / (t + 1)``, t = 1, 2, ..., so that the first step forgets the start. "line_search": the
        best point between f and fbar. "fully_corrective": the best point of the hull of 0 and of all neurons found.
        "away": line search towards fbar or away from the neuron in use that correlates least.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    max_steps : int, default 1000
        Largest number of steps.
    tol : float, default 1e-6
        Gap to stop at, as a share of the loss of the zero network: proven, or, where no more can be proved, found. With
        0 it goes on until that is zero.
    max_seconds : float, optional
        Time limit.
    oracle_seconds : float, default 0.5
        About the longest time that one call of an exact oracle may take; 0 asks for searches.
    random_state : int, Generator, RandomState or None, default 0
        Seed of searches.

    Raises
    ------
    ValueError
        If a setting is not what is accepted.

    Notes
    -----
    `conditional_gradient_rate` states the rate. The loss is summed over samples, as everywhere.

    References
    ----------
    M. Frank and P. Wolfe, "An algorithm for quadratic programming", 1956. M. Jaggi, "Revisiting Frank-Wolfe", ICML
    2013. F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.5.

    Examples
    --------
    >>> X, y = np.array([[-1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]), np.array([1.0, 0.0, 1.0])
    >>> result = ConditionalGradient(delta=1.0, step="fully_corrective").run(X, y)
    >>> result.status.name, round(result.objective, 4), round(result.network.total_variation, 9)
    ('PROVEN', 0.1667, 1.0)
    """

    delta: float
    step: StepRule = "line_search"
    activation: Any = "relu"
    max_steps: int = 1000
    tol: float = 1e-6
    max_seconds: float | None = None
    oracle_seconds: float = 0.5
    random_state: Seed = 0

    def __post_init__(self) -> None:
        as_number(self.delta, "delta", positive=True)
        if self.step not in get_args(StepRule):
            raise ValueError(f"step must be one of {get_args(StepRule)}; got {self.step!r}")
        as_degree(self.activation)
        as_count(self.max_steps, "max_steps")
        as_number(self.tol, "tol")
        require_seed(self.random_state)
        as_number(self.oracle_seconds, "oracle_seconds")
        as_limit(self.max_seconds)

    @on_one_blas_thread
    def run(
        self,
        X: Any,
        y: Any,
        *,
        loss: str | Loss = "squared",
        sample_weight: Any = None,
        start: UnitNetwork | ReLUNetwork | None = None,
    ) -> ConditionalGradientResult:
        """Return the best point visited, what is proved of it, and a record of every step.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data; a hidden bias is a column of ones.
        y : array_like of shape (n,)
            Targets.
        loss : str or Loss, default "squared"
            A smooth loss.
        sample_weight : array_like of shape (n,), optional
            Weights of the samples' losses.
        start : UnitNetwork or ReLUNetwork, optional
            f_0, of total variation (path norm) at most delta; zero by default. A ReLU network for the ReLU only.

        Raises
        ------
        ValueError
            If the data are not what `Problem` accepts, y has several columns, the loss is not smooth, or the start is
            no network, has an offset, several outputs, another activation or other columns, or is not in the ball.
        """
        problem, degree = smooth_problem(X, y, loss, sample_weight), as_degree(self.activation)
        network = self._begin(problem, start)
        units = ProblemUnits.of(problem, degree)
        with within_float64("X, y and delta"):
            problem, network = units.problem, units.network(network)
            at = Combination.of(network, problem.X, times_power(self.delta, -units.weights))
        oracle = neuron_oracle(
            problem.X, degree, max_seconds=self.oracle_seconds, random_state=self.random_state
        )
        run = _Run(self, problem, oracle, at)
        try:
            status = run.to_the_end()
        except KeyboardInterrupt:
            logger.info("interrupted: the best point so far is returned")
            status = SolveStatus.INTERRUPTED
        with within_float64("X, y and delta"):
            return run.result(status, units)

    def _begin(self, problem: Problem, start: UnitNetwork | ReLUNetwork | None) -> UnitNetwork:
        d, degree = problem.n_features, as_degree(self.activation)
        if start is None:
            start = UnitNetwork(np.zeros((d, 0)), np.zeros(0), degree)
        if not isinstance(start, UnitNetwork | ReLUNetwork):
            raise ValueError(f"start must be a UnitNetwork or a ReLUNetwork; got {start!r}")
        start = unit_norm_form(start)
        if start.degree != degree or start.directions.shape[0] != d:
            raise ValueError(
                f"start must have activation of degree {degree} and {d} columns; it has degree {start.degree} and "
                f"{start.directions.shape[0]} columns"
            )
        if start.total_variation > self.delta * (1 + 1e-12):
            raise ValueError(
                f"start must have total variation <= delta = {self.delta}; got {start.total_variation}"
            )
        return start


def smooth_problem(X: Any, y: Any, loss: str | Loss, sample_weight: Any) -> Problem:
    """Return data, targets and loss as a problem without weight decay.

    Raises
    ------
    ValueError
        If y has several columns or the loss is not smooth.
    """
    problem = Problem(X, y, 0.0, loss, sample_weight=sample_weight).one_output()
    if not problem.loss.is_smooth:
        raise ValueError(
            f"loss must be smooth, or conditional gradient need not converge; got {problem.loss.name!r}, which "
            "loss.smoothed(width) smooths"
        )
    return problem


class _Run:
    """One run: where it is, the best it has seen, and its records."""

    def __init__(
        self, settings: ConditionalGradient, problem: Problem, oracle: NeuronOracle, start: Combination
    ) -> None:
        self.settings, self.problem, self.oracle = settings, problem, oracle
        self.last = Step(start, 0.0, "start")
        self.best, self.lowest, self.bound, self.multiplier = start, np.inf, 0.0, math.nan
        self.records: list[ConditionalGradientRecord] = []
        self.deadline = Deadline.after(settings.max_seconds)

    def to_the_end(self) -> SolveStatus:
        """Take steps until a reason to stop, and return it."""
        settings = self.settings
        target = settings.tol * self.problem.loss_value(np.zeros(self.problem.n_samples), np.zeros(1))
        for t in range(settings.max_steps + 1):
            found = self._look(t)
            record = self.records[-1]
            reason = settled(record.found_gap, record.proven_gap, target, record.method)
            if reason is not None:
                return reason
            if self.deadline.is_over:
                return SolveStatus.MAX_SECONDS
            if t < settings.max_steps:
                self._move(found, t + 1)
        return SolveStatus.MAX_STEPS

    def _look(self, t: int) -> Maximisers:
        """Ask the oracle, and write down what is known of the point after t steps."""
        at = self.last.to
        f = at.values
        lam = -slope(self.problem, f)
        found = self.oracle.maximise(lam, starts=at.directions)
        objective = self.problem.loss_value(f, np.zeros(1))
        correlation = float(lam @ f)
        record = ConditionalGradientRecord(
            step=t,
            seconds=self.deadline.elapsed,
            objective=objective,
            found_gap=at.delta * found.value - correlation,
            proven_gap=at.delta * found.upper - correlation,
            oracle_value=found.value,
            oracle_upper=found.upper,
            is_exact=found.is_exact,
            method=found.method,
            neurons=at.n_neurons,
            rho=self.last.rho,
            kind=self.last.kind,
        )
        self.records.append(record)
        if objective < self.lowest:
            self.best, self.lowest, self.multiplier = at, objective, found.value
        self.bound = max(self.bound, objective - record.proven_gap)
        return found

    def _move(self, found: Maximisers, t: int) -> None:
        """Take step t with the best neuron found, or with 0 where none descends."""
        place: int | None = None
        at = self.last.to
        if len(found.values):
            at, place = at.join(self.problem.X, found)
        self.last = take_step(self.settings.step, self.problem, at, place, t)

    def result(self, status: SolveStatus, units: ProblemUnits) -> ConditionalGradientResult:
        """Return the best point, out of its units; its objective is evaluated anew, from the network."""
        network = self.best.network()
        objective = self.problem.loss_value(network.predict(self.problem.X), np.zeros(1))
        return ConditionalGradientResult(
            units.network(network, back=True),
            times_power(objective, units.losses),
            times_power(self.bound, units.losses),
            times_power(self.multiplier, units.correlations),
            tuple(_out_of(units, record) for record in self.records),
            status,
        )


def _out_of(units: ProblemUnits, record: ConditionalGradientRecord) -> ConditionalGradientRecord:
    """Return a record out of its units."""
    return replace(
        record,
        objective=times_power(record.objective, units.losses),
        found_gap=float(np.ldexp(record.found_gap, units.losses)),
        proven_gap=float(np.ldexp(record.proven_gap, units.losses)),
        oracle_value=float(np.ldexp(record.oracle_value, units.correlations)),
        oracle_upper=float(np.ldexp(record.oracle_upper, units.correlations)),
    )
