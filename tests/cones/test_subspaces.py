"""Null spaces and spans: orthonormal, orthogonal to the rows, of the dimension that is left."""

import numpy as np
import pytest

from cvxnn.cones import null_space, row_span


@pytest.mark.parametrize("rank", [0, 1, 3, 4])
def test_it_is_an_orthonormal_basis_of_what_the_rows_leave(rank, rng):
    scales = 10.0 ** rng.integers(-150, 150, 6)
    rows = rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 4)) * scales[:, None]
    basis = null_space(rows)
    assert basis.shape == (4, 4 - rank)
    np.testing.assert_allclose(basis.T @ basis, np.eye(4 - rank), atol=1e-14)
    # units of rows: d products of rounding
    np.testing.assert_allclose(rows @ basis / scales[:, None], 0.0, atol=1e-13)


def test_no_rows_and_zero_rows_leave_everything():
    assert null_space(np.zeros((0, 3))).shape == null_space(np.zeros((2, 3))).shape == (3, 3)


def test_the_tolerance_decides_what_is_dependent():
    rows = np.array([[1.0, 0.0], [1.0, 1e-6]])
    assert null_space(rows).shape == (2, 0)
    assert null_space(rows, 1e-5).shape == (2, 1)


@pytest.mark.parametrize("rank", [0, 1, 3, 4])
def test_spans_and_null_spaces_make_up_the_whole_space(rank, rng):
    scales = 10.0 ** rng.integers(-150, 150, 6)
    rows = rng.standard_normal((6, rank)) @ rng.standard_normal((rank, 4)) * scales[:, None]
    both = np.hstack([row_span(rows), null_space(rows)])
    assert both.shape == (4, 4)
    # orthonormal to rounding
    np.testing.assert_allclose(both.T @ both, np.eye(4), atol=1e-14)
    assert row_span(rows[:0]).shape == (4, 0)
