"""Standardised bends ``(|t - b| - mean) / std``, and networks that sum them along directions."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from cvxnn.networks import ReLUNetwork
from cvxnn.validation import Array, as_number


def moments_of_bend(kinks: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of ``|t - b|`` under ``t ~ N(0, 1)``, each (k,)."""
    mean = 2 * norm.pdf(kinks) + kinks * (2 * norm.cdf(kinks) - 1)
    return np.asarray(mean), np.sqrt(1 + kinks**2 - mean**2)


def sum_of_bends(Z: Array, coefficients: Array, kinks: Array) -> Array:
    """Return ``sum_j c_j (|z_j - b_j| - mean_j) / std_j``, shape (n,), for Z (n, k)."""
    mean, std = moments_of_bend(kinks)
    return np.asarray(((np.abs(Z - kinks) - mean) / std) @ coefficients)


def bends_as_network(W: Array, coefficients: Array, kinks: Array, bias: float) -> ReLUNetwork:
    """Return ``sum_j c_j (|w_j^T x - b_j| - mean_j) / std_j`` as a network on features ``(x, bias)``."""
    mean, std = moments_of_bend(kinks)
    weights = coefficients / std
    hidden, levels = np.hstack([W, -W]), np.concatenate([-kinks, kinks])
    return with_constant(hidden, levels, np.concatenate([weights, weights]), -float(mean @ weights), bias)


def with_constant(hidden: Array, levels: Array, output: Array, constant: float, bias: float) -> ReLUNetwork:
    """Return ``sum_j a_j (w_j^T x + level_j)_+ + constant`` as a network on features ``(x, bias)``."""
    bias = as_number(bias, "bias", positive=True)
    columns = np.vstack([hidden, levels / bias])
    last = np.append(np.zeros(len(hidden)), 1.0)
    return ReLUNetwork(np.column_stack([columns, last]), np.append(output, constant / bias))


def random_bends(k: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """Return coefficients (k,) of either sign with squares that sum to 1, and kinks (k,)."""
    return rng.choice([-1.0, 1.0], k) / np.sqrt(k), rng.uniform(-1, 1, k)
