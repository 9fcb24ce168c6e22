"""Function spaces of infinitely wide networks: the variation norm (F_1) and kernels (F_2)."""

from cvxnn.function_spaces.circle_approximation import (
    CircleApproximation,
    approximate_on_circle,
    hardest_waves,
)
from cvxnn.function_spaces.conditional_gradient import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient_rates import (
    ConditionalGradientRate,
    UnitsUsed,
    conditional_gradient_rate,
    feature_radius,
    units_for_target,
    units_needed,
)
from cvxnn.function_spaces.conditional_gradient_result import (
    ConditionalGradientRecord,
    ConditionalGradientResult,
    ConditionalGradientStatus,
)
from cvxnn.function_spaces.constrained_fit import (
    ConstrainedFit,
    FormsAgree,
    constrained_fit,
    penalty_and_constraint,
)
from cvxnn.function_spaces.covariance import ArcCosineCovariance
from cvxnn.function_spaces.error_decomposition import ErrorDecomposition, error_decomposition
from cvxnn.function_spaces.excess_risk import ExcessRiskCurve, excess_risk_curve
from cvxnn.function_spaces.inputs import draw_inputs
from cvxnn.function_spaces.kernel_norm import gamma_2
from cvxnn.function_spaces.kernel_ridge import F2Ridge, KernelSpaceRegressor
from cvxnn.function_spaces.kernels import ArcCosineKernel
from cvxnn.function_spaces.learners import (
    KernelLearner,
    LearntNetwork,
    LearntRidge,
    TrainingSample,
    VariationNormLearner,
)
from cvxnn.function_spaces.neuron_oracles import ReLUOracle, neuron_oracle
from cvxnn.function_spaces.neurons_found import NeuronOracle, NeuronsFound
from cvxnn.function_spaces.norm_comparison import NormInequality, norm_inequality
from cvxnn.function_spaces.quadratic_oracle import QuadraticOracle
from cvxnn.function_spaces.rademacher import RademacherComplexity, rademacher_complexity
from cvxnn.function_spaces.rademacher_curve import RademacherCurve, rademacher_curve
from cvxnn.function_spaces.random_feature_ridge import RandomFeatureRegressor
from cvxnn.function_spaces.random_features import ReLURandomFeatures, random_neurons
from cvxnn.function_spaces.rounds import RoundsStatus
from cvxnn.function_spaces.single_neuron import (
    MeanNeuronNorm,
    NeuronNorms,
    mean_neuron_norm,
    neuron_norms,
    neuron_on_circle,
)
from cvxnn.function_spaces.slopes import Slope, log_log_slope
from cvxnn.function_spaces.targets import (
    AdditiveTarget,
    AffineTarget,
    ProjectionPursuitTarget,
    SubspaceTarget,
    Target,
)
from cvxnn.function_spaces.threshold_oracle import Split, ThresholdOracle
from cvxnn.function_spaces.unit_networks import UnitNetwork, unit_norm_form
from cvxnn.function_spaces.variation_norm import (
    StrictBound,
    VariationNorm,
    strict_bound_example,
    variation_norm,
    variation_norm_bound,
)

__all__ = [
    "AdditiveTarget",
    "AffineTarget",
    "ArcCosineCovariance",
    "ArcCosineKernel",
    "CircleApproximation",
    "ConditionalGradient",
    "ConditionalGradientRate",
    "ConditionalGradientRecord",
    "ConditionalGradientResult",
    "ConditionalGradientStatus",
    "ConstrainedFit",
    "ErrorDecomposition",
    "ExcessRiskCurve",
    "F2Ridge",
    "FormsAgree",
    "KernelLearner",
    "KernelSpaceRegressor",
    "LearntNetwork",
    "LearntRidge",
    "MeanNeuronNorm",
    "NeuronNorms",
    "NeuronOracle",
    "NeuronsFound",
    "NormInequality",
    "ProjectionPursuitTarget",
    "QuadraticOracle",
    "RademacherComplexity",
    "RademacherCurve",
    "RandomFeatureRegressor",
    "ReLUOracle",
    "ReLURandomFeatures",
    "RoundsStatus",
    "Slope",
    "Split",
    "StrictBound",
    "SubspaceTarget",
    "Target",
    "ThresholdOracle",
    "TrainingSample",
    "UnitNetwork",
    "UnitsUsed",
    "VariationNorm",
    "VariationNormLearner",
    "approximate_on_circle",
    "conditional_gradient_rate",
    "constrained_fit",
    "draw_inputs",
    "error_decomposition",
    "excess_risk_curve",
    "feature_radius",
    "gamma_2",
    "hardest_waves",
    "log_log_slope",
    "mean_neuron_norm",
    "neuron_norms",
    "neuron_on_circle",
    "neuron_oracle",
    "norm_inequality",
    "penalty_and_constraint",
    "rademacher_complexity",
    "rademacher_curve",
    "random_neurons",
    "strict_bound_example",
    "unit_norm_form",
    "units_for_target",
    "units_needed",
    "variation_norm",
    "variation_norm_bound",
]
