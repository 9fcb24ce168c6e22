from itertools import combinations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.landscape.optimal_sets.polytope import Polytope, non_negative_fit, vertex_bound

# Coefficients are exact to rounding times the condition of a basis: 1e-12 at these sizes.
EXACT = 1e-8


def random_polytope(seed: int) -> Polytope:
    """Bounded: the last row of ones fixes the sum. Degenerate for every third seed."""
    rng = np.random.default_rng(seed)
    K = int(rng.integers(3, 9))
    rows = rng.integers(-1, 2, (int(rng.integers(0, K - 1)), K)).astype(float)
    if seed % 3:
        rows = rng.standard_normal(rows.shape)
    columns = np.vstack([rows, np.ones(K)])
    point = rng.dirichlet(np.ones(K)) * (rng.random(K) < 0.7)
    if not np.any(point):
        point[0] = 1.0
    return Polytope(columns, point)


def brute_force_vertices(polytope: Polytope) -> np.ndarray:
    """Solve every set of independent columns, and keep the non-negative solutions."""
    found = []
    for size in range(1, len(polytope.columns) + 1):
        for chosen in combinations(range(polytope.n_columns), size):
            part = polytope.columns[:, chosen]
            c, _, rank, _ = np.linalg.lstsq(part, polytope.image)
            if rank == size and np.linalg.norm(part @ c - polytope.image) < 1e-9 and np.all(c > 1e-9):
                full = np.zeros(polytope.n_columns)
                full[list(chosen)] = c
                found.append(full)
    return np.unique(np.round(found, 7), axis=0)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_vertices_are_those_of_all_bases(seed):
    polytope = random_polytope(seed)
    expected, found = brute_force_vertices(polytope), polytope.vertices()
    assert np.unique(np.round(found, 6), axis=0).shape == found.shape, "no vertex twice"
    assert len(found) == len(expected)
    assert all(np.min(np.linalg.norm(found - v, axis=1)) < 1e-6 for v in expected)  # rounded to 1e-7 above


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_dimension_is_that_of_the_vertices(seed):
    polytope = random_polytope(seed)
    vertices = polytope.vertices()
    assert polytope.dimension == np.linalg.matrix_rank(vertices - vertices[0], tol=1e-7)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_ranges_are_those_of_the_vertices(seed):
    polytope = random_polytope(seed)
    vertices = polytope.vertices()
    expected = np.stack([vertices.min(axis=0), vertices.max(axis=0)], axis=1)
    np.testing.assert_allclose(polytope.ranges, expected, atol=EXACT)
    assert np.all(polytope.centre[polytope.used] > 0)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_nearest_is_the_euclidean_projection(seed):
    polytope = random_polytope(seed)
    target = 2.0 * np.random.default_rng(seed).standard_normal(polytope.n_columns)
    c = cp.Variable(polytope.n_columns, nonneg=True)
    same = [polytope.columns @ c == polytope.image]
    cp.Problem(cp.Minimize(cp.sum_squares(c - target)), same).solve(solver=cp.CLARABEL)
    found = polytope.nearest(target)
    assert polytope.residual(found) < 1e-12
    # Interior point values are good to 1e-8, points to the root of that.
    assert np.linalg.norm(found - target) <= np.linalg.norm(c.value - target) + 1e-7
    np.testing.assert_allclose(found, c.value, atol=1e-4)


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_samples_and_extremes_are_members(seed):
    polytope = random_polytope(seed)
    rng = np.random.default_rng(seed)
    slopes = rng.standard_normal(polytope.n_columns)
    least = polytope.extreme(slopes)
    for c in (polytope.sample(rng), least, polytope.centre):
        assert polytope.residual(c) < 1e-9
        assert slopes @ c >= slopes @ least - EXACT


def test_residual_sees_negative_entries_and_another_image():
    polytope = Polytope(np.ones((1, 2)), np.array([1.0, 0.0]))
    assert polytope.residual(np.array([0.25, 0.75])) == 0.0
    assert polytope.residual(np.array([2.0, -1.0])) == pytest.approx(1.0)
    assert polytope.residual(np.array([1.0, 1.0])) == pytest.approx(1.0)


def test_a_fit_of_dependent_columns_has_independent_support():
    columns = np.array([[1.0, 1.0, 2.0], [0.0, 0.0, 1e-3]])
    c = non_negative_fit(columns, np.array([2.0, 0.0]))
    assert np.sum(c > 0) == 1
    np.testing.assert_allclose(columns @ c, [2.0, 0.0], atol=1e-14)


def test_too_many_vertices_are_refused():
    cube = Polytope(np.kron(np.eye(6), np.ones((1, 2))), np.tile([1.0, 0.0], 6))
    assert len(cube.vertices()) == 64
    with pytest.raises(ValueError, match="max_vertices = 10 is less than"):
        cube.vertices(max_vertices=10)


@pytest.mark.parametrize(
    ("facets", "dimension", "most"), [(3, 2, 3), (4, 3, 4), (6, 3, 8), (7, 4, 14), (2, 1, 2)]
)
def test_vertex_bound_of_small_polytopes(facets, dimension, most):
    assert vertex_bound(facets, dimension) == most
