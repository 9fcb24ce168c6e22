"""What a trajectory records: each record measures one quantity of all networks at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import PositivePart
from cvxnn.atoms import ON_KINK
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.alignment import AlignmentCosines
from cvxnn.dynamics.trajectories.record_book import Record
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

    kink_tol: float = ON_KINK
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
        y = np.broadcast_to(samples.y, (weights.n_networks, samples.y.shape[-1]))[b]
        scale = np.broadcast_to(samples.scale, len(y))
        problem = Problem(samples.X, y, beta=objective.beta, loss=samples.loss, sample_weight=scale)
        found = stationarity(problem, ReLUNetwork(hidden, output), kink_tol=self.kink_tol)
        return found.residual if self.relative else found.distance


__all__ = [
    "ActivationPoints",
    "Directions",
    "HiddenWeights",
    "LossValue",
    "NeuronNorms",
    "Objective",
    "OutputWeights",
    "Patterns",
    "Record",
    "UniquePatterns",
    "as_records",
]


@dataclass(frozen=True)
class Objective(Record):
    """``F``: loss and weight decay, shape (B,)."""

    name: str = "objective"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the objective."""
        return objective.value(np.moveaxis(weights.hidden, 0, 1), weights.output)


@dataclass(frozen=True)
class LossValue(Record):
    """The loss without weight decay, shape (B,)."""

    name: str = "loss"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the loss."""
        return objective.loss(np.moveaxis(weights.hidden, 0, 1), weights.output)


@dataclass(frozen=True)
class HiddenWeights(Record):
    """Hidden weights, shape (B, d, m)."""

    name: str = "hidden"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the hidden weights."""
        return weights.hidden


@dataclass(frozen=True)
class OutputWeights(Record):
    """Output weights, shape (B, m)."""

    name: str = "output"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the output weights."""
        return weights.output


@dataclass(frozen=True)
class Patterns(Record):
    """Activation patterns, bits packed along the samples: uint8 of shape (B, ceil(n/8), m)."""

    name: str = "patterns"

    def measure(self, objective: BatchedObjective, weights: Weights) -> NDArray[np.uint8]:
        """Return packed patterns; ``numpy.unpackbits(..., axis=-2, count=n)`` unpacks them."""
        return np.stack(list(_packed(objective, weights)))


@dataclass(frozen=True)
class UniquePatterns(Record):
    """How many different activation patterns the neurons have, shape (B,)."""

    name: str = "unique_patterns"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Count the different patterns of each network."""
        return np.array([len(np.unique(packed.T, axis=0)) for packed in _packed(objective, weights)])


@dataclass(frozen=True)
class ActivationPoints(Record):
    """Where neurons of one feature and a bias switch, ``-b_j / w_j``, shape (B, m); infinite where w_j = 0."""

    name: str = "activation_points"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the activation points.

        Raises
        ------
        ValueError
            If there are not two columns, the feature and ones.
        """
        X = objective.samples.X
        if X.shape[1] != 2 or not np.all(X[:, 1] == X[0, 1]):
            raise ValueError("activation points need data of two columns, a feature and a constant")
        slope, bias = weights.hidden[:, 0], weights.hidden[:, 1] * X[0, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(slope == 0.0, np.inf, -bias / slope))


@dataclass(frozen=True)
class Directions(Record):
    """Hidden directions ``u_j / ||u_j||``, shape (B, d, m); zero for zero neurons."""

    name: str = "directions"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the directions."""
        norms = np.linalg.norm(weights.hidden, axis=1, keepdims=True)
        return np.asarray(weights.hidden / np.where(norms > 0, norms, 1.0))


@dataclass(frozen=True)
class NeuronNorms(Record):
    """``||u_j|| |a_j|``, what a neuron adds to the balanced network's weight decay, shape (B, m)."""

    name: str = "norms"

    def measure(self, objective: BatchedObjective, weights: Weights) -> Array:
        """Return the products of norms."""
        return np.asarray(np.linalg.norm(weights.hidden, axis=1) * np.abs(weights.output))


def _packed(objective: BatchedObjective, weights: Weights) -> Iterator[NDArray[np.uint8]]:
    """Yield the packed patterns (ceil(n/8), m) of each network, as `activation_patterns` has them.

    Those of overflown weights are empty.
    """
    for hidden in weights.hidden:
        with np.errstate(invalid="ignore", over="ignore"):
            yield np.packbits(objective.samples.X @ hidden >= 0, axis=0)


_NAMED: dict[str, tuple[Record, ...]] = {
    "objective": (Objective(),),
    "loss": (LossValue(),),
    "weights": (HiddenWeights(), OutputWeights()),
    "patterns": (Patterns(),),
    "unique_patterns": (UniquePatterns(),),
    "activation_points": (ActivationPoints(),),
    "directions": (Directions(),),
    "norms": (NeuronNorms(),),
    "alignment": (AlignmentCosines(),),
    "stationarity": (StationarityResidual(),),
}


def as_records(records: Iterable[str | Record] | str | Record) -> tuple[Record, ...]:
    """Return records by name, or objects as they are.

    Raises
    ------
    ValueError
        If a name is not known, or two records share one.
    """
    if not isinstance(records, Iterable | Record):
        raise ValueError(f"record must be a name, a Record or several of them; got {records!r}")
    chosen = [records] if isinstance(records, str | Record) else list(records)
    found: list[Record] = []
    for record in chosen:
        if isinstance(record, Record):
            found.append(record)
        elif isinstance(record, str) and record in _NAMED:
            found.extend(_NAMED[record])
        else:
            raise ValueError(f"record must hold names of {sorted(_NAMED)} or Record objects; got {record!r}")
    names = [record.name for record in found]
    if len(set(names)) != len(names):
        raise ValueError(f"record must not hold a name twice; got {names}")
    return tuple(found)
