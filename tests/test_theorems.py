"""Comparisons hold as their relation says, to their tolerance, and fail otherwise."""

import pytest

from cvxnn.theorems import Comparison, HypothesisError


@pytest.mark.parametrize(
    ("measured", "relation", "holds"),
    [
        (1.0, "equal", True),
        (1.1, "equal", False),
        (0.9, "equal", False),
        (0.9, "at most", True),
        (1.1, "at most", False),
        (1.1, "at least", True),
        (0.9, "at least", False),
        (float("nan"), "equal", False),
        (float("nan"), "at most", False),
    ],
)
def test_relations(measured, relation, holds):
    assert Comparison(measured, 1.0, relation).holds is holds


def test_tolerance_is_relative_to_the_larger_number():
    assert Comparison(1e6 + 0.5, 1e6).holds
    assert not Comparison(1e6 + 0.5, 1e6, tol=1e-7).holds


def test_a_failed_hypothesis_is_a_value_error():
    with pytest.raises(ValueError, match="full rank"):
        raise HypothesisError("X must have full rank")
