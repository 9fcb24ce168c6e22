"""Lazy training: where weights hardly move, descent is that of the linearised network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.lazy_regime.linearised import LinearisedNetwork, linearise
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.trajectory import Trajectory
from cvxnn.losses import SquaredLoss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number, within_float64

# Residuals below this share of the first are rounding, and fall no further.
_ROUNDED = 1e-9
# So are those below this share of predictions and targets.
_FITTED = 1e-12


@short_repr
@dataclass(frozen=True, eq=False)
class LazyTraining:
    """Gradient descent beside that of the network linearised at the start.

    Parameters
    ----------
    steps : ndarray of shape (k,)
        Recorded steps.
    residuals : ndarray of shape (k,)
        ``||f_t - y||`` of the network.
    linear_residuals : ndarray of shape (k,)
        The same of the linearised network.
    deviation : float
        Largest ``||f_t - f_lin,t|| / ||f_0 - y||``, on the training data.
    rates : tuple of Comparison
        For every eigenvector v of the tangent kernel, how fast ``v^T (f_t - y)`` decays until it should be 1/e of its
        start, over ``-log(1 - step lambda)`` per step, beside 1. By rising eigenvalue; nan where the residual starts
        without that part or a single step takes all of it.
    slowest : Comparison
        The least rate of ``||f_t - y||`` over recorded steps, down to rounding, at least
        ``-log(1 - step lambda_min / 2)``.
    movement : Comparison
        ``||theta_T - theta_0||``, measured beside the linearised network's.
    relative_movement : float
        ``||theta_T - theta_0|| / ||theta_0||``.
    kernel_movement : float
        Largest ``||K_t - K_0|| / ||K_0||``, spectral norms.
    least_eigenvalue : float
        ``lambda_min(K_0)``.
    flipped : float
        Share of pairs of samples and neurons whose activity at the end is not that of the start.
    """

    steps: Array
    residuals: Array
    linear_residuals: Array
    deviation: float
    rates: tuple[Comparison, ...]
    slowest: Comparison
    movement: Comparison
    relative_movement: float
    kernel_movement: float
    least_eigenvalue: float
    flipped: float


@on_one_blas_thread
def lazy_training(
    problem: Problem,
    start: ReLUNetwork,
    *,
    n_steps: int = 2000,
    step_size: float | None = None,
    n_records: int = 101,
    tol: float = 0.05,
) -> LazyTraining:
    """Return the course of gradient descent beside what the tangent kernel at the start predicts.

    Statement
        While the tangent kernel stays K, the residual is ``(I - step K)^t (f_0 - y)``: its part along an eigenvector
        falls by ``1 - step lambda`` a step, along gradient flow like ``exp(-lambda t)``. While the kernel moves by at
        most half of lambda_min, the norm of the residual falls by ``1 - step lambda_min / 2`` a step at least.
    Hypotheses
        Squared loss, no weight decay; the start does not fit the targets already; the kernel there is positive
        definite; at no recorded step has it moved by more than half of its least eigenvalue, in spectral norm.
    Guarantee
        ``slowest``: a lower bound, for small steps; the others: equal, to the order of the kernel's movement.

    Parameters
    ----------
    problem : Problem
        Squared loss, beta = 0.
    start : ReLUNetwork
        Where to start.
    n_steps : int, default 2000
        Number of steps.
    step_size : float, optional
        Step, at most the inverse of the kernel's largest eigenvalue; half of that by default.
    n_records : int, default 101
        How many steps are recorded, logarithmically spaced.
    tol : float, default 0.05
        Relative tolerance of the comparisons of rates and of the movement.

    Raises
    ------
    HypothesisError
        If a hypothesis does not hold.

    References
    ----------
    S. S. Du, X. Zhai, B. Poczos, A. Singh, "Gradient descent provably optimizes over-parameterized neural networks",
    ICLR 2019, Theorem 3.2 and section 3; L. Chizat, E. Oyallon, F. Bach, "On lazy training in differentiable
    programming", NeurIPS 2019.

    Examples
    --------
    >>> from cvxnn.dynamics.initialisation import lazy
    >>> problem = Problem([[1.0, 0.5], [-0.3, 1.0], [0.2, -1.0]], [1.0, -1.0, 0.5], beta=0.0)
    >>> found = lazy_training(problem, lazy(2, 400, 100.0).network(), n_steps=300)
    >>> found.movement.holds, found.slowest.holds
    (True, True)
    """
    with within_float64("the problem, start and step_size"):
        problem, start = as_problem(problem), as_network(start, "start")
        require_plain_squared(problem)
        require_residual(problem, start)
        gram, eigenvalues, vectors = tangent_spectrum(problem, start)
        step = 0.5 / float(eigenvalues[-1])
        if step_size is not None:
            step = as_number(step_size, "step_size", positive=True)
        if step * eigenvalues[-1] > 1.0 + 1e-9:
            raise HypothesisError(
                f"step_size must be at most 1 / lambda_max = {1 / eigenvalues[-1]:.4g}; got {step}"
            )
        run = simulate(
            problem,
            Weights.of(start),
            n_steps=as_count(n_steps, "n_steps", 1),
            step_size=step,
            record=("weights",),
            n_records=n_records,
            spacing="log",
        )
        moved = _kernel_movements(run, problem.X, gram)
        if np.max(moved) > 0.5 * eigenvalues[0]:
            raise HypothesisError(
                f"the tangent kernel must move by at most half of its least eigenvalue {eigenvalues[0]:.3g}; it moved "
                f"by {np.max(moved):.3g}: a wider network, or larger weights, move less"
            )
        factors = np.clip(1.0 - step * eigenvalues, 0.0, None)
        parts = (_predictions(run, problem.X) - problem.y) @ vectors  # (k, n)
        powers = factors[None, :] ** run.times[:, None]
        linear_parts = powers * parts[0]
        residuals = np.linalg.norm(parts, axis=1)
        falling = np.linalg.norm(linear_parts, axis=1)[1:] > _ROUNDED * residuals[0]
        gains = (1.0 - powers[-1]) / eigenvalues * parts[0]
        change = weight_distance(run, 0, -1)
        return LazyTraining(
            steps=run.times,
            residuals=residuals,
            linear_residuals=np.linalg.norm(linear_parts, axis=1),
            deviation=float(np.max(np.linalg.norm(parts - linear_parts, axis=1)) / residuals[0]),
            rates=_part_rates(run.times, parts, factors, tol),
            slowest=Comparison(
                float(np.min((-np.log(residuals[1:] / residuals[0]) / run.times[1:])[falling])),
                float(-np.log1p(-0.5 * step * eigenvalues[0])),
                "at least",
            ),
            # in units of the prediction, so that the tolerance is relative
            movement=Comparison(change / float(np.sqrt(gains @ (eigenvalues * gains))), 1.0, tol=tol),
            relative_movement=change / float(np.sqrt(2.0 * start.weight_decay)),
            kernel_movement=float(np.max(moved) / eigenvalues[-1]),
            least_eigenvalue=float(eigenvalues[0]),
            flipped=float(np.mean((problem.X @ run["hidden"][-1, 0] > 0) != (problem.X @ start.hidden > 0))),
        )


@on_one_blas_thread
def tangent_spectrum(problem: Problem, start: ReLUNetwork) -> tuple[Array, Array, Array]:
    """Return the tangent kernel's Gram matrix on X, its eigenvalues and its eigenvectors.

    Raises
    ------
    HypothesisError
        If it is not positive definite.
    """
    problem, start = as_problem(problem), as_network(start, "start")
    gram = linearise(start).tangent_kernel(problem.X)
    eigenvalues, vectors = np.linalg.eigh(gram)
    if eigenvalues[0] <= len(gram) * np.finfo(float).eps * eigenvalues[-1]:
        raise HypothesisError(
            f"the tangent kernel must be positive definite; its least eigenvalue is {eigenvalues[0]:.3g}"
        )
    return gram, eigenvalues, vectors


def _linearised(run: Trajectory, index: int) -> LinearisedNetwork:
    return linearise(run.weights(index), activation=run.activation)


def _predictions(run: Trajectory, X: Array) -> Array:
    return np.array([_linearised(run, index).predict(X) for index in range(len(run.times))])


def _kernel_movements(run: Trajectory, X: Array, gram: Array) -> Array:
    """Return ``||K_t - K_0||`` at every recorded step, shape (k,)."""
    kernels = [_linearised(run, index).tangent_kernel(X) for index in range(len(run.times))]
    return np.array([np.linalg.norm(kernel - gram, 2) for kernel in kernels])


def weight_distance(run: Trajectory, one: int, other: int, network: int = 0) -> float:
    """Return the distance between all weights of a network at two recorded steps."""
    hidden = run["hidden"][other, network] - run["hidden"][one, network]
    output = run["output"][other, network] - run["output"][one, network]
    return float(np.sqrt(np.sum(hidden**2) + np.sum(output**2)))


def _part_rates(times: Array, parts: Array, factors: Array, tol: float) -> tuple[Comparison, ...]:
    """Return how fast each part decays up to the recorded step nearest to 1/e, over what is predicted."""
    found = []
    for part, factor in zip(parts.T, factors, strict=True):
        rate = -np.log(factor) if factor > 0 else np.inf
        k = int(np.argmin(np.abs(times[1:] * rate - 1.0))) + 1 if np.isfinite(rate) else 1
        starts = abs(part[0]) > 1e-9 * np.linalg.norm(parts[0])
        with np.errstate(divide="ignore"):
            measured = (
                -np.log(abs(part[k] / part[0])) / (times[k] * rate)
                if starts and np.isfinite(rate)
                else np.nan
            )
        found.append(Comparison(float(measured), 1.0, tol=tol))
    return tuple(found)


def require_residual(problem: Problem, start: ReLUNetwork) -> None:
    """Raise `HypothesisError` where a start fits the targets, to rounding."""
    f = start.predict(problem.X)
    residual, size = np.linalg.norm(f - problem.y), np.linalg.norm(f) + np.linalg.norm(problem.y)
    if residual <= _FITTED * size:
        raise HypothesisError(
            f"start must not fit the targets, or nothing is left to train; its residual is {residual:.3g}, with "
            f"predictions and targets of {size:.3g}"
        )


def require_plain_squared(problem: Problem) -> None:
    """Raise `HypothesisError` unless the loss is squared, without sample weights and weight decay."""
    if not isinstance(problem.loss, SquaredLoss) or problem.beta != 0 or problem.sample_weight is not None:
        raise HypothesisError(f"the loss must be squared, without weights and weight decay; got {problem!r}")
