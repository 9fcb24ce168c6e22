"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.plots.canvas import save_figure
from cvxnn.plots.curves import Fit1D, fit_1d
from cvxnn.plots.dynamics.alignments import AlignmentPicture, alignment
from cvxnn.plots.dynamics.beside_convex import ConvexComparisonPicture, convex_comparison
from cvxnn.plots.dynamics.particles import ParticleTrails, particle_trails
from cvxnn.plots.dynamics.teacher_studies import LossByRadius, LossByWidth, loss_by_radius, loss_by_width
from cvxnn.plots.dynamics.trajectories import TrajectoryCurves, trajectory_curves
from cvxnn.plots.fits.cross_validation import CrossValidationCurve, cv
from cvxnn.plots.fits.histories import Convergence, convergence
from cvxnn.plots.fits.neuron_weights import NeuronWeights, neurons
from cvxnn.plots.fits.paths import PathCurves, path
from cvxnn.plots.fits.solution_paths import SolutionPathCurves, solution_path
from cvxnn.plots.function_spaces.conditional_gradients import ConditionalGradientCurves, conditional_gradient
from cvxnn.plots.function_spaces.excess_risk import ExcessRisks, excess_risks
from cvxnn.plots.function_spaces.kernels import KernelProfiles, NormGrowth, kernel_profiles, norm_growth
from cvxnn.plots.geometry.ellipsoids import (
    PolarSetPicture,
    RectifiedEllipsoidPicture,
    polar_set,
    rectified_ellipsoid,
)
from cvxnn.plots.geometry.switching import ActivationPointsPicture, activation_points
from cvxnn.plots.geometry.zonotope_pairs import ZonotopesPicture, zonotopes
from cvxnn.plots.scatters import Predictions, predictions

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
