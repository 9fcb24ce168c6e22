"""Algorithms for the convex programs, one file each, inside one loop."""

from cvxnn.solvers.interior_point import InteriorPoint
from cvxnn.solvers.newton import SemismoothNewton
from cvxnn.solvers.proximal_gradient import ProximalGradient
from cvxnn.solvers.solution import Solution, SolveRecord, SolveStatus
from cvxnn.solvers.solve import solve
from cvxnn.solvers.solver import Iterate, Solver

__all__ = [
    "InteriorPoint",
    "Iterate",
    "ProximalGradient",
    "SemismoothNewton",
    "Solution",
    "SolveRecord",
    "SolveStatus",
    "Solver",
    "solve",
]
