"""Laws of solvers and of what a solve returns."""

from __future__ import annotations

from collections.abc import Callable

import cvxpy as cp
import numpy as np

from cvxnn.programs import ConvexProgram
from cvxnn.solvers import Solution, Solver, SolveRecord, solve
from cvxnn.statuses import SolveStatus
from cvxnn.testing.certificates import check_certificate
from cvxnn.testing.cones import IN_CONE
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array

Solve = Callable[..., Solution]


def check_solution(solution: Solution) -> None:
    """Check that a solution's numbers are those of its program and blocks, and that its blocks are feasible.

    Objective and certificate are recomputed; the bound must not exceed what the solution's own network
    attains; the history's bounds only rise; "solved" must mean a closed gap.

    Parameters
    ----------
    solution : Solution
        What a solve returned, for whatever reason it stopped.

    Examples
    --------
    >>> from cvxnn.problem import Problem
    >>> from cvxnn.programs import ReLUProgram
    >>> check_solution(solve(ReLUProgram(Problem([[1.0]], [1.0], beta=0.5), [[True]])))
    """
    program, blocks, certificate = solution.program, solution.blocks, solution.certificate
    expected = (program.problem.n_features, program.n_blocks)
    require(blocks.shape == expected, f"blocks must have shape {expected}; got {blocks.shape}")
    require(bool(np.isfinite(blocks).all()), "blocks must be finite")
    require_at_most(program.violation(blocks), 0.0, IN_CONE, "blocks must lie in their cones")
    check_certificate(certificate)
    require(
        certificate.scope == "program", f"a solve proves things of its program, not of a {certificate.scope}"
    )
    objective = program.objective(blocks, solution.offset)
    require_close(solution.objective, objective, ROUNDING * objective, "objective must be that of the blocks")
    require(
        certificate.proven == (solution.status is SolveStatus.SOLVED),
        f"status {solution.status.name} does not go with proven={certificate.proven}",
    )
    bounds = [record.lower_bound for record in solution.history]
    require(bounds == sorted(bounds), "the best bound so far must only rise")
    best = min((record.objective for record in solution.history), default=np.inf)
    require_at_most(objective, best, ROUNDING * objective, "the best blocks seen must be returned")


def reference_optimum(program: ConvexProgram) -> float:
    """Return the optimal value of the program's statement, by CVXPY and Clarabel at tolerance 1e-8.

    Clarabel's tolerances are partly absolute: data and targets should be of size about one. Tighter ones fail on
    programs with many optima.
    """
    problem = program.to_cvxpy().problem
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-8, tol_gap_rel=1e-8, tol_feas=1e-8)
    return float(problem.value)


def check_solves(
    program: ConvexProgram, solver: str | Solver, *, tol: float, max_steps: int = 10_000, solve: Solve = solve
) -> Solution:
    """Check that a solver closes the gap on a program and agrees with CVXPY; return the solution.

    Parameters
    ----------
    program : ConvexProgram
        A small program, with data and targets of size about one.
    solver : str or Solver
        The solver.
    tol : float
        Relative gap to reach.
    max_steps : int, default 10_000
        Limit on the solver's steps.
    solve : callable, optional
        The loop to run it in.
    """
    solution = solve(program, solver, tol=tol, max_steps=max_steps)
    check_solution(solution)
    require(solution.certificate.proven, f"{solver} must close the gap; {solution.certificate}")
    expected = reference_optimum(program)
    # Our value is at most tol above the optimum, and the reference within its own tolerance of it.
    tolerance = (tol + 1e-6) * (expected + solution.objective)
    require_close(solution.objective, expected, tolerance, f"{solver} must find the optimum that CVXPY finds")
    return solution


def check_never_worse_than_start(
    program: ConvexProgram, solver: str | Solver, start: Array, *, solve: Solve = solve
) -> None:
    """Check that one step returns nothing worse than the start's projection, nor than zero."""
    solution = solve(program, solver, start=start, max_steps=1)
    check_solution(solution)
    ceiling = min(program.objective(program.project(start)), program.objective(np.zeros_like(start)))
    require_at_most(
        solution.objective, ceiling, ROUNDING * ceiling, "a solve must not be worse than its start"
    )


def check_interrupt(
    program: ConvexProgram, solver: str | Solver, evaluation: int, *, tol: float = 1e-6, solve: Solve = solve
) -> None:
    """Check that Ctrl-C at some evaluation returns the best blocks so far, with a valid certificate.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    solver : str or Solver
        The solver.
    evaluation : int
        The evaluation, counted from 1, in whose callback the interrupt comes. A solve that ends before is
        left alone.
    tol : float, default 1e-6
        Relative gap asked for.
    solve : callable, optional
        The loop to run it in.
    """
    seen: list[SolveRecord] = []

    def interrupt(record: SolveRecord) -> None:
        seen.append(record)
        if len(seen) == evaluation:
            raise KeyboardInterrupt

    try:
        solution = solve(program, solver, tol=tol, callback=interrupt)
    except KeyboardInterrupt:
        raise AssertionError("an interrupt must not escape from a solve") from None
    _check_stopped_early(solution, seen)
    if len(seen) >= evaluation and not solution.certificate.proven:
        found = solution.status
        require(found is SolveStatus.INTERRUPTED, f"status after an interrupt must say so; got {found.name}")


def check_time_limit(program: ConvexProgram, solver: str | Solver, *, solve: Solve = solve) -> None:
    """Check that running out of time at once gives the best blocks so far, a valid certificate, a status."""
    solution = solve(program, solver, max_seconds=0.0)
    _check_stopped_early(solution, [])
    ended = SolveStatus.MAX_SECONDS if np.any(solution.blocks) else SolveStatus.EMPTY
    allowed = (ended, SolveStatus.SOLVED)
    require(
        solution.status in allowed,
        f"status must be that of the time limit, or say that there are no blocks; got {solution.status.name}",
    )


def _check_stopped_early(solution: Solution, seen: list[SolveRecord]) -> None:
    check_solution(solution)
    zero = solution.program.objective(np.zeros_like(solution.blocks))
    best = min([record.objective for record in seen], default=zero)
    require_at_most(solution.objective, best, ROUNDING * best, "the best blocks so far must be returned")
