"""Descent follows flow, to first order in its steps."""

import inspect

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.order import descent_order
from cvxnn.dynamics.initialisation import balanced, he
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.theorems import HypothesisError


def problem(seed, n=8, d=3, **settings):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), **{"beta": 0.1, **settings})


def test_within_a_smooth_piece_the_order_is_one():
    """Up to the first event, where nothing but Euler's error is left."""
    found = descent_order(problem(0), balanced(3, 4, 0.3), t_end=0.02)
    assert len(found.events) == 0
    assert found.order.measured == pytest.approx(1.0, abs=0.01)


def test_across_kinks_the_order_is_one():
    """Single slopes scatter with the steps in which crossings fall; their mean over six problems does not."""
    slopes, crossings = [], 0
    for seed in range(6):
        found = descent_order(problem(seed), balanced(3, 5, 0.8, random_state=seed), t_end=0.5)
        slopes.append(found.order.measured)
        crossings += found.events.n_crossings + found.events.n_slides
    assert crossings > 30
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.1)


def test_smooth_activations_too():
    found = descent_order(problem(1), he(3, 4), t_end=0.3, activation="sigmoid", n_steps=(200, 400, 800))
    assert found.order.holds
    assert len(found.events) == 0
    assert found.order.measured == pytest.approx(1.0, abs=0.02)


def test_a_step_that_is_wrong_by_a_factor_is_not_of_first_order(monkeypatch):
    """A planted fault: descent on twice the objective tends elsewhere."""
    module = inspect.unwrap(descent_order).__globals__
    monkeypatch.setitem(
        module, "simulate", lambda *a, step_size, **k: simulate(*a, step_size=2 * step_size, **k)
    )
    assert not descent_order(problem(0), balanced(3, 4, 0.3), t_end=0.2).order.holds


def test_what_is_outside_the_hypotheses_is_refused():
    resting = Problem(np.eye(2), [-5.0, -4.0], beta=0.0)
    with pytest.raises(HypothesisError, match="flow must be unique up to t_end"):
        descent_order(resting, Weights([[0.1], [0.3]], [1.0]), t_end=2.0)
    # On a concave kink to rounding: the first step of descent takes the active side, flow the other.
    concave = Problem([[1.0, 0.0], [-0.5, 1.0]], [2.0, 3.0], beta=0.0)
    with pytest.raises(HypothesisError, match="in several ways from t = 0 on, at neuron 0"):
        descent_order(concave, Weights([[1e-17], [1.0]], [1.0]), t_end=1.0)
    with pytest.raises(ValueError, match="two different numbers"):
        descent_order(problem(0), he(3, 4), t_end=1.0, n_steps=(10, 10))
    with pytest.raises(ValueError, match="start must be one network"):
        descent_order(problem(0), he(3, 4, n_networks=2), t_end=1.0)


@pytest.mark.parametrize(("hidden", "output"), [([[0.0], [0.0]], [0.0]), ([[1.0], [0.0]], [1.0])])
def test_stationary_starts_are_refused(hidden, output):
    fitted = Problem(np.eye(2), [1.0, 0.0], beta=0.0)
    with pytest.raises(HypothesisError, match="the start must not be stationary"):
        descent_order(fitted, Weights(hidden, output), t_end=1.0)
