"""The picture of predictions against the truth."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from sklearn.metrics import r2_score

from cvxnn.plots import predictions
from cvxnn.plots.canvas import BLUE, VERMILLION


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    scale=st.sampled_from([1e-8, 1.0, 1e8]),
    shift=st.sampled_from([0.0, 1.0, 100.0]),
)
def test_r2_is_that_of_scikit_learn_and_free_of_scale(seed, scale, shift):
    rng = np.random.default_rng(seed)
    y, f = scale * (shift + rng.normal(size=(2, 15)))
    # 15 terms; the shift costs two digits
    assert predictions(y, f).r2 == pytest.approx(r2_score(y, f), rel=1e-11, abs=1e-11)


def test_train_and_test_are_told_apart():
    picture = predictions(
        [0.0, 1.0, 2.0],
        [0.0, 1.0, 2.0],
        y_true_test=[[0.0], [2.0]],
        y_predicted_test=[1.0, 1.0],
        name="price ($)",
    )
    ax = picture.plot()
    assert (picture.r2, picture.r2_test) == (1.0, 0.0)
    assert labels(ax) == ["train, n = 3: R² = 1.000", "test, n = 2: R² = 0.000"]
    assert [tuple(points.get_facecolor()[0][:3]) for points in ax.collections] == [
        to_rgb(BLUE),
        to_rgb(VERMILLION),
    ]
    np.testing.assert_array_equal(ax.collections[1].get_offsets(), [[0.0, 1.0], [2.0, 1.0]])
    assert ax.get_xlabel() == r"true price (\$)"
    assert ax.get_ylabel() == r"predicted price (\$)"


def test_both_axes_show_the_same_interval_with_the_diagonal():
    picture = predictions([0.0, 1.0], [5.0, -3.0])
    ax = picture.plot()
    assert ax.get_xlim() == ax.get_ylim() == picture.limits
    assert picture.limits[0] < -3.0 < 5.0 < picture.limits[1]
    assert ax.get_aspect() == 1.0
    (diagonal,) = ax.lines
    assert diagonal.get_slope() == 1
    assert diagonal.get_xy1()[0] == diagonal.get_xy1()[1]


@pytest.mark.parametrize("y", [[1.0], [2.0, 2.0, 2.0], [0.0]])
def test_r2_of_a_constant_target_is_undefined(y):
    picture = predictions(y, y)
    assert np.isnan(picture.r2)
    assert labels(picture.plot()) == [f"n = {len(y)}: R² undefined"]
    assert picture.limits[0] < y[0] < picture.limits[1]


def test_many_points_are_faint_pixels_and_solid_in_the_legend():
    y = np.linspace(0, 1, 5000)
    ax = predictions(y, y).plot()
    assert ax.collections[0].get_rasterized()
    assert ax.collections[0].get_alpha() < 0.5
    assert ax.get_legend().legend_handles[0].get_alpha() == 1
    assert not predictions(y[:9], y[:9]).plot().collections[0].get_rasterized()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": []}, "y_true must not be empty"),
        ({"y_predicted": [1.0, np.inf]}, "y_predicted must be finite"),
        ({"y_predicted": [1.0]}, "y_predicted must have the 2 rows of y_true; got 1"),
        ({"y_true": np.ones((2, 2))}, r"y_true must have shape \(n,\) or \(n, 1\); got \(2, 2\)"),
        ({"y_true_test": [1.0]}, "y_true_test and y_predicted_test must be given both or neither"),
        (
            {"y_true_test": [1.0], "y_predicted_test": [1.0, 2.0]},
            "y_predicted_test must have the 1 rows of y_true_test",
        ),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        predictions(**{"y_true": [1.0, 2.0], "y_predicted": [1.0, 2.0], **change})
