"""How far networks are from stationary along a trajectory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.activations import PositivePart
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.record import Record
from cvxnn.landscape import stationarity
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array

# Gradients of larger weights overflow: they are of third order.
_OVERFLOW = 1e75
# Weights that decayed to less count as zero: their products vanish.
_UNDERFLOW = 1e-150


@dataclass(frozen=True)
class StationarityResidual(Record):
    """Distance of zero from Clarke's subdifferential of the objective, shape (B,); not a number where weights overflew.

    A run that tends to a network on a kink comes close to the kink and never on it. With ``kink_tol`` the multiplier of
    a sample is free where the cosine of neuron and sample is within it: the distance is then to the subdifferentials of
    a neighbourhood.

    Parameters
    ----------
    kink_tol : float, default 1e-9
        As of `cvxnn.landscape.stationarity`.
    relative : bool, default False
        Whether to divide by the scale of gradients, `cvxnn.landscape.Stationarity.scale`.
    """

    kink_tol: float = 1e-9
    relative: bool = False
    name: str = "stationarity"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the distances.

        Raises
        ------
        ValueError
            If the activation is not ReLU, or the loss has kinks.
        """
        if objective.activation != PositivePart(1):
            raise ValueError(f"stationarity is that of ReLU networks; got {objective.activation!r}")
        return np.array([self._distance(objective, weights, b) for b in range(weights.n_networks)])

    def _distance(self, objective: BatchedObjective, weights: Weights, b: int) -> float:
        hidden, output = weights.hidden[b], weights.output[b]
        if not max(np.max(np.abs(hidden)), np.max(np.abs(output))) < _OVERFLOW:
            return np.nan
        hidden, output = (np.where(np.abs(part) < _UNDERFLOW, 0.0, part) for part in (hidden, output))
        samples = objective.samples
        y = samples.y if samples.y.ndim == 1 else samples.y[b]
        scale = np.broadcast_to(samples.scale, len(y))
        problem = Problem(samples.X, y, beta=objective.beta, loss=samples.loss, sample_weight=scale)
        found = stationarity(problem, ReLUNetwork(hidden, output), kink_tol=self.kink_tol)
        return found.residual if self.relative else found.distance
