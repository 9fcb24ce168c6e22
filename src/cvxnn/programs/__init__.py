"""The convex programs: one file each, each able to state itself to CVXPY."""

from cvxnn.programs.gated import GatedReLUProgram
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.relu import ReLUProgram
from cvxnn.programs.working_sets import OutOfTime, WorkingSets

__all__ = ["ConvexProgram", "GatedReLUProgram", "OutOfTime", "ReLUProgram", "Statement", "WorkingSets"]
