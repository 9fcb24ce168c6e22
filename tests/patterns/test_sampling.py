"""Random patterns: a subset of the cells, reproducible, and in the end all of them."""

import numpy as np
import pytest

from cvxnn.patterns import activation_patterns, count_bound, enumerate_patterns, sample_patterns

METHODS = ["gaussian", "data"]


def as_set(patterns):
    return set(map(bytes, np.asarray(patterns).T))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("n", "d"), [(3, 5), (30, 1), (30, 2), (30, 3), (200, 10)])
def test_samples_are_distinct_and_regenerated(method, n, d):
    X = np.random.default_rng(n).normal(size=(n, d)) + 0.3
    patterns = sample_patterns(X, 50, method=method)
    np.testing.assert_array_equal(activation_patterns(X, patterns.gates), np.asarray(patterns))
    assert len(as_set(patterns)) == len(patterns) <= min(50, count_bound(n, min(n, d)))
    assert not patterns.complete
    if count_bound(n, min(n, d)) > 800:  # then repeated draws cannot use up ten rounds
        assert len(patterns) == 50


@pytest.mark.parametrize("method", METHODS)
def test_samples_are_open_cells_also_of_degenerate_data(method):
    rng = np.random.default_rng(0)
    X = rng.integers(-1, 2, size=(30, 3)).astype(float) * 10.0 ** rng.uniform(-8, 8, size=(30, 1))
    X[3] = 0.0
    assert as_set(sample_patterns(X, 40, method=method)) <= as_set(enumerate_patterns(X))


@pytest.mark.parametrize("method", METHODS)
def test_many_draws_find_every_wide_cell(method):
    X = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, -1.0], [0.0, 0.0]])
    assert as_set(sample_patterns(X, 100, method=method)) == as_set(enumerate_patterns(X))


def test_vertices_find_cells_that_gaussian_gates_miss():
    """Nearly parallel rows: slivers of angle 1e-6 have odds of 1e-6 for Gaussian gates."""
    X = np.column_stack([np.ones(20), 1e-6 * np.arange(20.0)])
    every = enumerate_patterns(X)
    assert len(every) == 40
    assert len(sample_patterns(X, 40, method="gaussian")) < 10
    assert as_set(sample_patterns(X, 40, method="data")) == as_set(every)


@pytest.mark.parametrize("method", METHODS)
def test_random_state_fixes_the_patterns(method):
    X = np.random.default_rng(0).normal(size=(50, 4))
    first, same, other = (sample_patterns(X, 20, method=method, random_state=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.gates, same.gates)
    assert as_set(first) != as_set(other)
    generator = sample_patterns(X, 20, method=method, random_state=np.random.default_rng(3))
    np.testing.assert_array_equal(first.gates, generator.gates)


@pytest.mark.parametrize("method", METHODS)
def test_zero_data_have_one_pattern(method):
    patterns = sample_patterns(np.zeros((3, 2)), 5, method=method)
    assert len(patterns) == 1
    assert np.asarray(patterns).all()


def test_unknown_method_is_refused():
    with pytest.raises(ValueError, match="method must be one of 'gaussian', 'data', found 'grid'"):
        sample_patterns(np.eye(2), 3, method="grid")


@pytest.mark.parametrize("n_patterns", [0, -1, 2.5, True, "3"])
def test_number_of_patterns_must_be_positive(n_patterns):
    with pytest.raises(ValueError, match="n_patterns must be a positive integer"):
        sample_patterns(np.eye(2), n_patterns)
