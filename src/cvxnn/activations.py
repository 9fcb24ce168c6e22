"""Activation functions of two-layer networks, with the derivative that dynamics follow."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from cvxnn.validation import Array


class Activation(ABC):
    """A function of one number, applied to each entry of an array."""

    @abstractmethod
    def value(self, z: Array) -> Array:
        """Return the activation, shape of z."""

    @abstractmethod
    def derivative(self, z: Array) -> Array:
        """Return its derivative, shape of z; at a kink the one-sided derivative that the class names."""

    @property
    @abstractmethod
    def degree(self) -> int | None:
        """Return k where ``value(c z) = c^k value(z)`` for all c > 0, None where there is no such k."""


@dataclass(frozen=True)
class PositivePart(Activation):
    """``(z)_+^k``; for k = 0 the indicator ``1[z >= 0]``, by the convention of activation patterns.

    The derivative is ``k (z)_+^(k-1)``: 0 for k = 0, and ``1[z > 0]`` for k = 1.

    Parameters
    ----------
    degree : int, default 1
        k >= 0.

    Examples
    --------
    >>> PositivePart(2).value(np.array([-1.0, 3.0]))
    array([0., 9.])
    """

    degree: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.degree, int | np.integer) or isinstance(self.degree, bool) or self.degree < 0:
            raise ValueError(f"degree must be an integer >= 0; got {self.degree!r}")

    def value(self, z: Array) -> Array:
        """Return ``(z)_+^k``."""
        if self.degree == 0:
            return np.asarray(z >= 0, dtype=z.dtype)
        positive = np.maximum(z, 0.0)
        return positive if self.degree == 1 else np.asarray(positive**self.degree)

    def derivative(self, z: Array) -> Array:
        """Return ``k (z)_+^(k-1)``, 0 at z = 0 for every k."""
        if self.degree == 0:
            return np.zeros_like(z)
        if self.degree == 1:
            return np.asarray(z > 0, dtype=z.dtype)
        return np.asarray(self.degree * np.maximum(z, 0.0) ** (self.degree - 1))


@dataclass(frozen=True)
class Sigmoid(Activation):
    """The logistic function ``1 / (1 + exp(-z))``."""

    @property
    def degree(self) -> None:
        """Return None: the sigmoid is not homogeneous."""

    def value(self, z: Array) -> Array:
        """Return ``1 / (1 + exp(-z))``."""
        return np.asarray(expit(z))

    def derivative(self, z: Array) -> Array:
        """Return ``s (1 - s)`` of the sigmoid's value s."""
        s = expit(z)
        return np.asarray(s * (1.0 - s))


@dataclass(frozen=True)
class Tanh(Activation):
    """The hyperbolic tangent."""

    @property
    def degree(self) -> None:
        """Return None: it is not homogeneous."""

    def value(self, z: Array) -> Array:
        """Return ``tanh(z)``."""
        return np.asarray(np.tanh(z))

    def derivative(self, z: Array) -> Array:
        """Return ``1 - tanh(z)^2``."""
        return np.asarray(1.0 - np.tanh(z) ** 2)


@dataclass(frozen=True)
class Identity(Activation):
    """``z`` itself: linear networks."""

    @property
    def degree(self) -> int:
        """Return 1."""
        return 1

    def value(self, z: Array) -> Array:
        """Return z."""
        return z

    def derivative(self, z: Array) -> Array:
        """Return ones."""
        return np.ones_like(z)


_NAMED: dict[str, Activation] = {
    "relu": PositivePart(1),
    "step": PositivePart(0),
    "squared_relu": PositivePart(2),
    "sigmoid": Sigmoid(),
    "tanh": Tanh(),
    "identity": Identity(),
}


def get_activation(activation: Any) -> Activation:
    """Return an activation by name or degree, or the activation object itself.

    Parameters
    ----------
    activation : str, int or Activation
        "relu", "step", "squared_relu", "sigmoid", "tanh", "identity"; an integer k for ``(z)_+^k``; or an object.

    Raises
    ------
    ValueError
        If it is none of these.

    Examples
    --------
    >>> get_activation("relu") == get_activation(1) == PositivePart(1)
    True
    """
    if isinstance(activation, Activation):
        return activation
    if isinstance(activation, int | np.integer) and not isinstance(activation, bool) and activation >= 0:
        return PositivePart(int(activation))
    if isinstance(activation, str) and activation in _NAMED:
        return _NAMED[activation]
    raise ValueError(
        f"activation must be one of {sorted(_NAMED)}, an integer k >= 0 for (z)_+^k, or an Activation; "
        f"got {activation!r}"
    )


def activation_key(activation: Activation) -> str | int:
    """Return the name or degree by which `get_activation` finds an activation.

    Raises
    ------
    ValueError
        If it is none of those that have one.

    Examples
    --------
    >>> activation_key(Tanh()), activation_key(PositivePart(3))
    ('tanh', 3)
    """
    if isinstance(activation, PositivePart):
        return int(activation.degree)
    for name, known in _NAMED.items():
        if activation == known:
            return name
    raise ValueError(f"activation must be one that has a name or a degree; got {activation!r}")
