"""Teachers: their inputs, their targets, and the samples that students see."""

import numpy as np
import pytest

from cvxnn.dynamics.objectives import BatchedObjective
from cvxnn.dynamics.teachers import Teacher, random_teachers
from cvxnn.dynamics.weights import Weights


@pytest.mark.parametrize("bias", [True, False])
def test_targets_are_the_outputs_of_each_network(rng, bias):
    teacher = random_teachers(3, 4, 2.0, n_teachers=5, bias=bias)
    X, y = teacher.sample(rng, 7)
    assert X.shape == (7, 3 + bias)
    for b in range(5):
        # the same sums of four terms in another order
        np.testing.assert_allclose(y[b], teacher.weights.network(b).predict(X), atol=1e-13)


def test_neurons_are_on_the_sphere_with_their_bias():
    weights = random_teachers(3, 4, 2.0, n_teachers=5).weights
    squares = np.sum(weights.hidden**2, axis=1) + weights.output**2
    np.testing.assert_allclose(squares, 4.0, rtol=1e-14)


def test_inputs_are_normal_or_on_a_sphere(rng):
    X, _ = random_teachers(4, 2, 1.0, bias=False).sample(rng, 20_000)
    np.testing.assert_allclose(X.T @ X / len(X), np.eye(4), atol=0.05)  # five deviations of 1/sqrt(n)
    Z, _ = random_teachers(4, 2, 1.0, activation="sigmoid", inputs="sphere").sample(rng, 50)
    np.testing.assert_allclose(np.linalg.norm(Z[:, :4], axis=1), 2.0, rtol=1e-14)
    np.testing.assert_array_equal(Z[:, 4], 1.0)


def test_one_teacher_has_one_row_of_targets(rng):
    assert random_teachers(2, 3, 1.0).sample(rng, 6)[1].shape == (6,)
    assert random_teachers(2, 3, 1.0, n_teachers=2).sample(rng, 6)[1].shape == (2, 6)


@pytest.mark.parametrize(("activation", "inputs"), [("relu", "normal"), ("sigmoid", "sphere")])
def test_a_teacher_fits_its_own_samples(activation, inputs):
    teacher = random_teachers(3, 4, 2.0, n_teachers=2, activation=activation, inputs=inputs)
    source = teacher.source(5, n_test=30)
    objective = BatchedObjective(source.judge(), 0.0, activation)
    hidden = np.moveaxis(teacher.weights.hidden, 0, 1)
    assert np.all(objective.value(hidden, teacher.weights.output) < 1e-28)


def test_test_samples_are_not_those_of_the_first_steps():
    source = random_teachers(3, 2, 1.0).source(10, n_test=10, random_state=4)
    first = source.draw(np.random.default_rng(4))
    assert not np.any(np.isclose(first.X[:, :3], source.judge().X[:, :3]))


def test_a_problem_takes_the_targets_of_one_teacher():
    teacher = random_teachers(2, 3, 2.0, n_teachers=3)
    problem = teacher.problem(9, 0.1, index=2)
    np.testing.assert_allclose(problem.y, teacher.weights.network(2).predict(problem.X), atol=1e-13)
    assert problem.beta == 0.1
    assert random_teachers(2, 3, 2.0).problem(9, 0.0).y.shape == (9,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Teacher("no weights"), "weights must be Weights; got str"),
        (lambda: Teacher(Weights([[1.0]], [1.0])), "weights must have a feature next to the bias"),
        (
            lambda: Teacher(Weights(np.ones((2, 1)), [1.0]), inputs="cube"),
            "inputs must be 'normal' or 'sphere'",
        ),
        (lambda: random_teachers(0, 1, 1.0), "d must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 0.0), "radius must be a finite number > 0"),
        (lambda: random_teachers(2, 1, 1.0, activation="spline"), "activation must be one of"),
        (lambda: random_teachers(2, 1, 1.0).source(0), "batch must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 1.0).problem(0, 0.1), "n must be an integer >= 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
