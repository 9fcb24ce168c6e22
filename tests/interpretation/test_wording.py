"""Numbers in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.interpretation.wording import number_text, number_text_to, percent_text

numbers = st.floats(-1e12, 1e12, allow_subnormal=False).filter(lambda value: abs(value) > 1e-12)


@given(numbers, st.integers(1, 8))
def test_no_more_is_lost_than_the_digits_allow(value, digits):
    assert abs(float(number_text(value, digits)) - value) <= 0.5001 * 10.0 ** (1 - digits) * abs(value)


@given(numbers, st.integers(-6, 6))
def test_no_more_is_lost_than_the_resolution(value, exponent):
    assert abs(float(number_text_to(value, 10.0**exponent)) - value) <= 0.5001 * 10.0**exponent + 1e-12 * abs(
        value
    )


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (9.996, 3, "10.0"),
        (0.00012, 2, "0.00012"),
        (1.5e-5, 2, "1.5e-05"),
        (123456.7, 3, "123457"),
        (1e7, 3, "1.00e+07"),
        (-2.0, 1, "-2"),
        (0.0, 3, "0"),
    ],
)
def test_how_numbers_look(value, digits, text):
    assert number_text(value, digits) == text


def test_signs():
    assert (number_text(2.0, signed=True), number_text(-2.0, signed=True)) == ("+2.00", "-2.00")
    assert number_text_to(0.251, 0.01, signed=True) == "+0.25"
    assert number_text_to(0.001, 0.01, signed=True) == "0"


def test_only_zero_reads_as_zero_percent():
    assert [percent_text(share) for share in (0.0, 1e-9, 0.0051, 0.5, 1.0)] == [
        "0%",
        "<1%",
        "1%",
        "50%",
        "100%",
    ]
