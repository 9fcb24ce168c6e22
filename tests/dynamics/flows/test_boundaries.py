"""Boundaries of samples, and slides along them."""

import numpy as np

from cvxnn.dynamics.flows.boundaries import Boundaries, Slide, width

X = np.array([[3.0, 4.0], [0.0, 0.0], [-6.0, -8.0], [1.0, 0.0], [0.6, 0.8]])


def test_samples_on_one_line_share_a_boundary_along_the_first():
    found = Boundaries.of(X)
    np.testing.assert_array_equal(found.first, [0, 3])
    np.testing.assert_allclose(found.normals, [[0.6, 0.8], [1.0, 0.0]], atol=1e-15)
    rebuilt = found.lengths[:, None] * found.normals[found.line]
    np.testing.assert_allclose(rebuilt, X, atol=1e-14)


def test_active_samples_are_those_with_a_positive_product(rng):
    found, U = Boundaries.of(X), rng.standard_normal((2, 6))
    sides = np.sign(found.normals @ U).astype(np.int8)
    np.testing.assert_array_equal(found.active(sides), (X @ U > 0).astype(float))
    np.testing.assert_array_equal(found.active(np.zeros_like(sides)), 0.0)


def test_data_of_zeros_has_no_boundary():
    found = Boundaries.of(np.zeros((3, 2)))
    assert found.normals.shape == (0, 2)
    np.testing.assert_array_equal(found.active(np.zeros((0, 4), dtype=np.int8)), np.zeros((3, 4)))


def test_bounds_are_the_pulls_of_either_side(rng):
    found, r = Boundaries.of(X), rng.standard_normal(5)
    negative, positive = found.bounds(r)
    for line, normal in enumerate(found.normals):
        for side, sums in ((1, positive), (-1, negative)):
            on = (found.line == line) & (side * found.lengths > 0)
            np.testing.assert_allclose(sums[line] * normal, X[on].T @ r[on], atol=1e-13)


def test_slides_keep_a_neuron_on_its_lines(rng):
    normals = rng.standard_normal((2, 4))
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    slide = Slide.along(0, np.array([0, 1]), normals)
    velocity = rng.standard_normal(4)
    left = velocity - normals.T @ (slide.inverse @ velocity)
    np.testing.assert_allclose(normals @ left, 0.0, atol=1e-14)
    np.testing.assert_allclose(slide.projector @ velocity, velocity - left, atol=1e-14)


def test_widths_are_relative_to_a_neuron():
    np.testing.assert_allclose(
        width(np.array([[3.0, 0.0], [4.0, 0.0]]), np.array([0.0, 2.0])), [5e-13, 2e-13]
    )
