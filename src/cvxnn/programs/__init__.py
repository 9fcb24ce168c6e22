"""The convex programs: one file each, each able to state itself to CVXPY."""

from cvxnn.programs.copositive import CopositiveProgram, CopositiveSolution
from cvxnn.programs.gated import GatedReLUProgram
from cvxnn.programs.gated_outputs import GatedOutputsProgram, gated_program
from cvxnn.programs.max_margin import MaxMarginProgram
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.relu import ReLUProgram
from cvxnn.programs.working_sets import OutOfTime, WorkingSets

__all__ = [
    "ConvexProgram",
    "CopositiveProgram",
    "CopositiveSolution",
    "GatedOutputsProgram",
    "GatedReLUProgram",
    "MaxMarginProgram",
    "OutOfTime",
    "ReLUProgram",
    "Statement",
    "WorkingSets",
    "gated_program",
]
