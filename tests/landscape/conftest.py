"""Optimal sets of small random problems, shared by the tests of their parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cvxnn import Problem, beta_max
from cvxnn.landscape.optimal_sets.elements import OptimalSet
from cvxnn.landscape.optimal_sets.finding import optimal_set

SHAPES = [(10, 2), (8, 3), (12, 2), (4, 6), (9, 3)]
RATIOS = [0.1, 0.01, 0.001]


def hexagon() -> Problem:
    """Return six points at the corners of a hexagon, all with target 1."""
    angles = np.arange(6) * np.pi / 3 + 0.1
    return Problem(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.ones(6), beta=0.1)


def cross() -> Problem:
    """Return the four points +-e_1, +-e_2 of the plane, all with target 1: optimal networks differ elsewhere."""
    return Problem(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]), np.ones(4), beta=0.1)


def random_problem(seed: int) -> Problem:
    """Return a small problem: wide or tall, squared or logistic, with or without offset, some rows mirrored."""
    rng = np.random.default_rng(seed)
    n, d = SHAPES[seed % len(SHAPES)]
    X = rng.standard_normal((n, d))
    if seed % 7 == 3:
        X = np.vstack([X, -X[: n // 2], X[:1]])
    loss = ("squared", "logistic")[seed % 2]
    y = rng.standard_normal(len(X))
    if loss == "logistic":
        y = np.sign(y)
        y[:2] = 1.0, -1.0
    problem = Problem(X, y, 1.0, loss, output_offset=seed % 3 == 2)
    return problem.with_beta(RATIOS[seed // 8] * beta_max(problem))


@dataclass(frozen=True)
class Instance:
    """An optimal set, with a name for messages."""

    name: str
    optimal: OptimalSet


@pytest.fixture(scope="session")
def instances() -> list[Instance]:
    """Give the optimal sets of two dozen random problems and two symmetric ones."""
    named = [(f"seed {seed}", random_problem(seed)) for seed in range(24)]
    named += [("hexagon", hexagon()), ("cross", cross())]
    return [Instance(name, optimal_set(problem)) for name, problem in named]
