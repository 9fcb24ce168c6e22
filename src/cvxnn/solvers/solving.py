"""One function to solve any convex program."""

from __future__ import annotations

from dataclasses import replace

from cvxnn.certificates import Rotation
from cvxnn.deadlines import Deadline
from cvxnn.programs import ConvexProgram, GatedReLUProgram
from cvxnn.solvers.interior_point import InteriorPoint
from cvxnn.solvers.loop import SolveCallback, run
from cvxnn.solvers.newton import SemismoothNewton
from cvxnn.solvers.proximal_gradient import ProximalGradient
from cvxnn.solvers.proximal_newton import ProximalNewton, fitting_newton
from cvxnn.solvers.restriction import in_coordinates, with_problem
from cvxnn.solvers.solution import Solution, SolveRecord
from cvxnn.solvers.solver import Solver
from cvxnn.solvers.working_set import WorkingSet
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, as_count, as_finite_array, as_number, require_kind

SOLVERS: dict[str, type[Solver]] = {
    "interior_point": InteriorPoint,
    "newton": SemismoothNewton,
    "proximal_gradient": ProximalGradient,
    "proximal_newton": ProximalNewton,
    "working_set": WorkingSet,
}


@on_one_blas_thread
def solve(
    program: ConvexProgram,
    solver: str | Solver = "auto",
    *,
    tol: float = 1e-6,
    start: Array | None = None,
    max_seconds: float | None = None,
    max_steps: int = 10_000,
    callback: SolveCallback | None = None,
) -> Solution:
    """Solve a convex program to a proven relative gap.

    Parameters
    ----------
    program : ConvexProgram
        A `ReLUProgram` or a `GatedReLUProgram`.
    solver : {"auto", "newton", "proximal_newton", "working_set", "interior_point", "proximal_gradient"} or Solver
        "auto" takes semismooth Newton for the squared loss, proximal Newton around it for other smooth losses and
        for sample weights; on gated programs a working set around them; interior point for losses with a kink.
    tol : float, default 1e-6
        Relative gap to reach: (objective - lower bound) / objective.
    start : array_like of shape (d, B), optional
        Blocks to start from; they need not lie in their cones.
    max_seconds : float, optional
        Time limit; a native call in progress is asked to keep it too.
    max_steps : int, default 10_000
        Limit on the solver's steps.
    callback : callable, optional
        Called with each `SolveRecord`; returning True stops.

    Returns
    -------
    Solution
        Blocks, certificate of scope "program", status, history.

    Raises
    ------
    ValueError
        If the solver is not known or does not take the program's loss, or if ``start`` has a wrong shape.

    Examples
    --------
    >>> import numpy as np
    >>> from cvxnn import Problem
    >>> from cvxnn.patterns import enumerate_patterns
    >>> from cvxnn.programs import ReLUProgram
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> solution = solve(ReLUProgram(problem, enumerate_patterns(problem.X)))
    >>> round(solution.objective, 6)  # 1/2 (1 - 1/2)^2 + 1/2 * 1/2
    0.375
    """
    program = require_kind(program, ConvexProgram, "program", "ReLUProgram(problem, patterns) makes one")
    tol = as_number(tol, "tol", positive=True)
    deadline = Deadline.after(max_seconds)
    max_steps = as_count(max_steps, "max_steps")
    if start is not None:
        start = as_finite_array(start, "start", (2,))
        expected = (program.problem.n_features, program.n_blocks)
        if start.shape != expected:
            raise ValueError(f"start must have shape {expected}; got {start.shape}")
    units = Units.of(program.problem)
    units.require_representable()
    scaled = program if units.is_plain else with_problem(program, units.problem)
    # Where features outnumber samples the program is solved in the row space of X.
    rotation = Rotation.of(scaled.problem)
    inner = in_coordinates(scaled, rotation)
    solution = run(
        inner,
        _choose(inner, solver),
        start=start if start is None else rotation.coordinates(units.blocks_in_units(start)),
        tol=tol,
        deadline=deadline,
        max_steps=max_steps,
        callback=None
        if callback is None
        else lambda record: callback(_outer_record(record.rotated_back(rotation), units)),
    )
    solution = solution.rotated_back(scaled, rotation)
    return solution if units.is_plain else _outer_solution(program, solution, units)


def _outer_solution(program: ConvexProgram, solution: Solution, units: Units) -> Solution:
    """Return the solution of a program in units of its own as that of the program as it was given."""
    return Solution(
        program,
        units.blocks(solution.blocks),
        units.offset(solution.offset),
        solution.certificate.in_units(units.objective),
        solution.status,
        tuple(_outer_record(record, units) for record in solution.history),
    )


def _outer_record(record: SolveRecord, units: Units) -> SolveRecord:
    return replace(
        record, objective=units.objective(record.objective), lower_bound=units.objective(record.lower_bound)
    )


def _choose(program: ConvexProgram, solver: str | Solver) -> Solver:
    if isinstance(solver, Solver):
        return solver
    if solver == "auto":
        if not program.problem.loss.is_smooth:
            return InteriorPoint()
        gated = isinstance(program, GatedReLUProgram)
        return WorkingSet() if gated else fitting_newton(program)
    if solver not in SOLVERS:
        raise ValueError(f"solver must be 'auto', one of {sorted(SOLVERS)}, or a Solver; got {solver!r}")
    return SOLVERS[solver]()
