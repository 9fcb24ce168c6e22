"""Training: descend, convexify, grow, and the loop around them."""

from cvxnn.training.loop import train
from cvxnn.training.result import TrainingRecord, TrainingResult, TrainingStatus

__all__ = ["TrainingRecord", "TrainingResult", "TrainingStatus", "train"]
