"""Laws of convex programs: adjoint, weak duality, critical beta, and the maps to networks and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.programs import ConvexProgram
from cvxnn.testing.cones import IN_CONE, require_inside
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array


def _forward_size(program: ConvexProgram, W: Array) -> float:
    """Return a bound on the sum of absolute terms in ``A W``: what rounding is relative to."""
    return float(np.linalg.norm(program.problem.X) * np.sum(np.linalg.norm(W, axis=0)))


def _objective_size(program: ConvexProgram, W: Array) -> float:
    """Return the size of the numbers that an objective at W is made of."""
    terms = _forward_size(program, W) + float(np.linalg.norm(program.target))
    return program.objective(W) + program.problem.loss.curvature * terms**2


def check_adjoint(program: ConvexProgram, W: Array, lam: Array) -> None:
    """Check ``<A W, lam> = <W, A^T lam>``.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    W : ndarray of shape (d, B)
        Blocks.
    lam : ndarray, shape of ``program.target``
        A dual variable.

    Examples
    --------
    >>> from cvxnn.problem import Problem
    >>> from cvxnn.programs import ReLUProgram
    >>> program = ReLUProgram(Problem([[1.0]], [1.0], beta=0.5), [[True]])
    >>> check_adjoint(program, np.array([[2.0, 3.0]]), np.array([4.0]))
    """
    left, right = float(np.vdot(program.forward(W), lam)), float(np.sum(W * program.adjoint(lam)))
    tolerance = ROUNDING * _forward_size(program, W) * float(np.linalg.norm(lam))
    require_close(left, right, tolerance, "<A W, lam> must equal <W, A^T lam>")


def check_images(program: ConvexProgram, W: Array) -> None:
    """Check that ``images`` of single blocks add up to ``forward`` of all."""
    images = program.images(np.arange(program.n_blocks), W)
    expected = (*program.target.shape, program.n_blocks)
    require(images.shape == expected, f"images must have shape {expected}; got {images.shape}")
    tolerance = ROUNDING * _forward_size(program, W)
    require_close(images.sum(axis=-1), program.forward(W), tolerance, "images must add up to forward")


def check_weak_duality(program: ConvexProgram, W: Array, lam: Array) -> None:
    """Check ``0 <= dual_bound(c lam) <= objective`` at any feasible blocks, for any lam at any scale c.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    W : ndarray of shape (d, B)
        Points; their projections on the cones are the feasible blocks. Good ones make the law bite.
    lam : ndarray, shape of ``program.target``
        Any dual variable.
    """
    feasible = program.project(W)
    objectives = [program.objective(c * feasible) for c in (0.0, 1e-3, 1.0)]
    for c in (-1.0, 0.0, 1e-8, 1e-3, 1.0, 1e3, 1e8):
        bound = program.dual_bound(c * lam)
        require(bound >= 0.0, f"dual_bound must be non-negative; got {bound!r}")
        for objective in objectives:
            require_at_most(bound, objective, ROUNDING * objective, "dual_bound must not exceed an objective")


def check_dual_scaling(program: ConvexProgram, lam: Array) -> None:
    """Check that ``critical_beta`` is the largest projected norm, and ``dual_bound`` gives nothing away.

    The best bound along the ray of lam is ``max -conjugate(-t lam)`` over ``0 <= t <= beta /
    critical_beta(lam)``. More is no bound; less is waste, which is allowed only by not stretching (t > 1) a
    lam that is feasible as it is.
    """
    problem = program.problem
    lam = problem.project_dual(lam.reshape(problem.y.shape)).reshape(program.target.shape)
    critical = float(np.max(np.linalg.norm(program.project(program.adjoint(lam)), axis=0), initial=0.0))
    noise = ROUNDING * float(np.linalg.norm(problem.X) * np.linalg.norm(lam))
    tolerance = 1e-10 * critical + noise
    require_close(program.critical_beta(lam), critical, tolerance, "critical_beta must be the largest norm")
    if critical <= noise:
        return
    largest = problem.beta / critical
    least, most = (_bound_on_ray(program, lam, limit) for limit in (min(1.0, largest), largest))
    tolerance = 1e-9 * (problem.loss.value(np.zeros_like(lam), program.target) + most)
    found = program.dual_bound(lam)
    require_at_most(found, most, tolerance, "dual_bound must keep to feasible scales")
    require_at_most(least, found, tolerance, "dual_bound must use all of the scale")


def _bound_on_ray(program: ConvexProgram, lam: Array, limit: float) -> float:
    loss = program.problem.loss
    t = loss.best_dual_scale(lam, program.target, limit)
    return max(0.0, -loss.conjugate(-t * lam, program.target))


def check_critical_beta(make: Callable[[float], ConvexProgram]) -> None:
    """Check that zero is optimal exactly from ``critical_beta`` of the zero network's dual variable on.

    Parameters
    ----------
    make : callable
        ``make(beta)`` returns the program with that beta.

    Notes
    -----
    Above, the dual variable is feasible as it is and proves zero optimal. Below, a short prox step from zero
    lowers the objective.
    """
    probe = make(1.0)
    zero = np.zeros((probe.problem.n_features, probe.n_blocks))
    lam = probe.dual_variable(zero)
    critical = probe.critical_beta(lam)
    if critical <= ROUNDING * float(np.linalg.norm(probe.problem.X) * np.linalg.norm(lam)):
        return  # zero is optimal at every beta, to rounding
    above, below = make(1.001 * critical), make(0.99 * critical)
    start = above.objective(zero)
    require_close(above.dual_bound(lam), start, 1e-9 * start, "above critical_beta, zero must be optimal")
    norm = float(np.linalg.norm(probe.problem.X, 2))
    step = 1.0 / (probe.problem.loss.curvature * norm**2 * probe.n_blocks)
    # The prox step lowers the objective by at least this; less than the rounding of the objective would not show.
    decrease = 0.5 * step * (0.01 * critical) ** 2
    if decrease > ROUNDING * start:
        moved = below.objective(below.prox(zero + step * below.adjoint(lam), step))
        message = "below critical_beta, a step from zero must lower the objective"
        require_at_most(moved, start - decrease, 1e-3 * decrease + 0.01 * ROUNDING * start, message)


def check_blocks_to_network(program: ConvexProgram, W: Array) -> None:
    """Check that ``to_network`` keeps objective and predictions of feasible blocks, in a balanced network.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1.
    """
    feasible = program.project(W)
    network, offset = program.to_network(feasible), program.best_offset(feasible)
    # Projections are inside to the rounding of their points: a neuron may be on where its pattern is off.
    slip = IN_CONE * (_forward_size(program, W) + float(np.max(np.abs(offset))))
    found = np.asarray(network.predict(program.problem.X)).reshape(program.target.shape)
    require_close(found, program.forward(feasible) + offset, slip, "to_network must keep predictions")
    expected, after = program.objective(feasible, offset), _attained(program, network)
    slope = float(
        np.linalg.norm(program.problem.loss.gradient(program.forward(feasible) + offset, program.target))
    )
    tolerance = 1e-9 * expected + (slope + program.problem.loss.curvature * slip) * slip
    require_close(after, expected, tolerance, "to_network must keep the objective")
    norms = np.linalg.norm(network.hidden, axis=0)
    outputs = np.linalg.norm(network.output.reshape(network.n_neurons, network.n_outputs), axis=1)
    tolerance = ROUNDING * float(np.max(norms, initial=0.0))
    require_close(outputs, norms, tolerance, "to_network must give a balanced network")


def _attained(program: ConvexProgram, network: Any) -> float:
    """Return the training objective of a network; `Problem.objective` serves gated networks as well."""
    return program.problem.objective(network)


def check_network_to_blocks(
    program: ConvexProgram, network: ReLUNetwork | GatedReLUNetwork, *, keeps: bool = False
) -> None:
    """Check that ``to_blocks`` gives feasible blocks, keeps predictions and never raises the objective.

    Parameters
    ----------
    program : ConvexProgram
        A program with a block for the pattern and sign of every neuron.
    network : ReLUNetwork or GatedReLUNetwork
        The network.
    keeps : bool, default False
        Whether the objective must stay the same, as it does for balanced networks with one neuron per block.
    """
    W = program.to_blocks(network)  # type: ignore[attr-defined]
    norms = np.linalg.norm(W, axis=0)
    require_inside(program, W, norms)
    expected = program.problem.loss.value(
        network.predict(program.problem.X).reshape(program.target.shape), program.target
    )
    found = program.problem.loss.value(program.forward(W) + network.offset, program.target)
    size = _objective_size(program, W)
    require_close(found, expected, ROUNDING * size, "to_blocks must keep predictions")
    before, after = _attained(program, network), program.objective(W, network.offset)
    tolerance = 1e-9 * before + ROUNDING * size
    require_at_most(after, before, tolerance, "to_blocks must not raise the objective")
    if keeps:
        require_close(after, before, tolerance, "to_blocks must keep the objective")
