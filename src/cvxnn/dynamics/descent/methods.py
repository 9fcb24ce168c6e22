"""First-order methods, each of which turns a gradient into a step, and step sizes that decay."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.starts.weights import Point
from cvxnn.validation import as_number


def decaying(power: float, offset: float = 100.0) -> Callable[[int], float]:
    """Return the schedule ``(1 + t / offset)^(-power)`` of steps t = 0, 1, ...

    With a power in (1/2, 1] the steps sum to infinity and their squares do not, as stochastic approximation asks.

    Parameters
    ----------
    power : float
        >= 0; 0 keeps the step size.
    offset : float, default 100
        Steps before the decay sets in, > 0.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical Statistics 1951.

    Examples
    --------
    >>> [decaying(1.0, 10.0)(t) for t in (0, 10, 30)]
    [1.0, 0.5, 0.25]
    """
    power, offset = as_number(power, "power"), as_number(offset, "offset", positive=True)
    return lambda t: float((1.0 + t / offset) ** -power)


class Method(ABC):
    """A first-order method: ``direction`` is what is subtracted, times the step size, from the weights.

    A method holds settings only; what it remembers is passed in and out.
    """

    @abstractmethod
    def start(self, point: Point) -> Any:
        """Return what the method remembers before the first step."""

    @abstractmethod
    def direction(self, gradient: Point, memory: Any) -> tuple[Point, Any]:
        """Return the direction of a step for a gradient, and what is remembered after it."""


@dataclass(frozen=True)
class GradientDescent(Method):
    """The gradient itself: ``theta <- theta - step * gradient``. With random samples it is SGD."""

    def start(self, point: Point) -> None:
        """Return nothing: gradient descent has no memory."""

    def direction(self, gradient: Point, memory: None) -> tuple[Point, None]:
        """Return the gradient."""
        return gradient, None


@dataclass(frozen=True)
class Momentum(Method):
    """Momentum: ``v <- momentum v + gradient``, the direction is v, or ``gradient + momentum v`` of Nesterov's form.

    Parameters
    ----------
    momentum : float, default 0.9
        In [0, 1).
    nesterov : bool, default False
        Whether to look ahead.

    References
    ----------
    B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; I. Sutskever, J. Martens,
    G. Dahl, G. Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013, eq. (3)-(4).
    """

    momentum: float = 0.9
    nesterov: bool = False

    def __post_init__(self) -> None:
        _require_below_one(self.momentum, "momentum")

    def start(self, point: Point) -> Point:
        """Return velocities of zero."""
        return tuple(np.zeros_like(array) for array in point)

    def direction(self, gradient: Point, memory: Point) -> tuple[Point, Point]:
        """Return the velocity after this gradient, which is also what is remembered."""
        velocity = tuple(self.momentum * v + g for v, g in zip(memory, gradient, strict=True))
        if not self.nesterov:
            return velocity, velocity
        ahead = tuple(g + self.momentum * v for v, g in zip(velocity, gradient, strict=True))
        return ahead, velocity


@dataclass(frozen=True)
class Adam(Method):
    """Adam: running means of gradient and squared gradient, corrected for their start at zero.

    Parameters
    ----------
    beta1, beta2 : float, default 0.9 and 0.999
        Decay of the two means, in [0, 1).
    epsilon : float, default 1e-8
        Added to the root of the mean square.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        _require_below_one(self.beta1, "beta1")
        _require_below_one(self.beta2, "beta2")
        as_number(self.epsilon, "epsilon", positive=True)

    def start(self, point: Point) -> tuple[int, Point, Point]:
        """Return the number of steps and both means, all zero."""
        zeros = tuple(np.zeros_like(array) for array in point)
        return 0, zeros, zeros

    def direction(
        self, gradient: Point, memory: tuple[int, Point, Point]
    ) -> tuple[Point, tuple[int, Point, Point]]:
        """Return ``m / (sqrt(v) + epsilon)`` of the corrected means."""
        steps, first, second = memory[0] + 1, memory[1], memory[2]
        first = tuple(self.beta1 * m + (1 - self.beta1) * g for m, g in zip(first, gradient, strict=True))
        second = tuple(
            self.beta2 * v + (1 - self.beta2) * g**2 for v, g in zip(second, gradient, strict=True)
        )
        c1, c2 = 1 - self.beta1**steps, 1 - self.beta2**steps
        direction = tuple(
            (m / c1) / (np.sqrt(v / c2) + self.epsilon) for m, v in zip(first, second, strict=True)
        )
        return direction, (steps, first, second)


@dataclass(frozen=True)
class Adagrad(Method):
    """Adagrad: the gradient divided by the root of the sum of squared gradients so far, entry by entry.

    Parameters
    ----------
    epsilon : float, default 1e-10
        Added to the root.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods", JMLR 2011, section 1.1 (diagonal form).
    """

    epsilon: float = 1e-10

    def __post_init__(self) -> None:
        as_number(self.epsilon, "epsilon", positive=True)

    def start(self, point: Point) -> Point:
        """Return sums of zero."""
        return tuple(np.zeros_like(array) for array in point)

    def direction(self, gradient: Point, memory: Point) -> tuple[Point, Point]:
        """Return ``g / (sqrt(sum g^2) + epsilon)``."""
        sums = tuple(s + g**2 for s, g in zip(memory, gradient, strict=True))
        return tuple(g / (np.sqrt(s) + self.epsilon) for s, g in zip(sums, gradient, strict=True)), sums


def _require_below_one(value: Any, name: str) -> None:
    if not 0.0 <= as_number(value, name) < 1.0:
        raise ValueError(f"{name} must be in [0, 1); got {value!r}")
