"""Semismooth Newton augmented Lagrangian on the dual of a cone-constrained group lasso."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from cvxnn.losses import SquaredLoss
from cvxnn.programs import ConvexProgram, WorkingSets
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.validation import Array


@dataclass(eq=False)
class _Memory:
    xi: Array  # (n,) dual point; -lam at the optimum
    multiplier: Array  # (d, B) blocks of the last outer iteration
    sigma: float
    newton_steps: int  # since the last multiplier update
    sets: WorkingSets
    stalled: int


@dataclass(frozen=True, eq=False)
class _Point:
    """The augmented Lagrangian at xi."""

    xi: Array
    shifted: Array  # W - sigma A^T xi
    blocks: Array  # its prox
    value: float
    gradient: Array


@dataclass(frozen=True)
class SemismoothNewton(Solver):
    """Dual augmented Lagrangian whose subproblems are solved by semismooth Newton; squared loss.

    With ``prox`` that of ``sigma (beta ||.|| + cone)``, an outer iteration minimises

    ``psi(xi) = 1/2 ||xi||^2 + y^T xi + 1/(2 sigma) ||prox(W - sigma A^T xi)||^2``

    by Newton steps with an Armijo search, then sets ``W = prox(W - sigma A^T xi)`` and raises sigma. The Newton
    system couples blocks only through n numbers (or through the free dimensions of the non-zero blocks, whichever
    are fewer), because zero blocks have a zero Jacobian and the others

    ``J = (1 - c) N N^T + c th th^T``, ``c = sigma beta / ||t||``, ``th = t / ||t||``

    with N an orthonormal basis of the null space of the rows active in the projection t.

    Parameters
    ----------
    max_newton_steps : int, default 20
        Newton steps in one outer iteration at most.
    growth : float, default 3
        Factor on sigma after an outer iteration of a few Newton steps.
    initial_sigma : float, default 10
        First sigma, in units of the typical block's norm over beta.

    References
    ----------
    Y. Zhang, N. Zhang, D. Sun, K.-C. Toh, "An efficient Hessian based algorithm for solving large-scale sparse
    group Lasso problems", Math. Program. 2020, Algorithms 1 and 2. The cone inside the prox is a departure: the
    prox of norm plus cone is the projection followed by the norm's shrinkage.
    """

    max_newton_steps: int = 20
    growth: float = 3.0
    initial_sigma: float = 10.0
    name: str = "semismooth Newton"

    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the start: xi from the residual, sigma from the size of the blocks."""
        if not isinstance(program.problem.loss, SquaredLoss):
            raise ValueError(f"solver must be another one than {self.name!r} for the loss {program.problem.loss.name!r}")
        lam = program.dual_variable(blocks)
        norms = np.linalg.norm(blocks, axis=0)
        beta, y_norm = program.problem.beta, float(np.linalg.norm(program.target))
        # Blocks and sigma A^T xi should be of one size; sum ||w|| <= ||y||^2 / (2 beta) at the optimum.
        size = float(np.mean(norms[norms > 0])) if np.any(norms > 0) else y_norm**2 / (2 * beta * 30)
        sigma = self.initial_sigma * max(size, np.finfo(np.float64).tiny) / beta
        sets = WorkingSets.empty(program.n_blocks)
        return Iterate(blocks, _Memory(-lam, blocks, sigma, 0, sets, 0))

    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Do one Newton step, and the multiplier update when the subproblem is solved well enough."""
        memory = iterate.memory
        assert isinstance(memory, _Memory)
        point = _evaluate(program, memory, memory.xi)
        direction = -_newton_solve(program, memory, point)
        new = _search(program, memory, point, direction)
        moved = float(np.linalg.norm(new.blocks - memory.multiplier))
        residual = float(np.linalg.norm(new.gradient))
        memory.xi = new.xi
        memory.newton_steps += 1
        # Inexactness criterion (B) of the reference: the subproblem's error is small beside the outer progress.
        settled = residual <= 0.3 * moved / np.sqrt(memory.sigma) or memory.newton_steps >= self.max_newton_steps or new is point
        if settled:
            self._update(memory, new, residual, moved)
        return Iterate(new.blocks, memory, finished=memory.stalled >= 3, settled=settled)

    def _update(self, memory: _Memory, point: _Point, residual: float, moved: float) -> None:
        still = moved <= 1e-10 * float(np.linalg.norm(point.blocks)) and residual <= 1e-10 * float(np.linalg.norm(point.xi))
        memory.stalled = memory.stalled + 1 if still else 0
        memory.multiplier = point.blocks
        memory.sigma *= self._growth_factor(memory.newton_steps)
        memory.newton_steps = 0

    def _growth_factor(self, newton_steps: int) -> float:
        """Grow fast after easy subproblems, hold after hard ones, retreat when one was given up.

        Growing always by 3 failed on concrete at 1e-4 of its critical beta and was no faster elsewhere.
        """
        if newton_steps <= 1:
            return self.growth**2
        if newton_steps <= 5:
            return self.growth
        return 1.0 if newton_steps < self.max_newton_steps else 1.0 / self.growth


def _evaluate(program: ConvexProgram, memory: _Memory, xi: Array) -> _Point:
    shifted = memory.multiplier - memory.sigma * program.adjoint(xi)
    blocks = program.prox(shifted, memory.sigma, memory.sets)
    y = program.problem.project_dual(program.target)
    value = 0.5 * float(xi @ xi) + float(y @ xi) + 0.5 / memory.sigma * float(np.sum(blocks * blocks))
    # xi lives where 1^T xi = 0 when there is an offset: the gradient is projected there.
    gradient = xi + y - program.problem.project_dual(program.forward(blocks))
    return _Point(xi, shifted, blocks, value, gradient)


def _search(program: ConvexProgram, memory: _Memory, point: _Point, direction: Array) -> _Point:
    """Armijo search with halving; returns ``point`` itself when rounding leaves no decrease."""
    slope = float(point.gradient @ direction)
    size = 1.0
    while size > 1e-10:
        new = _evaluate(program, memory, point.xi + size * direction)
        rounding = 1e-14 * (abs(point.value) + abs(new.value))
        if new.value <= point.value + 1e-4 * size * slope + rounding:
            return new
        size *= 0.5
    return point


def _newton_solve(program: ConvexProgram, memory: _Memory, point: _Point) -> Array:
    """Solve ``(I + sigma sum_b A_b J_b A_b^T) x = gradient``, by Woodbury when that is smaller."""
    B = _jacobian_root(program, memory, point)
    n, r = B.shape
    if r == 0:
        return point.gradient
    sigma = memory.sigma
    if r < n:
        inner = cho_factor(np.eye(r) / sigma + B.T @ B, lower=True)
        return point.gradient - B @ cho_solve(inner, B.T @ point.gradient)
    return np.asarray(cho_solve(cho_factor(np.eye(n) + sigma * (B @ B.T), lower=True), point.gradient))


def _jacobian_root(program: ConvexProgram, memory: _Memory, point: _Point) -> Array:
    """Return B with ``B B^T = sum_b A_b J_b A_b^T``, shape (n, free dimensions), projected for the offset."""
    threshold = memory.sigma * program.problem.beta
    norms = np.linalg.norm(point.blocks, axis=0)
    used = np.flatnonzero(norms > 0)
    if used.size == 0:
        return np.zeros((program.problem.n_samples, 0))
    roots = [_block_root(program, memory, b, point.blocks[:, b] / norms[b], threshold / (norms[b] + threshold)) for b in used]
    owners = np.repeat(used, [root.shape[1] for root in roots])
    return program.problem.project_dual(program.images(owners, np.hstack(roots)))


def _block_root(program: ConvexProgram, memory: _Memory, block: int, theta: Array, c: float) -> Array:
    """Return a root of ``(1 - c) N N^T + c th th^T``; c = sigma beta / ||t|| with ||t|| = ||w|| + sigma beta."""
    N = program.free_directions(memory.sets, block)
    tau = N.T @ theta
    tau = tau / max(float(np.linalg.norm(tau)), np.finfo(np.float64).tiny)
    root = np.sqrt(1.0 - c)
    return N * root + np.outer(N @ tau, (1.0 - root) * tau)
