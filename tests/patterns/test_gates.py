"""Gates found for given patterns show exactly these, or the pattern is named."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.patterns import activation_patterns, enumerate_patterns, patterns_with_gates


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    n=st.integers(1, 8),
    d=st.integers(1, 3),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
)
def test_every_cell_gets_a_gate_of_its_own(seed, n, d, scale):
    X = scale * (np.random.default_rng(seed).standard_normal((n, d)) + 1.0)
    columns = enumerate_patterns(X).columns()
    found = patterns_with_gates(X, columns)
    np.testing.assert_array_equal(found.columns(), columns)
    np.testing.assert_array_equal(activation_patterns(X, found.gates), columns)


@pytest.mark.parametrize(
    ("X", "columns"),
    [
        ([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [[1, 0], [1, 0], [1, 1]]),  # a zero row is active
        ([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [[1], [1], [0]]),  # on the kink of two opposed rows
        ([[1.0], [-1.0]], [[1], [1]]),  # the zero gate alone
        (np.zeros((2, 2)), [[1], [1]]),
        (np.repeat([[1.0, 2.0]], 3, axis=0), [[1, 0]] * 3),
    ],
)
def test_corners_of_data(X, columns):
    found = patterns_with_gates(X, columns)
    np.testing.assert_array_equal(activation_patterns(X, found.gates), np.asarray(columns, bool))


def test_patterns_with_gates_stay_as_they_are():
    patterns = enumerate_patterns([[1.0], [2.0]])
    assert patterns_with_gates([[1.0], [2.0]], patterns) is patterns


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([[1, 1], [1, 0], [1, 1]], "found none for column 1"),  # parallel rows on two sides
        ([[1], [1], [0]], "found none for column 0"),  # a zero row is never inactive
        ([[1, 0, 1], [1, 0, 1], [1, 1, 1]], "distinct columns; found column 2 equal to column 0"),
        ([[2], [1], [1]], "entries bool, or 0 and 1"),
        ([[1], [1]], r"shape \(n, P\) with n = 3"),
        (np.ones((3, 0)), "at least one column"),
    ],
)
def test_what_no_gate_shows_is_named(columns, message):
    with pytest.raises(ValueError, match=message):
        patterns_with_gates([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]], columns)
