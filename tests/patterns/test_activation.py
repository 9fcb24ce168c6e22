"""The tie convention, and the validation of the data matrix."""

import numpy as np
import pytest

from cvxnn.patterns import activation_patterns


def test_ties_are_active():
    X = np.array([[1.0, 0.0], [0.0, 0.0], [-1.0, 0.0]])
    assert activation_patterns(X, np.array([0.0, 1.0])).all()
    np.testing.assert_array_equal(activation_patterns(X, [1.0, 0.0]), [True, True, False])


def test_columns_are_the_patterns_of_single_neurons():
    rng = np.random.default_rng(0)
    X, U = rng.normal(size=(20, 3)) + 1.0, rng.normal(size=(3, 7))
    patterns = activation_patterns(X, U)
    assert patterns.shape == (20, 7)
    assert patterns.dtype == np.bool_
    for j in range(7):
        np.testing.assert_array_equal(patterns[:, j], activation_patterns(X, U[:, j]))


def test_positive_scale_of_neurons_and_samples_changes_nothing():
    rng = np.random.default_rng(1)
    X, U = rng.normal(size=(20, 3)), rng.normal(size=(3, 7))
    row_scale, column_scale = 10.0 ** rng.uniform(-8, 8, (20, 1)), 10.0 ** rng.uniform(-8, 8, 7)
    np.testing.assert_array_equal(
        activation_patterns(row_scale * X, U * column_scale), activation_patterns(X, U)
    )


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, np.nan]], "X must be finite; found 1 NaN"),
        ([[1.0, 0.0], [np.inf, 0.0]], "X must be finite; found 1 NaN or infinite of 4"),
        (np.empty((0, 2)), "X must not be empty"),
        (np.empty((2, 0)), "X must not be empty"),
        ([1.0, 2.0], "X must be 2-D"),
        (np.ones((1, 2, 2)), "X must be 2-D"),
        ([["a", "b"]], "X must be an array of numbers"),
        ([[1.0, 2.0], [3.0]], "X must be an array of numbers"),
        ([[1j, 2.0]], "X must be an array of numbers"),
    ],
)
def test_bad_data_is_refused_by_name(X, message):
    with pytest.raises(ValueError, match=message):
        activation_patterns(X, np.ones(2))


@pytest.mark.parametrize("U", [np.ones(3), np.ones((3, 2)), np.ones((2, 2, 2)), np.float64(1.0)])
def test_neurons_of_the_wrong_shape_are_refused(U):
    with pytest.raises(ValueError, match="U must have shape"):
        activation_patterns(np.ones((4, 2)), U)


def test_neurons_must_be_finite():
    with pytest.raises(ValueError, match="U must be finite"):
        activation_patterns(np.ones((4, 2)), [np.nan, 0.0])


@pytest.mark.parametrize("size", [1, 5, 40])
def test_rows_in_chunks_have_the_same_patterns(size, monkeypatch):
    rng = np.random.default_rng(1)
    X, U = (
        rng.integers(-2, 3, (17, 3)).astype(float),
        rng.integers(-2, 3, (3, 5)).astype(float),
    )  # with ties, exact
    monkeypatch.setattr("cvxnn.patterns.activation._CHUNK_ENTRIES", size)
    np.testing.assert_array_equal(activation_patterns(X, U), X @ U >= 0)
    np.testing.assert_array_equal(activation_patterns(X, U[:, 0]), X @ U[:, 0] >= 0)
    assert activation_patterns(X, U[:, :0]).shape == (17, 0)
