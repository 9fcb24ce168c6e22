"""Convex losses, summed over samples: one class each, with value, gradient, conjugate and curvature.

A loss sees predictions ``f`` and targets ``y`` of one shape, (n,) or (n, C). It never averages, and a factor
1/2, where there is one, stands in the first line of the docstring of its class. `SquaredLoss` takes the arrays of any
library that follows the array API standard; the other losses take NumPy arrays.
"""

from cvxnn.losses.base import Loss
from cvxnn.losses.hinge import HingeLoss
from cvxnn.losses.huber import HuberLoss
from cvxnn.losses.logistic import LogisticLoss
from cvxnn.losses.multinomial import MultinomialLoss
from cvxnn.losses.named import LOSSES, get_loss
from cvxnn.losses.quantile import QuantileLoss
from cvxnn.losses.separable import SeparableLoss
from cvxnn.losses.squared import SquaredLoss
from cvxnn.losses.squared_hinge import SquaredHingeLoss
from cvxnn.names import keep_old_names

__all__ = [
    "LOSSES",
    "HingeLoss",
    "HuberLoss",
    "LogisticLoss",
    "Loss",
    "MultinomialLoss",
    "QuantileLoss",
    "SeparableLoss",
    "SquaredHingeLoss",
    "SquaredLoss",
    "get_loss",
]

keep_old_names(
    __name__,
    {
        "MarginLoss": "cvxnn.losses.separable.MarginLoss",
        "ResidualLoss": "cvxnn.losses.separable.ResidualLoss",
        "SmoothedHingeLoss": "cvxnn.losses.hinge.SmoothedHingeLoss",
        "SmoothedQuantileLoss": "cvxnn.losses.quantile.SmoothedQuantileLoss",
    },
)
