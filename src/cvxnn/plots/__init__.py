"""Pictures of trained networks: each computes plain arrays first and draws them with ``.plot(ax)``."""

from cvxnn.plots.canvas import save_figure
from cvxnn.plots.curves import Fit1D, fit_1d
from cvxnn.plots.histories import Convergence, convergence
from cvxnn.plots.neuron_weights import NeuronWeights, neurons
from cvxnn.plots.scatters import Predictions, predictions

__all__ = [
    "Convergence",
    "Fit1D",
    "NeuronWeights",
    "Predictions",
    "convergence",
    "fit_1d",
    "neurons",
    "predictions",
    "save_figure",
]
