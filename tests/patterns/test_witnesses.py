"""The most interior point of a cone."""

import numpy as np
import pytest

from cvxnn.patterns.witnesses import widest_point


def test_widest_point_of_a_planar_sector_is_its_bisector():
    angle = 0.001
    rows = np.array([[0.0, 1.0], [np.sin(angle), -np.cos(angle)]])
    np.testing.assert_allclose(widest_point(rows), [np.cos(angle / 2), np.sin(angle / 2)], rtol=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_widest_point_beats_every_other(seed):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(12, 4))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    inside = rng.normal(size=4)
    rows *= np.sign(rows @ inside)[:, None]
    best = (rows @ widest_point(rows)).min()
    others = rng.normal(size=(4, 2000)) * 0.3 + inside[:, None]
    others /= np.linalg.norm(others, axis=0)
    # The slack is the rounding of the least-squares solution.
    assert best > 0
    assert (rows @ others).min(axis=0).max() <= best + 1e-9


def test_empty_open_cones_have_no_point():
    assert widest_point(np.array([[1.0, 0.0], [-1.0, 0.0]])) is None
    assert widest_point(np.array([[1.0, 0.0], [-0.5, 0.5], [-0.5, -0.5]])) is None
