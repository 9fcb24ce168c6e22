"""The optimum for several outputs by CVXPY: all patterns, and the cones of their blocks as small moment matrices."""

from dataclasses import dataclass

import cvxpy as cp
import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class VectorOptimum:
    value: float
    lam: Array


def solve_vector_program(problem: Problem) -> VectorOptimum:
    """Solve the training problem with several outputs, Euclidean norm, exactly where X has two columns.

    A block Z of pattern D has the penalty ``inf sum_k ||g_k|| ||q_k||`` over ``Z = sum_k g_k q_k^T`` with g_k in the
    pattern's cone: half the least trace of a positive semidefinite ``[[A, Z], [Z^T, B]]`` with A in the convex hull of
    ``{u u^T : u in the cone}``, which in two dimensions is ``A PSD, S X A X^T S >= 0`` (Sahiner et al. 2021).
    """
    X, d, C = problem.X, problem.X.shape[1], problem.n_outputs
    gates = np.random.default_rng(0).standard_normal((d, 20_000))
    f, penalty, constraints = np.zeros(problem.y.shape), 0, []
    for active in np.unique(X @ gates > 0, axis=1).T:
        M = cp.Variable((d + C, d + C), symmetric=True)
        rows = (2.0 * active - 1.0)[:, None] * X
        constraints += [M >> 0, rows @ M[:d, :d] @ rows.T >= 0]
        f = f + (active[:, None] * X) @ M[:d, d:]
        penalty = penalty + 0.5 * cp.trace(M)
    if problem.output_offset:
        f = f + np.ones((len(X), 1)) @ cp.Variable((1, C))
    # a variable of its own, for its multiplier: minus the gradient of the loss
    prediction = cp.Variable(problem.y.shape)
    link = prediction == f
    loss = problem.loss.to_cvxpy(prediction, problem.y, problem.sample_weight)
    program = cp.Problem(cp.Minimize(loss + problem.beta * penalty), [*constraints, link])
    program.solve(solver=cp.CLARABEL)
    return VectorOptimum(float(program.value), np.asarray(link.dual_value))


def solve_per_class_program(problem: Problem) -> float:
    """Solve the training problem with several outputs and the l1 norm: one pair of cones per pattern and output."""
    X, d, C = problem.X, problem.X.shape[1], problem.n_outputs
    gates = np.random.default_rng(0).standard_normal((d, 20_000))
    f, penalty, constraints = np.zeros(problem.y.shape), 0, []
    for active in np.unique(X @ gates > 0, axis=1).T:
        rows = (2.0 * active - 1.0)[:, None] * X
        v, w = cp.Variable((d, C)), cp.Variable((d, C))
        constraints += [rows @ v >= 0, rows @ w >= 0]
        f = f + (active[:, None] * X) @ (v - w)
        penalty = penalty + cp.sum(cp.norm(v, 2, axis=0)) + cp.sum(cp.norm(w, 2, axis=0))
    if problem.output_offset:
        f = f + np.ones((len(X), 1)) @ cp.Variable((1, C))
    loss = problem.loss.to_cvxpy(f, problem.y, problem.sample_weight)
    program = cp.Problem(cp.Minimize(loss + problem.beta * penalty), constraints)
    program.solve(solver=cp.CLARABEL)
    return float(program.value)


def zero_network(problem: Problem) -> ReLUNetwork:
    """Return the network without neurons, its offset the best one."""
    shape = (0, *problem.y.shape[1:])
    offset = problem.null_offset() if problem.output_offset else None
    return ReLUNetwork(np.zeros((problem.n_features, 0)), np.zeros(shape), offset)
