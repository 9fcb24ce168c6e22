"""The regularisation path of a convex program: solutions for decreasing weight decay, each from the one before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from cvxnn.betas import as_decreasing, grid_below
from cvxnn.certificates import Rotation
from cvxnn.deadlines import Deadline
from cvxnn.programs import ConvexProgram
from cvxnn.solvers.restriction import in_coordinates, with_beta, with_problem
from cvxnn.solvers.solution import Solution
from cvxnn.solvers.solver import Solver
from cvxnn.solvers.solving import solve
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.units import Units
from cvxnn.validation import Array, require_kind

# Of the loss of zero blocks: what smoothing a loss with a kink may take off it.
_SMOOTHING = 1e-6


def critical_beta(program: ConvexProgram) -> float:
    """Return the weight decay from which on all blocks are zero at the optimum of the program.

    For a loss with a kink, whose dual variable at zero blocks may be one of many, a weight decay from which on zero
    blocks are optimal to a millionth of their loss: that of the loss smoothed so far.

    Parameters
    ----------
    program : ReLUProgram or GatedReLUProgram
        The program; its own beta does not matter.

    Examples
    --------
    >>> from cvxnn import Problem
    >>> from cvxnn.programs import ReLUProgram
    >>> critical_beta(ReLUProgram(Problem([[2.0]], [3.0], beta=1.0), [[True]]))
    6.0
    """
    units = Units.of(program.problem.with_beta(0.0))
    inner = program if units.is_plain else with_problem(program, units.problem.with_beta(1.0))
    inner = in_coordinates(inner, Rotation.of(inner.problem))
    if not inner.problem.loss.is_smooth:
        inner = with_problem(inner, inner.problem.smoothed(_SMOOTHING))
    zero = np.zeros((inner.problem.n_features, inner.n_blocks))
    return units.correlation(inner.critical_beta(inner.dual_variable(zero)))


def path_betas(program: ConvexProgram, n_betas: int = 20, ratio: float = 1e-3) -> Array:
    """Return weight decays from the critical one down to ``ratio`` times it, in equal factors.

    Parameters
    ----------
    program : ConvexProgram
        The program.
    n_betas : int, default 20
        How many, at least 2.
    ratio : float, default 1e-3
        The last over the first, in (0, 1).

    Returns
    -------
    ndarray of shape (n_betas,)
        Decreasing.

    Raises
    ------
    ValueError
        If the critical beta is zero: then every beta gives zero blocks.
    """
    program = require_kind(program, ConvexProgram, "program", "ReLUProgram(problem, patterns) makes one")
    return grid_below(critical_beta(program), n_betas, ratio, least=2)


@on_one_blas_thread
def solve_path(
    program: ConvexProgram,
    betas: Sequence[float] | Array | None = None,
    *,
    solver: str | Solver = "auto",
    tol: float = 1e-6,
    max_seconds: float | None = None,
    callback: Callable[[Solution], Any] | None = None,
) -> tuple[Solution, ...]:
    """Solve a program for a decreasing sequence of weight decays, each started from the solution before.

    The working-set solver screens at every start with the dual point of the solution before: sequential screening.

    Parameters
    ----------
    program : ConvexProgram
        Data, loss and patterns; its own beta is not used where ``betas`` are given.
    betas : array_like of shape (k,), optional
        Decreasing numbers > 0; by default `path_betas`, 20 from the critical beta down to a thousandth of it.
    solver, tol
        As in `solve`; ``tol`` is reached at every beta.
    max_seconds : float, optional
        Limit for the whole path.
    callback : callable, optional
        Called with each `Solution`; returning True ends the path.

    Returns
    -------
    tuple of Solution
        One for each beta, in order. A path that ran out of time or was interrupted is shorter: its last solution is
        the best one so far for its beta, and its status says so.

    Raises
    ------
    ValueError
        If ``betas`` are not decreasing numbers > 0, or for an option that `solve` refuses.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani, "Regularization paths for generalized linear models via coordinate
    descent", J. Stat. Softw. 2010, section 2.5; E. Ndiaye, O. Fercoq, A. Gramfort, J. Salmon, "Gap safe screening
    rules for sparsity enforcing penalties", JMLR 2017, section 4.2 (sequential rules).

    Examples
    --------
    >>> from cvxnn import Problem, enumerate_patterns
    >>> from cvxnn.programs import ReLUProgram
    >>> problem = Problem([[1.0]], [1.0], beta=1.0)
    >>> path = solve_path(ReLUProgram(problem, enumerate_patterns(problem.X)), [1.0, 0.5])
    >>> [round(solution.objective, 6) for solution in path]  # beta - beta^2 / 2
    [0.5, 0.375]
    """
    program = require_kind(program, ConvexProgram, "program", "ReLUProgram(problem, patterns) makes one")
    deadline = Deadline.after(max_seconds)
    rotation = Rotation.of(program.problem)  # once: at every beta the coordinates are the same
    inner = in_coordinates(program, rotation)
    values = path_betas(inner) if betas is None else as_decreasing(betas, "betas")
    solutions: list[Solution] = []
    start = None
    for beta in values:
        at_beta, left = with_beta(inner, float(beta)), deadline.limit()
        solution = solve(at_beta, solver, tol=tol, start=start, max_seconds=left)
        start = solution.blocks
        if not rotation.is_plain:
            solution = solution.rotated_back(with_beta(program, float(beta)), rotation.with_beta(float(beta)))
        solutions.append(solution)
        stopped = solution.status in (SolveStatus.INTERRUPTED, SolveStatus.MAX_SECONDS, SolveStatus.EMPTY)
        if stopped or (callback is not None and callback(solution) is True):
            break
    return tuple(solutions)
