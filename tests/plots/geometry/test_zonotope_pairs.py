"""The picture of the oracle as a distance of two zonotopes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import exact_oracle
from cvxnn.margin.zonotopes import dual_zonotopes
from cvxnn.plots.geometry.zonotope_pairs import zonotopes


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_it_shows_the_oracle(seed):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((7, 2)), rng.standard_normal(7)
    picture = zonotopes(X, lam)
    assert picture.distance == pytest.approx(exact_oracle(X).maximise(lam).value)
    assert np.linalg.norm(picture.farthest - picture.nearest) == pytest.approx(picture.distance)


def test_borders_are_closed_and_convex():
    rng = np.random.default_rng(0)
    X, lam = rng.standard_normal((9, 2)), rng.standard_normal(9)
    picture = zonotopes(X, lam)
    for border, zonotope in zip((picture.positive, picture.negative), dual_zonotopes(X, lam), strict=True):
        np.testing.assert_array_equal(border[:, 0], border[:, -1])
        assert border.shape[1] == 2 * len(zonotope.generators) + 1
        steps = np.diff(border, axis=1)
        turns = steps[0] * np.roll(steps[1], -1) - steps[1] * np.roll(steps[0], -1)
        assert np.all(turns > 0)


def test_labels():
    ax = zonotopes([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [2.0, 1.0, -1.0]).plot()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == [
        "zonotope of positive rows",
        "zonotope of negative rows",
        "Hausdorff distance 1.414: the neuron",
    ]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("weight on column 1", "weight on column 2")


def test_nothing_to_see_is_drawn_all_the_same():
    picture = zonotopes(np.eye(2), [0.0, 0.0])
    assert picture.distance == 0.0
    picture.plot().figure.canvas.draw()


def test_three_columns_are_refused():
    with pytest.raises(ValueError, match="X must have two columns to be drawn; got 3"):
        zonotopes(np.eye(3), np.ones(3))
