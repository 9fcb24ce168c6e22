"""What users pass in: accepted kinds, and messages that name argument, find and accepted values."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from cvxnn import Problem, ReLUClassifier, ReLURegressor
from cvxnn.validation import as_finite_array, as_number, read_only


@pytest.mark.parametrize(
    "value", [[[1, 2]], ((1, 2),), np.array([[1, 2]], dtype=np.float32), [[True, False]]]
)
def test_arrays_of_numbers_become_float64(value):
    array = as_finite_array(value, "X", (2,))
    assert array.dtype == np.float64
    assert array.shape == (1, 2)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("text", "W must be an array of numbers; got str"),
        ({"a": 1}, "W must be an array of numbers; got dict"),
        ([[1.0], [1.0, 2.0]], "W must be an array of numbers; got list"),
        (np.array([1j]), "W must be an array of numbers; got ndarray"),
        (5.0, r"W must be 1-D or 2-D; got shape \(\)"),
        ([], r"W must not be empty; got shape \(0,\)"),
        ([1.0, -np.inf, np.nan], "W must be finite; found 2 NaN or infinite of 3 entries"),
    ],
)
def test_anything_else_is_refused_by_name(value, message):
    with pytest.raises(ValueError, match=message):
        as_finite_array(value, "W", (1, 2))


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_real_numbers_become_floats(value):
    number = as_number(value, "tol")
    assert type(number) is float
    assert number == 2.0


@pytest.mark.parametrize("value", [-1, np.nan, np.inf, -np.inf, "2", None, True, [2.0], 2 + 0j])
def test_other_numbers_are_refused_by_name(value):
    with pytest.raises(ValueError, match="tol must be a finite number >= 0; got "):
        as_number(value, "tol")


def test_zero_is_refused_only_where_a_positive_number_is_asked_for():
    assert as_number(0, "tol") == 0.0
    with pytest.raises(ValueError, match="tol must be a finite number > 0; got 0"):
        as_number(0, "tol", positive=True)


def test_read_only_copies():
    array = np.zeros((2, 2))[::2]
    copy = read_only(array)
    array[0, 0] = 1.0
    assert copy[0, 0] == 0.0
    assert copy.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        copy[0, 0] = 2.0


BIG = 2**53
CHANGED = [
    np.array([[1, BIG + 1]]),
    np.array([[-BIG - 1, 1]]),
    np.array([[2**63 + 1, 1]], dtype=np.uint64),
    np.array([[BIG + 1, 0.5]], dtype=object),
    [[BIG + 1, 1]],
    [[BIG + 1, 0.5]],
    [[2**64 + 1, 1]],
    pd.DataFrame({"a": [BIG + 1], "b": [0.5]}),
    pd.DataFrame({"a": pd.array([BIG + 1], dtype="Int64"), "b": [1]}),
]


@pytest.mark.parametrize(
    "value", CHANGED, ids=lambda value: f"{type(value).__name__}-{getattr(value, 'dtype', '')}"
)
def test_integers_that_float64_does_not_hold_are_refused(value):
    with pytest.raises(ValueError, match=r"X must hold integers that float64 holds.*such as -?\d+ to -?\d+"):
        as_finite_array(value, "X", (2,))
    with pytest.raises(ValueError, match="X must hold integers"):
        Problem(value, [1.0], 1.0)


@pytest.mark.parametrize(
    "value",
    [
        [[BIG, -BIG]],
        np.array([[2**60, -(2**63)]]),
        np.array([[2**63, 1]], dtype=np.uint64),
        [[float(BIG) * 3.0, 1e300]],
        pd.DataFrame({"a": pd.array([BIG], dtype="Int64"), "b": [1e20]}),
        [[10**400 // 10**390, 1]],
    ],
)
def test_integers_that_float64_holds_are_taken(value):
    found = as_finite_array(value, "X", (2,))
    assert found.dtype == np.float64
    assert [int(x) for x in found.ravel()] == [int(x) for x in np.asarray(value, dtype=object).ravel()]


def test_targets_and_weights_that_would_merge_are_refused_by_name():
    # The three targets differ, and would be one number: a constant target, proven optimal.
    y = BIG + np.array([0, 1, 0])
    with pytest.raises(ValueError, match=r"^y must hold integers"):
        Problem(np.eye(3), y, 1.0)
    with pytest.raises(ValueError, match=r"^y must hold integers"):
        ReLURegressor().fit(np.eye(3), pd.Series(y))
    with pytest.raises(ValueError, match=r"^X must hold integers"):
        ReLURegressor().fit(np.column_stack([y, y]), [1.0, 2.0, 3.0])
    model = ReLURegressor(max_seconds=1.0).fit(np.eye(3), [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"^X must hold integers"):
        model.predict(np.full((1, 3), BIG + 1))


def test_labels_are_no_numbers_and_stay_as_they_are():
    labels = np.array([BIG, BIG + 1, BIG])
    model = ReLUClassifier(max_seconds=1.0).fit([[0.0], [1.0], [0.1]], labels)
    np.testing.assert_array_equal(model.classes_, [BIG, BIG + 1])
    np.testing.assert_array_equal(model.predict([[0.0], [1.0]]), [BIG, BIG + 1])
