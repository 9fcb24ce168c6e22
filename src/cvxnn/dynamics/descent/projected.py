"""Projected gradient descent on a convex program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.deadlines import Deadline
from cvxnn.dynamics.trajectories.record_book import record_steps
from cvxnn.programs import ConvexProgram, WorkingSets
from cvxnn.short_reprs import short_repr
from cvxnn.solvers import solve
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import Comparison, Relation
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, as_number, require_kind, within_float64


@short_repr
@dataclass(frozen=True, eq=False)
class ProjectedPath:
    """Points of projected gradient descent on a convex program.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    step_size : float
        The step size.
    steps : ndarray of shape (k,)
        Numbers of steps.
    blocks : ndarray of shape (k, d, B)
        Blocks after them; in their cones from the first step on.
    objective : ndarray of shape (k,)
        The program's objective there.
    status : TrajectoryStatus
        Why it ended: FINISHED, or MAX_SECONDS after the last of the steps.
    """

    program: ConvexProgram
    step_size: float
    steps: Array
    blocks: Array
    objective: Array
    status: TrajectoryStatus = TrajectoryStatus.FINISHED

    def against_optimum(self, *, tol: float = 1e-4) -> Comparison:
        """Compare the objective at the end with the solver's optimum.

        Parameters
        ----------
        tol : float, default 1e-4
            Relative tolerance of the comparison; the program is solved to a hundredth of it.
        """
        optimum = solve(self.program, tol=0.01 * tol).objective
        return relatively_compared(float(self.objective[-1]), optimum, tol=tol)


def relatively_compared(
    measured: float, optimum: float, relation: Relation = "equal", *, tol: float
) -> Comparison:
    """Return the comparison of an objective with an optimum whose tolerance is relative to the optimum, however small.

    That of `Comparison` is relative to 1 at least.
    """
    return Comparison(measured, optimum, relation, tol=tol * min(1.0, optimum))


@on_one_blas_thread
def projected_descent(
    program: ConvexProgram,
    start: Any = None,
    *,
    n_steps: int,
    step_size: float | None = None,
    n_records: int = 101,
    max_seconds: float | None = None,
) -> ProjectedPath:
    """Run projected gradient descent on a convex program, without momentum.

    A step goes down the gradient of the loss, is projected on the cones, and is then shortened by ``step beta``, but
    not beyond zero: ``w <- (1 - step beta / ||t||)_+ t`` with ``t = Pi_K(w + step X^T D_b lam s_b)``. Where w stays
    away from zero this is a projected step down the whole objective, to first order in the step size; at zero, where
    the norm has no gradient, it stays put exactly where zero is optimal.

    Parameters
    ----------
    program : ConvexProgram
        Its loss smooth; no output offset.
    start : array_like of shape (d, B), optional
        Blocks to start from; zero by default.
    n_steps : int
        Number of steps.
    step_size : float, optional
        By default ``1 / (c ||A||^2)``, c the loss's curvature: the largest for which descent and rate are proven.
    n_records : int, default 101
        At how many steps, the first and last among them, blocks are recorded.
    max_seconds : float, optional
        Stop after this long; the blocks then are recorded too.

    Returns
    -------
    ProjectedPath

    Raises
    ------
    ValueError
        If the loss has a kink, the problem an output offset, or an argument a wrong shape or value.

    Notes
    -----
    Guarantee for step sizes up to ``1 / (c ||A||^2)``: the objective F never rises (from a start in the cones), and
    ``F(W_t) - F* <= ||W_0 - W*||^2 / (2 step t)`` for every optimum W*. Each step costs two products with the map and a
    projection for every block.

    References
    ----------
    A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear inverse problems", SIAM J.
    Imaging Sci. 2009, theorem 3.1 (ISTA).

    Examples
    --------
    >>> from cvxnn import Problem, ReLUProgram
    >>> program = ReLUProgram(Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1), [[1, 0], [0, 1]])
    >>> path = projected_descent(program, n_steps=100)
    >>> path.objective[[0, -1]].round(6), path.against_optimum().holds
    (array([2.5 , 0.29]), True)
    """
    with within_float64("the program, start and step_size"):
        program = require_kind(program, ConvexProgram, "program", "ReLUProgram(problem, patterns) makes one")
        problem = program.problem
        if not problem.loss.is_smooth or problem.output_offset:
            raise ValueError(f"program must have a smooth loss and no output offset; got {problem!r}")
        W = _as_start(program, start)
        n_steps, deadline = as_count(n_steps, "n_steps", 1), Deadline.after(max_seconds)
        steps = record_steps(n_steps, n_records, "linear")
        if step_size is None:
            lipschitz = problem.curvature * program.squared_norm()
            step_size = 1.0 / lipschitz if lipschitz > 0 else 1.0
        step_size = as_number(step_size, "step_size", positive=True)
        sets, blocks, taken = WorkingSets.empty(program.n_blocks), [W], [0]
        status = TrajectoryStatus.FINISHED
        for step in range(1, n_steps + 1):
            if deadline.is_over:
                status = TrajectoryStatus.MAX_SECONDS
                break
            W = program.prox(W + step_size * program.adjoint(program.dual_variable(W)), step_size, sets)
            if step == steps[len(blocks)]:
                blocks.append(W)
                taken.append(step)
        if taken[-1] < step - 1:  # of a run that was cut
            blocks.append(W)
            taken.append(step - 1)
        values = np.array([program.objective(point) for point in blocks])
        return ProjectedPath(
            program, step_size, np.array(taken, dtype=np.float64), np.array(blocks), values, status
        )


def _as_start(program: ConvexProgram, start: Any) -> Array:
    shape = (program.problem.n_features, program.n_blocks)
    if start is None:
        return np.zeros(shape)
    W = as_finite_array(start, "start", (2,))
    if W.shape != shape:
        raise ValueError(f"start must have shape {shape}; got {W.shape}")
    return W
