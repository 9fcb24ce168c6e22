"""Full training against random features and against its linearisation, as the radius grows."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.initialisation import doubled
from cvxnn.dynamics.lazy_regime.limits import neuron_movement, training_limits
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.theorems import HypothesisError


def mirrored(network):
    return doubled(Weights.of(network)).network()


def setting(radius):
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.0)
    half = ReLUNetwork(radius * rng.standard_normal((2, 10)), radius * rng.standard_normal(10))
    return problem, mirrored(half), rng.standard_normal((30, 2))


def test_from_a_start_at_zero_the_limit_is_the_linearised_network_and_not_random_features():
    limits = [training_limits(*setting(radius), n_steps=4000) for radius in (1.0, 10.0, 100.0)]
    linearised = [each.from_linearised for each in limits]
    assert linearised[1] < 0.2 * linearised[0]
    assert linearised[2] < 1e-3
    assert limits[2].from_output_only > 0.1
    assert limits[2].from_ridge > 0.1
    assert 0.2 < limits[2].hidden_share < 0.95  # both layers move, the hidden one more
    for name in ("turns", "stretches", "outputs"):
        moved = [np.median(getattr(each.movement, name)) for each in limits]
        # all relative changes fall like radius^-2: neither layer is the one that moves
        assert moved[2] == pytest.approx(moved[1] / 100, rel=0.2)


def test_a_start_that_predicts_something_turns_its_neurons_at_any_radius():
    problem, start, test = setting(1.0)
    turns = []
    for radius in (1e2, 1e3):
        plain = ReLUNetwork(radius * start.hidden[:, :10], radius * start.output[:10])
        turns.append(np.median(training_limits(problem, plain, test, n_steps=2000).movement.turns))
    assert turns[1] == pytest.approx(turns[0], rel=0.01)
    assert turns[1] > 0.01


def test_movement_is_measured_neuron_by_neuron():
    before = ReLUNetwork([[1.0, 0.0], [0.0, 2.0]], [1.0, -2.0])
    angle = 1e-9
    after = ReLUNetwork([[3 * np.cos(angle), 0.0], [3 * np.sin(angle), 1.0]], [1.0, 2.0])
    moved = neuron_movement(before, after)
    np.testing.assert_allclose(moved.turns, [angle, 0.0], rtol=1e-6)
    np.testing.assert_allclose(moved.stretches, [2.0, 0.5])
    np.testing.assert_allclose(moved.outputs, [0.0, 2.0])
    with pytest.raises(ValueError, match="shapes"):
        neuron_movement(before, ReLUNetwork([[1.0]], [1.0]))
    with pytest.raises(ValueError, match="zero neuron"):
        neuron_movement(before, ReLUNetwork(np.zeros((2, 2)), [1.0, 1.0]))


def test_hypotheses_are_named():
    problem, start, test = setting(1.0)
    with pytest.raises(HypothesisError, match="weight decay"):
        training_limits(Problem(problem.X, problem.y, beta=1.0), start, test, n_steps=1)
    with pytest.raises(HypothesisError, match="start must not fit the targets"):
        training_limits(Problem(problem.X, start.predict(problem.X), beta=0.0), start, test, n_steps=1)
    unseen = np.array([[1.0, 0.0], [2.0, 0.0]])
    dead = ReLUNetwork([[-1.0], [0.0]], [1.0])
    with pytest.raises(HypothesisError, match="tangent kernel is zero"):
        training_limits(Problem(unseen, [1.0, 2.0], beta=0.0), dead, test, n_steps=1)
    seen = ReLUNetwork([[1.0], [0.0]], [1.0])
    with pytest.raises(HypothesisError, match="must move predictions on test"):
        training_limits(Problem(unseen, [3.0, 4.0], beta=0.0), seen, -unseen, n_steps=1)
