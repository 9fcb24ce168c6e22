"""Least-norm vectors over boxes of multipliers."""

import numpy as np
import pytest

from cvxnn.certificates import exact_oracle
from cvxnn.cones import least_norm_in_box


@pytest.mark.parametrize("seed", [737, 1487, 1992, 2750, 2949])
def test_sides_of_no_width_change_nothing(seed):
    # The duals of a classifier's well-classified samples are as small as 1e-21, and so are their sides.
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((40, 3))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    widths = np.where(rng.random(40) < 0.5, 1e-20, 1.0) * rng.uniform(0.5, 1.0, 40)
    is_infinite = rng.random(40) < 0.6
    rng.random(40)
    u = rng.standard_normal(3)
    linear, above = rng.standard_normal(3), rows @ u > 0
    lower = np.where(is_infinite, np.where(above, 0.0, -np.inf), -widths)
    upper = np.where(is_infinite & above, np.inf, 0.0)
    start = u + 0.1 * rng.standard_normal(3)
    found = linear + least_norm_in_box(rows, linear, lower, upper, start) @ rows
    wide = is_infinite | (widths > 1e-10)
    few = least_norm_in_box(rows[wide], linear, lower[wide], upper[wide], start)
    # Sums of 40 products: rounding of some 1e-14.
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(linear + few @ rows[wide]), abs=1e-12)


def test_oracle_is_exact_where_many_duals_are_next_to_nothing():
    rng = np.random.default_rng(0)
    X = np.hstack([rng.standard_normal((30, 2)), np.ones((30, 1))])
    lam = np.where(np.abs(X[:, 0]) > 0.7, 1.0, -1.0) * 10.0 ** -rng.uniform(0, 24, 30)
    found = exact_oracle(X, max_seconds=10.0).maximise(lam)
    assert found.upper == pytest.approx(found.value, rel=1e-10)
