"""Training: descend, convexify, grow, and the loop around them."""

from cvxnn.training.result import TrainingRecord, TrainingResult, TrainingStatus
from cvxnn.training.train import train

__all__ = ["TrainingRecord", "TrainingResult", "TrainingStatus", "train"]
