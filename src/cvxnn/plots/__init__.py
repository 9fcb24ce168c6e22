"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.plots.activation_points import ActivationPointsPicture, activation_points
from cvxnn.plots.alignment import AlignmentPicture, alignment
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.conditional_gradient import ConditionalGradientCurves, conditional_gradient
from cvxnn.plots.convex_comparison import ConvexComparisonPicture, convex_comparison
from cvxnn.plots.cross_validation import CrossValidationCurve, cv
from cvxnn.plots.curves import Fit1D, fit_1d
from cvxnn.plots.ellipsoids import (
    PolarSetPicture,
    RectifiedEllipsoidPicture,
    polar_set,
    rectified_ellipsoid,
)
from cvxnn.plots.excess_risk import ExcessRisks, excess_risks
from cvxnn.plots.histories import Convergence, convergence
from cvxnn.plots.kernels import KernelProfiles, NormGrowth, kernel_profiles, norm_growth
from cvxnn.plots.neuron_weights import NeuronWeights, neurons
from cvxnn.plots.particles import ParticleTrails, particle_trails
from cvxnn.plots.paths import PathCurves, path
from cvxnn.plots.scatters import Predictions, predictions
from cvxnn.plots.solution_path import SolutionPathCurves, solution_path
from cvxnn.plots.teacher_studies import LossByRadius, LossByWidth, loss_by_radius, loss_by_width
from cvxnn.plots.trajectories import TrajectoryCurves, trajectory_curves
from cvxnn.plots.zonotopes import ZonotopesPicture, zonotopes

__all__ = [
    "ActivationPointsPicture",
    "AlignmentPicture",
    "ConditionalGradientCurves",
    "Convergence",
    "ConvexComparisonPicture",
    "CrossValidationCurve",
    "ExcessRisks",
    "Fit1D",
    "KernelProfiles",
    "LossByRadius",
    "LossByWidth",
    "NeuronWeights",
    "NormGrowth",
    "ParticleTrails",
    "PathCurves",
    "PolarSetPicture",
    "Predictions",
    "RectifiedEllipsoidPicture",
    "SolutionPathCurves",
    "TrajectoryCurves",
    "ZonotopesPicture",
    "activation_points",
    "alignment",
    "conditional_gradient",
    "convergence",
    "convex_comparison",
    "cv",
    "excess_risks",
    "fit_1d",
    "kernel_profiles",
    "loss_by_radius",
    "loss_by_width",
    "neurons",
    "norm_growth",
    "particle_trails",
    "path",
    "polar_set",
    "predictions",
    "rectified_ellipsoid",
    "save_figure",
    "solution_path",
    "trajectory_curves",
    "zonotopes",
]
