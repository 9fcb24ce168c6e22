"""How far training of all weights is from random features, and from the network linearised at the start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.lazy_regime.closeness import require_residual
from cvxnn.dynamics.lazy_regime.linearised import linearise
from cvxnn.dynamics.lazy_regime.random_feature_limit import ridge_output, with_squared_loss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_number


@short_repr
@dataclass(frozen=True, eq=False)
class NeuronMovement:
    """How each neuron changed between two networks of one shape.

    Parameters
    ----------
    turns : ndarray of shape (m,)
        Angles between hidden weights before and after, in radians.
    stretches : ndarray of shape (m,)
        ``| ||u'|| - ||u|| | / ||u||``.
    outputs : ndarray of shape (m,)
        ``|a' - a| / |a|``.
    """

    turns: Array
    stretches: Array
    outputs: Array


@on_one_blas_thread
def neuron_movement(before: ReLUNetwork, after: ReLUNetwork) -> NeuronMovement:
    """Return turns, stretches and changes of output weights, neuron by neuron.

    Parameters
    ----------
    before, after : ReLUNetwork
        Networks of the same shapes with one output, without zero neurons.

    Raises
    ------
    ValueError
        If shapes differ or a neuron is zero.

    Examples
    --------
    >>> moved = neuron_movement(ReLUNetwork([[1.0], [0.0]], [1.0]), ReLUNetwork([[0.0], [2.0]], [1.5]))
    >>> moved.turns.round(4), moved.stretches, moved.outputs
    (array([1.5708]), array([1.]), array([0.5]))
    """
    before, after = as_network(before, "before"), as_network(after, "after")
    if before.hidden.shape != after.hidden.shape or before.n_outputs != after.n_outputs:
        raise ValueError(f"after must have the shapes of before, {before!r}; got {after!r}")
    old, new = np.linalg.norm(before.hidden, axis=0), np.linalg.norm(after.hidden, axis=0)
    if before.n_outputs != 1 or np.any(old == 0) or np.any(new == 0) or np.any(before.output == 0):
        raise ValueError("networks must have one output and no zero neuron")
    before, after = before.one_output(), after.one_output()
    units, moved = before.hidden / old, after.hidden / new
    # half-angle formula: exact for small angles, where the cosine is not
    turns = 2.0 * np.arctan2(np.linalg.norm(moved - units, axis=0), np.linalg.norm(moved + units, axis=0))
    return NeuronMovement(
        turns, np.abs(new - old) / old, np.abs((after.output - before.output) / before.output)
    )


@short_repr
@dataclass(frozen=True, eq=False)
class TrainingLimits:
    """Training of all weights, beside two linear models of it, at the same steps.

    Distances are those of predictions on test data, over the distance that training itself has moved them.

    Parameters
    ----------
    from_output_only : float
        Distance from training output weights alone.
    from_linearised : float
        Distance from the network linearised at the start, all weights trained.
    from_ridge : float
        Distance from the end of training output weights alone, `ridge_output`.
    hidden_share : float
        Share of ``||theta_T - theta_0||^2`` that is the hidden weights'.
    movement : NeuronMovement
        How the neurons moved.
    loss : float
        Training loss at the end, over that at the start.
    """

    from_output_only: float
    from_linearised: float
    from_ridge: float
    hidden_share: float
    movement: NeuronMovement
    loss: float


@on_one_blas_thread
def training_limits(
    problem: Problem, start: ReLUNetwork, test: Any, *, n_steps: int, step_size: float | None = None
) -> TrainingLimits:
    """Return how far full gradient descent is from random features and from its linearisation.

    For starts that predict 0, scaled up by r, weights of both layers move by the order of 1/r: relative to their size
    neither moves in the limit, and full training tends to the linearised network, trained in both layers. Random
    features, output weights alone, are another model at every radius. A start that does not predict 0 has predictions
    like r^2, which training must undo first: its movement relative to the weights tends to a positive limit.

    Parameters
    ----------
    problem : Problem
        Squared loss, beta = 0.
    start : ReLUNetwork
        Where to start.
    test : array_like of shape (p, d)
        Where predictions are compared.
    n_steps : int
        Number of steps.
    step_size : float, optional
        Step of all weights; the inverse of the largest eigenvalue of the tangent kernel by default.

    Raises
    ------
    ValueError
        If an argument has a wrong shape or value.
    HypothesisError
        If the loss is not squared, there is weight decay, the start fits the targets, or training moves no prediction
        on the test data.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> U, a = 30 * rng.standard_normal((2, 8)), 30 * rng.standard_normal(8)
    >>> start = ReLUNetwork(np.hstack([U, U]), np.concatenate([a, -a]))
    >>> X = rng.standard_normal((6, 2))
    >>> limits = training_limits(Problem(X, rng.standard_normal(6), beta=0.0), start, X, n_steps=2000)
    >>> limits.from_linearised < 0.02 < limits.from_output_only
    True
    """
    problem, start = with_squared_loss(as_problem(problem)), as_network(start, "start").one_output()
    if problem.beta != 0:
        raise HypothesisError(f"there must be no weight decay; beta is {problem.beta}")
    linear = linearise(start)
    largest = float(np.linalg.eigvalsh(linear.tangent_kernel(problem.X))[-1])
    require_residual(problem, start)
    if largest == 0.0:
        raise HypothesisError(
            f"start must have an active neuron on X; none of its {start.n_neurons} is: the tangent kernel is zero"
        )
    step = 1.0 / largest if step_size is None else as_number(step_size, "step_size", positive=True)
    run = simulate(problem, start, n_steps=n_steps, step_size=step, record=("loss",), n_records=2)
    trained = run.final.network()
    f0, f = start.predict(test), trained.predict(test)
    time = [n_steps * step]
    ends = {
        "output": linear.flow(problem.X, problem.y, time, test, layer="output")[0],
        "both": linear.flow(problem.X, problem.y, time, test)[0],
        "ridge": ReLUNetwork(start.hidden, ridge_output(problem, start)).predict(test),
    }
    hidden, output = (
        float(np.sum((after - before) ** 2))
        for after, before in ((trained.hidden, start.hidden), (trained.output, start.output))
    )
    unit = float(np.linalg.norm(f - f0))
    if unit == 0.0:
        raise HypothesisError(f"training must move predictions on test; it moves the {len(f)} of them by 0")
    distance = {name: float(np.linalg.norm(f - end)) / unit for name, end in ends.items()}
    return TrainingLimits(
        distance["output"],
        distance["both"],
        distance["ridge"],
        hidden / (hidden + output),
        neuron_movement(start, trained),
        float(run["loss"][-1, 0] / run["loss"][0, 0]),
    )
