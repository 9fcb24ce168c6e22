"""A batch of two-layer networks of one width, simulated side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.activations import get_activation
from cvxnn.networks import ReLUNetwork
from cvxnn.validation import Array, as_finite_array, read_only, require_kind

Point = tuple[Array, ...]  # hidden and output weights, and whatever else is trained


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of B two-layer networks ``f(x) = sum_j a_j sigma(x^T u_j)`` with m neurons and one output each.

    Parameters
    ----------
    hidden : array_like of shape (B, d, m) or (d, m)
        ``hidden[b, :, j]`` is the hidden weight u_j of network b. Two dimensions mean B = 1.
    output : array_like of shape (B, m) or (m,)
        ``output[b, j]`` is its output weight a_j.

    Raises
    ------
    ValueError
        If a shape is wrong, the two do not agree, or a weight is not finite.

    Examples
    --------
    >>> Weights(np.ones((3, 2, 4)), np.ones((3, 4)))
    Weights(3 networks, 2 features -> 4 neurons -> 1 output)
    """

    hidden: Array  # (B, d, m)
    output: Array  # (B, m)

    def __init__(self, hidden: Any, output: Any) -> None:
        hidden = as_finite_array(hidden, "hidden", (2, 3))
        output = as_finite_array(output, "output", (1, 2))
        hidden, output = hidden.reshape(-1, *hidden.shape[-2:]), output.reshape(-1, output.shape[-1])
        if output.shape != (hidden.shape[0], hidden.shape[2]):
            raise ValueError(
                f"output must have shape {(hidden.shape[0], hidden.shape[2])} for hidden weights of shape "
                f"{hidden.shape}; got {output.shape}"
            )
        object.__setattr__(self, "hidden", read_only(hidden))
        object.__setattr__(self, "output", read_only(output))

    @classmethod
    def of(cls, networks: ReLUNetwork | Sequence[ReLUNetwork]) -> Weights:
        """Return the weights of a network, or of several of the same shape.

        Raises
        ------
        ValueError
            If a network has several outputs or an output offset, or the shapes differ.
        """
        batch = [networks] if isinstance(networks, ReLUNetwork) else list(networks)
        for network in batch:
            if network.n_outputs != 1 or np.any(network.offset):
                raise ValueError(f"networks must have one output and no output offset; got {network!r}")
        if len({network.hidden.shape for network in batch}) != 1:
            raise ValueError(f"networks must share one shape; got {sorted({n.hidden.shape for n in batch})}")
        return cls(
            np.stack([network.hidden for network in batch]),
            np.stack([network.one_output().output for network in batch]),
        )

    @classmethod
    def trusted(cls, hidden: Array, output: Array) -> Weights:
        """Return weights (B, d, m) and (B, m) unchecked and uncopied; those of a diverged network may overflow."""
        weights = object.__new__(cls)
        object.__setattr__(weights, "hidden", hidden)
        object.__setattr__(weights, "output", output)
        return weights

    @property
    def n_networks(self) -> int:
        """Return B."""
        return int(self.hidden.shape[0])

    @property
    def n_features(self) -> int:
        """Return d."""
        return int(self.hidden.shape[1])

    @property
    def n_neurons(self) -> int:
        """Return m."""
        return int(self.hidden.shape[2])

    @property
    def penalty(self) -> Array:
        """Return ``1/2 (||U||_F^2 + ||a||^2)`` of each network, shape (B,)."""
        return np.asarray(0.5 * (np.sum(self.hidden**2, axis=(1, 2)) + np.sum(self.output**2, axis=1)))

    def network(self, index: int = 0) -> ReLUNetwork:
        """Return one of the networks, with ReLU for its activation.

        Parameters
        ----------
        index : int, default 0
            Which of them.

        Raises
        ------
        ValueError
            If there is no such network, or its weights are not finite.
        """
        if not isinstance(index, int | np.integer) or not -self.n_networks <= index < self.n_networks:
            raise ValueError(
                f"index must be an integer below {self.n_networks}, the number of networks; got {index!r}"
            )
        return ReLUNetwork(self.hidden[index], self.output[index])

    def predict(self, X: Any, activation: Any = "relu") -> Array:
        """Return the predictions of all networks, shape (B, n), for data (n, d).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        activation : str, int or Activation, default "relu"
            Activation function.

        Raises
        ------
        ValueError
            If X is not a finite matrix of d columns, or the activation is not known.
        """
        data, activation = as_finite_array(X, "X", (2,)), get_activation(activation)
        if data.shape[1] != self.n_features:
            raise ValueError(f"X must have {self.n_features} columns; got {data.shape[1]}")
        each = zip(self.hidden, self.output, strict=True)
        return np.array([activation.value(data @ hidden) @ output for hidden, output in each])

    def select(self, networks: Any) -> Weights:
        """Return some of the networks, by index or boolean mask."""
        chosen = np.atleast_1d(np.arange(self.n_networks)[networks])
        return Weights(self.hidden[chosen], self.output[chosen])

    def repeat(self, n_networks: int) -> Weights:
        """Return a single network repeated, to be simulated with several step sizes or targets.

        Raises
        ------
        ValueError
            If this holds more than one network.
        """
        if self.n_networks != 1:
            raise ValueError(f"a single network can be repeated; got {self.n_networks}")
        return Weights(np.repeat(self.hidden, n_networks, axis=0), np.repeat(self.output, n_networks, axis=0))

    def __repr__(self) -> str:
        return (
            f"Weights({self.n_networks} network{'s' * (self.n_networks != 1)}, {self.n_features} features -> "
            f"{self.n_neurons} neurons -> 1 output)"
        )


def as_weights(start: Any) -> Weights:
    """Return weights of networks given as such, as a network, or as a result that holds one.

    Raises
    ------
    ValueError
        If it is neither.
    """
    held = getattr(start, "network", None)
    start = require_kind(held if isinstance(held, ReLUNetwork) else start, (Weights, ReLUNetwork), "start")
    return start if isinstance(start, Weights) else Weights.of(start)
