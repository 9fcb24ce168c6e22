"""scikit-learn estimators.

They and the path take (X, y), as estimators do.
"""

from cvxnn.estimators.classifier import ReLUClassifier
from cvxnn.estimators.classifier_cv import ReLUClassifierCV
from cvxnn.estimators.gated_classifier import GatedReLUClassifier
from cvxnn.estimators.gated_regressor import GatedReLURegressor
from cvxnn.estimators.path import RegularisationPath, relu_path
from cvxnn.estimators.preparation import Preparation
from cvxnn.estimators.regressor import ReLURegressor
from cvxnn.estimators.regressor_cv import ReLURegressorCV
from cvxnn.estimators.standardisation import Standardisation

__all__ = [
    "GatedReLUClassifier",
    "GatedReLURegressor",
    "Preparation",
    "ReLUClassifier",
    "ReLUClassifierCV",
    "ReLURegressor",
    "ReLURegressorCV",
    "RegularisationPath",
    "Standardisation",
    "relu_path",
]
