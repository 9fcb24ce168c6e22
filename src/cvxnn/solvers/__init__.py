"""Algorithms for the convex programs, one file each, inside one loop."""

from cvxnn.names import keep_old_names
from cvxnn.solvers.interior_point import InteriorPoint
from cvxnn.solvers.newton import SemismoothNewton
from cvxnn.solvers.path import path_betas, solve_path
from cvxnn.solvers.proximal_gradient import ProximalGradient
from cvxnn.solvers.proximal_newton import ProximalNewton
from cvxnn.solvers.solution import Solution, SolveRecord
from cvxnn.solvers.solver import Solver
from cvxnn.solvers.solving import solve
from cvxnn.solvers.working_set import WorkingSet
from cvxnn.statuses import SolveStatus

__all__ = [
    "InteriorPoint",
    "ProximalGradient",
    "ProximalNewton",
    "SemismoothNewton",
    "Solution",
    "SolveRecord",
    "SolveStatus",
    "Solver",
    "WorkingSet",
    "path_betas",
    "solve",
    "solve_path",
]

keep_old_names(
    __name__,
    {
        "Iterate": "cvxnn.solvers.solver.Iterate",
    },
)
