"""Particle flow: its equivalence with descent on networks, soft thresholds, and what it tends to."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import MiniBatches
from cvxnn.dynamics.initialisation import mean_field_rates, of_particles, sphere
from cvxnn.dynamics.particles.flow import particle_flow, particles_of
from cvxnn.dynamics.particles.teachers import random_teachers
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.record_book import Record
from cvxnn.statuses import TrajectoryStatus


def problem_of(seed=0, n=8, d=3, beta=0.2):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), beta)


def relu_particles(problem, v, w, step_size, n_steps):
    """Euler steps of ``dp/dt = -(D phi(p)' (f - y) + grad V(p))``, f the mean over particles."""
    for _ in range(n_steps):
        z = problem.X @ v
        r = np.maximum(z, 0.0) @ w / len(w) - problem.y
        dv = problem.X.T @ ((z > 0) * r[:, None]) * w + problem.beta * v
        dw = np.maximum(z, 0.0).T @ r + problem.beta * w
        v, w = v - step_size * dv, w - step_size * dw
    return v, w


def sigmoid_particles(problem, v, w, step_size, n_steps):
    """The same with ``V = beta |w|``, by its proximal map."""
    for _ in range(n_steps):
        s = expit(problem.X @ v)
        r = s @ w / len(w) - problem.y
        moved = w - step_size * (s.T @ r)
        v = v - step_size * (problem.X.T @ (s * (1 - s) * r[:, None]) * w)
        w = np.sign(moved) * np.maximum(np.abs(moved) - step_size * problem.beta, 0.0)
    return v, w


def random_particles(seed, d, m):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((d, m)), rng.standard_normal(m)


@given(seed=st.integers(0, 10**6), m=st.integers(1, 12), beta=st.sampled_from([0.0, 0.3]))
def test_relu_particles_are_descent_on_the_network(seed, m, beta):
    problem = problem_of(seed, beta=beta)
    v, w = random_particles(seed, 3, m)
    flow = particle_flow(problem, of_particles(v, w), n_steps=30, step_size=0.02)
    particles = particles_of(flow.final)
    expected = relu_particles(problem, v, w, 0.02, 30)
    # 30 steps of rounding, in numbers of size 1 and with factors sqrt(m)
    np.testing.assert_allclose(particles.hidden[0], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(particles.output[0], expected[1], rtol=1e-12, atol=1e-12)
    plain = simulate(problem, of_particles(v, w), n_steps=30, step_size=0.02)
    np.testing.assert_array_equal(plain.final.hidden, flow.final.hidden)


@given(seed=st.integers(0, 10**6), m=st.integers(1, 12), beta=st.sampled_from([0.0, 0.3]))
def test_sigmoid_particles_have_mobilities_and_soft_thresholds(seed, m, beta):
    problem = problem_of(seed, beta=beta)
    v, w = random_particles(seed, 3, m)
    start = of_particles(v, w, activation="sigmoid")
    flow = particle_flow(problem, start, n_steps=30, step_size=0.1, activation="sigmoid")
    particles = particles_of(flow.final, activation="sigmoid")
    expected = sigmoid_particles(problem, v, w, 0.1, 30)
    np.testing.assert_allclose(particles.hidden[0], expected[0], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(particles.output[0], expected[1], rtol=1e-12, atol=1e-12)


def test_without_decay_sigmoid_particles_are_descent_at_two_rates():
    problem, m = problem_of(beta=0.0), 7
    start = of_particles(*random_particles(1, 3, m), activation="sigmoid")
    flow = particle_flow(problem, start, n_steps=50, step_size=0.1, activation="sigmoid")
    fast, slow = mean_field_rates(m, activation="sigmoid")
    rates = {"step_size": 0.1 * fast, "output_step_size": 0.1 * slow}
    descent = simulate(problem, start, n_steps=50, activation="sigmoid", **rates)
    np.testing.assert_allclose(flow.final.hidden, descent.final.hidden, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(flow["objective"], descent["objective"], rtol=1e-12)
    # planted fault: one rate for both, which is not the particles' flow
    wrong = simulate(problem, start, n_steps=50, step_size=0.1, activation="sigmoid")
    assert np.abs(wrong.final.hidden - flow.final.hidden).max() > 1e-2


@given(seed=st.integers(0, 10**6), m=st.integers(1, 9), activation=st.sampled_from(["relu", "sigmoid"]))
def test_particles_of_inverts_of_particles(seed, m, activation):
    v, w = random_particles(seed, 4, m)
    weights = of_particles(v, w, activation=activation)
    back = particles_of(weights, activation=activation)
    np.testing.assert_allclose(back.hidden[0], v, rtol=1e-15)
    np.testing.assert_allclose(back.output[0], w, rtol=1e-15)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_the_flow_is_the_limit_of_small_steps_at_order_one(activation):
    problem = problem_of(3)
    start = of_particles(*random_particles(2, 3, 6), activation=activation)
    # two step sizes and one 16 times smaller, to time 0.4; no particle of this start meets a kink on the way
    ends = [
        particle_flow(problem, start, n_steps=n, step_size=0.4 / n, activation=activation).final.hidden
        for n in (40, 80, 1280)
    ]
    errors = [np.abs(end - ends[2]).max() for end in ends[:2]]
    # halved, but for the error of the finest: (1/40 - 1/1280) / (1/80 - 1/1280) = 2.07
    assert 1.9 < errors[0] / errors[1] < 2.25


def test_the_objective_has_the_masses_not_their_squares():
    problem = problem_of(beta=0.3)
    start = of_particles(*random_particles(4, 3, 20), activation="sigmoid")
    flow = particle_flow(problem, start, n_steps=200, step_size=0.05, activation="sigmoid", n_records=201)
    f = expit(problem.X @ start.hidden[0]) @ start.output[0]
    expected = 0.5 * np.sum((f - problem.y) ** 2) + 0.3 * np.sum(np.abs(start.output))
    assert flow["objective"][0, 0] == pytest.approx(expected, rel=1e-13)
    # steps below 1 / (mean over particles of ||phi||^2 and of w^2 ||X||^2 / 16): the objective falls at every one
    assert np.all(np.diff(flow["objective"][:, 0]) <= 0)


def test_the_limit_is_stationary_in_the_masses():
    problem = problem_of(5, n=6, d=2, beta=0.05)
    start = of_particles(*random_particles(6, 2, 30), activation="sigmoid")
    flow = particle_flow(problem, start, n_steps=8000, step_size=0.5, activation="sigmoid", n_records=2)
    s, a = expit(problem.X @ flow.final.hidden[0]), flow.final.output[0]
    slope = s.T @ (s @ a - problem.y)
    used = a != 0
    assert 0 < used.sum() < 30  # soft thresholds make zeros
    # 4000 units of time leave 1 % of beta on average over mass, tested as 4 %; light particles settle last
    assert np.abs(a[used]) @ np.abs(slope[used] + 0.05 * np.sign(a[used])) < 2e-3 * np.abs(a).sum()
    assert np.all(np.abs(slope[~used]) <= 0.05 + 2e-3)


def test_large_decay_keeps_particles_of_no_mass_where_they_are():
    problem = problem_of(beta=100.0)
    start = Weights(random_particles(7, 3, 5)[0], np.zeros(5))
    flow = particle_flow(problem, start, n_steps=10, step_size=1.0, activation="sigmoid")
    np.testing.assert_array_equal(flow.final.hidden, start.hidden)
    np.testing.assert_array_equal(flow.final.output, 0.0)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_students_side_by_side_do_as_each_alone(activation):
    teacher = random_teachers(2, 2, 2.0, n_teachers=3, activation=activation)
    start = of_particles(
        *(np.stack(x) for x in zip(*[random_particles(s, 3, 4) for s in range(3)], strict=True))
    )
    source = teacher.source(5, n_test=10)
    options = {"n_steps": 40, "step_size": 0.1, "activation": activation, "record": "loss"}
    together = particle_flow(source, start, **options)
    for b in range(3):
        alone = type(teacher)(teacher.weights.select(b), activation).source(5, n_test=10)
        single = particle_flow(alone, start.select(b), **options)
        # another order of sums, 40 steps
        np.testing.assert_allclose(single["loss"][:, 0], together["loss"][:, b], rtol=1e-10, atol=1e-15)


def test_step_sizes_for_each_network_and_schedules():
    problem = problem_of()
    start = of_particles(*random_particles(1, 3, 4), activation="sigmoid").repeat(2)
    options = {"n_steps": 20, "activation": "sigmoid"}
    both = particle_flow(problem, start, step_size=[0.1, 0.2], **options)
    second = particle_flow(problem, start.select(1), step_size=0.1, schedule=lambda _: 2.0, **options)
    np.testing.assert_allclose(both.final.hidden[1], second.final.hidden[0], rtol=1e-13)


def test_a_flow_that_diverges_says_so():
    start = of_particles(*random_particles(1, 3, 4), activation="sigmoid")
    flow = particle_flow(problem_of(), start, n_steps=9, step_size=1e100, activation="sigmoid")
    assert flow.status is TrajectoryStatus.DIVERGED
    assert flow.diverged.all()
    late = particle_flow(
        problem_of(), start, n_steps=10**6, step_size=1e100, activation="sigmoid", n_records=2
    )
    assert late.status is TrajectoryStatus.DIVERGED
    assert late.times[-1] <= 64


class Interrupt(Record):
    """Raise what Ctrl-C raises, at the third measurement."""

    name = "interrupt"

    def __init__(self):
        self.count = 0

    def measure(self, objective, weights):
        self.count += 1
        if self.count == 3:
            raise KeyboardInterrupt
        return np.zeros(weights.n_networks)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_an_interrupted_flow_keeps_what_it_has(activation):
    start = sphere(3, 4, 1.0)
    options = {"step_size": 0.05, "activation": activation}
    flow = particle_flow(
        problem_of(), start, n_steps=100, n_records=11, record=["objective", Interrupt()], **options
    )
    assert flow.status is TrajectoryStatus.INTERRUPTED
    np.testing.assert_array_equal(flow.times, [0, 10, 20])
    whole = particle_flow(problem_of(), start, n_steps=20, n_records=3, **options)
    np.testing.assert_array_equal(flow.final.hidden, whole.final.hidden)
    np.testing.assert_array_equal(flow["objective"], whole["objective"])


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_an_interrupt_between_records_adds_the_last_step(activation):
    def schedule(step):
        if step == 13:
            raise KeyboardInterrupt
        return 1.0

    options = {"step_size": 0.05, "activation": activation}
    flow = particle_flow(
        problem_of(), sphere(3, 4, 1.0), n_steps=100, n_records=11, schedule=schedule, **options
    )
    assert flow.status is TrajectoryStatus.INTERRUPTED
    np.testing.assert_array_equal(flow.times, [0, 10, 13])
    whole = particle_flow(problem_of(), sphere(3, 4, 1.0), n_steps=13, **options)
    np.testing.assert_array_equal(flow.final.output, whole.final.output)


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_a_time_limit_ends_between_steps(monkeypatch, activation):
    clock = iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    options = {"step_size": 0.05, "activation": activation, "max_seconds": 7}
    flow = particle_flow(problem_of(), sphere(3, 4, 1.0), n_steps=100, **options)
    assert flow.status is TrajectoryStatus.MAX_SECONDS
    # the clock is read once at the start and once before each step
    np.testing.assert_array_equal(flow.times, np.arange(8))
    done = particle_flow(problem_of(), sphere(3, 4, 1.0), n_steps=7, **options)
    assert done.status is TrajectoryStatus.FINISHED


@pytest.mark.parametrize("kind", ["fresh samples", "mini-batches of each network"])
def test_both_kinds_of_particles_see_the_samples_of_a_simulation(kind):
    teacher, m = random_teachers(2, 2, 2.0, activation="sigmoid", n_teachers=2), 4
    fresh = kind == "fresh samples"
    source = teacher.source(5, n_test=10) if fresh else MiniBatches(problem_of(beta=0.0), 2)
    start = of_particles(*random_particles(1, 3, m), activation="sigmoid").repeat(2)
    fast, slow = mean_field_rates(m, activation="sigmoid")
    options = {"n_steps": 20, "activation": "sigmoid", "record": "loss", "random_state": 3}
    flow = particle_flow(source, start, step_size=0.1, **options)
    descent = simulate(source, start, step_size=0.1 * fast, output_step_size=0.1 * slow, **options)
    np.testing.assert_allclose(flow["loss"], descent["loss"], rtol=1e-11)
    assert np.all(flow["loss"][1:, 0] != flow["loss"][1:, 1])
    other = particle_flow(source, start, step_size=0.1, **(options | {"random_state": 4}))
    assert np.all(other["loss"][1:] != flow["loss"][1:])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": 2}, "activation must have degree 1, as ReLU, or none, as sigmoid"),
        ({"activation": "step"}, "activation must have degree 1"),
        ({"activation": "sigmoid", "step_size": -1.0}, "step_size must be a number >= 0, or 1 of them"),
        ({"activation": "sigmoid", "step_size": [0.1, 0.1]}, "step_size must be a number >= 0, or 1 of them"),
        ({"activation": "sigmoid", "n_steps": 0}, "n_steps must be an integer >= 1"),
        ({"activation": "sigmoid", "random_state": -1}, "random_state must be an integer >= 0"),
        ({"activation": "sigmoid", "schedule": 0.5}, "schedule must be a function of the step"),
        ({"activation": "sigmoid", "schedule": lambda t: -1.0}, "schedule must return numbers >= 0"),
        ({"activation": "sigmoid", "max_seconds": -1}, "max_seconds must be a finite number >= 0"),
        ({"activation": "relu", "max_seconds": -1}, "max_seconds must be a finite number >= 0"),
        ({"activation": "sigmoid", "record": "colour"}, "record must hold names"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        particle_flow(problem_of(), sphere(3, 2, 1.0), **({"n_steps": 5, "step_size": 0.1} | options))
    with pytest.raises(ValueError, match="start must have 3 features"):
        particle_flow(problem_of(), sphere(2, 2, 1.0), n_steps=1, step_size=0.1, activation="sigmoid")
