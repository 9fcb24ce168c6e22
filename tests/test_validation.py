"""What users pass in: accepted kinds, and messages that name argument, find and accepted values."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

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
