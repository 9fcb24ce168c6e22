"""Cells of threshold units: complete or said not to be."""

import numpy as np
import pytest

from cvxnn.function_spaces.oracles.exact_rows import independent_columns, integer_rows
from cvxnn.function_spaces.oracles.threshold_cells import PlanarCells, enumerated_cells, is_affordable


def cells_of(X):
    rows = integer_rows(X)
    return enumerated_cells(X, rows, independent_columns(rows, X.shape[1]))


def test_general_position_and_grids_are_complete():
    rng = np.random.default_rng(0)
    assert cells_of(rng.standard_normal((8, 4))).is_complete
    grid = np.array([[a, b, 1.0] for a in range(4) for b in range(4)])
    cells = cells_of(grid)
    assert cells.is_complete
    assert not np.any(cells.tied)  # the last column is a neuron active on all
    assert cells_of(np.vstack([grid, 3.0 * grid[:5]])).is_complete


def test_rows_that_the_tolerance_merges_are_not_complete():
    X = np.array([[1.0, 0.0, 0.0], [1.0, 1e-13, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0]])
    cells = cells_of(X)
    assert not cells.is_complete
    assert cells.best(np.ones(5))[1] == np.inf
    assert not enumerated_cells(np.eye(3), None, None).is_complete


def test_opposite_rows_are_allowed_for():
    X = np.random.default_rng(1).standard_normal((4, 3))
    X[3] = -2.0 * X[0]
    cells = cells_of(X)
    assert cells.is_complete
    np.testing.assert_array_equal(cells.tied, [True, False, False, True])
    assert cells.best(np.ones(4))[1] == 5.0  # three in a cell, and the two tied


def test_a_direction_beyond_the_rows_is_active_on_all():
    X = np.array([[1.0, 2.0, 1.0], [-1.0, -2.0, -1.0], [1.0, 0.0, 1.0], [-1.0, 0.0, -1.0]])
    rows = integer_rows(X)
    directions, upper = PlanarCells(X, independent_columns(rows, 2), rows).best(np.ones(4))
    assert upper == 4.0
    assert np.max(np.sum(X @ directions >= 0, axis=0)) == 4
    zero = PlanarCells(np.zeros((3, 3)), np.arange(0)).best(np.array([1.0, 2.0, -4.0]))
    assert zero[0].shape == (3, 1)
    assert zero[1] == 1.0


def test_in_one_dimension_no_direction_ties_opposite_rows():
    assert PlanarCells(np.array([[1.0], [-1.0]]), np.arange(1)).best(np.ones(2))[1] == 1.0


@pytest.mark.parametrize(("n", "rank", "answer"), [(100, 3, True), (100, 6, False), (10, 10, True)])
def test_what_is_affordable(n, rank, answer):
    assert is_affordable(n, rank, 0.5) is answer
    assert not is_affordable(n, rank, 0.0)
