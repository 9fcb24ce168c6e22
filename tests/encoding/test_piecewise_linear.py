"""The encoder: linear interpolation, affine invariance, scikit-learn's contract."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import check_estimator

from cvxnn.encoding import PiecewiseLinearEncoder

TABLES = arrays(np.float64, (12, 2), elements=st.integers(-50, 50).map(float))


def ramps_of(encoder, X, column):
    """Return the ramps of one column, shape (n, k)."""
    return encoder.transform(X)[:, encoder.n_features_in_ :][:, encoder.ramps_.columns == column]


@given(TABLES, st.integers(1, 8), st.data())
def test_ramps_sum_up_to_linear_interpolation(X, knots, data):
    encoder = PiecewiseLinearEncoder(knots).fit(X)
    for column, ends in enumerate(encoder.knots_):
        if len(ends) == 0:
            continue
        heights = np.array(data.draw(st.lists(st.floats(-5, 5), min_size=len(ends), max_size=len(ends))))
        grid = np.zeros((200, 2))
        grid[:, column] = np.linspace(
            ends[0] - 10, ends[-1] + 10, 200
        )  # constant beyond the ends, as np.interp is
        sums = heights[0] + ramps_of(encoder, grid, column) @ np.diff(heights)
        np.testing.assert_allclose(sums, np.interp(grid[:, column], ends, heights), atol=1e-10)


@given(TABLES, st.integers(1, 8))
def test_ramps_are_monotone_shares(X, knots):
    encoder = PiecewiseLinearEncoder(knots).fit(X)
    grid = np.sort(np.random.default_rng(0).uniform(-80, 80, (100, 2)), axis=0)
    encoded = encoder.transform(grid)
    np.testing.assert_array_equal(encoded[:, :2], grid)
    assert np.all(np.diff(encoded, axis=0) >= 0)
    assert np.all((encoded[:, 2:] >= 0) & (encoded[:, 2:] <= 1))
    far = encoder.transform([[-1e6, -1e6], [1e6, 1e6]])[:, 2:]
    np.testing.assert_array_equal(far, np.repeat([[0.0], [1.0]], far.shape[1], axis=1))


@given(TABLES, st.integers(1, 8), st.sampled_from([2.0**-40, 0.1, 1.0, 3.0, 1e6]), st.integers(-9, 9))
def test_scale_and_origin_of_a_column_leave_its_ramps(X, knots, scale, origin):
    before = PiecewiseLinearEncoder(knots).fit_transform(X)[:, 2:]
    after = PiecewiseLinearEncoder(knots).fit_transform(scale * (X + origin))[:, 2:]
    np.testing.assert_allclose(after, before, atol=1e-9)


@given(TABLES, st.integers(1, 8))
def test_the_other_sign_turns_the_ramps_round(X, knots):
    before, after = PiecewiseLinearEncoder(knots).fit(X), PiecewiseLinearEncoder(knots).fit(-X)
    for column in range(2):
        turned = 1 - ramps_of(after, -X, column)[:, ::-1]
        np.testing.assert_allclose(turned, ramps_of(before, X, column), atol=1e-12)


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.uniform(20, 90, 80),
        "smoker": rng.integers(0, 2, 80),
        "dose": rng.exponential(1e-3, 80),
    }
    return pd.DataFrame(columns, index=np.arange(100, 180))


def test_names_and_frames(frame):
    encoder = PiecewiseLinearEncoder(3).set_output(transform="pandas").fit(frame)
    encoded = encoder.transform(frame)
    assert list(encoded.columns) == list(encoder.get_feature_names_out())
    assert len(set(encoded.columns)) == encoded.shape[1] == 3 + 6
    assert list(encoded.columns[:3]) == list(frame.columns) == list(encoder.feature_names_in_)
    assert encoded.columns[3].startswith("age[20.")
    assert encoded.index.equals(frame.index)
    with pytest.raises(ValueError, match="feature names"):
        encoder.transform(frame.rename(columns={"age": "years"}))


def test_names_tell_near_knots_apart():
    x = 1e6 + np.arange(5.0)[:, None]
    names = PiecewiseLinearEncoder(2).fit(x).get_feature_names_out()
    assert names.tolist() == ["x0", "x0[1000000..1000002]", "x0[1000002..1000004]"]


def test_it_is_cloned_pickled_and_used_in_a_pipeline(frame):
    target = np.abs(frame["age"] - 50)
    model = make_pipeline(PiecewiseLinearEncoder(8), LinearRegression())
    assert clone(model).fit(frame, target).score(frame, target) > 0.99
    assert model[0].get_params() == {"knots": 8}
    encoder = PiecewiseLinearEncoder(8).fit(frame)
    copy = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(copy.transform(frame), encoder.transform(frame))


def test_weights_count_samples(frame):
    weights = np.random.default_rng(1).integers(0, 4, len(frame))
    weighted = PiecewiseLinearEncoder(4).fit(frame, sample_weight=weights)
    repeated = PiecewiseLinearEncoder(4).fit(frame.loc[frame.index.repeat(weights)])
    for one, other in zip(weighted.knots_, repeated.knots_, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match=r"[Ss]ample.weights? must"):
        PiecewiseLinearEncoder().fit(frame, sample_weight=np.zeros(len(frame)))


def test_what_is_refused(frame):
    with pytest.raises((TypeError, ValueError), match=r"[Ss]parse data was passed.*dense"):
        PiecewiseLinearEncoder().fit(sparse.eye_array(4).tocsr())
    with pytest.raises(ValueError, match="NaN"):
        PiecewiseLinearEncoder().fit([[1.0], [np.nan]])
    for wrong in (0, -1, 2.5, "many"):
        with pytest.raises(ValueError, match="knots"):
            PiecewiseLinearEncoder(wrong).fit(frame)
    for wrong in ([1.0], [2.0, 1.0], [1.0, np.inf], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match="knots must be finite and ascending"):
            PiecewiseLinearEncoder().with_knots([np.array(wrong)])


def test_it_passes_the_checks_of_scikit_learn(recwarn):
    results = check_estimator(PiecewiseLinearEncoder(), on_skip=None, on_fail=None)
    assert {r["check_name"] for r in results if r["status"] in ("failed", "xfail")} == set()
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {"check_array_api_input"}
    recwarn.clear()  # the checks provoke warnings on purpose
