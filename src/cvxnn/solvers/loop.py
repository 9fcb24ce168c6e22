"""The one loop around every solver: stopping, time, interrupts, finiteness, history and the proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import brentq

from cvxnn.certificates import make_certificate
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.programs import ConvexProgram, GatedReLUProgram, OutOfTime, ReLUProgram, WorkingSets
from cvxnn.solvers.restriction import restrict
from cvxnn.solvers.solution import Solution, SolveRecord
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.statuses import SolveStatus
from cvxnn.validation import Array

SolveCallback = Callable[[SolveRecord], object]

# Of the loss of zero blocks: what smoothing a loss with a kink may take off it, for the direction of the first step.
_SMOOTHING = 1e-6
_DOUBLINGS = 200
# Blocks in cones that the first step moves.
_FEW = 8


@dataclass(eq=False)
class _Best:
    """The best blocks and the best bound seen; both only ever improve."""

    program: ConvexProgram
    tol: float
    deadline: Deadline
    blocks: Array
    objective: float = np.inf
    lower_bound: float = 0.0
    dual: Array | None = None  # of the bound
    history: list[SolveRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sets = WorkingSets.empty(self.program.n_blocks)

    def keep(self, blocks: Array) -> tuple[float, Array]:
        """Keep blocks if they are the best; return their objective and offset."""
        offset = self.program.best_offset(blocks)
        objective = self.program.objective(blocks, offset)
        if objective < self.objective:
            self.objective, self.blocks = objective, blocks
        return objective, offset

    def see(self, blocks: Array, step: int, iterate: Iterate | None = None) -> SolveRecord:
        """Evaluate blocks: objective, and bounds where the iterate they belong to is given.

        Bounds come from the residual of the blocks, and where that is not enough from the solver's own dual variable,
        with the solver's faces as a first guess.
        """
        objective, offset = self.keep(blocks)
        if iterate is not None:
            if iterate.sets is not None:
                self.sets = iterate.sets.copy()
            self.bound(self.program.dual_variable(blocks, offset))
            if iterate.dual is not None and not self.solved:
                self.bound(iterate.dual)
        record = SolveRecord(step, self.deadline.elapsed, objective, self.lower_bound)
        self.history.append(record)
        return record

    def bound(self, lam: Array) -> None:
        """Keep the bound from a dual variable if it is the best."""
        value = self.program.dual_bound(lam, self.sets)
        if value > self.lower_bound:
            self.lower_bound, self.dual = value, lam

    @property
    def solved(self) -> bool:
        return self.objective - self.lower_bound <= self.tol * self.objective


def run(
    program: ConvexProgram,
    solver: Solver,
    *,
    start: Array | None = None,
    tol: float = 1e-6,
    deadline: Deadline = NEVER,
    max_steps: int = 10_000,
    callback: SolveCallback | None = None,
) -> Solution:
    """Run a solver on a program until its proven relative gap is at most ``tol``.

    Parameters
    ----------
    program : ConvexProgram
        What to solve.
    solver : Solver
        How.
    start : ndarray of shape (d, B), optional
        Blocks to start from, zero by default. They need not lie in their cones.
    tol : float
        Relative gap to reach.
    deadline : Deadline, default never
        When to stop; reaching it is no error.
    max_steps : int
        Limit of steps; likewise.
    callback : callable, optional
        Called with each `SolveRecord`; returning True stops the solve.

    Returns
    -------
    Solution
        Never worse than the start projected on its cones, and never worse than zero. The blocks of a gated program are
        zero only where the objective does not fall along a proximal step from there, however early the end was; those
        of a program with cones only where it does not along a step of a few blocks, and unless that is proven optimal
        the status is EMPTY where time was short.
    """
    zero = np.zeros((program.problem.n_features, program.n_blocks))
    best = _Best(program, tol, deadline, zero)
    status = SolveStatus.MAX_STEPS
    try:
        status = _iterate(best, solver, start, max_steps, callback)
    except OutOfTime:
        status = SolveStatus.MAX_SECONDS
    except KeyboardInterrupt:
        status = SolveStatus.INTERRUPTED
    if not np.any(best.blocks) and not best.solved and _takes_first_step(program, status):
        _take_first_step(best)
        if status is SolveStatus.MAX_SECONDS and not np.any(best.blocks):
            status = SolveStatus.EMPTY
    return _solution(best, solver, SolveStatus.SOLVED if best.solved else status)


def _start(best: _Best, solver: Solver, start: Array | None) -> Iterate:
    """Evaluate zero and the start, the latter with its bounds, and return the solver's first iterate."""
    blocks = best.blocks
    if start is not None:
        best.see(blocks, 0)
        blocks = best.program.project(np.asarray(start, dtype=np.float64), best.sets)
    best.keep(blocks)
    best.sets.deadline = best.deadline
    # The solver starts before the bound is asked for: its faces are those that the bound needs.
    iterate = solver.start(best.program, blocks, best.deadline.limit())
    best.see(blocks, 0, iterate)
    return iterate


def _iterate(
    best: _Best,
    solver: Solver,
    start: Array | None,
    max_steps: int,
    callback: SolveCallback | None,
) -> SolveStatus:
    iterate = _start(best, solver, start)
    if best.solved:
        return SolveStatus.SOLVED
    for step in range(1, max_steps + 1):
        if best.deadline.is_over:
            return SolveStatus.MAX_SECONDS
        try:
            iterate = solver.step(best.program, iterate)
        except (ArithmeticError, np.linalg.LinAlgError):
            return SolveStatus.NOT_FINITE
        if not np.all(np.isfinite(iterate.blocks)):
            return SolveStatus.NOT_FINITE
        if not iterate.settled:
            continue
        record = best.see(iterate.blocks, step, iterate)
        stop = callback is not None and callback(record) is True
        if best.solved:
            return SolveStatus.SOLVED
        if stop:
            return SolveStatus.INTERRUPTED
        if iterate.finished:
            return SolveStatus.FINISHED
    return SolveStatus.MAX_STEPS


def _takes_first_step(program: ConvexProgram, status: SolveStatus) -> bool:
    """Return whether blocks of zero are replaced after such an end; with cones only where time was short."""
    if isinstance(program, ReLUProgram):
        return status is SolveStatus.MAX_SECONDS
    return status is not SolveStatus.NOT_FINITE


def _take_first_step(best: _Best) -> None:
    """Replace zero blocks by a proximal step from them, as long as is best, if they are not optimal.

    All proximal steps from zero lie on one ray. Without cones one pass over the data finds it. With cones every block
    is projected, so that only a few are moved, those with the largest gradients; they may be the wrong ones.
    """
    program = best.program
    if not isinstance(program, GatedReLUProgram | ReLUProgram):
        return
    problem = program.problem
    smooth = problem if problem.loss.is_smooth else problem.smoothed(_SMOOTHING)
    zero, offset = np.zeros(problem.y.shape), smooth.null_offset()
    lam = smooth.project_dual(-smooth.loss_gradient(zero, offset)).reshape(program.target.shape)
    step = (
        _step_of_few(program, lam)
        if isinstance(program, ReLUProgram)
        else program.prox(program.adjoint(lam), 1.0)
    )
    if not np.any(step):
        if not isinstance(program, ReLUProgram):
            best.bound(lam)
        return
    along, penalty = program.forward(step).reshape(zero.shape), program.penalty(step)

    def slope(size: float) -> float:
        fit = size * along
        return float(np.sum(smooth.loss_gradient(fit, smooth.best_offset(fit)) * along)) + penalty

    high = 1.0 / float(np.linalg.norm(along))
    for _ in range(_DOUBLINGS):
        if slope(high) >= 0.0:
            break
        high *= 2.0
    if slope(0.0) < 0.0 <= slope(high):
        size = high * float(brentq(lambda share: slope(share * high), 0.0, 1.0))
        best.see(size * step, best.history[-1].step if best.history else 0)


def _step_of_few(program: ReLUProgram, lam: Array) -> Array:
    """Return the proximal step from zero of the blocks with the largest gradients, those of others being zero."""
    gradients = program.adjoint(lam)
    few = np.argsort(-np.linalg.norm(gradients, axis=0), kind="stable")[:_FEW]
    step = np.zeros_like(gradients)
    step[:, few] = restrict(program, few).prox(gradients[:, few], 1.0)
    return step


def _solution(best: _Best, solver: Solver, status: SolveStatus) -> Solution:
    program = best.program
    offset = program.best_offset(best.blocks)
    certificate = make_certificate(
        program.objective(best.blocks, offset),
        best.lower_bound,
        tol=best.tol,
        method=f"residual of the {solver.name} point, scaled to be feasible",
        scope="program",
        search_violation=None,
    )
    return Solution(program, best.blocks, offset, certificate, status, tuple(best.history), best.dual)
