"""Signed measures of particles: the function they stand for, merging, and the flat distance."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.dynamics.particles.measures import SphereMeasure, measure_distance


def random_measure(rng, s, d=3):
    return SphereMeasure(rng.standard_normal((s, d)), rng.standard_normal(s))


@given(seed=st.integers(0, 10**6), m=st.integers(1, 10))
def test_a_network_and_its_measure_are_one_function(seed, m):
    rng = np.random.default_rng(seed)
    network, X = ReLUNetwork(rng.standard_normal((3, m)), rng.standard_normal(m)), rng.standard_normal((5, 3))
    mu = SphereMeasure.of(network)
    np.testing.assert_allclose(mu.predict(X), network.predict(X), atol=1e-13)  # sums of at most ten terms
    assert mu.variation == pytest.approx(network.path_norm, rel=1e-13)


def test_neurons_of_no_mass_are_left_out():
    mu = SphereMeasure.of(ReLUNetwork([[0.0, 1.0, 2.0]], [1.0, 0.0, -3.0]))
    np.testing.assert_array_equal(mu.directions, [[1.0]])
    np.testing.assert_array_equal(mu.masses, [-6.0])


@given(seed=st.integers(0, 10**6), s=st.integers(1, 12), angle=st.floats(0.0, 1.0))
def test_merging_keeps_masses_and_moves_the_function_by_no_more_than_the_directions(seed, s, angle):
    rng = np.random.default_rng(seed)
    mu, X = random_measure(rng, s), rng.standard_normal((20, 3))
    merged = mu.merged(angle)
    assert len(merged.masses) <= s
    for sign in (1, -1):  # rounding of sums
        assert np.sum(merged.masses[merged.masses * sign > 0]) == pytest.approx(
            np.sum(mu.masses[mu.masses * sign > 0]), abs=1e-13
        )
    change = np.abs(mu.predict(X) - merged.predict(X))
    # a chain of s - 1 steps, none longer than the angle
    reach = min(2.0, (s - 1) * angle) * mu.variation
    assert np.all(change <= np.linalg.norm(X, axis=1) * reach + 1e-12)


def test_clusters_become_single_directions():
    angles = np.array([0.0, 0.01, 0.02, 1.0, 1.01, 0.0])
    mu = SphereMeasure(np.column_stack([np.cos(angles), np.sin(angles)]), [1.0, 2.0, 1.0, 3.0, 3.0, -5.0])
    merged = mu.merged(0.012)
    np.testing.assert_allclose(merged.masses, [6.0, -5.0, 4.0])
    found = np.arctan2(merged.directions[:, 1], merged.directions[:, 0])
    np.testing.assert_allclose(found, [1.005, 0.0, 0.01], atol=1e-12)
    np.testing.assert_allclose(mu.mass_near([[2.0, 0.0]], 0.05), [-1.0])  # both signs


def test_merging_nothing_and_opposite_directions():
    empty = SphereMeasure(np.zeros((0, 2)), [])
    assert len(empty.merged(0.1).masses) == 0
    assert empty.variation == 0.0
    pair = SphereMeasure([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0])
    assert len(pair.merged(3.0).masses) == 2
    assert len(pair.merged(4.0).masses) == 1


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_the_distance_is_a_metric_that_bounds_functions(seed):
    rng = np.random.default_rng(seed)
    mu, nu, rho = (random_measure(rng, s) for s in (4, 3, 5))
    near, far, around = measure_distance(mu, nu), measure_distance(mu, rho), measure_distance(nu, rho)
    # HiGHS solves the program to 1e-7
    assert near == pytest.approx(measure_distance(nu, mu), abs=1e-6)
    assert measure_distance(mu, mu) == pytest.approx(0.0, abs=1e-6)
    assert far <= near + around + 1e-6
    assert abs(mu.masses.sum() - nu.masses.sum()) - 1e-6 <= near <= mu.variation + nu.variation + 1e-6
    X = rng.standard_normal((50, 3))
    assert np.all(np.abs(mu.predict(X) - nu.predict(X)) <= np.linalg.norm(X, axis=1) * near + 1e-6)


@settings(max_examples=5)
@given(seed=st.integers(0, 10**6))
def test_the_distance_is_the_dual_over_bounded_lipschitz_functions(seed):
    rng = np.random.default_rng(seed)
    mu, nu = random_measure(rng, 4, 2), random_measure(rng, 5, 2)
    points, masses = np.vstack([mu.directions, nu.directions]), np.concatenate([mu.masses, -nu.masses])
    phi = cp.Variable(9)
    distances = np.linalg.norm(points[:, None] - points, axis=2)
    constraints = [cp.abs(phi) <= 1, phi[:, None] - phi[None, :] <= distances]
    dual = cp.Problem(cp.Maximize(masses @ phi), constraints).solve(solver=cp.CLARABEL)
    assert measure_distance(mu, nu) == pytest.approx(dual, abs=1e-6)  # the two solvers' tolerances


def test_distances_by_hand():
    east, west = SphereMeasure([[1.0, 0.0]], [1.0]), SphereMeasure([[-1.0, 0.0]], [1.0])
    near = SphereMeasure([[np.cos(0.1), np.sin(0.1)]], [1.0])
    assert measure_distance(east, west) == pytest.approx(
        2.0
    )  # made and destroyed, or carried across: the same
    assert measure_distance(east, near) == pytest.approx(2 * np.sin(0.05))
    assert measure_distance(east, SphereMeasure([[1.0, 0.0]], [-1.0])) == pytest.approx(2.0)
    assert measure_distance(east, SphereMeasure(np.zeros((0, 2)), [])) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SphereMeasure([[1.0]], [1.0, 2.0]), "directions and masses must have shapes"),
        (lambda: SphereMeasure([[0.0], [1.0]], [1.0, 2.0]), "directions must not be zero; found 1 of 2"),
        (lambda: SphereMeasure([[np.nan]], [1.0]), "directions must be finite"),
        (lambda: SphereMeasure([[1.0]], [np.inf]), "masses must be finite"),
        (lambda: SphereMeasure.of(ReLUNetwork([[1.0]], [[1.0, 2.0]])), "networks must have one output"),
        (lambda: SphereMeasure([[1.0]], [1.0]).merged(-1.0), "angle must be a finite number >= 0"),
        (
            lambda: measure_distance(SphereMeasure([[1.0]], [1.0]), SphereMeasure([[1.0, 0.0]], [1.0])),
            "second must have directions like first's",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
