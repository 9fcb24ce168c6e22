"""Every public function of patterns on data where theory goes wrong: the right count, or a refusal in words."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from cvxnn import patterns
from cvxnn.patterns import (
    activation_patterns,
    count_bound,
    count_cells,
    enumerate_patterns,
    is_in_general_position,
    is_realisable,
    patterns_with_gates,
    reduce_rows,
    require_few_patterns,
    require_realisable,
    sample_patterns,
)
from cvxnn.testing import CORNERS, check_answers

# Of numbers of samples alone.
WITHOUT_DATA = {"count_bound", "loose_count_bound"}
# The cells of the corners, counted by hand: lines through the origin cut the plane into twice as many.
CELLS = {
    "ordinary rows": 6,
    "a zero row": 4,
    "rows twice": 4,
    "opposite rows": 4,
    "rows of one line": 2,
    "an integer grid": 6,
    "one row": 2,
    "one number": 2,
    "zeros": 1,
    "targets of zero": 6,
}
GATES = np.random.default_rng(0).standard_normal((2, 5))


def gates(X):
    return GATES[: X.shape[1]]


CALLS = {
    "activation_patterns": lambda X: activation_patterns(X, gates(X)),
    "count_cells": count_cells,
    "enumerate_patterns": lambda X: np.asarray(enumerate_patterns(X)),
    "is_in_general_position": is_in_general_position,
    "is_realisable": lambda X: is_realisable(X, activation_patterns(X, gates(X))),
    "patterns_with_gates": lambda X: np.asarray(patterns_with_gates(X, np.asarray(enumerate_patterns(X)))),
    "reduce_rows": lambda X: reduce_rows(X).line,
    "require_few_patterns": require_few_patterns,
    "require_realisable": lambda X: require_realisable(X, activation_patterns(X, gates(X))),
    "sample_patterns": lambda X: np.asarray(sample_patterns(X, 2)),
}


def test_every_function_is_tried():
    functions = {name for name in patterns.__all__ if inspect.isfunction(getattr(patterns, name))}
    assert functions == set(CALLS) | WITHOUT_DATA


@pytest.mark.parametrize("where", CORNERS)
@pytest.mark.parametrize("name", CALLS)
def test_units_change_nothing(name, where):
    X = CORNERS[where][0]
    expected = check_answers(lambda: CALLS[name](X))
    for unit in (2.0**-490, 2.0**-40, 2.0**40, 2.0**490):
        found = check_answers(lambda unit=unit: CALLS[name](X * unit))
        np.testing.assert_array_equal(found, expected)
    rows = 2.0 ** np.linspace(-100, 100, len(X)).round()[:, None]
    np.testing.assert_array_equal(check_answers(lambda: CALLS[name](X * rows)), expected)


@pytest.mark.parametrize("where", CORNERS)
def test_cells_are_as_many_as_by_hand(where):
    X = CORNERS[where][0]
    assert count_cells(X) == len(enumerate_patterns(X)) == CELLS[where]
    assert CELLS[where] <= count_bound(len(X), X.shape[1])


@pytest.mark.parametrize("where", CORNERS)
def test_copies_and_opposites_of_rows_add_no_cell(where):
    X = CORNERS[where][0]
    assert count_cells(np.vstack([X, X, -X, np.zeros_like(X)])) == CELLS[where]
