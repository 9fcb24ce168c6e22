"""The training objective of many networks at once, and its gradient."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.starts import objectives
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights

SMOOTH = ["squared", "logistic", "squared_hinge", "huber"]


def start(rng, B=3, d=2, m=4):
    return Weights(rng.standard_normal((B, d, m)), rng.standard_normal((B, m)))


def inner(weights):
    return np.moveaxis(weights.hidden, 0, 1).copy(), weights.output.copy()


def targets(rng, loss, shape):
    y = rng.standard_normal(shape)
    return np.sign(y) if loss in ("logistic", "squared_hinge", "hinge") else y


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_objectives_are_those_of_the_training_problem(rng, loss, beta):
    X = rng.standard_normal((6, 2))
    problem = Problem(X, targets(rng, loss, 6), beta=beta, loss=loss, sample_weight=rng.uniform(1, 2, 6))
    weights = start(rng)
    values = BatchedObjective.of(problem).value(*inner(weights))
    expected = [problem.objective(weights.network(b)) for b in range(3)]
    np.testing.assert_allclose(values, expected, rtol=1e-13)


@pytest.mark.parametrize("loss", SMOOTH)
@pytest.mark.parametrize("activation", ["relu", "squared_relu", "sigmoid", "tanh", "identity"])
def test_gradients_agree_with_central_differences(rng, loss, activation):
    samples = Samples(rng.standard_normal((5, 2)), targets(rng, loss, (3, 5)), loss, rng.uniform(1, 2, 5))
    objective = BatchedObjective(samples, 0.2, activation)
    point = inner(start(rng))
    values, gradient = objective.value_and_gradient(*point)
    np.testing.assert_allclose(values, objective.value(*point), rtol=1e-14)
    h = 1e-6
    for part, found in zip(point, gradient, strict=True):
        for index in np.ndindex(part.shape):
            kept = part[index]
            part[index] = kept + h
            above = objective.value(*point)
            part[index] = kept - h
            below = objective.value(*point)
            part[index] = kept
            b = index[1] if part.ndim == 3 else index[0]
            slope = (above - below)[b] / (2 * h)
            # Truncation and rounding of the difference quotient at values of the order of 100.
            assert abs(slope - found[index]) < 1e-6 * max(1.0, abs(slope))
            others = np.delete(above - below, b)
            np.testing.assert_array_equal(others, 0.0)  # one network's weights move no other's objective


def test_the_step_activation_gives_no_gradient_to_hidden_weights(rng):
    objective = BatchedObjective(Samples(rng.standard_normal((5, 2)), np.ones(5)), 0.0, "step")
    hidden, output = objective.gradient(*inner(start(rng)))
    np.testing.assert_array_equal(hidden, 0.0)
    assert np.any(output != 0.0)


def test_chunks_change_rounding_only(rng, monkeypatch):
    samples = Samples(rng.standard_normal((5, 2)), rng.standard_normal((7, 5)))
    objective, point = BatchedObjective(samples, 0.1), inner(start(rng, B=7))
    whole = objective.value_and_gradient(*point)
    monkeypatch.setattr(objectives, "_CHUNK_ENTRIES", 50)  # two networks of 20 entries each
    parts = objective.value_and_gradient(*point)
    np.testing.assert_allclose(parts[0], whole[0], rtol=1e-14)
    for one, other in zip(parts[1], whole[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(objective.predictions(*point).shape, (7, 5))


def test_a_gradient_of_the_mean_instead_of_the_sum_would_be_noticed(rng):
    """A planted fault: the factor 1/n that half of all code has."""
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    point = inner(start(rng))
    summed = BatchedObjective(Samples(X, y)).gradient(*point)[0]
    mean = BatchedObjective(Samples(X, y, scale=1 / 5)).gradient(*point)[0]
    np.testing.assert_allclose(5 * mean, summed, rtol=1e-13)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 2)), np.ones(4)), "y must have a target for each sample of X"),
        ((np.ones(3), np.ones(3)), "X must be 2-D"),
        ((np.ones((3, 2)), np.full(3, 0.5), "logistic"), "y must"),
        ((np.ones((3, 2)), np.ones(3), "squared", np.ones(2)), "scale must be a number or 3 numbers"),
    ],
)
def test_wrong_samples_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Samples(*arguments)


def test_problems_outside_the_model_are_refused():
    with pytest.raises(ValueError, match="one output and no output offset"):
        Samples.of(Problem(np.ones((3, 2)), np.ones((3, 2)), beta=0.1))
    with pytest.raises(ValueError, match="beta must be"):
        BatchedObjective(Samples(np.ones((3, 2)), np.ones(3)), -1.0)
