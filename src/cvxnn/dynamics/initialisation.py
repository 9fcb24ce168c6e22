"""Where training starts: the random initialisations of the theory, each for a batch of networks.

The first networks of a larger batch are those of a smaller one with the same seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.activations import get_activation
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.seeds import Seed, as_generator
from cvxnn.validation import Array, as_count, as_finite_array, as_number


def he(d: int, m: int, *, n_networks: int = 1, scale: float = 1.0, random_state: Seed = 0) -> Weights:
    """Return normal weights of variance 2 / fan-in: ``2/d`` for hidden weights, ``2/m`` for output weights.

    Parameters
    ----------
    d : int
        Features, the column of ones included where there is one.
    m : int
        Neurons.
    n_networks : int, default 1
        B, the networks in the batch.
    scale : float, default 1
        What all weights are multiplied by.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Returns
    -------
    Weights
        Hidden weights (B, d, m), output weights (B, m).

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015, eq. (10).

    Examples
    --------
    >>> he(3, 4, n_networks=2)
    Weights(2 networks, 3 features -> 4 neurons -> 1 output)
    """
    draws = _normal(d, m, n_networks, random_state)
    scale = as_number(scale, "scale")
    return Weights(scale * np.sqrt(2.0 / d) * draws[:, :-1], scale * np.sqrt(2.0 / m) * draws[:, -1])


def width_scaled(
    d: int, m: int, *, n_networks: int = 1, scale: float = 1.0, random_state: Seed = 0
) -> Weights:
    """Return normal weights of variance ``1/m`` in both layers, m the number of neurons.

    Parameters, return value and errors are those of `he`. ``scale`` is the "initialisation scale" of the reference,
    which calls the variance ``1/m`` He initialisation; `he` is the one of the paper of that name.

    References
    ----------
    "The hidden convex optimization landscape of two-layer ReLU networks", ICLR blog posts 2024, "On large
    initialization scale".

    Examples
    --------
    >>> start = width_scaled(2, 10_000)
    >>> bool(abs(np.var(start.output) * 10_000 - 1.0) < 0.05)
    True
    """
    draws = as_number(scale, "scale") * _normal(d, m, n_networks, random_state) / np.sqrt(m)
    return Weights(draws[:, :-1], draws[:, -1])


def sphere(d: int, m: int, radius: float, *, n_networks: int = 1, random_state: Seed = 0) -> Weights:
    """Return neurons ``(u_j, a_j)`` uniform on the sphere of a radius in R^(d+1).

    Parameters
    ----------
    d, m : int
        Features and neurons.
    radius : float
        ``r_0 = sqrt(||u_j||^2 + a_j^2)``, of every neuron.
    n_networks : int, default 1
        B, the networks in the batch.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Returns
    -------
    Weights

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    Report "On convex neural networks", proposition 4.1 and section 5.1; L. Chizat and F. Bach, "On the global
    convergence of gradient descent for over-parameterized models using optimal transport", NeurIPS 2018.

    Examples
    --------
    >>> start = sphere(2, 5, 0.05)
    >>> np.round(np.sqrt(np.sum(start.hidden**2, axis=1) + start.output**2), 12)
    array([[0.05, 0.05, 0.05, 0.05, 0.05]])
    """
    draws = as_number(radius, "radius") * _units(_normal(d, m, n_networks, random_state))
    return Weights(draws[:, :-1], draws[:, -1])


def balanced(d: int, m: int, scale: float, *, n_networks: int = 1, random_state: Seed = 0) -> Weights:
    """Return balanced neurons: directions uniform, ``||u_j|| = |a_j| = scale``, signs of a_j random.

    Gradient flow keeps neurons balanced. Parameters, return value and errors are those of `sphere`.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022 (initialisation of its theorems).

    Examples
    --------
    >>> start = balanced(2, 3, 0.1)
    >>> np.abs(start.output), np.round(np.linalg.norm(start.hidden, axis=1), 12)
    (array([[0.1, 0.1, 0.1]]), array([[0.1, 0.1, 0.1]]))
    """
    draws, scale = _normal(d, m, n_networks, random_state), as_number(scale, "scale")
    return Weights(scale * _units(draws[:, :-1]), np.copysign(scale, draws[:, -1]))


def zero_output(
    d: int, m: int, radius: float = 1.0, *, n_networks: int = 1, random_state: Seed = 0
) -> Weights:
    """Return hidden weights uniform on the sphere of a radius in R^d, and output weights of zero.

    Then f = 0, and only output weights move at first. Parameters, return value and errors are those of `sphere`.

    References
    ----------
    Report "On convex neural networks", section 5.1 (sigmoid particles, ``w(0) = 0``).

    Examples
    --------
    >>> zero_output(2, 3).output
    array([[0., 0., 0.]])
    """
    draws = _normal(d, m, n_networks, random_state)
    return Weights(as_number(radius, "radius") * _units(draws[:, :-1]), np.zeros((n_networks, m)))


def lazy(d: int, m: int, scale: float, *, n_networks: int = 1, random_state: Seed = 0) -> Weights:
    """Return a large start with f = 0: pairs ``(u_j, a_j), (u_j, -a_j)``, f's neurons multiplied by a scale.

    The ReLU network with weights ``sqrt(scale) theta`` is ``scale`` times the one with weights theta, which has
    ``u_j ~ N(0, I/d)`` and ``a_j = +-1/sqrt(m)``. As the scale grows, with steps of size ``1/scale``, the weights move
    less and less and the network follows its linearisation.

    Parameters
    ----------
    d, m : int
        Features and neurons, m even.
    scale : float
        What the function is multiplied by; the tangent kernel grows with it.
    n_networks : int, default 1
        B, the networks in the batch.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Returns
    -------
    Weights
        Neurons j and ``m/2 + j`` are a pair.

    Raises
    ------
    ValueError
        If m is odd, or a number is out of range.

    References
    ----------
    L. Chizat, E. Oyallon, F. Bach, "On lazy training in differentiable programming", NeurIPS 2019, sections 1 and 2.2.

    Examples
    --------
    >>> start = lazy(2, 4, 100.0)
    >>> bool(abs(np.maximum(np.ones(2) @ start.hidden[0], 0.0) @ start.output[0]) < 1e-12)
    True
    """
    if as_count(m, "m", 2) % 2:
        raise ValueError(f"m must be even, for pairs of neurons; got {m}")
    draws = _normal(d, m // 2, n_networks, random_state)
    factor = np.sqrt(as_number(scale, "scale", positive=True))
    signs = np.copysign(1.0, draws[:, -1])
    return doubled(Weights(factor * draws[:, :-1] / np.sqrt(d), factor * signs / np.sqrt(m)))


def doubled(weights: Weights) -> Weights:
    """Return networks of twice the width with f = 0: every neuron ``(u_j, a_j)`` beside ``(u_j, -a_j)``.

    Parameters
    ----------
    weights : Weights
        Networks of m neurons.

    Returns
    -------
    Weights
        Networks of 2 m neurons; j and ``m + j`` are a pair.
    """
    return Weights(
        np.concatenate([weights.hidden, weights.hidden], axis=2),
        np.concatenate([weights.output, -weights.output], axis=1),
    )


def mean_field(
    d: int,
    m: int,
    radius: float = 1.0,
    *,
    activation: Any = "relu",
    n_networks: int = 1,
    random_state: Seed = 0,
) -> Weights:
    """Return the network ``(1/m) sum_j w_j sigma(x^T v_j)`` of particles ``(v_j, w_j)`` on a sphere in R^(d+1).

    The weights are those of the plain sum, see `of_particles`; descent on it with the step sizes of
    `mean_field_rates` is descent on the particles.

    Parameters
    ----------
    d, m : int
        Features and particles.
    radius : float, default 1
        ``sqrt(||v_j||^2 + w_j^2)``.
    activation : str, int or Activation, default "relu"
        Activation function.
    n_networks : int, default 1
        B, the networks in the batch.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Returns
    -------
    Weights

    Raises
    ------
    ValueError
        If a number is out of range or the activation is not known.

    References
    ----------
    L. Chizat and F. Bach, "On the global convergence of gradient descent for over-parameterized models using optimal
    transport", NeurIPS 2018, eq. (3) and section 4.

    Examples
    --------
    >>> start = mean_field(2, 16)
    >>> np.round(start.penalty, 12)  # the mean of ||(v_j, w_j)||^2 / 2
    array([0.5])
    """
    particles = sphere(d, m, radius, n_networks=n_networks, random_state=random_state)
    return of_particles(particles.hidden, particles.output, activation=activation)


def of_particles(hidden: Any, output: Any, *, activation: Any = "relu") -> Weights:
    """Return the weights for which ``sum_j a_j sigma(x^T u_j) = (1/m) sum_j w_j sigma(x^T v_j)``.

    For ReLU ``u_j = v_j / sqrt(m)``, ``a_j = w_j / sqrt(m)``, so that weight decay of the network is the particles'
    mean decay; for other activations ``u_j = v_j``, ``a_j = w_j / m``.

    Parameters
    ----------
    hidden : array_like of shape (B, d, m) or (d, m)
        ``v_j``.
    output : array_like of shape (B, m) or (m,)
        ``w_j``.
    activation : str, int or Activation, default "relu"
        Activation function.

    Returns
    -------
    Weights

    Raises
    ------
    ValueError
        If a shape or value is wrong or the activation is not known.
    """
    hidden = as_finite_array(hidden, "hidden", (2, 3))
    powers = _powers(activation)
    m = float(hidden.shape[-1])
    return Weights(hidden / m ** powers[0], as_finite_array(output, "output", (1, 2)) / m ** powers[1])


def mean_field_rates(m: int, *, activation: Any = "relu") -> tuple[float, float]:
    """Return what a particle's step size is multiplied by to give those of hidden and of output weights.

    Particles follow ``dp_j/dt = -m grad_{p_j} F``; the weights of `of_particles` then follow ``du_j/dt = -c_1
    grad_{u_j} F`` and ``da_j/dt = -c_2 dF/da_j`` at the same time t, and explicit Euler steps of the same size
    coincide. ``(c_1, c_2)`` is (1, 1) for ReLU: plain descent; for other activations it is ``(m, 1/m)``. Weight decay
    of the network is that of the particles for ReLU only.

    Parameters
    ----------
    m : int
        Particles.
    activation : str, int or Activation, default "relu"
        Activation function.

    Returns
    -------
    tuple of float

    Raises
    ------
    ValueError
        If m is no count or the activation is not known.

    References
    ----------
    L. Chizat and F. Bach, NeurIPS 2018, eq. (4): the factor m.

    Examples
    --------
    >>> mean_field_rates(10), mean_field_rates(10, activation="sigmoid")
    ((1.0, 1.0), (10.0, 0.1))
    """
    width = float(as_count(m, "m", 1))
    hidden, output = _powers(activation)
    return width ** (1.0 - 2.0 * hidden), width ** (1.0 - 2.0 * output)


def _powers(activation: Any) -> tuple[float, float]:
    """Return p and q of ``u = v / m^p``, ``a = w / m^q``."""
    return (0.5, 0.5) if get_activation(activation).degree == 1 else (0.0, 1.0)


def _normal(d: int, m: int, n_networks: int, random_state: Seed) -> Array:
    """Return standard normal numbers (B, d + 1, m): hidden weights, and in the last row output weights."""
    shape = as_count(n_networks, "n_networks", 1), as_count(d, "d", 1) + 1, as_count(m, "m", 1)
    return as_generator(random_state).standard_normal(shape)


def _units(vectors: Array) -> Array:
    """Return vectors (B, k, m) divided by their norms along k."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
