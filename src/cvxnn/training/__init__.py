"""Training: descend, convexify, grow, and the loop around them."""

from cvxnn.names import keep_old_names
from cvxnn.training.convex_step import convexify
from cvxnn.training.descent import descend, small_random_network
from cvxnn.training.loop import descend_along_path as descend_along_path
from cvxnn.training.loop import train
from cvxnn.training.result import TrainingRecord, TrainingResult

__all__ = [
    "TrainingRecord",
    "TrainingResult",
    "convexify",
    "descend",
    "small_random_network",
    "train",
]

keep_old_names(__name__, {"TrainingStatus": "cvxnn.solvers.SolveStatus"})
