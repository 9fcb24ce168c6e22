"""Training output weights alone: ridge regression on random features, exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number


def ridge_output(problem: Problem, start: ReLUNetwork) -> Array:
    """Return where training of output weights alone ends, for hidden weights that stay where they are, shape (m,).

    With weight decay the ridge solution ``(Phi^T Phi + beta I)^{-1} Phi^T y`` on the features ``Phi = (X U)_+``;
    without it the least-squares solution nearest to the start, ``a_0 + Phi^+ (y - Phi a_0)``.

    Parameters
    ----------
    problem : Problem
        Squared loss, ``beta >= 0``.
    start : ReLUNetwork
        Hidden weights, and the output weights that training starts from.

    Raises
    ------
    HypothesisError
        If the loss is not squared or samples have weights.

    Examples
    --------
    >>> ridge_output(Problem([[1.0], [2.0]], [1.0, 2.0], beta=5.0), ReLUNetwork([[1.0, -1.0]], [0.0, 3.0]))
    array([0.5, 0. ])
    """
    problem, start = with_squared_loss(as_problem(problem)), as_network(start, "start").one_output()
    values, vectors, pulled, outside = _spectrum(problem, start)
    kept = values + problem.beta > 0
    limit = np.where(kept, pulled / np.where(kept, values + problem.beta, 1.0), outside)
    return np.asarray(vectors @ limit)


@short_repr
@dataclass(frozen=True)
class OutputTraining:
    """Gradient descent on output weights alone beside its closed form.

    Parameters
    ----------
    course : Comparison
        Largest distance of the output weights from ``a* + (I - step (Phi^T Phi + beta I))^t (a_0 - a*)`` over recorded
        steps, over ``max(||a_0||, ||a*||)``, beside 0.
    limit : Comparison
        Distance of the last output weights from a*, in the same unit, at most what the closed form leaves of it.
    hidden_movement : float
        How far the hidden weights moved: 0.
    """

    course: Comparison
    limit: Comparison
    hidden_movement: float


@on_one_blas_thread
def output_training(
    problem: Problem,
    start: ReLUNetwork,
    *,
    n_steps: int = 1000,
    step_size: float | None = None,
    tol: float = 1e-8,
) -> OutputTraining:
    """Return gradient descent with the hidden step size zero beside ridge regression on its random features.

    Statement
        After t steps the output weights are ``a* + (I - step (Phi^T Phi + beta I))^t (a_0 - a*)``, with a* of
        `ridge_output`.
    Hypotheses
        Squared loss, ``step <= 2 / (lambda_max + beta)``; ``lambda_max + beta > 0``, and a_0, a* are not both zero.
    Guarantee
        Equal, to rounding.

    Parameters
    ----------
    problem : Problem
        Squared loss, ``beta >= 0``.
    start : ReLUNetwork
        Where to start.
    n_steps : int, default 1000
        Number of steps.
    step_size : float, optional
        Step of output weights; ``1 / (lambda_max + beta)`` by default.
    tol : float, default 1e-8
        Tolerance of the comparisons.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> start = ReLUNetwork(rng.standard_normal((2, 5)), rng.standard_normal(5))
    >>> trained = output_training(Problem(rng.standard_normal((9, 2)), rng.standard_normal(9), beta=0.1), start)
    >>> trained.course.holds, trained.limit.holds, trained.hidden_movement
    (True, True, 0.0)
    """
    problem, start = with_squared_loss(as_problem(problem)), as_network(start, "start").one_output()
    values, vectors, _, at_start = _spectrum(problem, start)
    largest = float(values[-1]) + problem.beta
    best = ridge_output(problem, start)
    unit = max(float(np.linalg.norm(start.output)), float(np.linalg.norm(best)))
    if largest == 0.0:
        raise HypothesisError(
            f"training must have something to do: some feature, or weight decay; all features are 0 and beta is "
            f"{problem.beta:g}"
        )
    if unit == 0.0:
        raise HypothesisError(
            "training must have something to do: output weights that are not zero at the start or in the limit; the "
            f"largest of both is {unit:g}"
        )
    step = 1.0 / largest if step_size is None else as_number(step_size, "step_size", positive=True)
    if step * largest > 2.0:
        raise HypothesisError(
            f"step_size must be at most 2 / (lambda_max + beta) = {2.0 / largest:.4g}; got {step}"
        )
    run = simulate(
        problem,
        Weights.of(start),
        n_steps=as_count(n_steps, "n_steps", 1),
        step_size=0.0,
        output_step_size=step,
        record=("weights",),
        spacing="log",
    )
    factors = 1.0 - step * (values + problem.beta)
    powers = factors[None, :] ** run.times[:, None]
    courses = best + (powers * (at_start - vectors.T @ best)) @ vectors.T
    errors = np.linalg.norm(run["output"][:, 0] - courses, axis=1) / unit
    left = float(np.linalg.norm(courses[-1] - best)) / unit
    last = float(np.linalg.norm(run["output"][-1, 0] - best)) / unit
    return OutputTraining(
        Comparison(float(np.max(errors)), 0.0, tol=tol),
        Comparison(last, left, "at most", tol=tol),
        float(np.max(np.abs(run["hidden"][-1] - run["hidden"][0]))),
    )


def _spectrum(problem: Problem, start: ReLUNetwork) -> tuple[Array, Array, Array, Array]:
    """Return eigenvalues and -vectors of ``Phi^T Phi``, and ``Phi^T y`` and a_0 in this basis."""
    features = np.maximum(problem.X @ start.hidden, 0.0)
    # by singular values: those of the Gram matrix lose half of the digits
    _, singular, rows = np.linalg.svd(features, full_matrices=True)
    values = np.zeros(rows.shape[0])
    values[: len(singular)] = (
        np.where(singular > max(features.shape) * np.finfo(float).eps * singular[0], singular, 0.0) ** 2
    )
    order = np.argsort(values)
    vectors = rows.T[:, order]
    return values[order], vectors, vectors.T @ (features.T @ problem.y), vectors.T @ start.output


def with_squared_loss(problem: Problem) -> Problem:
    """Return the problem with targets of shape (n,).

    Raises
    ------
    HypothesisError
        Unless the loss is squared, of one output, without sample weights.
    """
    if (
        not isinstance(problem.loss, SquaredLoss)
        or problem.sample_weight is not None
        or problem.n_outputs != 1
    ):
        raise HypothesisError(
            f"the loss must be squared, of one output, without sample weights; got {problem!r}"
        )
    return problem.one_output()
