"""Take the patterns in hand and solve their convex program."""

from __future__ import annotations

import numpy as np

from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.solvers import Solution, solve
from cvxnn.training.atoms import Atoms


def convexify(
    problem: Problem, atoms: Atoms, *, tol: float, max_seconds: float | None = None
) -> tuple[Atoms, Solution]:
    """Solve the convex program on the atoms' patterns and signs, starting from their blocks.

    A stationary network is the optimum of exactly this program, so the step never loses ground.

    Parameters
    ----------
    problem : Problem
        One output.
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
    program = ReLUProgram(problem, atoms.masks, atoms.signs)
    start = atoms.blocks if np.any(atoms.blocks) else None
    solution = solve(program, tol=tol, start=start, max_seconds=max_seconds, max_steps=300)
    return Atoms(solution.blocks, atoms.masks, atoms.signs).nonzero(), solution
