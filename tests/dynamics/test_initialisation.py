"""Initialisations: their laws, and the equivalence of mean-field particles with plain descent."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.activations import get_activation
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.initialisation import (
    balanced,
    doubled,
    he,
    lazy,
    mean_field,
    mean_field_rates,
    of_particles,
    sphere,
    width_scaled,
    zero_output,
)

DRAWS = [
    lambda **s: he(3, 4, **s),
    lambda **s: width_scaled(3, 4, **s),
    lambda **s: sphere(3, 4, 0.5, **s),
    lambda **s: balanced(3, 4, 0.5, **s),
    lambda **s: zero_output(3, 4, 0.5, **s),
    lambda **s: lazy(3, 4, 10.0, **s),
    lambda **s: mean_field(3, 4, 0.5, **s),
]


@pytest.mark.parametrize("draw", DRAWS)
def test_seeds_name_networks_and_larger_batches_begin_with_smaller_ones(draw):
    large, small = draw(n_networks=5, random_state=1), draw(n_networks=2, random_state=1)
    np.testing.assert_array_equal(large.hidden[:2], small.hidden)
    np.testing.assert_array_equal(large.output[:2], small.output)
    assert np.any(draw(random_state=2).hidden != small.hidden[:1])
    assert (large.n_networks, large.n_features, large.n_neurons) == (5, 3, 4)


def variance(draws):
    """Return the mean square and its standard error, as normal numbers have it."""
    return np.mean(draws**2), np.mean(draws**2) * np.sqrt(2 / draws.size)


def test_variances():
    d, m = 5, 40
    for start, hidden, output in [
        (he(d, m, n_networks=500), 2 / d, 2 / m),
        (width_scaled(d, m, n_networks=500), 1 / m, 1 / m),
        (he(d, m, n_networks=500, scale=3.0), 18 / d, 18 / m),
    ]:
        for draws, expected in ((start.hidden, hidden), (start.output, output)):
            found, error = variance(draws)
            assert abs(found - expected) < 5 * error


def test_spheres_and_balance():
    start = sphere(3, 6, 0.05, n_networks=4)
    np.testing.assert_allclose(np.sum(start.hidden**2, axis=1) + start.output**2, 0.05**2, rtol=1e-14)
    level = balanced(3, 200, 1e-3)
    np.testing.assert_allclose(np.linalg.norm(level.hidden, axis=1), 1e-3, rtol=1e-14)
    np.testing.assert_array_equal(np.abs(level.output), 1e-3)
    assert 60 < np.sum(level.output > 0) < 140  # 5.7 standard deviations of 200 fair signs
    zero = zero_output(3, 6, 2.0)
    np.testing.assert_allclose(np.linalg.norm(zero.hidden, axis=1), 2.0, rtol=1e-14)
    np.testing.assert_array_equal(zero.output, 0.0)


def test_directions_on_spheres_are_uniform():
    """The second moments of a uniform direction of R^4 are 1/4 of the identity."""
    start = sphere(3, 20_000, 1.0)
    points = np.concatenate([start.hidden[0], start.output])
    np.testing.assert_allclose(points @ points.T / 20_000, np.eye(4) / 4, atol=0.01)
    np.testing.assert_allclose(points.mean(axis=1), 0.0, atol=0.02)


def test_lazy_starts_predict_zero_and_move_less_the_larger_they_are(rng):
    X = rng.standard_normal((6, 3))
    problem = Problem(X, rng.standard_normal(6), beta=0.0)
    moved = []
    for scale in (1.0, 100.0, 1e4):
        start = lazy(3, 20, scale)
        f = np.maximum(X @ start.hidden[0], 0.0) @ start.output[0]
        assert np.max(np.abs(f)) < 1e-13 * scale
        end = simulate(problem, start, n_steps=400, step_size=0.02 / scale).final
        moved.append(np.linalg.norm(end.hidden - start.hidden) / np.linalg.norm(start.hidden))
    # Relative to the weights the path is 1/scale as long, once the regime is lazy. Steps of 0.05 / scale are too long
    # for the tangent kernel here: the loss rises at first, and weights move by an eighth at every scale.
    assert moved[1] < 0.03 * moved[0]
    assert moved[2] == pytest.approx(moved[1] / 100, rel=0.01)


def test_doubled_networks_cancel(rng):
    start = he(3, 4, n_networks=2)
    twice = doubled(start)
    X = rng.standard_normal((5, 3))
    for b in range(2):
        np.testing.assert_allclose(twice.network(b).predict(X), 0.0, atol=1e-14)
    np.testing.assert_array_equal(twice.hidden[:, :, :4], start.hidden)


def particle_euler(problem, v, w, activation, n_steps, dt):
    """Return particles after Euler steps of ``dp/dt = -m grad F_m``, the definition by Chizat and Bach."""
    sigma, m = get_activation(activation), v.shape[1]
    for _ in range(n_steps):
        z = problem.X @ v
        r = sigma.value(z) @ w / m - problem.y
        slope_v = problem.X.T @ (sigma.derivative(z) * r[:, None]) * w + problem.beta * v
        slope_w = sigma.value(z).T @ r + problem.beta * w
        v, w = v - dt * slope_v, w - dt * slope_w
    return v, w


@pytest.mark.parametrize(("activation", "beta"), [("relu", 0.2), ("sigmoid", 0.0), (2, 0.0), ("tanh", 0.0)])
def test_particles_and_plain_descent_take_the_same_steps(rng, activation, beta):
    problem = Problem(rng.standard_normal((6, 3)), rng.standard_normal(6), beta=beta)
    m, dt = 10, 0.02
    particles = sphere(3, m, 1.0, random_state=4)
    start = of_particles(particles.hidden, particles.output, activation=activation)
    same = mean_field(3, m, activation=activation, random_state=4)
    np.testing.assert_array_equal(start.hidden, same.hidden)
    rates = mean_field_rates(m, activation=activation)
    path = simulate(
        problem,
        start,
        n_steps=50,
        step_size=rates[0] * dt,
        output_step_size=rates[1] * dt,
        activation=activation,
    )
    v, w = particle_euler(problem, particles.hidden[0], particles.output[0], activation, 50, dt)
    expected = of_particles(v, w, activation=activation)
    # Two orders of the same sums, over fifty steps.
    np.testing.assert_allclose(path.final.hidden, expected.hidden, rtol=0, atol=1e-14)
    np.testing.assert_allclose(path.final.output, expected.output, rtol=0, atol=1e-14)


def test_sigmoid_particles_without_their_mobility_go_elsewhere(rng):
    """A planted fault: plain descent on the network of sigmoid particles."""
    problem = Problem(rng.standard_normal((6, 3)), rng.standard_normal(6), beta=0.0)
    particles = sphere(3, 10, 1.0)
    start = of_particles(particles.hidden, particles.output, activation="sigmoid")
    end = simulate(problem, start, n_steps=50, step_size=0.02, activation="sigmoid").final
    v, w = particle_euler(problem, particles.hidden[0], particles.output[0], "sigmoid", 50, 0.02)
    expected = of_particles(v, w, activation="sigmoid")
    assert np.max(np.abs(end.hidden - expected.hidden)) > 1e-2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: he(0, 3), "d must be an integer >= 1"),
        (lambda: he(2, 0), "m must be an integer >= 1"),
        (lambda: width_scaled(2, 3, n_networks=0), "n_networks must be an integer >= 1"),
        (lambda: he(2, 3, scale=-1.0), "scale must be a finite number >= 0"),
        (lambda: sphere(2, 3, -0.1), "radius must be"),
        (lambda: balanced(2, 3, np.inf), "scale must be"),
        (lambda: zero_output(2, 3, "large"), "radius must be"),
        (lambda: lazy(2, 3, 1.0), "m must be even, for pairs of neurons; got 3"),
        (lambda: lazy(2, 4, 0.0), "scale must be a finite number > 0"),
        (lambda: mean_field(2, 3, activation="swish"), "activation must be one of"),
        (lambda: mean_field_rates(0), "m must be an integer >= 1"),
    ],
)
def test_numbers_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
