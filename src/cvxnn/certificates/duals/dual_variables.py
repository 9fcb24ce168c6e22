"""Dual variables of networks: where the loss has a kink, its gradient is one of many."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cvxnn.certificates.dual_bounds import dual_bound
from cvxnn.certificates.duals.subgradients import Kinks, Maximise, network_atoms
from cvxnn.certificates.exact_oracles.choice import exact_oracle
from cvxnn.certificates.local_search.multi_start import search
from cvxnn.certificates.rotation import Rotation
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_problem
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_finite_array

# Predictions this near to a kink may be on it, as shares of the mean loss and penalty of a sample and output.
_WIDTHS = (1e-1, 1e-2, 1e-4)
_SEARCHES = 8  # no search takes longer than this part of the time
_PRICE = 2.0  # of exceeding the dual constraint, in units of the network's penalty over beta, which is the fair one


def admissible_dual(problem: Problem, dual: Any) -> Array:
    """Return a dual variable with its negative in the domain of the conjugate, balanced where there is an offset.

    Raises
    ------
    ValueError
        If it is not finite or does not have the shape of y.
    """
    dual = as_finite_array(dual, "dual", (1, 2))
    if len(dual) != problem.n_samples or dual.size != problem.y.size:
        raise ValueError(f"dual must have the shape of y, {problem.y.shape}; got {dual.shape}")
    dual = dual.reshape(problem.y.shape)
    inside = problem.loss.into_domain(dual, problem.centred_target, problem.sample_weight)
    return problem.project_dual(inside)


def dual_or_own(problem: Problem, network: ReLUNetwork, dual: Any, deadline: Deadline) -> Array:
    """Return a given dual variable, made admissible, or else the network's, in a quarter of the time there is."""
    if dual is not None:
        return admissible_dual(problem, dual)
    return network_dual(problem, network, max_seconds=deadline.share(0.25).limit())


def null_dual(problem: Problem) -> Array:
    """Return the dual variable of the network without neurons, its offset the best one."""
    return problem.dual_variable(np.broadcast_to(problem.null_offset(), problem.y.shape))


@on_one_blas_thread
def network_dual(problem: Problem, network: ReLUNetwork, *, max_seconds: float | None = None) -> Array:
    """Return the dual variable ``-grad ell(f)`` of a network.

    Parameters
    ----------
    problem : Problem
        The training problem, beta > 0.
    network : ReLUNetwork
        A network of its shapes.
    max_seconds : float, optional
        Time for the choice among subgradients, where the loss has kinks.

    Notes
    -----
    Where the loss has a kink, a trained network has samples on it, and some subgradient there proves nothing. Those
    of smoothed losses are tried, between the slopes on both sides, and the one chosen by cutting planes (`Kinks`); the
    one is returned that would prove most, by a short search.
    """
    problem = as_problem(problem)
    flat = problem.flat()
    rotation = Rotation.of(flat)  # for the searches, all of which are in the row space of wide data
    seen = rotation.network_in_coordinates(flat.fitting(network))
    return _network_dual(rotation.problem, seen, max_seconds).reshape(problem.y.shape)


def _network_dual(problem: Problem, network: ReLUNetwork, max_seconds: float | None) -> Array:
    deadline, f = Deadline.after(max_seconds), network.predict(problem.X)
    if problem.loss.is_smooth:
        return problem.dual_variable(f)
    maximise = _maximiser(problem, network, deadline.part(1 / _SEARCHES).limit())
    candidates = [problem.dual_variable(f)]
    widths = [problem.smoothing_width(share * problem.objective(network)) for share in _WIDTHS]
    for width in widths if widths[0] > 0 else []:
        # smoothed losses differ within twice their width of a kink
        kinks = Kinks.near(problem, network.predict_without_offset(problem.X), network.offset, 2 * width)
        if kinks is None:
            break
        candidates.append(problem.with_loss(problem.loss.smoothed(width)).dual_variable(f))
        if kinks.are_few:
            candidates += _chosen(problem, network, kinks, maximise, deadline)
    if len(candidates) == 1:
        return candidates[0]
    return max(candidates, key=lambda lam: dual_bound(problem, lam, maximise(lam).value))


def _chosen(
    problem: Problem, network: ReLUNetwork, kinks: Kinks, maximise: Maximise, deadline: Deadline
) -> list[Array]:
    """Return the best subgradient near a network; none where none is balanced."""
    shape = problem.y.shape
    gain = problem.centred_target.reshape(kinks.lower.shape)  # losses with a kink have linear conjugates
    price = _PRICE * max(problem.penalty(network) / problem.beta, 1.0)
    start = network_atoms(problem, network)
    try:
        lam, _ = kinks.choose(
            gain, problem.beta, price, start, lambda lam: maximise(lam.reshape(shape)), deadline=deadline
        )
    except ArithmeticError:
        return []
    return [problem.project_dual(lam.reshape(shape))]


def _maximiser(problem: Problem, network: ReLUNetwork, max_seconds: float | None) -> Maximise:
    """Return the maximum of the dual constraint as a function: exact where that is cheap, else a short search."""
    # without any time for cells
    sweep = exact_oracle(
        problem.X, n_outputs=problem.n_outputs, output_norm=problem.output_norm, max_seconds=0.0
    )
    if sweep is not None and problem.y.shape != (len(problem.y), 1):
        return sweep.maximise
    return partial(
        search,
        problem.X,
        starts=network.hidden,
        n_random=32,
        max_iterations=10,
        max_seconds=max_seconds,
        output_norm=problem.output_norm,
    )
