"""Random directions are orthonormal, and uniform."""

import numpy as np
import pytest

from cvxnn.function_spaces.generalisation.directions import as_unit_columns, orthonormal


def test_random_directions_are_orthonormal_and_uniform():
    rng = np.random.RandomState(0)
    frames = np.array([orthonormal(3, 2, rng) for _ in range(4000)])
    np.testing.assert_allclose(
        frames.transpose(0, 2, 1) @ frames, np.broadcast_to(np.eye(2), (4000, 2, 2)), atol=1e-14
    )
    # uniform on the sphere: mean 0 and second moments 1/3; four standard errors are 0.04 and 0.02
    np.testing.assert_allclose(frames.mean(axis=0), 0.0, atol=0.04)
    np.testing.assert_allclose(np.mean(frames**2, axis=0), 1 / 3, atol=0.02)


def test_wrong_lengths_are_named():
    with pytest.raises(ValueError, match="columns of length 1; found lengths up to 2"):
        as_unit_columns([[2.0, 1.0]])
    with pytest.raises(ValueError, match="at most 1 directions are orthonormal in 1 dimensions; got 2"):
        orthonormal(1, 2, np.random.RandomState(0))
