"""Interior point: the program as one cone program for Clarabel."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import cvxpy as cp
import numpy as np

from cvxnn.deadlines import Deadline, as_limit
from cvxnn.programs import ConvexProgram, OutOfTime, Statement
from cvxnn.solvers.solver import Iterate, Solver
from cvxnn.validation import Array


@dataclass(frozen=True)
class InteriorPoint(Solver):
    """Clarabel on the program's CVXPY statement: exact at small size, one native call.

    Parameters
    ----------
    tol : float, default 1e-9
        Clarabel's gap and feasibility tolerance.

    References
    ----------
    P. Goulart and Y. Chen, "Clarabel: an interior-point solver for conic programs with quadratic objectives", 2024.
    """

    tol: float = 1e-9
    name: str = "interior point"

    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the start; interior point methods do not use it."""
        as_limit(max_seconds)
        return Iterate(blocks, max_seconds)

    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Solve, and project the answer on the cones, which it meets to the solver's tolerance only."""
        deadline = Deadline.after(iterate.memory)  # type: ignore[arg-type]
        statement = program.to_cvxpy()
        statement.problem.get_problem_data(cp.CLARABEL)  # kept for the solve
        if deadline.is_over:
            raise OutOfTime
        left = deadline.limit()
        limit = {} if left is None else {"time_limit": left}
        with warnings.catch_warnings():
            # "Solution may be inaccurate": the loop judges it by its gap.
            warnings.filterwarnings("ignore", message="Solution may be inaccurate")
            try:
                statement.problem.solve(
                    solver=cp.CLARABEL,
                    tol_gap_abs=self.tol,
                    tol_gap_rel=self.tol,
                    tol_feas=self.tol,
                    **limit,
                )
            except cp.SolverError:
                return replace(iterate, finished=True)
        if statement.blocks.value is None:
            return replace(iterate, finished=True)
        blocks = program.project(np.asarray(statement.blocks.value))
        return Iterate(blocks, finished=True, dual=_dual(program, statement))


def _dual(program: ConvexProgram, statement: Statement) -> Array | None:
    """Return the solver's dual variable, which losses with a kink leave open at the solution's predictions."""
    if statement.fit.dual_value is None:
        return None
    problem = program.problem
    lam = np.reshape(statement.fit.dual_value, problem.y.shape)
    return problem.loss.into_domain(lam, problem.y, problem.sample_weight).reshape(program.target.shape)
