"""Comparisons hold as their relation says, to their tolerance, and fail otherwise."""

import ast
from pathlib import Path

import numpy as np
import pytest

import cvxnn
from cvxnn.theorems import Comparison, HypothesisError, require_balanced, require_no_zero_neuron


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


def test_balance_names_the_neuron_that_is_furthest_from_it():
    sizes = np.array([1.0, 2.0, 4.0])
    require_balanced(sizes, sizes * (1 + 1e-10), "start", slack=1e-9 * sizes)
    with pytest.raises(HypothesisError, match=r"start must be balanced.*; neuron 2 has 4 and 5: balance it"):
        require_balanced(sizes, np.array([1.1, 2.0, 5.0]), "start", slack=0.0, remedy=": balance it")
    require_no_zero_neuron(sizes, "start")
    with pytest.raises(HypothesisError, match="neuron 1 is zero"):
        require_no_zero_neuron(np.array([1.0, 0.0]), "start")


def test_every_hypothesis_is_named_with_its_value():
    """A message without a number or a name in it leaves the user to find out what failed."""
    source = Path(cvxnn.__file__).parent
    raised = [
        (path.relative_to(source).as_posix(), call)
        for path in source.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id == "HypothesisError"
    ]
    assert len(raised) > 50
    assert [f"{path}:{call.lineno}" for path, call in raised if not holds_a_value(call)] == []


def holds_a_value(call):
    return any(isinstance(part, ast.FormattedValue) for part in ast.walk(call)) or is_passed_on(call)


def is_passed_on(call):
    """Return whether the message is another error's, which has the value."""
    return ast.unparse(call) == "HypothesisError(str(error))"


@pytest.mark.parametrize(
    ("call", "holds"),
    [
        ("HypothesisError('y must not be zero')", False),
        ("HypothesisError(f'beta must be 0; it is {beta}')", True),
        ("HypothesisError('beta must be 0; ' + f'it is {beta}')", True),
    ],
)
def test_a_message_without_a_value_is_found(call, holds):
    assert holds_a_value(ast.parse(call)) == holds
