"""The convex programs: one file each, each able to state itself to CVXPY.

They take a problem first; that of max margin takes (X, y), as it has neither a loss nor a weight decay.
"""

from cvxnn.names import keep_old_names
from cvxnn.programs.copositive import CopositiveProgram
from cvxnn.programs.gated import GatedReLUProgram
from cvxnn.programs.max_margin import MaxMarginProgram
from cvxnn.programs.program import ConvexProgram, Statement
from cvxnn.programs.relu import ReLUProgram
from cvxnn.programs.working_sets import OutOfTime, WorkingSets

__all__ = [
    "ConvexProgram",
    "CopositiveProgram",
    "GatedReLUProgram",
    "MaxMarginProgram",
    "OutOfTime",
    "ReLUProgram",
    "Statement",
    "WorkingSets",
]

keep_old_names(
    __name__,
    {
        "CopositiveSolution": "cvxnn.programs.copositive.CopositiveSolution",
        "GatedOutputsProgram": "GatedReLUProgram",
        "gated_program": "GatedReLUProgram",
    },
)
