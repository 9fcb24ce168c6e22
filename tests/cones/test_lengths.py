"""Rows as lengths and unit vectors."""

import numpy as np
import pytest

from cvxnn.cones import lengths_and_units


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e300])
def test_rows_are_their_lengths_times_their_units(scale, rng):
    X = scale * rng.standard_normal((5, 3)) * np.array([1.0, 1e-3, 0.0, 1e-5, 1.0])[:, None]
    lengths, units = lengths_and_units(X)
    np.testing.assert_allclose(np.linalg.norm(units, axis=1), [1, 1, 0, 1, 1], rtol=1e-15)
    # a rounding each of the length, the unit and the product; 1e-308 has fewer digits
    np.testing.assert_allclose(lengths[:, None] * units, X, rtol=1e-14, atol=1e-320)
    assert lengths[2] == 0.0


def test_rows_without_entries_have_no_length():
    lengths, units = lengths_and_units(np.zeros((4, 0)))
    assert lengths.tolist() == [0.0] * 4
    assert units.shape == (4, 0)
    assert lengths_and_units(np.zeros((0, 3)))[1].shape == (0, 3)
