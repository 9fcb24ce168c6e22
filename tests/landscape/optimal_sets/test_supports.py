import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.landscape.optimal_sets.polytope import Polytope
from cvxnn.landscape.optimal_sets.supports import largest_support, smallest_support, support


def degenerate_polytope(seed: int) -> Polytope:
    """Small integer columns give vertices of different sizes."""
    rng = np.random.default_rng(seed)
    K, n = int(rng.integers(4, 9)), int(rng.integers(1, 4))
    columns = np.vstack([rng.integers(0, 3, (n, K)), np.ones(K)]).astype(float)
    return Polytope(columns, rng.integers(0, 2, K) + np.eye(K)[0])


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_smallest_and_largest_supports_are_those_of_the_vertices(seed):
    polytope = degenerate_polytope(seed)
    sizes = np.sum(polytope.vertices() > 1e-9 * polytope.total, axis=1)
    smallest, largest = smallest_support(polytope), largest_support(polytope)
    assert smallest.is_exact
    assert largest.is_exact
    assert (smallest.lower, largest.lower) == (min(sizes), max(sizes))
    for found in (smallest, largest):
        assert polytope.residual(found.coefficients) < 1e-9
        assert np.sum(support(polytope, found.coefficients)) in (found.lower, found.upper)


def test_vertices_of_different_sizes_are_told_apart():
    # c = (2, 0, 0) and (0, 1, 1): one column is the mean of two others.
    polytope = Polytope(np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]]), np.array([2.0, 0.0, 0.0]))
    assert (smallest_support(polytope).upper, largest_support(polytope).lower) == (1, 2)


def test_without_time_the_bounds_hold():
    polytope = Polytope(np.array([[1.0, 2.0, 0.0], [1.0, 1.0, 1.0]]), np.array([0.0, 1.0, 1.0]))
    found = smallest_support(polytope, max_seconds=1e-9)
    assert found.lower <= 1 <= found.upper


def test_bounds_of_the_largest_support_where_vertices_are_too_many():
    rng = np.random.default_rng(0)
    polytope = Polytope(np.vstack([rng.standard_normal((9, 40)), np.ones(40)]), rng.dirichlet(np.ones(40)))
    found = largest_support(polytope)
    assert found.is_exact
    assert found.upper == 10  # as many as columns are independent
