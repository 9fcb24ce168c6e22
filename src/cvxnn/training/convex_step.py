"""Take the patterns in hand and solve their convex program."""

from __future__ import annotations

import numpy as np

from cvxnn.atoms import Atoms
from cvxnn.problem import Problem, as_problem
from cvxnn.programs import ConvexProgram, ReLUProgram
from cvxnn.solvers import Solution, solve
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

# Curvature in units of squared slope over loss, of no neurons: that of the squared loss is 1/2.
_STEEP = 30.0
# Samples times blocks that an interior point solves in a second or two.
_AFFORDABLE = 60_000
# Of the largest block's norm.
_SPECK = 1e-6


@on_one_blas_thread
def convexify(
    problem: Problem, atoms: Atoms, *, tol: float, max_seconds: float | None = None
) -> tuple[Atoms, Solution]:
    """Solve the convex program on the atoms' patterns and signs, starting from their blocks.

    A stationary network is the optimum of exactly this program, so the step never loses ground.

    Parameters
    ----------
    problem : Problem
        Its loss smooth.
    atoms : Atoms
        At least one atom; zero ones bring patterns to try.
    tol : float
        Relative program gap to reach.
    max_seconds : float, optional
        Time limit of the solve.

    Returns
    -------
    atoms : Atoms
        Those in use at the solution; the others left.
    solution : Solution
        Blocks, offset and program certificate.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (stationary points and sub-sampled convex programs).
    """
    problem = as_problem(problem)
    program = ReLUProgram(problem, atoms.masks, atoms.signs)
    solver = "interior_point" if is_steep(program) else "auto"
    # An interior point has no use for a start, and of equals the solver would return the start, not its own solution.
    start = atoms.blocks if solver == "auto" and np.any(atoms.blocks) else None
    solution = solve(program, solver, tol=tol, start=start, max_seconds=max_seconds, max_steps=300)
    blocks = solution.blocks if solver == "auto" else _without_specks(program, solution)
    return Atoms(blocks, atoms.masks, atoms.signs).nonzero(), solution


def program_seconds(problem: Problem, n_blocks: int) -> float:
    """Return a rough guess of the seconds that the convex program of so many patterns takes, good to a factor of five.

    Projections on cones and the Newton steps' matrices take about ``4e-9 n B d^2`` seconds on one core (measured from
    500 x 5 to 20,000 x 10 and 2,000 x 150), and with several outputs a few times that.
    """
    outputs = min(problem.n_outputs, 10)
    return 4e-9 * problem.n_samples * n_blocks * max(problem.n_features, 10) ** 2 * outputs


def is_steep(program: ConvexProgram) -> bool:
    """Return whether the loss bends so sharply that Newton's method crawls, and interior point is affordable.

    Interior point methods do not mind: on 200 samples and 165 blocks a hinge smoothed by 1e-5 takes them a second,
    and proximal Newton more than ten.
    """
    problem = program.problem
    zero, offset = np.zeros_like(problem.y), problem.null_offset()
    slopes = float(np.sum(problem.loss_gradient(zero, offset) ** 2))
    bend = problem.curvature * problem.loss_value(zero, offset)
    return bend > _STEEP * slopes and problem.n_samples * program.n_blocks <= _AFFORDABLE


def _without_specks(program: ReLUProgram, solution: Solution) -> Array:
    """Return an interior point's blocks without those that it leaves slightly on, unless that costs something."""
    norms = np.linalg.norm(solution.blocks, axis=0)
    blocks = np.where(norms > _SPECK * np.max(norms, initial=0.0), solution.blocks, 0.0)
    return blocks if program.objective(blocks) <= solution.objective * (1.0 + _SPECK) else solution.blocks
