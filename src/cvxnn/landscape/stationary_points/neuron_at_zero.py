"""A local minimum with a neuron at zero is a global one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.cones import lengths_and_units
from cvxnn.landscape.duality.dual_program import require_oracle, solve_dual
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.seeds import Seed, as_generator
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError, require_balanced
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_number

# Directions at random in which the zero neuron is moved, besides those of the oracle.
_RANDOM_DIRECTIONS = 200
# Sizes of the moves, of the largest neuron's norm (or of one that fits the targets, where all are zero). The gain is
# quadratic in them and its error of fourth order, so that one of these shows it above rounding.
_SIZES = (1e-1, 1e-2, 1e-3)


@short_repr
@dataclass(frozen=True)
class ZeroNeuron:
    """What follows from a zero neuron at a local minimum.

    Parameters
    ----------
    constraint : Comparison
        ``max over ||u|| <= 1 of ||lam^T (X u)_+|| / beta`` at ``lam = -grad ell`` of the network, and 1.
    objective : Comparison
        The network's objective and the optimum of the dual program, which no network of any width is below.
    """

    constraint: Comparison
    objective: Comparison


@on_one_blas_thread
def zero_neuron(
    problem: Problem, network: ReLUNetwork, *, tol: float = 1e-6, random_state: Seed = 0
) -> ZeroNeuron:
    """Show that a local minimum of training one of whose neurons is zero is a global minimum.

    Statement: moved from zero to ``eps (u, a)``, a neuron changes the objective by
    ``eps^2 (beta/2 (||u||^2 + a^2) - a lam^T (X u)_+) + O(eps^4)``. At a local minimum no direction may gain, so
    ``lam = -grad ell(f)`` is dual feasible; with the others stationary, the objective is the dual's value at lam.
    Hypotheses: the loss is differentiable; a neuron is zero; neurons are balanced and their output weights (and the
    offset) stationary, to ``tol``; no move of the zero neuron lowers the objective. Moves are judged by the objective
    itself, in 200 directions at random and in those that the exact oracle finds most promising.
    Guarantee: tight.

    Parameters
    ----------
    problem : Problem
        The training problem, beta > 0, with an affordable exact oracle.
    network : ReLUNetwork
        The local minimum.
    tol : float, default 1e-6
        Tolerance of the hypotheses: relative to beta times the largest neuron. The objective's comparison has it too;
        the constraint's has its root, because moves that gain less than ``tol`` pass for none.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the random directions.

    Raises
    ------
    HypothesisError
        Naming the hypothesis that fails.

    References
    ----------
    B. D. Haeffele and R. Vidal, "Global optimality in neural network training", CVPR 2017, Theorem 1 (a local minimum
    with a zero unit is global); Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of
    regularized two-layer ReLU networks", ICLR 2022.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> root = np.sqrt(0.5)
    >>> theorem = zero_neuron(problem, ReLUNetwork([[root, 0.0]], [root, 0.0]))
    >>> theorem.constraint.holds, theorem.objective.holds
    (True, True)
    >>> zero_neuron(problem, ReLUNetwork([[0.0]], [0.0]))
    Traceback (most recent call last):
    cvxnn.theorems.HypothesisError: the network must be a local minimum: moving the zero neuron by 0.1 lowers the
    objective from 0.5 to 0.495...
    """
    problem, network = as_problem(problem), as_network(network)
    tol = as_number(tol, "tol", positive=True)
    problem.require_trainable()
    problem.require_scale()
    network = problem.fitting(network)
    _require_smooth(problem)
    _require_zero_neuron(network)
    lam = -problem.loss_gradient(network.predict_without_offset(problem.X), network.offset)
    _require_stationary(problem, network, lam, tol)
    found = require_oracle(problem).maximise(lam)
    rng = as_generator(random_state)
    random = rng.standard_normal((problem.n_features, _RANDOM_DIRECTIONS))
    _require_no_gain(problem, network, lam, np.hstack([found.directions, random]), tol)
    optimum = solve_dual(problem).value
    return ZeroNeuron(
        constraint=Comparison(found.value / problem.beta, 1.0, "at most", tol=tol**0.5),
        objective=Comparison(problem.objective(network), optimum, tol=tol),
    )


def _require_smooth(problem: Problem) -> None:
    if not problem.loss.is_smooth:
        raise HypothesisError(f"the loss must be differentiable; {problem.loss.name!r} has a kink")


def _sizes(network: ReLUNetwork) -> tuple[Array, Array]:
    """Return ``||u_j||`` and ``||a_j||``."""
    outputs = network.output.reshape(network.n_neurons, network.n_outputs)
    return np.linalg.norm(network.hidden, axis=0), np.linalg.norm(outputs, axis=1)


def _require_zero_neuron(network: ReLUNetwork) -> None:
    hidden, output = _sizes(network)
    if network.n_neurons == 0:
        raise HypothesisError(f"a neuron must be zero; the network has {network.n_neurons} neurons")
    if not np.any((hidden == 0) & (output == 0)):
        smallest = float(np.min(hidden + output))
        raise HypothesisError(f"a neuron must be zero; the smallest has ||u|| + ||a|| = {smallest:.3g}")


def _require_stationary(problem: Problem, network: ReLUNetwork, lam: Array, tol: float) -> None:
    """Check balance and the gradients for output weights and offset, which have no kink."""
    hidden, output = _sizes(network)
    largest = max(float(np.max(hidden)), float(np.max(output)))
    remedy = ": at any local minimum they are equal"
    require_balanced(hidden, output, "neurons", slack=tol * largest, remedy=remedy)
    activations = np.maximum(problem.X @ network.hidden, 0.0)
    slopes = problem.beta * network.output - activations.T @ lam
    if np.max(np.abs(slopes)) > tol * problem.beta * largest:
        raise HypothesisError(
            f"output weights must be stationary; their largest slope is {float(np.max(np.abs(slopes))):.3g}"
        )
    slope = float(np.max(np.abs(np.sum(lam, axis=0))))
    if problem.output_offset and slope > tol * np.sum(np.abs(lam)):
        raise HypothesisError(
            f"the output offset must be stationary; the loss's slopes add up to {slope:.3g}"
        )


def _require_no_gain(
    problem: Problem, network: ReLUNetwork, lam: Array, directions: Array, tol: float
) -> None:
    """Move the zero neuron along directions, with the output weights that gain most, and look at the objective."""
    units = directions / np.linalg.norm(directions, axis=0)
    outputs = (np.maximum(problem.X @ units, 0.0).T @ lam).reshape(units.shape[1], -1)
    outputs = lengths_and_units(outputs)[1]
    before = problem.objective(network)
    scale = float(np.max(_sizes(network)[0])) or np.sqrt(before / problem.beta)
    for size in _SIZES:
        step = size * scale
        for u, a in zip(units.T, outputs.reshape(-1, *problem.y.shape[1:]), strict=True):
            moved = _with_neuron(network, step * u, step * a)
            after = problem.objective(moved)
            if after < before - tol * problem.beta * step**2 - 1e-14 * before:
                raise HypothesisError(
                    f"the network must be a local minimum: moving the zero neuron by {step:.3g} lowers the objective "
                    f"from {before:.12g} to {after:.12g}"
                )


def _with_neuron(network: ReLUNetwork, u: Array, a: Array) -> ReLUNetwork:
    """Return the network with a neuron more, which is what moving a zero one from zero comes to."""
    hidden = np.column_stack([network.hidden, u])
    return ReLUNetwork(
        hidden, np.concatenate([network.output, np.reshape(a, (1, *np.shape(a)))]), network.offset
    )
