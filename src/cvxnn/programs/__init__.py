"""The convex programs: one file each, each able to state itself to CVXPY."""

from cvxnn.programs.cones import WorkingSets
from cvxnn.programs.gated import GatedReLUProgram
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.relu import ReLUProgram

__all__ = ["ConvexProgram", "GatedReLUProgram", "ReLUProgram", "Statement", "WorkingSets"]
