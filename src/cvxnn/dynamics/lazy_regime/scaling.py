"""How much less networks move the larger their weights are at the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.lazy_regime.closeness import require_plain_squared, tangent_spectrum, weight_distance
from cvxnn.dynamics.lazy_regime.linearised import linearise
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import log_log_slope
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_number, within_float64


@short_repr
@dataclass(frozen=True, eq=False)
class LazyScaling:
    """How much less a network moves the larger its weights are.

    Parameters
    ----------
    factors : ndarray of shape (k,)
        What the start is multiplied by.
    movements, kernel_movements, flips : ndarray of shape (k,)
        ``||theta_T - theta_0|| / ||theta_0||``; ``||K_T - K_0|| / ||K_0||``; share of flipped activities.
    movement_slope : Comparison
        Slope of the logarithm of the movement in that of the factor, over the last two factors, beside -2.
    kernel_slope : Comparison
        The same of the kernel's movement, at most -2. It is -4 for doubled starts once no activity flips: both
        neurons of a pair change alike, and what that does to the kernel to first order cancels.
    """

    factors: Array
    movements: Array
    kernel_movements: Array
    flips: Array
    movement_slope: Comparison
    kernel_slope: Comparison


@on_one_blas_thread
def lazy_scaling(
    problem: Problem, start: ReLUNetwork, factors: Sequence[float], *, n_steps: int = 2000, tol: float = 0.1
) -> LazyScaling:
    """Return the movement of weights and kernel for a start multiplied by growing factors c.

    Statement
        For a network that predicts 0 at its start the relative movement of the weights falls like ``c^-2``: the tangent
        kernel grows like c^2, so that a change of weights like 1/c fits the targets, and the weights are of size c.
    Hypotheses
        Squared loss, no weight decay, positive definite kernel, ``f(X) = 0`` at the start, ``y != 0``.
    Guarantee
        Equal, in the limit of large factors.

    Parameters
    ----------
    problem : Problem
        Squared loss, beta = 0.
    start : ReLUNetwork
        Predicts 0 on X, as `doubled` networks do.
    factors : sequence of float
        Two or more, rising, > 0. All take steps of the same length in units of ``1 / lambda_max``.
    n_steps : int, default 2000
        Number of steps.
    tol : float, default 0.1
        Tolerance of the slopes.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.

    References
    ----------
    L. Chizat, E. Oyallon, F. Bach, "On lazy training in differentiable programming", NeurIPS 2019, section 1.1.

    Examples
    --------
    >>> from cvxnn.dynamics.initialisation import lazy
    >>> problem = Problem([[1.0, 0.5], [-0.3, 1.0], [0.2, -1.0]], [1.0, -1.0, 0.5], beta=0.0)
    >>> lazy_scaling(problem, lazy(2, 40, 1.0).network(), [10.0, 20.0], n_steps=300).movement_slope.holds
    True
    """
    with within_float64("the problem, start and factors"):
        problem, start = as_problem(problem), as_network(start, "start")
        scales = np.asarray([as_number(factor, "factors", positive=True) for factor in factors])
        if len(scales) < 2 or np.any(np.diff(scales) <= 0):
            raise ValueError(f"factors must be two or more rising numbers; got {factors!r}")
        require_plain_squared(problem)
        if not np.any(problem.y):
            raise HypothesisError(
                f"y must not be zero, or a start that predicts 0 has nothing to train; all {problem.n_samples} are 0"
            )
        f = start.predict(problem.X)
        if np.max(np.abs(f)) > 1e-9 * np.max(np.abs(problem.y)):
            raise HypothesisError(
                f"start must predict 0 on X; its largest prediction is {np.max(np.abs(f)):.3g}"
            )
        gram, eigenvalues, _ = tangent_spectrum(problem, start)
        run = simulate(
            problem,
            Weights(scales[:, None, None] * start.hidden, scales[:, None] * start.output),
            n_steps=n_steps,
            step_size=1.0 / (scales**2 * eigenvalues[-1]),
            record=("weights",),
            n_records=2,
        )
        norms = scales * np.sqrt(2.0 * start.weight_decay)
        movements = np.array([weight_distance(run, 0, -1, b) for b in range(len(scales))]) / norms
        kernels = [
            np.linalg.norm(linearise(run.final, index=b).tangent_kernel(problem.X) - scale**2 * gram, 2)
            for b, scale in enumerate(scales)
        ]
        kernel_movements = np.array(kernels) / (scales**2 * eigenvalues[-1])
        patterns = problem.X @ run.final.hidden > 0
        flips = np.mean(patterns != (problem.X @ start.hidden > 0), axis=(1, 2))
        last = scales[-2:]
        return LazyScaling(
            scales,
            movements,
            kernel_movements,
            np.asarray(flips),
            Comparison(log_log_slope(last, movements[-2:]).value, -2.0, tol=tol),
            Comparison(log_log_slope(last, kernel_movements[-2:]).value, -2.0, "at most", tol=tol),
        )
