"""Dual variables of networks: where the loss has a kink, its gradient is one of many."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.kinks import Kinks, network_atoms
from cvxnn.certificates.search import SearchResult, search
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array, as_finite_array

# Predictions this near to a kink may be on it, as shares of the mean loss and penalty of a sample and output.
_WIDTHS = (1e-1, 1e-2, 1e-4)
_PRICE = 2.0  # of exceeding the dual constraint, in units of the network's penalty over beta, which is the fair one


def admissible_dual(problem: Problem, dual: Any) -> Array:
    """Return a dual variable with its negative in the domain of the conjugate, balanced where there is an offset.

    Raises
    ------
    ValueError
        If it is not finite or does not have the shape of y.
    """
    dual = as_finite_array(dual, "dual", (1, 2))
    if dual.shape != problem.y.shape:
        raise ValueError(f"dual must have the shape of y, {problem.y.shape}; got {dual.shape}")
    inside = problem.loss.into_domain(dual, problem.centred_target, problem.sample_weight)
    return problem.project_dual(inside)


def dual_or_own(problem: Problem, network: ReLUNetwork, dual: Any, max_seconds: float) -> Array:
    """Return a given dual variable, made admissible, or else the network's, in a quarter of the time there is."""
    if dual is not None:
        return admissible_dual(problem, dual)
    return network_dual(problem, network, max_seconds=max_seconds / 4)


def null_dual(problem: Problem) -> Array:
    """Return the dual variable of the network without neurons, its offset the best one."""
    return problem.dual_variable(np.broadcast_to(problem.null_offset(), problem.y.shape))


def network_dual(problem: Problem, network: ReLUNetwork, *, max_seconds: float = np.inf) -> Array:
    """Return the dual variable ``-grad ell(f)`` of a network.

    Parameters
    ----------
    problem : Problem
        The training problem, beta > 0.
    network : ReLUNetwork
        A network of its shapes.
    max_seconds : float, default infinity
        Time for the choice among subgradients, where the loss has kinks.

    Notes
    -----
    Where the loss has a kink, a trained network has samples on it, and some subgradient there proves nothing. Those
    of smoothed losses are tried, between the slopes on both sides, and the one chosen by cutting planes (`Kinks`); the
    one is returned that would prove most, by a short search.
    """
    f = network.predict(problem.X)
    if problem.loss.is_smooth:
        return problem.dual_variable(f)
    deadline = time.perf_counter() + max_seconds
    candidates = [problem.dual_variable(f)]
    widths = [share * problem.objective(network) / problem.y.size for share in _WIDTHS]
    for width in widths if widths[0] > 0 else []:
        candidates.append(problem.with_loss(problem.loss.smoothed(width)).dual_variable(f))
        chosen = _chosen(problem, network, width, deadline)
        candidates += [] if chosen is None else [chosen]
    return max(candidates, key=lambda lam: dual_bound(problem, lam, _search(problem, lam, network).value))


def _chosen(problem: Problem, network: ReLUNetwork, width: float, deadline: float) -> Array | None:
    """Return the best subgradient within a width of the network's predictions; None without kinks there."""
    kinks = Kinks.near(problem, network.predict_without_offset(problem.X), network.offset, width)
    if kinks is None:
        return None
    gain = problem.centred_target.reshape(kinks.lower.shape)  # losses with a kink have linear conjugates
    price = _PRICE * max(problem.penalty(network) / problem.beta, 1.0)
    shape = problem.y.shape

    def maximise(lam: Array) -> SearchResult:
        return _search(problem, lam.reshape(shape), network)

    try:
        lam, _ = kinks.choose(
            gain, problem.beta, price, network_atoms(problem, network), maximise, deadline=deadline
        )
    except ArithmeticError:
        return None  # no subgradient near this network is balanced
    return problem.project_dual(lam.reshape(shape))


def _search(problem: Problem, lam: Array, network: ReLUNetwork) -> SearchResult:
    return search(
        problem.X, lam, starts=network.hidden, n_random=32, max_iter=10, output_norm=problem.output_norm
    )
