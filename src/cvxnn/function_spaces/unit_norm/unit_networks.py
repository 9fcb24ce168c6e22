"""Networks in unit-norm form: hidden units on the sphere, and what the measure of their weights weighs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.activations import PositivePart, get_activation
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_network
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_data, read_only, within_float64

_UNIT = 1e-9


def as_degree(activation: Any) -> int:
    """Return k of an activation ``(z)_+^k``.

    Raises
    ------
    ValueError
        If the activation is not a power of the positive part of degree 0, 1 or 2.
    """
    found = get_activation(activation)
    if isinstance(found, PositivePart) and found.degree <= 2:
        return int(found.degree)
    raise ValueError(f"activation must be (z)_+^k with k = 0, 1 or 2; got {activation!r}")


def unit_features(X: Array, directions: Array, degree: int) -> Array:
    """Return ``(X V)_+^k``, shape (n, m), for directions V (d, m)."""
    return PositivePart(degree).value(X @ directions)


@short_repr
@dataclass(frozen=True, eq=False)
class UnitNetwork:
    """Two-layer network in unit-norm form, ``f(x) = sum_j w_j (v_j^T x)_+^k`` with ``||v_j|| = 1``.

    The weights are a measure on the sphere, ``sum_j w_j delta_{v_j}``, of total variation ``||w||_1``.

    Parameters
    ----------
    directions : array_like of shape (d, m)
        Unit vectors v_j; m may be 0.
    weights : array_like of shape (m,)
        w_j.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2; for 0 the unit is ``1[v_j^T x >= 0]``.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, a direction is not of length one, or the activation is another.

    Examples
    --------
    >>> network = UnitNetwork([[1.0, -1.0]], [2.0, 3.0])
    >>> network.predict([[1.0], [-2.0]]), network.total_variation
    (array([2., 6.]), 5.0)
    """

    directions: Array  # (d, m)
    weights: Array  # (m,)
    activation: PositivePart

    @keep_old_arguments(degree="activation")
    def __init__(self, directions: Any, weights: Any, activation: Any = "relu") -> None:
        V, w = np.asarray(directions, dtype=np.float64), np.asarray(weights, dtype=np.float64)
        if V.ndim != 2 or V.shape[0] == 0 or w.shape != (V.shape[1],):
            raise ValueError(
                f"directions must have shape (d, m) and weights (m,); got {V.shape} and {w.shape}"
            )
        if not (np.all(np.isfinite(V)) and np.all(np.isfinite(w))):
            raise ValueError("directions and weights must be finite; found NaN or infinity")
        lengths = np.linalg.norm(V, axis=0)
        if np.any(np.abs(lengths - 1.0) > _UNIT):
            worst = float(lengths[np.argmax(np.abs(lengths - 1.0))])
            raise ValueError(f"directions must be unit vectors; found one of length {worst!r}")
        object.__setattr__(self, "directions", read_only(V))
        object.__setattr__(self, "weights", read_only(w))
        object.__setattr__(self, "activation", PositivePart(as_degree(activation)))

    @property
    def degree(self) -> int:
        """Return k."""
        return self.activation.degree

    @property
    def n_neurons(self) -> int:
        """Return m."""
        return int(self.directions.shape[1])

    @property
    def total_variation(self) -> float:
        """Return ``||w||_1``, an upper bound on the variation norm of the network's function."""
        return float(np.sum(np.abs(self.weights)))

    def predict(self, X: Any) -> Array:
        """Return the network's values, shape (n,).

        Raises
        ------
        ValueError
            If X is not a finite matrix with d columns, or a value is beyond the range of float64.
        """
        data = np.asarray(as_finite_data(X, "X"), dtype=np.float64)
        if data.shape[1] != self.directions.shape[0]:
            raise ValueError(f"X must have {self.directions.shape[0]} columns; got {data.shape[1]}")
        with within_float64("X"):
            return np.asarray(unit_features(data, self.directions, self.degree) @ self.weights)

    def balanced(self) -> ReLUNetwork:
        """Return the ReLU network with ``||u_j|| = |a_j| = sqrt(|w_j|)``, of weight decay ``||w||_1``.

        Raises
        ------
        ValueError
            If the activation is not the ReLU, k = 1.
        """
        if self.degree != 1:
            raise ValueError(f"activation must be 'relu' for a ReLU network; it is {self.activation!r}")
        roots = np.sqrt(np.abs(self.weights))
        return ReLUNetwork(self.directions * roots, np.sign(self.weights) * roots)


def unit_norm_form(network: ReLUNetwork | UnitNetwork, activation: Any = "relu") -> UnitNetwork:
    """Return a network with hidden units scaled to length one, which leaves its function as it is.

    ``a (u^T x)_+^k = a ||u||^k (v^T x)_+^k`` with ``v = u / ||u||``. A neuron with u = 0 adds nothing for k >= 1 and is
    left out; for k = 0 it adds a constant, which no direction does on all of R^d, and is refused.

    Parameters
    ----------
    network : ReLUNetwork or UnitNetwork
        One output, without an offset. Of the first, hidden and output weights are read with the activation given.
    activation : str, int or Activation, default "relu"
        The network's, "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2; a `UnitNetwork` has its own.

    Raises
    ------
    ValueError
        If the network has several outputs, an offset or, for k = 0, a neuron without direction, or the activation is
        another.

    Examples
    --------
    >>> form = unit_norm_form(ReLUNetwork([[3.0, 0.0], [4.0, 0.0]], [2.0, 7.0]))
    >>> form.directions.ravel(), form.weights
    (array([0.6, 0.8]), array([10.]))
    """
    if isinstance(network, UnitNetwork):
        return network
    network = as_network(network, kinds=(ReLUNetwork, UnitNetwork))
    degree = as_degree(activation)
    if network.n_outputs != 1:
        raise ValueError(f"network must have one output; it has {network.n_outputs}")
    if np.any(network.offset != 0):
        raise ValueError("network must have no offset; write a hidden bias as a column of X")
    lengths = np.linalg.norm(network.hidden, axis=0)
    output = network.output.reshape(-1)
    if degree == 0 and np.any((lengths == 0) & (output != 0)):
        raise ValueError(
            "network must have no hidden weight of length zero for activation 1[z >= 0]; found one"
        )
    kept = lengths > 0
    return UnitNetwork(
        network.hidden[:, kept] / lengths[kept], output[kept] * lengths[kept] ** degree, degree
    )
