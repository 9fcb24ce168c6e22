"""Independent references: the optimum by CVXPY over all patterns, the dual constraint by brute force."""

from collections.abc import Callable
from dataclasses import dataclass

import cvxpy as cp
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import nnls

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Optimum:
    value: float
    network: ReLUNetwork
    lam: Array


def all_patterns(X: Array) -> NDArray[np.bool_]:
    """Every pattern of tiny data, by exhaustion: 20,000 gates in whitened coordinates of n <= 7 rows."""
    gates = np.random.default_rng(0).standard_normal((X.shape[1], 20_000))
    return np.unique(X @ np.linalg.pinv(X) @ (X @ gates) > 0, axis=1)


def solve_convex_program(problem: Problem) -> Optimum:
    """State and solve the convex program over all patterns (Pilanci and Ergen 2020, Theorem 1)."""
    X, y = problem.X, problem.y.ravel()
    patterns = all_patterns(X)
    blocks = [cp.Variable((X.shape[1], patterns.shape[1])) for _ in range(2)]
    b = cp.Variable() if problem.output_offset else 0.0
    masked = [cp.sum(cp.multiply(patterns.astype(float), X @ W), axis=1) for W in blocks]
    cones = [cp.multiply(2.0 * patterns - 1.0, X @ W) >= 0 for W in blocks]
    penalty = sum(cp.sum(cp.norm(W, 2, axis=0)) for W in blocks)
    # a variable of its own, for its multiplier: minus the (a) gradient of the loss
    prediction = cp.Variable(len(y))
    link = prediction == masked[0] - masked[1] + b
    loss = problem.loss.to_cvxpy(prediction, y, problem.sample_weight)
    program = cp.Problem(cp.Minimize(loss + problem.beta * penalty), [*cones, link])
    program.solve(solver=cp.CLARABEL)
    W = np.concatenate([W.value for W in blocks], axis=1)
    norms = np.sqrt(np.linalg.norm(W, axis=0))
    signs = np.repeat([1.0, -1.0], patterns.shape[1])
    offset = [float(b.value)] if problem.output_offset else None
    network = ReLUNetwork(W / np.where(norms > 0, norms, 1.0), signs * norms, offset)
    return Optimum(float(program.value), network, np.asarray(link.dual_value))


def brute_force_constraint(X: Array, lam: Array) -> float:
    """Return Phi(lam) by one non-negative least-squares problem for every cell and sign, nothing skipped."""
    values = [0.0]
    for active in all_patterns(X).T:
        A = (2.0 * active - 1.0)[:, None] * X
        values += [nnls(A.T, -sign * X.T @ (active * lam))[1] for sign in (1.0, -1.0)]
    return float(max(values))


@pytest.fixture(scope="session")
def convex_optimum() -> Callable[[Problem], Optimum]:
    return solve_convex_program


@pytest.fixture(scope="session")
def dual_constraint() -> Callable[[Array, Array], float]:
    return brute_force_constraint
