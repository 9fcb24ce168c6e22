"""Rademacher complexities against n and d."""

import numpy as np
import pytest

from cvxnn.function_spaces.generalisation.rademacher_curves import rademacher_curve


def test_the_rate_is_the_root_of_n():
    curve = rademacher_curve(samples=[16, 64, 256], dimensions=2, n_repetitions=10, n_signs=20)
    slope = curve.slope("samples")
    assert abs(slope.value + 0.5) < 4 * slope.standard_error + 0.02  # 0.02: not yet the limit at n = 16
    assert np.all(curve.upper <= curve.bounds)
    np.testing.assert_allclose(curve.bounds, 2 / np.sqrt(curve.samples)[:, None].repeat(10, 1), rtol=1e-12)
    assert curve.slope("samples", "upper").value == pytest.approx(slope.value, abs=1e-5)


def test_it_is_free_of_d_where_the_radius_is():
    curve = rademacher_curve(samples=24, dimensions=[2, 32], n_repetitions=4, n_signs=4)
    means = curve.lower.mean(axis=1)
    # orthogonal samples, the limit of large d, have 0.71 n^(-1/2) and a little more; 16 draws know a mean to some 10 %
    assert np.all((means > 0.5 / np.sqrt(24)) & (means < 1.2 / np.sqrt(24)))


def test_the_seed_decides():
    first, again = (
        rademacher_curve(samples=[4], dimensions=2, n_repetitions=2, random_state=3) for _ in range(2)
    )
    np.testing.assert_array_equal(first.lower, again.lower)


def test_bad_arguments_are_named():
    curve = rademacher_curve(samples=[4, 8], dimensions=1, n_repetitions=1)
    with pytest.raises(ValueError, match="against must be 'samples' or 'dimensions'"):
        curve.slope("n")
    with pytest.raises(ValueError, match="side must be 'lower' or 'upper'"):
        curve.slope("samples", "middle")
    with pytest.raises(ValueError, match="sizes must not all be equal"):
        curve.slope("dimensions")
    with pytest.raises(ValueError, match="n_signs must be an integer >= 1"):
        rademacher_curve(samples=4, dimensions=1, n_signs=None)
