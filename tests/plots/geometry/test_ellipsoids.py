"""Pictures of ellipsoid, rectified ellipsoid and polar set: their points are in the sets, and on their borders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.margin.ellipsoids import Ellipsoid, RectifiedEllipsoid
from cvxnn.margin.polar_sets import PolarSet
from cvxnn.plots.canvas import new_figure
from cvxnn.plots.geometry.ellipsoids import polar_set, rectified_ellipsoid

SPIKY = {
    2: np.array([[1.0, 0.3], [-0.7, 1.0]]),
    3: np.array([[1.0, 0.1, 0.1], [-0.6, 1.0, 0.0], [-0.5, -0.2, 1.0]]),
}
FLAT = np.array([[1.0, 0.2], [-0.6, 1.0], [0.3, -0.9]])  # three samples of rank 2
LINE = np.array([[1.0, 1.0], [-2.0, -2.0]])


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def columns(mesh):
    return np.concatenate([piece.reshape(len(piece), -1) for piece in mesh], axis=1)


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_meshes_lie_in_the_sets_and_reach_their_borders(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 4)), int(rng.integers(1, 5))
    X = rng.standard_normal((n, d))
    picture = rectified_ellipsoid(X, n_grid=7)
    for mesh, body in ((picture.ellipsoid, Ellipsoid(X)), (picture.rectified, RectifiedEllipsoid(X))):
        gauges = np.array([body.gauge(z) for z in columns(mesh).T])
        # points are projected to rounding; at n = d the gauge is amplified by the condition number of X
        assert gauges.max() == pytest.approx(1.0, abs=1e-6)
    # a unit neuron need not be the shortest that makes its point of Q; of E it is, up to the row space
    border = picture.ellipsoid[0][:, -1]
    np.testing.assert_allclose([Ellipsoid(X).gauge(z) for z in border.T], 1.0, atol=1e-6)


@pytest.mark.parametrize("X", [SPIKY[2], SPIKY[3], FLAT, LINE], ids=["plane", "space", "flat", "line"])
def test_every_unit_neuron_is_inside_the_picture(X):
    """The farthest point of the mesh in a direction is that of the set, to the resolution of the mesh."""
    rng = np.random.default_rng(0)
    picture, rectified = rectified_ellipsoid(X, n_grid=60), RectifiedEllipsoid(X)
    directions = rng.standard_normal((len(X), 50))
    seen = np.max(directions.T @ columns(picture.rectified), axis=1)
    sizes = np.linalg.norm(directions, axis=0) * np.linalg.norm(X)
    exact = rectified.support(directions)
    assert np.all(seen <= exact + 1e-9 * sizes)
    # a chord of 1/60 of a quarter circle is 1e-4 of the radius inside it
    np.testing.assert_allclose(seen, exact, atol=1e-3 * sizes.max())


def test_spikes_are_marked():
    spiky, free = rectified_ellipsoid(SPIKY[2]), rectified_ellipsoid(np.eye(2))
    assert spiky.outside.all()
    assert not free.outside.any()
    assert labels(spiky.plot()) == ["ellipsoid", "rectified ellipsoid", "spike: 2"]
    assert labels(free.plot()) == ["ellipsoid", "rectified ellipsoid", "end on an axis: 2"]


@pytest.mark.parametrize("X", [SPIKY[3], FLAT, LINE, np.array([[1.0], [2.0], [-1.0]])])
def test_axes_are_named_and_scales_equal(X):
    ax = rectified_ellipsoid(X, n_grid=9).plot()
    assert ax.get_xlabel() == "output at sample 1"
    assert ax.get_ylabel() == "output at sample 2"
    assert (len(X) == 3) == hasattr(ax, "zaxis")
    if len(X) == 3:
        assert ax.get_zlabel() == "output at sample 3"
    else:
        assert ax.get_aspect() == 1.0
    ax.figure.canvas.draw()  # no warning of degenerate polygons


@pytest.mark.parametrize("X", [SPIKY[2], SPIKY[3], FLAT, LINE], ids=["plane", "space", "flat", "line"])
def test_the_boundary_of_the_polar_set_has_gauge_one(X):
    picture, polar = polar_set(X, n_grid=8), PolarSet(X)
    border = picture.boundary[0][:, -1] if len(X) == 2 else columns(picture.boundary)
    np.testing.assert_allclose([polar.gauge(lam) for lam in border.T], 1.0, rtol=1e-9)
    assert picture.targets is picture.support is None
    assert labels(picture.plot()) == ["polar set"]


@pytest.mark.parametrize("n", [2, 3])
def test_the_support_point_is_farthest_in_the_direction_of_the_targets(n):
    y = np.array([1.0, -0.5, 0.7])[:n]
    picture = polar_set(SPIKY[n], y, n_grid=30)
    assert np.max(y @ columns(picture.boundary)) <= y @ picture.support * (1 + 1e-6)
    ax = picture.plot()
    assert labels(ax) == ["polar set", "direction of the targets", "farthest point: dual variable"]
    assert ax.get_xlabel() == "dual variable of sample 1"
    ax.figure.canvas.draw()


def test_axes_given_are_used():
    plane, space = new_figure((3, 3)).add_subplot(), new_figure((3, 3)).add_subplot(projection="3d")
    assert rectified_ellipsoid(SPIKY[2], n_grid=5).plot(plane) is plane
    assert polar_set(SPIKY[3], n_grid=4).plot(space) is space
    with pytest.raises(ValueError, match="ax must be 3-dimensional, as the picture is; got Axes"):
        polar_set(SPIKY[3], n_grid=4).plot(plane)
    with pytest.raises(ValueError, match="ax must be 2-dimensional"):
        rectified_ellipsoid(SPIKY[2]).plot(space)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rectified_ellipsoid(np.eye(4)), "X must have two or three rows to be drawn; got 4"),
        (lambda: polar_set(np.ones((1, 2))), "X must have two or three rows to be drawn; got 1"),
        (lambda: rectified_ellipsoid(np.eye(2), n_grid=1), "n_grid must be an integer >= 2"),
        (lambda: polar_set([[1.0, 1.0], [2.0, 2.0]]), "its polar set is unbounded"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
