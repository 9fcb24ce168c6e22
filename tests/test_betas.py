"""Grids of weight decays: in equal factors below the critical one, decreasing, or refused in words."""

import numpy as np
import pytest

from cvxnn.betas import as_decreasing, as_ratio, equal_factors, grid_below


def test_factors_are_equal_and_end_at_the_ratio():
    np.testing.assert_allclose(equal_factors(3, 0.01), [1.0, 0.1, 0.01])
    np.testing.assert_array_equal(equal_factors(1, 0.01), [1.0])
    grid = grid_below(7.0, 6, 1e-3)
    assert (grid[0], grid[-1]) == (7.0, pytest.approx(7e-3, rel=1e-15))
    np.testing.assert_allclose(grid[1:] / grid[:-1], 1e-3**0.2, rtol=1e-14)


def test_decreasing_numbers_are_taken_as_they_are():
    np.testing.assert_array_equal(as_decreasing((3, 1.5), "betas", least=2), [3.0, 1.5])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, 2.0], "betas must be decreasing and > 0; got 1 before 2, in place 1 of 2"),
        ([3.0, 1.0, 1.0], "got 1 before 1, in place 2 of 3"),
        ([1.0, -2.0], "got 1 before -2, in place 1 of 2"),
        ([0.0], "got 0, in place 0 of 1"),
        ([1.0], "betas must be decreasing and at least 2; got 1"),
        ([], "betas must not be empty"),
        ([[1.0]], "betas must be 1-D"),
        ([np.nan], "betas must be finite"),
    ],
)
def test_other_rows_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        as_decreasing(values, "betas", least=2)


@pytest.mark.parametrize("wrong", [1.0, 2, 0.0, -0.1, np.nan, "a"])
def test_other_ratios_are_refused(wrong):
    with pytest.raises(ValueError, match="ratio must be"):
        as_ratio(wrong)


def test_grids_of_no_weight_decay_are_refused():
    with pytest.raises(ValueError, match=r"betas must be given where .* the critical one is 0"):
        grid_below(0.0, 3, 0.1)
    for n_betas, least in ((0, 1), (1, 2), (2.5, 1)):
        with pytest.raises(ValueError, match=f"n_betas must be an integer >= {least}"):
            grid_below(1.0, n_betas, 0.1, least=least)
