"""Function spaces of infinitely wide networks: the variation norm (F_1) and kernels (F_2).

Functions take (X, y), as a ball has a radius and no weight decay; the one that compares the two takes a problem.
"""

from cvxnn.function_spaces.comparisons.circle import (
    approximate_on_circle,
    hardest_waves,
)
from cvxnn.function_spaces.comparisons.norms import norm_inequality
from cvxnn.function_spaces.comparisons.single_neuron import (
    NeuronNorms,
    mean_neuron_norm,
    neuron_norms,
    neuron_on_circle,
)
from cvxnn.function_spaces.conditional_gradient.ball_fits import (
    constrained_fit,
    penalty_and_constraint,
)
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient.rates import (
    ConditionalGradientRate,
    conditional_gradient_rate,
    feature_radius,
    units_for_target,
    units_needed,
)
from cvxnn.function_spaces.conditional_gradient.result import (
    ConditionalGradientResult,
)
from cvxnn.function_spaces.generalisation.decomposition import ErrorDecomposition, error_decomposition
from cvxnn.function_spaces.generalisation.excess_risk import ExcessRiskCurve, excess_risk_curve
from cvxnn.function_spaces.generalisation.inputs import draw_inputs
from cvxnn.function_spaces.generalisation.learners import (
    KernelLearner,
    TrainingSample,
    VariationNormLearner,
)
from cvxnn.function_spaces.generalisation.rademacher import (
    RademacherCurve,
    rademacher_complexity,
    rademacher_curve,
)
from cvxnn.function_spaces.generalisation.targets import (
    AdditiveTarget,
    AffineTarget,
    ProjectionPursuitTarget,
    SubspaceTarget,
    Target,
)
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineCovariance, ArcCosineKernel
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.function_spaces.kernels.random_features import ReLURandomFeatures, random_neurons
from cvxnn.function_spaces.kernels.ridge import KernelSpaceRegressor, RandomFeatureRegressor
from cvxnn.function_spaces.oracles.neuron_oracles import ReLUOracle, neuron_oracle
from cvxnn.function_spaces.oracles.quadratic_oracle import QuadraticOracle
from cvxnn.function_spaces.oracles.threshold_oracle import Split, ThresholdOracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_norm_form
from cvxnn.function_spaces.variation.norms import (
    strict_bound_example,
    variation_norm,
    variation_norm_bound,
)
from cvxnn.names import keep_old_names
from cvxnn.statistics import Slope, log_log_slope

__all__ = [
    "AdditiveTarget",
    "AffineTarget",
    "ArcCosineCovariance",
    "ArcCosineKernel",
    "ConditionalGradient",
    "ConditionalGradientRate",
    "ConditionalGradientResult",
    "ErrorDecomposition",
    "ExcessRiskCurve",
    "KernelLearner",
    "KernelSpaceRegressor",
    "NeuronNorms",
    "ProjectionPursuitTarget",
    "QuadraticOracle",
    "RademacherCurve",
    "RandomFeatureRegressor",
    "ReLUOracle",
    "ReLURandomFeatures",
    "Slope",
    "Split",
    "SubspaceTarget",
    "Target",
    "ThresholdOracle",
    "TrainingSample",
    "UnitNetwork",
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

keep_old_names(
    __name__,
    {
        "ConditionalGradientStatus": "cvxnn.solvers.SolveStatus",
        "NeuronsFound": "cvxnn.certificates.Maximisers",
        "RoundsStatus": "cvxnn.solvers.SolveStatus",
        "CircleApproximation": "cvxnn.function_spaces.comparisons.circle.CircleApproximation",
        "ConditionalGradientRecord": "cvxnn.function_spaces.conditional_gradient.result.ConditionalGradientRecord",
        "ConstrainedFit": "cvxnn.function_spaces.conditional_gradient.ball_fits.ConstrainedFit",
        "FormsAgree": "cvxnn.function_spaces.conditional_gradient.ball_fits.FormsAgree",
        "LearntNetwork": "cvxnn.function_spaces.generalisation.learners.LearntNetwork",
        "LearntRidge": "cvxnn.function_spaces.generalisation.learners.LearntRidge",
        "MeanNeuronNorm": "cvxnn.function_spaces.comparisons.single_neuron.MeanNeuronNorm",
        "NormInequality": "cvxnn.function_spaces.comparisons.norms.NormInequality",
        "RademacherComplexity": "cvxnn.function_spaces.generalisation.rademacher.RademacherComplexity",
        "StrictBound": "cvxnn.function_spaces.variation.norms.StrictBound",
        "UnitsUsed": "cvxnn.function_spaces.conditional_gradient.rates.UnitsUsed",
        "VariationNorm": "cvxnn.function_spaces.variation.norms.VariationNorm",
        "F2Ridge": "cvxnn.function_spaces.kernels.ridge.F2Ridge",
        "NeuronOracle": "cvxnn.function_spaces.oracles.ranking.NeuronOracle",
    },
)
