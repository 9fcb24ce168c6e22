"""Two-layer ReLU networks trained to the global optimum by convex optimisation, with a proof of how close."""

from typing import TYPE_CHECKING

from cvxnn.names import export_lazily, keep_old_names

if TYPE_CHECKING:
    from cvxnn.certificates import Certificate, beta_max, certify
    from cvxnn.estimators import (
        GatedReLUClassifier,
        GatedReLURegressor,
        RegularisationPath,
        ReLUClassifier,
        ReLUClassifierCV,
        ReLURegressor,
        ReLURegressorCV,
        relu_path,
    )
    from cvxnn.losses import Loss, SquaredLoss
    from cvxnn.networks import GatedReLUNetwork, ReLUNetwork, load_network
    from cvxnn.patterns import (
        ActivationPatterns,
        activation_patterns,
        count_bound,
        enumerate_patterns,
        sample_patterns,
    )
    from cvxnn.problem import Problem
    from cvxnn.programs import GatedReLUProgram, ReLUProgram
    from cvxnn.solvers import Solution, SolveStatus, solve
    from cvxnn.training import TrainingRecord, TrainingResult, train

    __version__: str

__all__ = [
    "ActivationPatterns",
    "Certificate",
    "GatedReLUClassifier",
    "GatedReLUNetwork",
    "GatedReLUProgram",
    "GatedReLURegressor",
    "Loss",
    "Problem",
    "ReLUClassifier",
    "ReLUClassifierCV",
    "ReLUNetwork",
    "ReLUProgram",
    "ReLURegressor",
    "ReLURegressorCV",
    "RegularisationPath",
    "Solution",
    "SolveStatus",
    "SquaredLoss",
    "TrainingRecord",
    "TrainingResult",
    "activation_patterns",
    "beta_max",
    "certify",
    "count_bound",
    "enumerate_patterns",
    "load_network",
    "relu_path",
    "sample_patterns",
    "solve",
    "train",
]


def _installed_version() -> str:
    from importlib.metadata import version

    return version(__name__)


export_lazily(
    __name__,
    {
        "cvxnn.certificates": (
            "Certificate",
            "beta_max",
            "certify",
        ),
        "cvxnn.estimators": (
            "GatedReLUClassifier",
            "GatedReLURegressor",
            "RegularisationPath",
            "ReLUClassifier",
            "ReLUClassifierCV",
            "ReLURegressor",
            "ReLURegressorCV",
            "relu_path",
        ),
        "cvxnn.losses": (
            "Loss",
            "SquaredLoss",
        ),
        "cvxnn.networks": (
            "GatedReLUNetwork",
            "ReLUNetwork",
            "load_network",
        ),
        "cvxnn.patterns": (
            "ActivationPatterns",
            "activation_patterns",
            "count_bound",
            "enumerate_patterns",
            "sample_patterns",
        ),
        "cvxnn.problem": ("Problem",),
        "cvxnn.programs": (
            "GatedReLUProgram",
            "ReLUProgram",
        ),
        "cvxnn.solvers": (
            "Solution",
            "SolveStatus",
            "solve",
        ),
        "cvxnn.training": (
            "TrainingRecord",
            "TrainingResult",
            "train",
        ),
    },
    {"__version__": _installed_version},
)

keep_old_names(__name__, {"TrainingStatus": "SolveStatus"})
