"""Teachers: networks that label random inputs, for students to find again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cvxnn.activations import Activation, get_activation
from cvxnn.dynamics.descent.sources import FreshSamples
from cvxnn.dynamics.initialisation import sphere
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.names import keep_old_arguments
from cvxnn.problem import Problem
from cvxnn.seeds import Seed, as_seed
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, as_finite_array, as_number

Inputs = Literal["normal", "sphere"]

# Streams of random numbers of one seed. Starts draw from the seed itself and `simulate` from key 0, so that with equal
# seeds no student starts at its teacher, and no sample is both trained and judged on.
_TEACHERS, _PROBLEMS, _TEST_SETS = 1, 2, 3


@short_repr
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

        Raises
        ------
        ValueError
            If an argument is none of these.
        """
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng must be a numpy.random.Generator; got {type(rng).__name__}")
        X = rng.standard_normal((as_count(n, "n", 1), self.n_inputs))
        if self.inputs == "sphere":
            X *= np.sqrt(self.n_inputs) / np.linalg.norm(X, axis=1, keepdims=True)
        if self.bias:
            X = np.hstack([X, np.ones((n, 1))])
        y = self.targets(X)
        return X, y[0] if self.weights.n_networks == 1 else y

    def targets(self, X: Any) -> Array:
        """Return the targets of inputs (n, d), the column of ones included, for each teacher: shape (B, n)."""
        X, d = as_finite_array(X, "X", (2,)), self.weights.n_features
        if X.shape[1] != d:
            raise ValueError(f"X must have {d} columns, that of ones included; got shape {X.shape}")
        objective = BatchedObjective(Samples(X, np.zeros(len(X))), activation=self.activation)
        return objective.predictions(np.moveaxis(self.weights.hidden, 0, 1), self.weights.output)

    @keep_old_arguments(batch="batch_size")
    def source(
        self, batch_size: int, *, n_test: int = 10_000, beta: float = 0.0, random_state: Seed = 0
    ) -> FreshSamples:
        """Return fresh samples at every step, judged by the mean squared loss on a test set.

        Parameters
        ----------
        batch_size : int
            Samples in a step. All networks of a simulation see the same inputs, each with its teacher's targets: what
            they do is independent given the inputs only.
        n_test : int, default 10_000
            Samples in the test set.
        beta : float, default 0
            Weight decay.
        random_state : int, Generator, RandomState or None, default 0
            Seed of the test set, in a stream of its own; samples of steps come from the seed of the simulation, and
            are others where the two seeds are equal.

        Returns
        -------
        FreshSamples
            Of half mean squared loss: the least is 0, that of the teacher.

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        batch_size, n_test = as_count(batch_size, "batch_size", 1), as_count(n_test, "n_test", 1)
        test = self.sample(np.random.default_rng(_stream(random_state, _TEST_SETS)), n_test)
        return FreshSamples(lambda rng: self.sample(rng, batch_size), test, beta=as_number(beta, "beta"))

    def problem(self, n: int, beta: float, *, index: int = 0, random_state: Seed = 0) -> Problem:
        """Return the training problem of n samples of one of the teachers, losses summed.

        Parameters
        ----------
        n : int
            Samples.
        beta : float
            Weight decay.
        index : int, default 0
            Which teacher.
        random_state : int, Generator, RandomState or None, default 0
            Seed of the inputs, in a stream of its own: they are not those of `source` with the same seed.

        Returns
        -------
        Problem

        Raises
        ------
        ValueError
            If an argument is out of range.
        """
        n, n_teachers = as_count(n, "n", 1), self.weights.n_networks
        if as_count(index, "index") >= n_teachers:
            raise ValueError(f"index must be below the number of teachers, {n_teachers}; got {index}")
        X, y = self.sample(np.random.default_rng(_stream(random_state, _PROBLEMS)), n)
        return Problem(X, np.atleast_2d(y)[index], beta)


@keep_old_arguments(n_hidden="n_neurons")
def random_teachers(
    d: int,
    n_neurons: int,
    radius: float,
    *,
    n_teachers: int = 1,
    activation: Any = "relu",
    inputs: Inputs = "normal",
    bias: bool = True,
    random_state: Seed = 0,
) -> Teacher:
    """Return teachers whose neurons ``(u_j, a_j)`` are uniform on the sphere of a radius.

    Parameters
    ----------
    d : int
        Inputs, the bias not counted.
    n_neurons : int
        Neurons of a teacher.
    radius : float
        ``sqrt(||u_j||^2 + a_j^2)`` of every neuron, its bias counted.
    n_teachers : int, default 1
        B.
    activation, inputs, bias
        As for `Teacher`.
    random_state : int, Generator, RandomState or None, default 0
        Seed, in a stream of its own: no start of `cvxnn.dynamics.initialisation` with the same seed is a teacher.

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
    n_neurons, n_teachers = as_count(n_neurons, "n_neurons", 1), as_count(n_teachers, "n_teachers", 1)
    seed = int(_stream(random_state, _TEACHERS).generate_state(1, np.uint64)[0])
    weights = sphere(d + bool(bias), n_neurons, radius, n_networks=n_teachers, random_state=seed)
    return Teacher(weights, activation, inputs, bias)


def _stream(random_state: Seed, key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(as_seed(random_state), spawn_key=(key,))
