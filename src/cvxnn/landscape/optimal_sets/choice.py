"""Choosing among equally optimal networks by what they do on other data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.landscape.optimal_sets.polytope import vertex_bound
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array

if TYPE_CHECKING:
    from cvxnn.landscape.optimal_sets.elements import OptimalSet


def minimise_loss(optimal: OptimalSet, other: Problem) -> Array:
    """Return the coefficients, shape (K,), of least loss on another problem's data.

    Parameters
    ----------
    optimal : OptimalSet
        The set.
    other : Problem
        Data of the same features, targets of one output, the loss.
    """
    if other.n_features != optimal.problem.n_features or other.y.ndim != 1:
        raise ValueError(
            f"X must have {optimal.problem.n_features} columns and y shape (N,); got {other.X.shape} and "
            f"{other.y.shape}"
        )
    polytope, activations = optimal.polytope, optimal.activations(other.X)

    def loss(member: Any) -> Any:
        predictions = optimal.base + polytope.total * activations @ member
        return other.loss.to_cvxpy(predictions, other.y, other.sample_weight)

    return polytope.minimise(loss)


def best_element(
    optimal: OptimalSet,
    score: Callable[[ReLUNetwork], float],
    n_samples: int,
    rng: np.random.Generator,
) -> ReLUNetwork:
    """Return the network of the highest score among candidates; the first of equals.

    Parameters
    ----------
    optimal : OptimalSet
        The set.
    score : callable
        Larger is better.
    n_samples : int
        Random candidates; all vertices where there cannot be more than that.
    rng : Generator
        Source of randomness.
    """
    polytope = optimal.polytope
    candidates = [polytope.point, polytope.nearest(np.zeros(polytope.n_columns))]
    few = vertex_bound(polytope.n_columns, polytope.dimension) <= n_samples if polytope.dimension else True
    if few:
        candidates.extend(polytope.vertices())
    else:
        candidates.extend(
            polytope.extreme(rng.standard_normal(polytope.n_columns)) for _ in range(n_samples // 2)
        )
    candidates.extend(polytope.sample(rng) for _ in range(n_samples // 2))
    return max((optimal.network(c) for c in candidates), key=score)


def prediction_range(optimal: OptimalSet, X: Array) -> Array:
    """Return the least and the largest prediction at each row of X, shape (N, 2), by two linear programs a row."""
    rows = optimal.activations(X)
    extremes = [[row @ optimal.polytope.extreme(row), row @ optimal.polytope.extreme(-row)] for row in rows]
    return optimal.base + np.array(extremes).reshape(-1, 2)
