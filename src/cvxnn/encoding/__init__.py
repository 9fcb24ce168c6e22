"""Fixed maps from the columns of a table to those that a network is trained on."""

from cvxnn.encoding.piecewise_linear import PiecewiseLinearEncoder
from cvxnn.encoding.piecewise_linear import require_fitted as require_fitted

__all__ = ["PiecewiseLinearEncoder"]
