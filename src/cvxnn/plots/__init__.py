"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.plots.canvas import save_figure
from cvxnn.plots.cross_validation import CrossValidationCurve, cv
from cvxnn.plots.curves import Fit1D, fit_1d
from cvxnn.plots.ellipsoids import (
    PolarSetPicture,
    RectifiedEllipsoidPicture,
    polar_set,
    rectified_ellipsoid,
)
from cvxnn.plots.histories import Convergence, convergence
from cvxnn.plots.neuron_weights import NeuronWeights, neurons
from cvxnn.plots.paths import PathCurves, path
from cvxnn.plots.scatters import Predictions, predictions
from cvxnn.plots.solution_path import SolutionPathCurves, solution_path
from cvxnn.plots.zonotopes import ZonotopesPicture, zonotopes

__all__ = [
    "Convergence",
    "CrossValidationCurve",
    "Fit1D",
    "NeuronWeights",
    "PathCurves",
    "PolarSetPicture",
    "Predictions",
    "RectifiedEllipsoidPicture",
    "SolutionPathCurves",
    "ZonotopesPicture",
    "convergence",
    "cv",
    "fit_1d",
    "neurons",
    "path",
    "polar_set",
    "predictions",
    "rectified_ellipsoid",
    "save_figure",
    "solution_path",
    "zonotopes",
]
