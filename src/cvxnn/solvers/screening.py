"""Gap-safe screening: blocks that a proven gap shows to be zero at every optimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.programs import ConvexProgram, GatedReLUProgram, WorkingSets
from cvxnn.validation import Array

# Rounding of norms and radii, relative: a block is discarded only where it clears beta by more than this.
_MARGIN = 1e-9
# Rounding of a gap, relative to the objective that it is a difference of.
_ROUNDING = 1e-13


@dataclass(frozen=True, eq=False)
class DualPoint:
    """The best feasible multiple of a dual variable.

    Parameters
    ----------
    value : float
        The dual objective at ``scale * lam``: a lower bound on the program's optimum.
    scale : float
        The multiple; ``scale * lam`` is feasible.
    norms : ndarray of shape (B,)
        `cone_norms` of lam itself; one a gate, (G,), for gated programs of several outputs.
    """

    value: float
    scale: float
    norms: Array


def dual_point(program: ConvexProgram, lam: Array, sets: WorkingSets) -> DualPoint:
    """Return the best feasible multiple of a dual variable, by one pass over the data.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    lam : ndarray, shape of ``program.target``
        Dual variable, with ``1^T lam = 0`` where there is an offset.
    sets : WorkingSets
        Working sets of the projections, changed in place.
    """
    problem = program.problem
    norms = cone_norms(program, program.adjoint(lam), sets)
    largest = float(np.max(norms))
    limit = problem.beta / largest if largest > 0 else 1.0
    shaped = lam.reshape(problem.y.shape)
    scale = problem.best_dual_scale(shaped, limit)
    value = problem.dual_objective(scale * shaped)
    return DualPoint(value, scale, norms)


def cone_norms(program: ConvexProgram, G: Array, sets: WorkingSets) -> Array:
    """Return upper bounds on ``||Pi_K(g_b)||``, exact where they exceed beta.

    The norm of g_b is such a bound; only blocks where it exceeds beta are projected. For gated programs of several
    outputs they are the gates' dual norms.
    """
    if isinstance(program, GatedReLUProgram):
        return program.dual_norms(G, program.problem.beta)
    norms: Array = np.linalg.norm(G, axis=0)
    floor = 0.5 * program.problem.beta
    large = np.flatnonzero(norms > program.problem.beta)
    if large.size:
        projected = np.linalg.norm(program.project(G, sets, large, floor), axis=0)
        norms[large] = np.minimum(norms[large], np.maximum(projected, floor))
    return norms


def is_zero_at_optimum(
    program: ConvexProgram, point: DualPoint, objective: float, norm_bounds: Array
) -> NDArray[np.bool_]:
    """Return which blocks are proven to be zero at every optimum of the program.

    The dual objective is strongly concave with modulus 1 / curvature, so the dual optimum lies within
    ``r = sqrt(2 curvature gap)`` of any feasible point of that gap; a block whose constraint
    ``||Pi_K(A^T lam)_b|| <= beta`` is slack in the whole ball, ``scale norms_b + r ||D_b X|| < beta``, is zero.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    point : DualPoint
        A feasible dual point.
    objective : float
        The objective at any feasible blocks.
    norm_bounds : ndarray, shape of ``point.norms``
        Upper bounds on ``||D_b X||``.

    Returns
    -------
    bool ndarray, shape of ``point.norms``

    References
    ----------
    E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, "Gap safe screening rules for sparsity enforcing penalties", JMLR
    2017, Theorem 2 and eq. (7). Projections on cones do not expand, so that cones change nothing; nor do spectral
    norms exceed Frobenius norms, so that the same radius serves gates of several outputs.
    """
    gap = max(objective - point.value, 0.0) + _ROUNDING * objective
    radius = np.sqrt(2.0 * program.problem.curvature * gap)
    reached = point.scale * point.norms + radius * norm_bounds
    return np.asarray(reached < program.problem.beta * (1.0 - _MARGIN))
