"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.names import keep_old_names
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.curves import fit_1d
from cvxnn.plots.dynamics.alignments import alignment
from cvxnn.plots.dynamics.beside_convex import convex_comparison
from cvxnn.plots.dynamics.particles import particle_trails
from cvxnn.plots.dynamics.teacher_studies import loss_by_radius, loss_by_width
from cvxnn.plots.dynamics.trajectories import trajectory_curves
from cvxnn.plots.fits.cross_validation import cv
from cvxnn.plots.fits.histories import Convergence, convergence
from cvxnn.plots.fits.neuron_weights import neurons
from cvxnn.plots.fits.paths import path
from cvxnn.plots.fits.solution_paths import solution_path
from cvxnn.plots.function_spaces.conditional_gradients import conditional_gradient
from cvxnn.plots.function_spaces.excess_risk import excess_risks
from cvxnn.plots.function_spaces.kernels import kernel_profiles, norm_growth
from cvxnn.plots.geometry.ellipsoids import (
    polar_set,
    rectified_ellipsoid,
)
from cvxnn.plots.geometry.switching import activation_points
from cvxnn.plots.geometry.zonotope_pairs import zonotopes
from cvxnn.plots.scatters import Predictions, predictions

__all__ = [
    "Convergence",
    "Predictions",
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

keep_old_names(
    __name__,
    {
        "ActivationPointsPicture": "cvxnn.plots.geometry.switching.ActivationPointsPicture",
        "AlignmentPicture": "cvxnn.plots.dynamics.alignments.AlignmentPicture",
        "ConditionalGradientCurves": "cvxnn.plots.function_spaces.conditional_gradients.ConditionalGradientCurves",
        "ConvexComparisonPicture": "cvxnn.plots.dynamics.beside_convex.ConvexComparisonPicture",
        "CrossValidationCurve": "cvxnn.plots.fits.cross_validation.CrossValidationCurve",
        "ExcessRisks": "cvxnn.plots.function_spaces.excess_risk.ExcessRisks",
        "Fit1D": "cvxnn.plots.curves.Fit1D",
        "KernelProfiles": "cvxnn.plots.function_spaces.kernels.KernelProfiles",
        "LossByRadius": "cvxnn.plots.dynamics.teacher_studies.LossByRadius",
        "LossByWidth": "cvxnn.plots.dynamics.teacher_studies.LossByWidth",
        "NeuronWeights": "cvxnn.plots.fits.neuron_weights.NeuronWeights",
        "NormGrowth": "cvxnn.plots.function_spaces.kernels.NormGrowth",
        "ParticleTrails": "cvxnn.plots.dynamics.particles.ParticleTrails",
        "PathCurves": "cvxnn.plots.fits.paths.PathCurves",
        "PolarSetPicture": "cvxnn.plots.geometry.ellipsoids.PolarSetPicture",
        "RectifiedEllipsoidPicture": "cvxnn.plots.geometry.ellipsoids.RectifiedEllipsoidPicture",
        "SolutionPathCurves": "cvxnn.plots.fits.solution_paths.SolutionPathCurves",
        "TrajectoryCurves": "cvxnn.plots.dynamics.trajectories.TrajectoryCurves",
        "ZonotopesPicture": "cvxnn.plots.geometry.zonotope_pairs.ZonotopesPicture",
    },
)
