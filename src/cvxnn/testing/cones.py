"""Laws of a program's cones: projection, the faces it lands on, and the prox of norm plus cone."""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxnn.programs import ConvexProgram, WorkingSets
from cvxnn.testing.requirements import require, require_at_most, require_close
from cvxnn.validation import Array

# Blocks count as inside their cones up to this fraction of their size: rounding of d products of float64.
IN_CONE = 1e-12


def check_projection(program: ConvexProgram, V: Array, rng: np.random.Generator) -> None:
    """Check that ``project`` is the Euclidean projection on closed convex cones, whatever it remembers.

    With ``t`` the projection of ``v``: t lies in the cone; ``<t, v - t> = 0`` and ``<z, v - t> <= 0`` for
    every z of the cone (together these characterise it); projecting twice changes nothing; ``c v`` projects
    to ``c t``; columns and working sets do not matter.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    V : ndarray of shape (d, B)
        Points.
    rng : numpy.random.Generator
        Source of other points of the cones.

    References
    ----------
    J.-J. Moreau, "Decomposition orthogonale d'un espace hilbertien selon deux cones mutuellement polaires",
    C. R. Acad. Sci. Paris 255 (1962).
    """
    T = program.project(V)
    norms = np.linalg.norm(V, axis=0)
    require_inside(program, T, norms)
    # 1e-11 of the sizes: what one non-negative least-squares solve in d variables leaves.
    split = np.abs(np.sum(T * (V - T), axis=0))
    require(bool(np.all(split <= 1e-11 * norms**2)), "a projection must be orthogonal to what it leaves")
    for _ in range(5):
        points = rng.standard_normal(V.shape)
        angles = np.sum(program.project(points) * (V - T), axis=0)
        bound = 1e-11 * norms * np.linalg.norm(points, axis=0)
        require(bool(np.all(angles <= bound)), "what a projection leaves must be in the polar cone")
    _check_columns(program.project(T), T, norms, "projecting twice must change nothing")
    for factor in (1e-6, 1e6):
        scaled = program.project(factor * V) / factor
        _check_columns(scaled, T, norms, "projection on a cone must be positively homogeneous")
    _check_memory(program, V, T, rng)
    _check_negligible(program, V, T)


def require_inside(program: ConvexProgram, T: Array, norms: Array) -> None:
    """Raise ``AssertionError`` unless blocks lie in their cones, to rounding of numbers of the given sizes.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    T : ndarray of shape (d, B)
        Blocks.
    norms : ndarray of shape (B,)
        Norms of what each block was computed from: a projection far shorter than its point is inside only to
        the point's rounding.
    """
    relative = T / np.where(norms > 0, norms, 1.0)
    largest = float(np.max(np.linalg.norm(relative, axis=0), initial=0.0))
    found = program.violation(relative) * largest
    require_at_most(found, 0.0, IN_CONE, "projections must lie in their cones")


def _check_columns(found: Array, expected: Array, norms: Array, message: str) -> None:
    require(found.shape == expected.shape, f"{message}: shape {found.shape} instead of {expected.shape}")
    errors = np.linalg.norm(found - expected, axis=0)
    # The square root of the orthogonality allowed above: projections are only that well determined.
    require(bool(np.all(errors <= 1e-8 * norms)), f"{message}: off by {np.max(errors, initial=0.0):.3g}")


def _check_memory(program: ConvexProgram, V: Array, T: Array, rng: np.random.Generator) -> None:
    """Check that selected columns and working sets of an earlier call give the same projections."""
    norms = np.linalg.norm(V, axis=0)
    chosen = np.flatnonzero(rng.random(program.n_blocks) < 0.5)
    sets = WorkingSets.empty(program.n_blocks)
    _check_columns(program.project(V, sets, chosen), T[:, chosen], norms[chosen], "columns must not interact")
    program.project(rng.standard_normal(V.shape), sets)
    _check_columns(program.project(V, sets), T, norms, "working sets must not change a projection")


def _check_negligible(program: ConvexProgram, V: Array, T: Array) -> None:
    """Check that columns whose projection is longer than ``negligible`` are exact, and the others stay short."""
    norms, lengths = np.linalg.norm(V, axis=0), np.linalg.norm(T, axis=0)
    limit = float(np.median(lengths))
    found = program.project(V, None, None, limit)
    long = lengths > limit * (1 + 1e-9)
    message = "columns that are not negligible must be projected"
    _check_columns(found[:, long], T[:, long], norms[long], message)
    largest = float(np.max(np.linalg.norm(found[:, ~long], axis=0), initial=0.0))
    require_at_most(largest, limit, 1e-8 * limit, "negligible columns must stay short")


def check_free_directions(program: ConvexProgram, V: Array) -> None:
    """Check that ``free_directions`` are an orthonormal basis of the face that the projection is on.

    The projection ``t`` of ``v`` lies in the span of the free directions, and the projection of ``v`` on that
    span is ``t``: the face is the one on which the projection is linear.
    """
    sets = WorkingSets.empty(program.n_blocks)
    T = program.project(V, sets)
    for b in range(program.n_blocks):
        N = program.free_directions(sets, b)
        size = float(np.linalg.norm(V[:, b]))
        require_close(N.T @ N, np.eye(N.shape[1]), 1e-12, "free directions must be orthonormal")
        require_close(N @ (N.T @ V[:, b]), T[:, b], 1e-8 * size, "projection must be linear on its face")
    owners, bases = program.face_bases(sets, np.arange(program.n_blocks))
    apart = [program.free_directions(sets, b) for b in range(program.n_blocks)]
    message = "face_bases must give the bases of all blocks side by side"
    require_close(owners, np.repeat(np.arange(program.n_blocks), [N.shape[1] for N in apart]), 0.0, message)
    # Bases of one span: equal projectors, whatever the bases.
    for b, N in enumerate(apart):
        require_close(bases[:, owners == b] @ bases[:, owners == b].T, N @ N.T, 1e-12, message)
    owners, normals = program.face_normals(sets, np.arange(program.n_blocks))
    message = "face_normals must span what face_bases leave"
    for b, N in enumerate(apart):
        both = np.hstack([N, normals[:, owners == b]])
        require_close(both @ both.T, np.eye(len(N)), 1e-12, message)


def check_prox(program: ConvexProgram, V: Array, step: float, rng: np.random.Generator) -> None:
    """Check that ``prox`` lies in the cones and is not beaten there by other points.

    ``prox`` minimises ``1/(2 step) ||W - V||^2 + beta sum_b ||w_b||``, which is strongly convex, so any other
    point Z of the cones is worse by at least ``||Z - W||^2 / (2 step)``.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    V : ndarray of shape (d, B)
        Points.
    step : float
        Positive.
    rng : numpy.random.Generator
        Source of other points.
    """
    W = program.prox(V, step)
    norms = np.linalg.norm(V, axis=0)
    require_inside(program, W, norms)
    T = program.project(V)
    others = [np.zeros_like(V), T, 0.5 * W, 1.1 * W, program.project(V + rng.standard_normal(V.shape))]
    others += [program.project(W + size * rng.standard_normal(V.shape) * norms) for size in (1e-3, 1e-1, 1.0)]
    best = _prox_objectives(program, W, V, step)
    for Z in others:
        distance = 0.5 / step * np.sum((Z - W) ** 2, axis=0)
        worse = _prox_objectives(program, Z, V, step)
        size = 1e-11 * (0.5 / step * (norms + np.linalg.norm(Z, axis=0)) ** 2 + worse)
        require(
            bool(np.all(best + distance <= worse + size)), "prox must minimise its subproblem on the cones"
        )


def _prox_objectives(program: ConvexProgram, W: Array, V: Array, step: float) -> Array:
    squares: Array = np.sum((W - V) ** 2, axis=0)
    values: Array = 0.5 / step * squares + program.problem.beta * np.linalg.norm(W, axis=0)
    return values


def check_prox_by_cvxpy(program: ConvexProgram, V: Array, step: float) -> None:
    """Check ``prox`` against CVXPY on the constraints of the program's own statement.

    Notes
    -----
    The subproblem is strongly convex: a value within ``e`` of the optimum is within ``sqrt(2 step e)`` of the
    point.
    """
    statement = program.to_cvxpy()
    W = statement.blocks
    objective = cp.sum_squares(W - V) / (2 * step) + program.problem.beta * cp.sum(cp.norm(W, 2, axis=0))
    problem = cp.Problem(cp.Minimize(objective), statement.problem.constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    found = float(np.sum(_prox_objectives(program, program.prox(V, step), V, step)))
    tolerance = 1e-7 * (float(np.sum(V**2)) / (2 * step) + abs(found))
    require_close(found, problem.value, tolerance, "prox must attain the optimum that CVXPY finds")
