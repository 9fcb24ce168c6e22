"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.plots.canvas import save_figure
from cvxnn.plots.cross_validation import CrossValidationCurve, cv
from cvxnn.plots.curves import Fit1D, fit_1d
from cvxnn.plots.histories import Convergence, convergence
from cvxnn.plots.neuron_weights import NeuronWeights, neurons
from cvxnn.plots.paths import PathCurves, path
from cvxnn.plots.scatters import Predictions, predictions

__all__ = [
    "Convergence",
    "CrossValidationCurve",
    "Fit1D",
    "NeuronWeights",
    "PathCurves",
    "Predictions",
    "convergence",
    "cv",
    "fit_1d",
    "neurons",
    "path",
    "predictions",
    "save_figure",
]
