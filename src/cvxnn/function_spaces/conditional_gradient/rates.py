"""What is proved of conditional gradient before it runs: its rate, and how many units reach a given error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient, smooth_problem
from cvxnn.function_spaces.conditional_gradient.result import ConditionalGradientResult
from cvxnn.function_spaces.conditional_gradient.steps import StepRule
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, as_degree
from cvxnn.losses import Loss
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus, TrajectoryStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import (
    Array,
    as_finite_array,
    as_number,
    exponent,
    times_power,
    within_float64,
)

_FIRST_STEPS = 64
# Of values to the error asked for: units are counted by a float.
_MOST_RATIO = 1e100


@dataclass(frozen=True)
class ConditionalGradientRate:
    """``J(f_t) - J* <= 2 L diam^2 / (t + 2)`` after t steps.

    Parameters
    ----------
    curvature : float
        L: J's gradient changes by at most ``L ||f - g||``.
    diameter : float
        diam: no two points of the ball are farther apart on the data; ``2 delta max_v ||(X v)_+^k||`` or more.
    """

    curvature: float
    diameter: float

    def bound(self, steps: Any) -> Array:
        """Return ``2 L diam^2 / (t + 2)`` for numbers of steps t >= 1; infinity for t = 0.

        Examples
        --------
        >>> ConditionalGradientRate(1.0, 3.0).bound([0, 1, 4])
        array([inf,  6.,  3.])
        """
        t = np.asarray(steps, dtype=np.float64)
        return np.where(t >= 1, 2.0 * self.curvature * self.diameter**2 / (t + 2.0), np.inf)

    def comparisons(self, result: ConditionalGradientResult, optimum: float) -> tuple[Comparison, ...]:
        """Return ``J(f_t) - J*`` beside the bound for every t >= 1 of a run, drop steps not counted.

        Parameters
        ----------
        result : ConditionalGradientResult
            A run whose oracle was exact; a search that misses the best neuron need not keep the rate.
        optimum : float
            J*.

        Raises
        ------
        HypothesisError
            If the oracle was not exact at some step.
        """
        _require_exact(result)
        steps = result.good_steps
        pairs = zip(result.objectives, self.bound(steps), steps, strict=True)
        return tuple(Comparison(float(J - optimum), float(most), "at most") for J, most, t in pairs if t >= 1)


@short_repr
@dataclass(frozen=True, eq=False)
class UnitsUsed:
    """How many units a target took, beside how many suffice.

    Parameters
    ----------
    steps : Comparison
        Steps until the error was at most eps, beside `units_needed`: infinite where none of so many reached it, NaN
        where the time limit came first.
    error : float
        The root mean square error then.
    neurons : int
        The network's neurons then, at most the steps.
    status : TrajectoryStatus
        REACHED, FINISHED where all steps that should suffice were taken in vain, or MAX_SECONDS.
    """

    steps: Comparison
    error: float
    neurons: int
    status: TrajectoryStatus = TrajectoryStatus.REACHED


def feature_radius(X: Any, activation: Any = "relu") -> float:
    """Return an upper bound on ``max over ||v|| = 1 of ||(X v)_+^k||``.

    ``||X||_2`` for k = 1, ``sqrt(n)`` for k = 0, and ``max_i ||x_i|| ||X||_2`` for k = 2: ``sum z_i^4 <= max z_i^2 sum
    z_i^2``.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.

    Raises
    ------
    ValueError
        If X is not a finite matrix, or the activation is another.

    Examples
    --------
    >>> feature_radius([[3.0, 0.0], [0.0, 4.0]]), feature_radius([[3.0, 0.0], [0.0, 4.0]], 2)
    (4.0, 16.0)
    """
    data, degree = as_finite_array(X, "X", (2,)), as_degree(activation)
    if degree == 0:
        return math.sqrt(len(data))
    own = exponent(data)
    units = np.ldexp(data, -own)
    largest = float(np.linalg.norm(units, 2))
    product = largest if degree == 1 else largest * float(np.max(np.linalg.norm(units, axis=1)))
    with within_float64("X"):
        return times_power(product, degree * own)


def conditional_gradient_rate(
    X: Any,
    y: Any,
    delta: float,
    activation: Any = "relu",
    *,
    loss: str | Loss = "squared",
    sample_weight: Any = None,
) -> ConditionalGradientRate:
    """Return the rate of conditional gradient on a ball of the variation norm.

    Statement: with an exact oracle, ``J(f_t) - J* <= 2 L diam^2 / (t + 2)`` after t >= 1 steps, for steps ``2 / (t +
    1)``, t = 1, 2, ..., for line search and for fully corrective steps; for away steps with t the number of steps that
    were no drop steps, at least half of all. ``diam = 2 delta max_v ||(X v)_+^k||`` makes it O(delta^2 / t).
    Hypotheses: J convex with an L-Lipschitz gradient.
    Guarantee: upper.

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
        A smooth loss, summed over samples: L is its curvature, times the largest weight.
    sample_weight : array_like of shape (n,), optional
        Weights of the samples' losses.

    References
    ----------
    M. Jaggi, "Revisiting Frank-Wolfe: projection-free sparse convex optimization", ICML 2013, Theorem 1. Away steps: S.
    Lacoste-Julien and M. Jaggi, "On the global linear convergence of Frank-Wolfe optimization variants", NeurIPS 2015.

    Examples
    --------
    >>> rate = conditional_gradient_rate([[3.0], [4.0]], [1.0, 2.0], 2.0)
    >>> rate.diameter, float(rate.bound(8))
    (20.0, 80.0)
    """
    problem = smooth_problem(X, y, loss, sample_weight)
    radius = as_number(delta, "delta", positive=True) * feature_radius(problem.X, activation)
    return ConditionalGradientRate(problem.curvature, 2.0 * radius)


def units_needed(X: Any, gamma_1: float, eps: float, activation: Any = "relu") -> int:
    """Return how many units of conditional gradient bring any target of variation norm gamma_1 within eps on data.

    Statement: for ``J(f) = 1/2 ||f - g||^2`` and ``delta = gamma_1 >= gamma_1(g)``, J* = 0, so the rate gives
    ``||f_t - g||^2 / n <= 16 gamma_1^2 R^2 / (n (t + 2))`` with R of `feature_radius`: the root mean square error is at
    most eps from ``t = 16 gamma_1^2 R^2 / (n eps^2) - 2`` on, O(gamma_1^2 / eps^2).
    Hypotheses: gamma_1(g) <= gamma_1, an exact oracle.
    Guarantee: upper.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    gamma_1 : float
        The target's variation norm, or more; > 0.
    eps : float
        Root mean square error to reach, > 0.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.5.

    Examples
    --------
    >>> [units_needed([[1.0], [-1.0]], gamma_1, eps=0.3) for gamma_1 in (1.0, 2.0)]
    [176, 710]
    """
    gamma_1, eps = as_number(gamma_1, "gamma_1", positive=True), as_number(eps, "eps", positive=True)
    data = as_finite_array(X, "X", (2,))
    ratio = gamma_1 * feature_radius(data, activation) / math.sqrt(len(data)) / eps
    if ratio <= 1.0:
        return 0  # the target is that small
    if ratio > _MOST_RATIO:
        raise ValueError(
            f"eps must be at least 1e-100 of the size that values may have, {ratio * eps:.3g}; got {eps:.3g}"
        )
    return max(math.ceil(16.0 * ratio**2) - 2, 1)


@on_one_blas_thread
def units_for_target(
    X: Any,
    target: UnitNetwork,
    eps: float,
    *,
    step: StepRule = "line_search",
    max_seconds: float | None = None,
    random_state: Seed = 0,
) -> UnitsUsed:
    """Count the units that conditional gradient takes to a network's values, beside `units_needed`.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    target : UnitNetwork
        The target; its ``||w||_1`` is the radius.
    eps : float
        Root mean square error to reach, > 0.
    step : {"line_search", "fixed", "fully_corrective", "away"}, default "line_search"
        As of `ConditionalGradient`.
    max_seconds : float, optional
        Time limit; what the run has come to is returned.
    random_state : int, Generator, RandomState or None, default 0
        Seed of searches.

    Raises
    ------
    HypothesisError
        If the oracle was not exact at some step.

    Examples
    --------
    >>> target = UnitNetwork([[1.0, -1.0]], [1.0, 2.0])
    >>> used = units_for_target([[1.0], [-1.0]], target, 0.1)
    >>> used.steps.holds, used.steps.predicted
    (True, 14398.0)
    """
    data, eps = as_finite_array(X, "X", (2,)), as_number(eps, "eps", positive=True)
    gamma_1, deadline = target.total_variation, Deadline.after(max_seconds)
    most = units_needed(data, gamma_1, eps, target.degree)
    values = target.predict(data)
    enough = 0.5 * len(data) * eps**2
    steps = min(_FIRST_STEPS, most)
    while True:
        # runs are repeated with twice the steps: all but the last cost less than the last
        run = ConditionalGradient(
            gamma_1,
            step,
            target.degree,
            max_steps=steps,
            tol=0.0,
            max_seconds=deadline.limit(),
            random_state=random_state,
        ).run(data, values)
        _require_exact(run)
        below = np.flatnonzero(run.objectives <= enough)
        in_time = run.status is not SolveStatus.MAX_SECONDS
        if len(below) or steps >= most or not in_time:
            break
        steps = min(2 * steps, most)
    if len(below):
        last, status = run.history[int(below[0])], TrajectoryStatus.REACHED
    else:
        last, status = run.history[-1], TrajectoryStatus.FINISHED if in_time else TrajectoryStatus.MAX_SECONDS
    taken = {TrajectoryStatus.REACHED: float(last.step), TrajectoryStatus.FINISHED: math.inf}
    error = math.sqrt(2.0 * last.objective / len(data))
    steps_taken = Comparison(taken.get(status, math.nan), float(most), "at most")
    return UnitsUsed(steps_taken, error, last.neurons, status)


def _require_exact(result: ConditionalGradientResult) -> None:
    """Raise `HypothesisError` unless the oracle was exact at every step."""
    inexact = [k for k, record in enumerate(result.history) if not record.is_exact]
    if inexact:
        raise HypothesisError(
            f"the oracle must be exact at every step; it was not at {len(inexact)} of {len(result.history)}, first at "
            f"step {inexact[0]}"
        )
