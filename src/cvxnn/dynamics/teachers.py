"""Teachers: networks that label random inputs, for students to find again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cvxnn.activations import Activation, get_activation
from cvxnn.dynamics.initialisation import sphere
from cvxnn.dynamics.objectives import BatchedObjective, Samples
from cvxnn.dynamics.sources import FreshSamples
from cvxnn.dynamics.weights import Weights
from cvxnn.problem import Problem
from cvxnn.validation import Array, as_count, as_number

Inputs = Literal["normal", "sphere"]


@dataclass(frozen=True, eq=False)
class Teacher:
    """B networks ``f(x) = sum_j a_j sigma(x^T u_j)`` with a distribution of inputs; their outputs are the targets.

    Parameters
    ----------
    weights : Weights
        The networks. With a bias, their last feature is the column of ones.
    activation : str, int or Activation, default "relu"
        Activation function.
    inputs : {"normal", "sphere"}, default "normal"
        Standard normal inputs, or inputs uniform on the sphere of radius ``sqrt(d)``, d without the bias.
    bias : bool, default True
        Whether inputs get a column of ones.

    Raises
    ------
    ValueError
        If an argument is none of these, or a bias leaves no feature.

    Examples
    --------
    >>> teacher = Teacher(Weights([[1.0, -1.0]], [1.0, 1.0]), bias=False)  # |x|
    >>> X, y = teacher.sample(np.random.default_rng(0), 5)
    >>> X.shape, bool(np.all(y == np.abs(X[:, 0])))
    ((5, 1), True)
    """

    weights: Weights
    activation: Activation
    inputs: Inputs
    bias: bool

    def __init__(
        self, weights: Weights, activation: Any = "relu", inputs: Inputs = "normal", bias: bool = True
    ) -> None:
        if not isinstance(weights, Weights):
            raise ValueError(f"weights must be Weights; got {type(weights).__name__}")
        if inputs not in ("normal", "sphere"):
            raise ValueError(f"inputs must be 'normal' or 'sphere'; got {inputs!r}")
        if weights.n_features <= bool(bias):
            raise ValueError(f"weights must have a feature next to the bias; got {weights!r}")
        values = (
            ("weights", weights),
            ("activation", get_activation(activation)),
            ("inputs", inputs),
            ("bias", bool(bias)),
        )
        for name, value in values:
            object.__setattr__(self, name, value)

    @property
    def n_inputs(self) -> int:
        """Return the number of features without the bias."""
        return self.weights.n_features - self.bias

    def sample(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Return n random inputs and the targets of each teacher.

        Parameters
        ----------
        rng : numpy.random.Generator
            Where inputs come from.
        n : int
            How many.

        Returns
        -------
        X : ndarray of shape (n, d)
            Inputs, the same for all teachers, with the column of ones where there is a bias.
        y : ndarray of shape (n,) or (B, n)
            Targets of one teacher, or of several.
        """
        X = rng.standard_normal((n, self.n_inputs))
        if self.inputs == "sphere":
            X *= np.sqrt(self.n_inputs) / np.linalg.norm(X, axis=1, keepdims=True)
        if self.bias:
            X = np.hstack([X, np.ones((n, 1))])
        y = self.targets(X)
        return X, y[0] if self.weights.n_networks == 1 else y

    def targets(self, X: Array) -> Array:
        """Return the targets of inputs (n, d) for each teacher, shape (B, n)."""
        objective = BatchedObjective(Samples(X, np.zeros(len(X))), activation=self.activation)
        return objective.predictions(np.moveaxis(self.weights.hidden, 0, 1), self.weights.output)

    def source(
        self, batch: int, *, n_test: int = 10_000, beta: float = 0.0, random_state: int = 0
    ) -> FreshSamples:
        """Return fresh samples at every step, judged by the mean squared loss on a test set.

        Parameters
        ----------
        batch : int
            Samples in a step, the same inputs for all networks.
        n_test : int, default 10_000
            Samples in the test set.
        beta : float, default 0
            Weight decay.
        random_state : int, default 0
            Seed of the test set; samples of steps come from the seed of the simulation.

        Returns
        -------
        FreshSamples
            Of half mean squared loss: the least is 0, that of the teacher.
        """
        batch = as_count(batch, "batch", 1)
        # the stream of [seed, 1] is not that of the seed, which a simulation may use
        test = self.sample(np.random.default_rng([random_state, 1]), as_count(n_test, "n_test", 1))
        return FreshSamples(lambda rng: self.sample(rng, batch), test, beta=beta)

    def problem(self, n: int, beta: float, *, index: int = 0, random_state: int = 0) -> Problem:
        """Return the training problem of n samples of one of the teachers, losses summed."""
        X, y = self.sample(np.random.default_rng(random_state), as_count(n, "n", 1))
        return Problem(X, y if y.ndim == 1 else y[index], beta)


def random_teachers(
    d: int,
    n_hidden: int,
    radius: float,
    *,
    n_teachers: int = 1,
    activation: Any = "relu",
    inputs: Inputs = "normal",
    bias: bool = True,
    random_state: int = 0,
) -> Teacher:
    """Return teachers whose neurons ``(u_j, a_j)`` are uniform on the sphere of a radius.

    Parameters
    ----------
    d : int
        Inputs, the bias not counted.
    n_hidden : int
        Neurons of a teacher.
    radius : float
        ``sqrt(||u_j||^2 + a_j^2)`` of every neuron, its bias counted.
    n_teachers : int, default 1
        B.
    activation, inputs, bias
        As for `Teacher`.
    random_state : int, default 0
        Seed.

    Returns
    -------
    Teacher

    Raises
    ------
    ValueError
        If an argument is out of range.

    References
    ----------
    Report "On convex neural networks", section 5.1: normal weights, then rescaled to a fixed norm.

    Examples
    --------
    >>> random_teachers(2, 3, 2.0, n_teachers=4).weights
    Weights(4 networks, 3 features -> 3 neurons -> 1 output)
    """
    d, radius = as_count(d, "d", 1), as_number(radius, "radius", positive=True)
    weights = sphere(d + bool(bias), n_hidden, radius, n_networks=n_teachers, random_state=random_state)
    return Teacher(weights, activation, inputs, bias)
