"""Smooth descent on the non-convex objective: cheap, and it finds good patterns."""

from __future__ import annotations

import contextlib
import time

import numpy as np
from scipy.optimize import minimize

from cvxnn.linear_maps import relu_value_and_gradients
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array


class _TimeIsUp(Exception):
    """Raised inside the optimiser to leave it at the time limit."""


def small_random_network(
    problem: Problem, n_neurons: int, scale: float, rng: np.random.Generator
) -> ReLUNetwork:
    """Return balanced neurons of norm ``scale`` with random directions and alternating output signs.

    Parameters
    ----------
    problem : Problem
        Gives d, the offset, and the columns' sizes: directions are uniform after columns are scaled to norm one,
        so that a column in other units does not own every direction.
    n_neurons : int
        m.
    scale : float
        ``||u_j|| = |a_j| = scale``.
    rng : numpy.random.Generator
        Source of randomness.
    """
    columns = np.linalg.norm(problem.X, axis=0)
    columns = np.where(columns > 0, columns, 1.0)
    hidden = rng.standard_normal((problem.n_features, n_neurons)) / columns[:, None]
    hidden *= scale / np.linalg.norm(hidden, axis=0)
    output = scale * np.where(np.arange(n_neurons) % 2 == 0, 1.0, -1.0)
    return ReLUNetwork(hidden, output, problem.null_offset())


def descend(
    problem: Problem, network: ReLUNetwork, *, max_iterations: int = 200, max_seconds: float | None = None
) -> ReLUNetwork:
    """Run L-BFGS on ``ell(f) + beta/2 (||U||^2 + ||a||^2)`` from a network.

    Parameters
    ----------
    problem : Problem
        One output, y of shape (n,).
    network : ReLUNetwork
        Where to start.
    max_iterations : int, default 200
        L-BFGS iterations. Descent finds patterns; the convex program finds their last digits.
    max_seconds : float, optional
        Time limit; the best point so far is returned.

    Returns
    -------
    ReLUNetwork
        With an objective not above the start's.
    """
    d, m = network.hidden.shape
    if m == 0:
        return network
    deadline = np.inf if max_seconds is None else time.perf_counter() + max_seconds
    best_value, best_weights = np.inf, _pack(network, problem)

    def objective(weights: Array) -> tuple[float, Array]:
        nonlocal best_value, best_weights
        value, gradient = _value_and_gradient(problem, weights, d, m)
        if value < best_value:
            best_value, best_weights = value, weights.copy()
        if time.perf_counter() > deadline:
            raise _TimeIsUp
        return value, gradient

    options = {
        "maxiter": max_iterations,
        "maxfun": 2 * max_iterations,
        "maxcor": 20,
        "ftol": 1e-9,
        "gtol": 0.0,
    }
    with contextlib.suppress(_TimeIsUp):
        minimize(objective, best_weights, jac=True, method="L-BFGS-B", options=options)
    return _unpack(best_weights, d, m)


def _pack(network: ReLUNetwork, problem: Problem) -> Array:
    offset = network.offset if problem.output_offset else np.zeros(0)
    return np.concatenate([network.hidden.ravel(), network.output, offset])


def _unpack(weights: Array, d: int, m: int) -> ReLUNetwork:
    hidden, output, offset = np.split(weights, [d * m, d * m + m])
    return ReLUNetwork(hidden.reshape(d, m), output, offset if offset.size else None)


def _value_and_gradient(problem: Problem, weights: Array, d: int, m: int) -> tuple[float, Array]:
    hidden, output, offset = np.split(weights, [d * m, d * m + m])
    hidden = hidden.reshape(d, m)
    b = float(offset[0]) if offset.size else 0.0
    total = 0.0

    def loss_gradient(f: Array, rows: slice) -> Array:
        nonlocal total
        g: Array = problem.loss.gradient(f + b, problem.y[rows])
        total += float(np.sum(g))
        return g

    f, hidden_gradient, output_gradient = relu_value_and_gradients(problem.X, hidden, output, loss_gradient)
    value = problem.loss.value(f + b, problem.y) + 0.5 * problem.beta * float(
        np.sum(hidden**2) + np.sum(output**2)
    )
    gradients = [(hidden_gradient + problem.beta * hidden).ravel(), output_gradient + problem.beta * output]
    if offset.size:
        gradients.append(np.array([total]))
    return value, np.concatenate(gradients)
