"""Integer arithmetic on rows of floats: rank, cells and vectors without rounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.oracles.exact_rows import (
    as_line,
    count_cells,
    independent_columns,
    integer_rows,
    null_vector,
    unit_vector,
)
from cvxnn.patterns import enumerate_patterns


def lines_of(X):
    return list({as_line(row)[0] for row in integer_rows(X) if any(row)})


def test_rows_become_coprime_integers_and_keep_their_side():
    assert integer_rows(np.array([[0.5, -1.5], [0.0, 0.0], [-6.0, 4.0]])) == [(1, -3), (0, 0), (-3, 2)]
    assert as_line((-3, 2)) == ((3, -2), False)
    # 0.1 and 0.3 are not in the ratio of one to three in float64
    assert len(set(integer_rows(np.array([[0.1, 0.3], [1.0, 3.0]])))) == 2


@given(st.integers(0, 10_000), st.sampled_from([2, 3, 4]))
def test_cells_are_as_many_as_enumeration_finds_on_integer_grids(seed, d):
    # small integers: many dependent rows, which the tolerance of the enumeration tells from others without doubt
    X = np.random.default_rng(seed).integers(-2, 3, (7, d)).astype(float)
    rows = integer_rows(X)
    columns = independent_columns(rows, d)
    assert len(columns) == np.linalg.matrix_rank(X) == np.linalg.matrix_rank(X[:, columns])
    assert count_cells(lines_of(X[:, columns])) == len(enumerate_patterns(X))


def test_a_rank_that_tolerances_deny():
    thin = integer_rows(np.array([[1.0, 0.0], [1.0, 1e-200]]))
    assert len(independent_columns(thin, 2)) == 2
    assert independent_columns(integer_rows(np.eye(3)), 2) is None
    assert count_cells(lines_of(np.array([[1.0, 0, 0], [1, 1e-13, 0], [0, 1, 0], [0, 0, 1]]))) == 12


def test_counting_gives_up_at_last():
    X = np.random.default_rng(0).standard_normal((300, 4))
    assert count_cells(lines_of(X)) is None


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_a_null_vector_is_exact(rank):
    rng = np.random.default_rng(rank)
    X = (rng.integers(-9, 10, (6, rank)) @ rng.integers(-9, 10, (rank, 4))).astype(float)
    rows = integer_rows(X)
    vector = null_vector(rows, independent_columns(rows, 2))
    assert any(vector)
    assert all(sum(x * v for x, v in zip(row, vector, strict=True)) == 0 for row in rows)


def test_a_unit_vector_has_products_without_rounding():
    for p, q in [(3, 4), (-7, 61), (1, 0), (50, 49)]:
        v = unit_vector((q, -p))
        assert np.array([p, q], dtype=float) @ v == 0.0
        assert np.linalg.norm(v) == pytest.approx(1.0, abs=1e-12)
    assert np.linalg.norm(unit_vector((3 * 10**400, 4 * 10**400))) == pytest.approx(1.0, abs=1e-12)
