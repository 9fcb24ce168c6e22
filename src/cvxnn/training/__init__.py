"""Training: descend, convexify, grow, and the loop around them."""

from cvxnn.training.convex_step import convexify
from cvxnn.training.descent import descend, small_random_network
from cvxnn.training.loop import train
from cvxnn.training.result import TrainingRecord, TrainingResult, TrainingStatus

__all__ = [
    "TrainingRecord",
    "TrainingResult",
    "TrainingStatus",
    "convexify",
    "descend",
    "small_random_network",
    "train",
]
