"""scikit-learn estimators."""

from cvxnn.estimators.regressor import ReLURegressor

__all__ = ["ReLURegressor"]
