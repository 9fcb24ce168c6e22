"""Which columns are patterns of a closed cone."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from cvxnn.patterns import (
    activation_patterns,
    enumerate_patterns,
    is_realisable,
    realisability,
    require_realisable,
    sample_patterns,
)


def all_columns(n):
    return np.array(list(itertools.product([0, 1], repeat=n))).T


def realisable_by_linear_program(X, column):
    """Maximise the sum of the signed rows over the cone in a box: zero if it holds null vectors only."""
    signed = np.where(column[:, None] == 1, X, -X)
    program = linprog(-signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(X)), bounds=(-1, 1))
    return -program.fun > 1e-7


@st.composite
def integer_data(draw):
    n, d = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    entries = draw(st.lists(st.integers(-2, 2), min_size=n * d, max_size=n * d))
    return np.array(entries, dtype=float).reshape(n, d)


@settings(max_examples=40, deadline=None)
@given(integer_data())
def test_answers_are_those_of_linear_programs(X):
    columns = all_columns(len(X))
    answers = is_realisable(X, columns)
    if not X.any():
        assert answers.all()
        return
    assert answers.tolist() == [realisable_by_linear_program(X, column) for column in columns.T]


@settings(max_examples=40, deadline=None)
@given(integer_data(), st.integers(0, 2**32 - 1))
def test_row_scale_changes_no_answer(X, seed):
    scale = 10.0 ** np.random.default_rng(seed).uniform(-8, 8, size=(len(X), 1))
    columns = all_columns(len(X))
    np.testing.assert_array_equal(is_realisable(scale * X, columns), is_realisable(X, columns))


def test_in_general_position_in_the_plane_only_open_cells_are_realisable():
    """Rank 2: each of the 2n rays fits the two open cells beside it, and no other pattern."""
    X = np.random.default_rng(0).normal(size=(6, 2))
    columns = all_columns(6)
    assert is_realisable(X, columns).sum() == len(enumerate_patterns(X)) == 12


def test_a_boundary_direction_realises_a_pattern_that_no_open_cell_has():
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])
    both = np.array([1, 1, 1])
    assert not (both == np.asarray(enumerate_patterns(X)).T).all(axis=1).any()
    assert is_realisable(X, both)
    np.testing.assert_array_equal(activation_patterns(X, [0.0, 1.0]), both)


def test_a_cone_that_is_only_the_origin_is_rejected():
    X = np.array([[1.0, 0.0], [-0.5, 1.0], [-0.5, -1.0]])
    assert not is_realisable(X, np.array([1, 1, 1]))
    assert not is_realisable([[1.0], [2.0]], np.array([1, 0]))


def test_null_vectors_of_the_data_realise_nothing():
    X = np.array([[1.0, 0.0], [2.0, 0.0]])  # u = (0, 1) lies in every closed cone
    assert is_realisable(X, all_columns(2)).tolist() == [True, False, False, True]


def test_zero_rows_take_both_bits():
    X = np.array([[1.0], [0.0]])
    assert is_realisable(X, all_columns(2)).all()


def test_tie_that_rounding_would_break_is_realisable():
    """Three coplanar rows that allow only the normal of their plane, computed with rounding."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b, c = rng.normal(size=(3, 3))
        X = np.array([a, b, 0.3 * a - 0.7 * b, c])
        assert is_realisable(X, np.array([0, 1, 1, 1]))
        assert is_realisable(X, np.array([0, 1, 1, 0]))
        opposed = np.array([a, b, 0.3 * a - 0.7 * b, c, -c + 0.1 * a, -c - 0.1 * a])
        assert not is_realisable(opposed, np.array([0, 1, 1, 1, 1, 1]))


@pytest.mark.parametrize("method", ["gaussian", "data"])
def test_every_sampled_and_enumerated_pattern_is_realisable(method):
    X = np.random.default_rng(0).normal(size=(60, 3)) + 2.0
    for patterns in (sample_patterns(X, 100, method=method), enumerate_patterns(X)):
        assert is_realisable(X, patterns).all()
        assert is_realisable(X, np.asarray(patterns)).all()
        np.testing.assert_array_equal(require_realisable(X, patterns), np.asarray(patterns))


def test_a_random_column_of_many_samples_is_not_realisable():
    rng = np.random.default_rng(0)
    X, columns = rng.normal(size=(60, 3)), rng.integers(0, 2, size=(60, 50))
    assert not is_realisable(X, columns).any()


def test_gates_of_other_data_prove_nothing():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    patterns = sample_patterns(rng.normal(size=(30, 3)), 20)
    np.testing.assert_array_equal(is_realisable(X, patterns), is_realisable(X, np.asarray(patterns)))
    assert not is_realisable(X, patterns).all()


def test_cheap_test_and_alternatives_agree(monkeypatch):
    """The regression of the signs only accepts: without it the answers stay the same."""
    X = np.random.default_rng(0).normal(size=(7, 3))
    answers = is_realisable(X, all_columns(7))
    monkeypatch.setattr(
        realisability,
        "_fits_least_squares",
        lambda normals, positive, negative: np.zeros(len(positive), bool),
    )
    np.testing.assert_array_equal(is_realisable(X, all_columns(7)), answers)
    monkeypatch.setattr(realisability, "_has_nonzero_point", realisability._has_nearby_point)
    np.testing.assert_array_equal(is_realisable(X, all_columns(7)), answers)


def test_shapes_of_the_answers():
    X = np.eye(2)
    assert is_realisable(X, np.array([1, 0])).shape == ()
    assert is_realisable(X, np.ones((2, 3), dtype=bool)).shape == (3,)
    assert is_realisable(X, np.ones((2, 0))).shape == (0,)


def test_first_offending_column_is_named():
    X = np.array([[1.0], [2.0]])
    with pytest.raises(ValueError, match=r"masks must be realisable.*found column 2 "):
        require_realisable(X, np.array([[1, 0, 1, 0], [1, 0, 0, 1]]), name="masks")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (np.ones((3, 2)), r"patterns must have shape \(n, P\) with n = 2"),
        (np.ones(2), r"patterns must have shape \(n, P\)"),
        (np.ones((2, 0)), "patterns must have at least one column"),
        (np.full((2, 1), 2), "patterns must have entries bool, or 0 and 1"),
        (np.full((2, 1), np.nan), "patterns must have entries bool, or 0 and 1"),
        (np.full((2, 1), "1"), "patterns must have entries bool, or 0 and 1"),
    ],
)
def test_malformed_patterns_are_refused(patterns, message):
    with pytest.raises(ValueError, match=message):
        require_realisable(np.eye(2), patterns)


def test_patterns_of_other_shapes_of_data_are_refused():
    with pytest.raises(ValueError, match="patterns must be patterns of X"):
        is_realisable(np.eye(3), enumerate_patterns(np.eye(2)))
