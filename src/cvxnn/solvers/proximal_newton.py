"""Proximal Newton: any smooth loss as a sequence of weighted least-squares programs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvxnn.deadlines import Deadline
from cvxnn.losses import SquaredLoss
from cvxnn.programs import ConvexProgram, OutOfTime, WorkingSets
from cvxnn.short_reprs import short_repr
from cvxnn.solvers.newton import SemismoothNewton
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.solvers.weighted_squares import least_squares
from cvxnn.validation import Array, are_matrices

_LINE_SEARCH_TRIALS = 30
# Share of the predicted decrease that a step must bring.
_DECREASE = 1e-4
# Weights of the model at least, of their largest: rows that the loss no longer looks at still need a scale.
_SMALLEST_WEIGHT = 1e-8
# A model is solved until its own gap is this share of the decrease it predicts.
_INNER_SHARE = 0.1
_INNER_STEPS = 60
# Relative changes below this are rounding.
_ROUNDING = 1e-14


@dataclass(eq=False)
class _Memory:
    deadline: Deadline
    stalled: int = 0
    sets: WorkingSets = field(default_factory=lambda: WorkingSets.empty(0))


@short_repr
@dataclass(frozen=True)
class ProximalNewton(Solver):
    """Newton's method on the loss, exact in penalty and cones; several outputs and sample weights.

    A step minimises the model ``sum_i <g_i, f_i> + 1/2 <f_i - f_i(W), H_i (f_i - f_i(W))>`` of the loss, with gradients
    g and the loss's `Loss.newton_weights` H at the current blocks W, plus the program's penalty and cones: a weighted
    least-squares program, which semismooth Newton solves from W. A line search along the segment keeps to the
    cones, which are convex, and never raises the objective. For the squared loss the first step is the last.

    Parameters
    ----------
    inner : SemismoothNewton
        The solver of the models.

    References
    ----------
    J. D. Lee, Y. Sun, M. A. Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J.
    Optim. 2014, Algorithm 1 and eq. (2.11).
    """

    inner: SemismoothNewton = SemismoothNewton()
    name: str = "proximal Newton"

    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the start."""
        if not program.problem.loss.is_smooth:
            raise ValueError(
                f"solver must be 'interior_point' for the loss {program.problem.loss.name!r}, which is not smooth; "
                f"got {self.name!r}"
            )
        deadline = Deadline.after(max_seconds)
        sets = WorkingSets.empty(program.n_blocks)
        sets.deadline = deadline
        return Iterate(blocks, _Memory(deadline, sets=sets), sets=sets)

    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Minimise one model and search along the segment to its minimiser."""
        memory = iterate.memory
        assert isinstance(memory, _Memory)
        W = iterate.blocks
        offset = program.best_offset(W)
        model = _model(program, W, offset)
        target = self._minimise(model, W, memory)
        blocks, moved = _search(program, model, W, offset, target)
        memory.stalled = 0 if moved else memory.stalled + 1
        return Iterate(blocks, memory, finished=memory.stalled >= 2, sets=memory.sets)

    def _minimise(self, model: ConvexProgram, W: Array, memory: _Memory) -> Array:
        """Minimise a model from W, until its gap is small beside the decrease that it predicts."""
        if memory.deadline.is_over:
            raise OutOfTime
        before = model.objective(W)
        inner = self.inner.start(model, W, memory.deadline.limit())
        best, best_value = W, before
        for _ in range(_INNER_STEPS):
            inner = self.inner.step(model, inner)
            if not inner.settled:
                continue
            value = model.objective(inner.blocks)
            if value < best_value:
                best, best_value = inner.blocks, value
            bound = model.dual_bound(model.dual_variable(inner.blocks), inner.sets)
            if inner.dual is not None:
                bound = max(bound, model.dual_bound(inner.dual, inner.sets))
            gap = best_value - bound
            if (
                gap <= _INNER_SHARE * (before - best_value)
                or gap <= _ROUNDING * abs(before)
                or inner.finished
            ):
                break
        if inner.sets is not None:
            memory.sets = inner.sets
        return best


def fitting_newton(program: ConvexProgram) -> Solver:
    """Return semismooth Newton where it applies, the squared loss without sample weights, else proximal Newton."""
    problem = program.problem
    plain = isinstance(problem.loss, SquaredLoss) and problem.sample_weight is None
    return SemismoothNewton() if plain else ProximalNewton()


def _model(program: ConvexProgram, W: Array, offset: Array) -> ConvexProgram:
    """Return the least-squares program of the loss around blocks W."""
    problem = program.problem
    f = program.forward(W).reshape(problem.y.shape)
    gradient = problem.loss_gradient(f, offset).reshape(program.target.shape)
    weights = problem.newton_weights(f, offset)
    if not are_matrices(weights):
        weights = weights.reshape(program.target.shape)
        weights = np.maximum(weights, _SMALLEST_WEIGHT * float(np.max(weights)))
        roots, steps = np.sqrt(weights), gradient / weights
    else:
        levels, vectors = np.linalg.eigh(weights)
        levels = np.maximum(levels, _SMALLEST_WEIGHT * float(np.max(levels)))
        roots = np.sqrt(levels)[:, :, None] * vectors.mT
        steps = np.einsum("ncd,nd->nc", (vectors / levels[:, None, :]) @ vectors.mT, gradient)
    centred = f.reshape(program.target.shape) + (offset if problem.n_outputs > 1 else offset[0])
    return least_squares(program, roots, centred - steps)


def _search(
    program: ConvexProgram, model: ConvexProgram, W: Array, offset: Array, target: Array
) -> tuple[Array, bool]:
    """Return a point on the segment from W to target with enough decrease, and whether it is not W."""
    before = program.objective(W, offset)
    # The model at W and its offset is the objective there, up to a constant.
    predicted = model.objective(W, offset) - model.objective(target)
    size = 1.0
    for _ in range(_LINE_SEARCH_TRIALS):
        blocks = W + size * (target - W) if size < 1.0 else target
        after = program.objective(blocks)
        if after <= before - _DECREASE * size * predicted and after < before:
            return blocks, before - after > _ROUNDING * abs(before)
        size *= 0.5
    return W, False
