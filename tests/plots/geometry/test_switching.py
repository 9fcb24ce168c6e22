"""Pictures of networks of one input in training."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.plots.canvas import SIGN_COLOURS
from cvxnn.plots.geometry.switching import activation_points

X = np.array([[-1.0, 1.0], [0.0, 1.0], [2.0, 1.0]])
PROBLEM = Problem(X, [0.5, 1.0, 2.0], beta=0.1)
# switches at -0.5 to the right, at 2 to the left, at 1 to the right, nowhere
NETWORK = ReLUNetwork([[1.0, -1.0, 2.0, 0.0], [0.5, 2.0, -2.0, 1.0]], [1.0, 0.5, -1.0, 1.0])


def trajectory_of(network=NETWORK, n_steps=4, **options):
    options = {"step_size": 0.01, "record": "weights", "n_records": 3, **options}
    return simulate(PROBLEM, network, n_steps=n_steps, **options)


@pytest.fixture(scope="module")
def picture():
    return activation_points(PROBLEM, trajectory_of())


def test_arrays_at_the_start_are_those_of_the_network(picture):
    np.testing.assert_allclose(picture.points[0], [-0.5, 2.0, 1.0, np.nan])
    np.testing.assert_array_equal(picture.sides[0], [1, -1, 1, 0])
    np.testing.assert_array_equal(picture.signs[0], [1, 1, -1, 1])
    norms = np.abs(NETWORK.output) * np.linalg.norm(NETWORK.hidden, axis=0)
    np.testing.assert_allclose(picture.norms[0], norms, rtol=1e-15)
    features = np.column_stack([picture.grid, np.ones(len(picture.grid))])
    np.testing.assert_allclose(picture.curves[0], NETWORK.predict(features), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(picture.times, [0, 2, 4])
    np.testing.assert_array_equal(picture.x, [-1.0, 0.0, 2.0])
    assert (picture.grid[0], picture.grid[-1]) == (-2.5, 3.5)


def test_the_loss_is_without_weight_decay(picture):
    expected = trajectory_of(record="loss")["loss"][:, 0]
    np.testing.assert_allclose(picture.loss, expected, rtol=1e-12)


def test_a_constant_other_than_one_moves_the_points():
    halved = Problem(X * [1.0, 0.5], PROBLEM.y, beta=0.1)
    found = activation_points(halved, trajectory_of(), n_grid=3, domain=(0.0, 2.0))
    np.testing.assert_allclose(found.points[0, :2], [-0.25, 1.0])
    np.testing.assert_allclose(found.grid, [0.0, 1.0, 2.0])
    # at 0 only the constant feature counts: (0.5/2) * 1 + (2/2) * 0.5 + (1/2) * 1
    assert found.curves[0, 0] == pytest.approx(1.25)


def test_triangles_point_to_the_active_side_at_the_heights_of_norms(picture):
    ax = picture.plot(0)
    (over,) = [other for other in ax.figure.axes if other is not ax]
    assert ax.get_xlabel() == "input x"
    assert over.get_ylabel() == "norm of neurons, |a| ||u||"
    drawn = [one for one in over.collections if len(one.get_offsets())]
    offsets = np.vstack([one.get_offsets() for one in drawn])
    assert {tuple(np.round(row, 9)) for row in offsets} == {
        tuple(np.round([point, norm], 9))
        for point, norm in zip(picture.points[0, :3], picture.norms[0, :3], strict=True)
    }
    # the marker of a neuron active to the right has its tip to the right of its middle
    for collection in drawn:
        corners = np.unique(collection.get_paths()[0].vertices[:3].round(9), axis=0)[:, 0]
        # ">" has two corners at its left end, "<" at its right
        tip_right = np.median(corners) == corners.min()
        side = picture.sides[0][np.isclose(picture.points[0], collection.get_offsets()[0, 0])][0]
        assert tip_right == (side == 1)
    assert ax.get_legend().get_title().get_text().startswith("step 0, loss ")


def test_limits_are_the_same_at_all_times(picture):
    first, last = picture.plot(0), picture.plot()
    assert first.get_ylim() == last.get_ylim()
    assert first.get_xlim() == last.get_xlim()
    assert last.get_legend().get_title().get_text().startswith("step 4, ")


def test_paths_have_a_line_a_neuron_and_the_loss_below(picture):
    above = picture.plot_paths()
    below = above.figure.axes[1]
    assert above.get_ylabel() == "activation point"
    assert below.get_xlabel() == "step"
    assert below.get_yscale() == "log"
    assert "loss" in below.get_ylabel()
    lines = [line for line in above.lines if len(line.get_xdata()) == 3]
    assert len(lines) == 4
    assert {line.get_color() for line in lines} == {SIGN_COLOURS[1], SIGN_COLOURS[-1]}


def test_a_neuron_that_turns_past_the_bias_is_not_joined_across_the_picture():
    start = trajectory_of()
    hidden = np.repeat(start["hidden"], 1, axis=0)
    hidden[:, 0, 0, 0] = [0.1, 0.01, -0.01]
    hidden[:, 0, 1, 0] = [-1.0, -1.0, -1.0]  # points 10, 100, -100: through infinity
    turned = type(start)(
        start.times, {**start.records, "hidden": hidden}, start.final, start.activation, start.status
    )
    ax = activation_points(PROBLEM, turned).plot_paths(Figure().add_subplot())
    lines = [line.get_ydata() for line in ax.lines if len(line.get_xdata()) == 3]
    np.testing.assert_allclose(lines[0], [10.0, 100.0, np.nan])


def test_the_animation_is_a_gif_with_a_frame_a_time(picture, tmp_path):
    from PIL import Image

    path = picture.save_gif(tmp_path / "run.gif", dpi=40)
    with Image.open(path) as image:
        assert image.n_frames == 3
    with pytest.raises(ValueError, match=r"\.gif"):
        picture.save_gif(tmp_path / "run.png")


def test_networks_of_a_batch_and_refusals():
    batch = Weights(np.stack([NETWORK.hidden, -NETWORK.hidden]), np.stack([NETWORK.output] * 2))
    second = activation_points(PROBLEM, trajectory_of(batch), index=1)
    np.testing.assert_array_equal(second.sides[0], [-1, 1, -1, 0])
    with pytest.raises(ValueError, match="index must be below 2"):
        activation_points(PROBLEM, trajectory_of(batch), index=2)
    with pytest.raises(ValueError, match="two columns"):
        activation_points(Problem(X[:, :1], PROBLEM.y, beta=0.1), trajectory_of())
    with pytest.raises(ValueError, match="domain"):
        activation_points(PROBLEM, trajectory_of(), domain=(1.0, 0.0))
    with pytest.raises(ValueError, match="was not recorded"):
        activation_points(PROBLEM, trajectory_of(record="loss"))
