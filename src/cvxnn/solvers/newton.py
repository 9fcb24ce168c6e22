"""Semismooth Newton augmented Lagrangian on the dual of a cone-constrained group lasso."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from cvxnn.deadlines import Deadline
from cvxnn.losses import SquaredLoss
from cvxnn.programs import ConvexProgram, GatedReLUProgram, OutOfTime, WorkingSets
from cvxnn.solvers.gated_system import gated_newton_solve
from cvxnn.solvers.newton_system import FaceGram, solve_by_conjugate_gradients
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.validation import Array

# Values of the augmented Lagrangian that differ by less than this fraction are equal.
_ROUNDING = 1e-14
_LINE_SEARCH_TRIALS = 40
# Order of the largest Newton system that is stored: a few matrices of 128 MiB.
_STORED = 4096
# Images that are multiplied at a time: 32 MiB.
_ROOT_ENTRIES = 1 << 22
# Sigma is that much larger when there are blocks to start from: a tenth less time on real tables, where from zero
# it costs twice the time on 1000 random blocks.
_WARM = 10.0


@dataclass(frozen=True, eq=False)
class _Point:
    """The augmented Lagrangian at xi, for one multiplier and sigma."""

    xi: Array  # shape of y, dual point; -lam at the optimum
    adjoint: Array  # A^T xi
    blocks: Array  # prox of W - sigma A^T xi
    value: float
    gradient: Array


@dataclass(eq=False)
class _Memory:
    point: _Point
    multiplier: Array  # (d, B) blocks of the last outer iteration
    sigma: float
    newton_steps: int  # since the last multiplier update
    sets: WorkingSets
    stalled: int
    gram: FaceGram


@dataclass(frozen=True)
class SemismoothNewton(Solver):
    """Dual augmented Lagrangian whose subproblems are solved by semismooth Newton; squared loss.

    With ``prox`` that of ``sigma (beta ||.|| + cone)``, an outer iteration minimises

    ``psi(xi) = 1/2 ||xi||^2 + y^T xi + 1/(2 sigma) ||prox(W - sigma A^T xi)||^2``

    by Newton steps with a line search, then sets ``W = prox(W - sigma A^T xi)`` and raises sigma. The Newton
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
    initial_sigma : float, default 1000
        First sigma from zero, in units of ``1 / ||X||^2``; ten times that from blocks.

    References
    ----------
    Y. Zhang, N. Zhang, D. Sun, K.-C. Toh, "An efficient Hessian based algorithm for solving large-scale sparse
    group Lasso problems", Math. Program. 2020, Algorithms 1 and 2. The cone inside the prox is a departure: the
    prox of norm plus cone is the projection followed by the norm's shrinkage.
    """

    max_newton_steps: int = 20
    growth: float = 3.0
    initial_sigma: float = 1000.0
    name: str = "semismooth Newton"

    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the start: xi from the residual, sigma from the size of X."""
        if not isinstance(program.problem.loss, SquaredLoss) or program.problem.sample_weight is not None:
            loss = program.problem.loss.name
            raise ValueError(
                f"solver must be another one than {self.name!r} for the loss {loss!r} and for sample weights"
            )
        lam = program.dual_variable(blocks)
        # Sigma from the size of the blocks over beta was 10^5 times too large for cold starts at small beta: on
        # concrete at 5e-5 of its critical beta, 100 steps then left an objective of 10^6 instead of 6.2.
        norm = float(np.linalg.norm(program.problem.X, 2))
        sigma = self.initial_sigma * (_WARM if np.any(blocks) else 1.0) / norm**2 if norm > 0 else 1.0
        sets = WorkingSets.empty(program.n_blocks)
        sets.deadline = Deadline.after(max_seconds)
        point = _evaluate(program, blocks, sigma, sets, -lam, -program.adjoint(lam))
        return Iterate(blocks, _Memory(point, blocks, sigma, 0, sets, 0, FaceGram()), dual=lam, sets=sets)

    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Do one Newton step, and the multiplier update when the subproblem is solved well enough."""
        memory = iterate.memory
        assert isinstance(memory, _Memory)
        old = memory.point
        memory.point = _search(program, memory, -_newton_solve(program, memory))
        memory.newton_steps += 1
        blocks = memory.point.blocks
        moved = float(np.linalg.norm(blocks - memory.multiplier))
        residual = float(np.linalg.norm(memory.point.gradient))
        # Inexactness criterion (B) of the reference: the subproblem's error is small beside the outer progress.
        solved = residual <= moved / np.sqrt(memory.sigma)
        if not solved and _is_rounding(old, memory.point):
            memory.newton_steps = self.max_newton_steps
        settled = solved or memory.newton_steps >= self.max_newton_steps
        if settled:
            self._update(program, memory, residual, moved)
        finished = memory.stalled >= 3
        return Iterate(blocks, memory, finished, settled, dual=-memory.point.xi, sets=memory.sets)

    def _update(self, program: ConvexProgram, memory: _Memory, residual: float, moved: float) -> None:
        """Take the blocks as the new multiplier, and choose sigma."""
        point = memory.point
        still = moved <= 1e-10 * float(np.linalg.norm(point.blocks))
        still = still and residual <= 1e-10 * float(np.linalg.norm(point.xi))
        memory.stalled = memory.stalled + 1 if still else 0
        memory.multiplier = point.blocks
        memory.sigma *= self._growth_factor(memory.newton_steps)
        memory.newton_steps = 0
        memory.point = _evaluate(program, point.blocks, memory.sigma, memory.sets, point.xi, point.adjoint)

    def _growth_factor(self, newton_steps: int) -> float:
        """Grow fast after easy subproblems, hold after hard ones, retreat when one was given up.

        Growing always by 3 failed on concrete at 1e-4 of its critical beta and was no faster elsewhere; nor were
        factors 2 and 5. Giving up after 10 Newton steps instead of 20 lost twice the time on hard problems.
        """
        if newton_steps <= 1:
            return self.growth**2
        if newton_steps <= self.max_newton_steps // 2:
            return self.growth
        return 1.0 if newton_steps < self.max_newton_steps else 1.0 / self.growth


def _evaluate(
    program: ConvexProgram, multiplier: Array, sigma: float, sets: WorkingSets, xi: Array, adjoint: Array
) -> _Point:
    blocks = program.prox(multiplier - sigma * adjoint, sigma, sets)
    predictions = program.forward(blocks)
    y = program.problem.project_dual(program.target)
    value = (
        0.5 * float(np.vdot(xi, xi)) + float(np.vdot(y, xi)) + 0.5 / sigma * float(np.sum(blocks * blocks))
    )
    # xi lives where 1^T xi = 0 when there is an offset: the gradient is projected there.
    gradient = xi + y - program.problem.project_dual(predictions)
    return _Point(xi, adjoint, blocks, value, gradient)


def _search(program: ConvexProgram, memory: _Memory, direction: Array) -> _Point:
    """Search for a step of enough decrease and at most half the slope; return the point itself where there is none.

    The slope along the direction only rises, so its root is bracketed and the secant is safe. Against halving until
    the decrease suffices, this takes a quarter of the Newton steps away: steps stop at kinks, not far before.
    """
    point = memory.point
    slope, adjoint = float(np.vdot(point.gradient, direction)), program.adjoint(direction)
    low, low_slope, high, high_slope, size = 0.0, slope, np.inf, np.inf, 1.0
    for _ in range(_LINE_SEARCH_TRIALS):
        xi, A_xi = point.xi + size * direction, point.adjoint + size * adjoint
        new = _evaluate(program, memory.multiplier, memory.sigma, memory.sets, xi, A_xi)
        new_slope = float(np.vdot(new.gradient, direction))
        rounding = _ROUNDING * (abs(point.value) + abs(new.value))
        lower = new.value <= point.value + 1e-4 * size * slope + rounding
        flat = abs(new_slope) <= 0.5 * abs(slope) or -slope <= rounding
        if lower and (flat or (size == 1.0 and new_slope <= 0)):
            return new
        if lower and new_slope <= 0:
            low, low_slope = size, new_slope
        else:
            high, high_slope = size, new_slope
        root = -low_slope / (high_slope - low_slope) if high_slope > low_slope else 0.5
        size = low + (high - low) * min(max(root, 0.1), 0.9)
    return new if lower else point


def _is_rounding(old: _Point, new: _Point) -> bool:
    """Return whether a step changed neither value nor gradient by more than rounding leaves of them."""
    same = old.value - new.value <= _ROUNDING * (abs(old.value) + abs(new.value))
    return same and float(np.linalg.norm(new.gradient)) > 0.5 * float(np.linalg.norm(old.gradient))


def _newton_solve(program: ConvexProgram, memory: _Memory) -> Array:
    """Solve ``(I + sigma sum_b A_b J_b A_b^T) x = gradient``, by the smaller of two systems, stored or not."""
    point, sigma = memory.point, memory.sigma
    if isinstance(program, GatedReLUProgram) and program.n_outputs > 1:
        V = memory.multiplier - sigma * point.adjoint
        return gated_newton_solve(program, V, sigma, point.gradient, memory.sets.deadline)
    used = np.flatnonzero(np.any(point.blocks, axis=0))
    n, d = program.target.size, program.problem.n_features
    n_free = d * used.size - int(np.sum(memory.sets.counts[used]))
    if n_free == 0:
        return point.gradient
    if min(n_free, n) > _STORED:
        return solve_by_conjugate_gradients(program, memory.sets, point.blocks, sigma, point.gradient)
    if n_free < n:
        memory.gram.update(program, memory.sets, used)
        return memory.gram.solve(program, point.blocks, sigma, point.gradient)
    matrix = np.eye(n) / sigma
    chunk = max(_ROOT_ENTRIES // (n * d), 1)
    for start in range(0, used.size, chunk):
        if memory.sets.deadline.is_over:
            raise OutOfTime
        B = _jacobian_root(program, memory, used[start : start + chunk])
        # NumPy sends the product of a matrix and its own transpose to the symmetric BLAS routine, half the work.
        matrix += B @ B.T
    outer = cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    solved = cho_solve(outer, point.gradient.reshape(-1) / sigma, check_finite=False)
    return np.asarray(solved).reshape(point.gradient.shape)


def _jacobian_root(program: ConvexProgram, memory: _Memory, used: NDArray[np.intp]) -> Array:
    """Return B with ``B B^T = sum_b A_b J_b A_b^T`` over blocks in use, shape (n C, free dimensions).

    It is projected for the offset.

    A root of ``(1 - c) N N^T + c th th^T`` is ``sqrt(1 - c) N + (1 - sqrt(1 - c)) th (N^T th)^T``.
    """
    blocks = memory.point.blocks
    norms = np.linalg.norm(blocks, axis=0)
    owners, N = program.face_bases(memory.sets, used)
    theta = blocks[:, owners] / norms[owners]
    # 1 - c with c = sigma beta / ||t|| and ||t|| = ||w|| + sigma beta.
    root = np.sqrt(norms / (norms + memory.sigma * program.problem.beta))[owners]
    directions = root * N + (1.0 - root) * np.sum(N * theta, axis=0) * theta
    images = program.images(owners, directions).reshape(program.target.size, len(owners))
    basis = program.problem.offset_basis
    return np.asarray(images - basis @ (basis.T @ images))
