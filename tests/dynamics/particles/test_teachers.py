"""Teachers: their inputs, their targets, and the samples that students see."""

import numpy as np
import pytest

from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import FreshSamples
from cvxnn.dynamics.initialisation import (
    balanced,
    he,
    lazy,
    mean_field,
    sphere,
    width_scaled,
    zero_output,
)
from cvxnn.dynamics.particles.flow import particle_flow
from cvxnn.dynamics.particles.teachers import Teacher, random_teachers
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights


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


STARTS = [
    lambda d, m: he(d, m),
    lambda d, m: width_scaled(d, m),
    lambda d, m: sphere(d, m, 2.0),
    lambda d, m: balanced(d, m, 2.0),
    lambda d, m: zero_output(d, m),
    lambda d, m: mean_field(d, m),
    lambda d, m: mean_field(d, m, activation="sigmoid"),
    lambda d, m: lazy(d, 2 * m, 1.0),
]


def closest(first, second):
    """Return the largest |cosine| between hidden weights of two batches of one network."""
    u, v = (w.hidden[0] / np.linalg.norm(w.hidden[0], axis=0) for w in (first, second))
    return np.abs(u.T @ v).max()


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("start", STARTS)
def test_with_default_seeds_no_student_starts_at_a_neuron_of_its_teacher(start, bias):
    teacher = random_teachers(6, 10, 2.0, bias=bias)
    student = start(6 + bias, 10)
    # 100 or 200 pairs of directions in R^6: a cosine above 0.999 has probability 2e-5
    assert closest(student, teacher.weights) < 0.999
    # planted fault: one stream for both makes every neuron coincide
    assert closest(student, sphere(6 + bias, 10, 2.0)) > 1.0 - 1e-12


def trained_on(run, source):
    """Return the inputs that a simulation trains on, with whatever seed it has by default."""
    seen = []

    def sampler(rng):
        seen.append(source.sampler(rng))
        return seen[-1]

    run(FreshSamples(sampler, source.test))
    return np.concatenate([X for X, _ in seen])


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
@pytest.mark.parametrize("run", [simulate, particle_flow])
def test_with_default_seeds_no_sample_serves_two_purposes(run, activation):
    teacher = random_teachers(3, 2, 1.0, activation=activation, bias=False)
    source, problem = teacher.source(10, n_test=40), teacher.problem(40, 0.1)

    def whole(samples):
        run(samples, sphere(3, 2, 1.0), n_steps=4, step_size=0.1, activation=activation)

    trained = trained_on(whole, source)
    assert trained.shape == (40, 3)
    weights = width_scaled(3, 30).hidden * np.sqrt(30.0)  # the normal numbers that starts are made of
    sets = [trained, source.test[0], problem.X, weights]
    for i, first in enumerate(sets):
        for second in sets[:i]:
            # 120 and 120 numbers: two agree to 1e-9 by chance with probability 4e-6
            assert not np.any(np.isclose(first.ravel()[:, None], second.ravel(), rtol=0, atol=1e-9))
    # planted fault: inputs of the simulation's own stream are all found again
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0,)))
    np.testing.assert_array_equal(teacher.sample(rng, 40)[0], trained)


def test_seeds_repeat_and_differ():
    first, again, other = (random_teachers(2, 3, 1.0, random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first.weights.hidden, again.weights.hidden)
    assert not np.any(first.weights.hidden == other.weights.hidden)
    for draw in (
        lambda s: first.source(1, n_test=9, random_state=s).test[0],
        lambda s: first.problem(9, 0.1, random_state=s).X,
    ):
        np.testing.assert_array_equal(draw(5), draw(5))
        assert not np.any(draw(5)[:, :2] == draw(6)[:, :2])


def test_larger_batches_begin_with_smaller_ones():
    large, small = (random_teachers(2, 3, 1.0, n_teachers=b).weights for b in (4, 2))
    np.testing.assert_array_equal(large.hidden[:2], small.hidden)


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
        (lambda: random_teachers(2, 1, 1.0).source(0), "batch_size must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 1.0).problem(0, 0.1), "n must be an integer >= 1"),
        (
            lambda: random_teachers(2, 1, 1.0).problem(5, 0.1, index=7),
            "index must be below the number of teachers, 1; got 7",
        ),
        (
            lambda: random_teachers(2, 1, 1.0, n_teachers=3).problem(5, 0.1, index=3),
            "index must be below the number of teachers, 3; got 3",
        ),
        (lambda: random_teachers(2, 1, 1.0).problem(5, 0.1, index=-1), "index must be an integer >= 0"),
        (lambda: random_teachers(2, 1, 1.0).problem(5, -0.1), "beta must be a finite number >= 0"),
        (
            lambda: random_teachers(2, 1, 1.0).problem(5, 0.1, random_state=-1),
            "random_state must be an integer",
        ),
        (lambda: random_teachers(2, 1, 1.0).source(5, n_test=0), "n_test must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 1.0).source(5, beta=-1.0), "beta must be a finite number >= 0"),
        (lambda: random_teachers(2, 1, 1.0).source(5, random_state="one"), "random_state must be an integer"),
        (lambda: random_teachers(2, 0, 1.0), "n_neurons must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 1.0, n_teachers=0), "n_teachers must be an integer >= 1"),
        (lambda: random_teachers(2, 1, 1.0, random_state=0.5), "random_state must be an integer"),
        (lambda: random_teachers(2, 1, 1.0).sample(0, 5), "rng must be a numpy.random.Generator; got int"),
        (
            lambda: random_teachers(2, 1, 1.0).sample(np.random.default_rng(0), -1),
            "n must be an integer >= 1; got -1",
        ),
        (lambda: random_teachers(2, 1, 1.0).targets(np.ones((4, 2))), "X must have 3 columns"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
