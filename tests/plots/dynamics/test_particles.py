"""The picture of particles in the plane."""

import numpy as np
import pytest

from cvxnn.dynamics.initialisation import sphere, zero_output
from cvxnn.dynamics.particles.flow import particle_flow
from cvxnn.dynamics.particles.teachers import random_teachers
from cvxnn.plots.canvas import save_figure
from cvxnn.plots.dynamics.particles import particle_trails


def flow_of(activation="relu", n_teachers=2, record="weights"):
    teacher = random_teachers(2, 3, 2.0, n_teachers=n_teachers, activation=activation)
    make = sphere if activation == "relu" else zero_output
    start = make(3, 6, 0.5, n_networks=2)
    source = teacher.source(5, n_test=10)
    options = {"n_steps": 12, "step_size": 0.1, "activation": activation, "record": record, "n_records": 5}
    return particle_flow(source, start, **options), teacher


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_relu_particles_are_shown_at_their_weight():
    flow, teacher = flow_of()
    shown = particle_trails(flow, index=1, teacher=teacher)
    assert shown.trails.shape == (5, 6, 2)
    np.testing.assert_array_equal(
        shown.trails[3, 2], abs(flow["output"][3, 1, 2]) * flow["hidden"][3, 1, :2, 2]
    )
    taught = teacher.weights
    np.testing.assert_array_equal(shown.teacher[0], abs(taught.output[1, 0]) * taught.hidden[1, :2, 0])
    np.testing.assert_array_equal(shown.signs, np.sign(flow.final.output[1]))
    ax = shown.plot()
    assert ax.get_xlabel() == "|a| u, feature 0"
    assert ax.get_aspect() == 1.0
    drawn = [line for line in ax.lines if len(line.get_xdata()) == 5]
    assert len(drawn) == 6
    np.testing.assert_array_equal(drawn[0].get_xydata(), shown.trails[:, 0])
    assert any(text.startswith("teacher, a > 0") for text in labels(ax))


def test_sigmoid_particles_are_shown_where_they_are_with_sizes_by_mass(tmp_path):
    flow, teacher = flow_of("sigmoid")
    shown = particle_trails(flow, teacher=teacher, features=(1, 0))
    np.testing.assert_array_equal(shown.trails[:, 4], flow["hidden"][:, 0, [1, 0], 4])
    ax = shown.plot()
    assert ax.get_ylabel() == "u, feature 0"
    assert "teacher, directions" in labels(ax)
    sizes = np.concatenate([points.get_sizes() for points in ax.collections if len(points.get_sizes()) > 1])
    heaviest = np.abs(shown.masses[-1]).max()
    expected = 6.0 + 150.0 * np.abs(shown.masses[-1]) / heaviest
    np.testing.assert_allclose(np.sort(sizes), np.sort(expected))
    assert save_figure(ax, tmp_path / "particles.png").stat().st_size > 0


def test_one_teacher_serves_all_students_and_none_is_needed():
    flow, teacher = flow_of(n_teachers=1)
    assert particle_trails(flow, index=1, teacher=teacher).teacher.shape == (3, 2)
    alone = particle_trails(flow)
    assert alone.teacher is None
    assert not any("teacher" in text for text in labels(alone.plot()))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"index": 2}, "index must be below the 2 networks"),
        ({"features": (0, 3)}, "features must be two of the 3 features"),
        ({"features": (0,)}, "features must be two of the 3 features"),
        ({"teacher": random_teachers(1, 2, 1.0)}, "teacher must have the features"),
        ({"index": 1, "teacher": random_teachers(2, 2, 1.0, n_teachers=3)}, None),
        ({"index": 0, "teacher": "nobody"}, "teacher must be a Teacher"),
    ],
)
def test_bad_input_is_named(options, message):
    flow, _ = flow_of()
    if message is None:
        assert particle_trails(flow, **options).teacher.shape == (2, 2)
        return
    if message == "teacher must have the features":
        options = options | {"features": (0, 2)}
    with pytest.raises(ValueError, match=message):
        particle_trails(flow, **options)


def test_weights_must_have_been_recorded():
    flow, _ = flow_of(record="loss")
    with pytest.raises(ValueError, match="'hidden' was not recorded"):
        particle_trails(flow)
