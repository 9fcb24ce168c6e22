"""Choosing among equally optimal networks by what they do on other data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnn.landscape.optimal_sets.polytope import Polytope, vertex_bound
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array


def minimise_loss(polytope: Polytope, activations: Array, base: float, other: Problem) -> Array:
    """Return the coefficients c, shape (K,), of least loss on another problem's data, where ``f = base + H c``.

    Parameters
    ----------
    polytope : Polytope
        The coefficients to choose from.
    activations : ndarray of shape (N, K)
        H, on the other problem's data.
    base : float
        The constant.
    other : Problem
        Targets of one output, the loss.
    """

    def loss(member: Any) -> Any:
        predictions = base + polytope.total * activations @ member
        return other.loss.to_cvxpy(predictions, other.y, other.sample_weight)

    return polytope.minimise(loss)


def best_element(
    polytope: Polytope,
    network: Callable[[Array], ReLUNetwork],
    score: Callable[[ReLUNetwork], float],
    n_samples: int,
    rng: np.random.Generator,
) -> ReLUNetwork:
    """Return the network of the highest score among candidates; the first of equals.

    Parameters
    ----------
    polytope : Polytope
        The coefficients to choose from.
    network : callable
        The network of coefficients.
    score : callable
        Larger is better.
    n_samples : int
        Random candidates; all vertices where there cannot be more than that.
    rng : Generator
        Source of randomness.
    """
    candidates = [polytope.point, polytope.nearest(np.zeros(polytope.n_columns))]
    few = vertex_bound(polytope.n_columns, polytope.dimension) <= n_samples if polytope.dimension else True
    if few:
        candidates.extend(polytope.vertices())
    else:
        candidates.extend(
            polytope.extreme(rng.standard_normal(polytope.n_columns)) for _ in range(n_samples // 2)
        )
    candidates.extend(polytope.sample(rng) for _ in range(n_samples // 2))
    return max((network(c) for c in candidates), key=score)


def prediction_range(polytope: Polytope, activations: Array, base: float) -> Array:
    """Return the least and the largest ``base + H c`` at each row of H (N, K), shape (N, 2), by two linear programs."""
    extremes = [[row @ polytope.extreme(row), row @ polytope.extreme(-row)] for row in activations]
    return base + np.array(extremes).reshape(-1, 2)
