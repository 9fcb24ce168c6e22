"""``knots``: the problem is that of the encoded columns; everything else takes raw ones."""

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.inspection import partial_dependence
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from cvxnn import (
    GatedReLUClassifier,
    GatedReLURegressor,
    ReLUClassifier,
    ReLUClassifierCV,
    ReLURegressor,
    ReLURegressorCV,
)
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators import Preparation

# Limits keep these tests short; how good the networks are does not matter here.
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*scores come from descents:sklearn.exceptions.ConvergenceWarning"
)

REGRESSORS = [
    ReLURegressor(knots=3, beta_ratio=0.2, max_seconds=30.0),
    ReLURegressorCV(knots=3, beta_ratios=[0.5, 0.2], cv=2, max_seconds=30.0),
    GatedReLURegressor(knots=3, n_gates=30),
]
CLASSIFIERS = [
    ReLUClassifier(knots=3, beta_ratio=0.2, max_seconds=30.0),
    ReLUClassifierCV(knots=3, beta_ratios=[0.5, 0.2], cv=2, max_seconds=30.0),
    GatedReLUClassifier(knots=3, n_gates=30),
]


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    columns = {
        "age": rng.uniform(20, 90, 40),
        "smoker": rng.integers(0, 2, 40),
        "dose": rng.exponential(1e-3, 40),
    }
    return pd.DataFrame(columns)


@pytest.fixture(scope="module")
def target(frame):
    return np.where(frame["age"] < 45, 0.0, 1.0) + 200 * frame["dose"] * frame["smoker"]


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: type(m).__name__)
def test_regressors_solve_the_problem_of_the_encoded_columns(model, frame, target):
    fitted = clone(model).fit(frame, target)
    encoder = fitted.encoder_
    assert isinstance(encoder, PiecewiseLinearEncoder)
    assert [len(ends) for ends in encoder.knots_] == [4, 0, 4]
    assert list(fitted.feature_names_in_) == list(encoder.feature_names_in_) == list(frame.columns)
    assert fitted.n_features_in_ == 3
    encoded = encoder.transform(frame)
    expected = Preparation.of(encoded, target.to_numpy(), loss="squared", fit_intercept=True).problem
    np.testing.assert_allclose(fitted.problem_.X, expected.X)
    assert fitted.objective_ == pytest.approx(
        expected.with_beta(fitted.beta_).objective(fitted.result_.network)
    )
    inputs = np.hstack([encoded, np.ones((40, 1))])
    np.testing.assert_allclose(fitted.predict(frame), fitted.network_.predict(inputs), rtol=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_classifiers_take_raw_columns(model, classes, frame, target):
    labels = np.array(["low", "middle", "high"])[np.digitize(target, [0.5, 1.1][: classes - 1])]
    fitted = clone(model).fit(frame, labels)
    inputs = np.hstack([fitted.encoder_.transform(frame), np.ones((40, 1))])
    np.testing.assert_allclose(fitted.decision_function(frame), fitted.network_.predict(inputs), atol=1e-9)
    assert fitted.predict_proba(frame).shape == (40, classes)


def test_without_knots_there_is_no_encoder(frame, target):
    fitted = GatedReLURegressor(n_gates=20).fit(frame, target)
    assert fitted.encoder_ is None
    assert fitted.network_.n_features == 4


def test_a_pipeline_with_the_encoder_is_the_same_model(frame, target):
    alone = GatedReLURegressor(knots=4, n_gates=20).fit(frame, target)
    piped = make_pipeline(PiecewiseLinearEncoder(4), GatedReLURegressor(n_gates=20)).fit(frame, target)
    np.testing.assert_array_equal(alone.predict(frame), piped.predict(frame))
    assert alone.objective_ == piped[-1].objective_


def test_one_column_is_learned_where_it_steps():
    x = np.linspace(0, 1, 50)[:, None]
    y = np.where(x[:, 0] < 0.4, 0.0, 1.0)
    settings = {"beta_ratio": 0.1, "n_gates": 20}
    with_ramps, without = (GatedReLURegressor(knots=k, **settings).fit(x, y).score(x, y) for k in (10, None))
    assert with_ramps > without


def test_a_weight_of_two_is_the_sample_given_twice(frame, target):
    model = GatedReLURegressor(knots=3, n_gates=20)
    weights = np.random.default_rng(1).integers(2, 5, 40)
    X, y = frame.to_numpy(), target.to_numpy()
    weighted = clone(model).fit(X, y, sample_weight=weights)
    repeated = clone(model).fit(np.repeat(X, weights, axis=0), np.repeat(y, weights))
    large = clone(model).fit(X, y, sample_weight=1e200 * weights)
    for other in (repeated, large):
        for one, two in zip(weighted.encoder_.knots_, other.encoder_.knots_, strict=True):
            np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(weighted.predict(X), repeated.predict(X))


def test_folds_have_knots_of_their_own_samples(frame, target, monkeypatch):
    from cvxnn.estimators import base

    seen = []

    class Watched(PiecewiseLinearEncoder):
        def fit(self, X, y=None, sample_weight=None):
            seen.append(len(X))
            return super().fit(X, y, sample_weight)

    monkeypatch.setattr(base, "PiecewiseLinearEncoder", Watched)
    ReLURegressorCV(knots=2, beta_ratios=[0.5], cv=3, max_seconds=0.3).fit(frame, target)
    assert set(seen) == {40, 26, 27}


def test_copies_searches_and_pandas_output(frame, target):
    fitted = GatedReLURegressor(knots=2, n_gates=20).fit(frame, target)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(frame), fitted.predict(frame))
    with sklearn.config_context(transform_output="pandas"):
        np.testing.assert_array_equal(clone(fitted).fit(frame, target).predict(frame), fitted.predict(frame))
    search = GridSearchCV(GatedReLURegressor(n_gates=20), {"knots": [None, 2]}, cv=2).fit(frame, target)
    assert search.best_params_["knots"] in (None, 2)
    with pytest.raises(ValueError, match="feature names"):
        fitted.predict(frame.rename(columns={"age": "years"}))


def test_partial_dependence_is_over_raw_columns(frame, target):
    fitted = ReLURegressor(knots=4, beta_ratio=0.2, max_seconds=30.0).fit(frame, target)
    result = partial_dependence(fitted, frame, ["age"], grid_resolution=5)
    held = [fitted.predict(frame.assign(age=value)).mean() for value in result["grid_values"][0]]
    np.testing.assert_allclose(result["average"][0], held, rtol=1e-12)


@pytest.mark.parametrize("knots", [0, -3, 2.5, "many", [2, 3]])
@pytest.mark.parametrize(
    "model", [ReLURegressor(), GatedReLUClassifier(), ReLURegressorCV()], ids=lambda m: type(m).__name__
)
def test_other_knots_are_refused(model, knots):
    with pytest.raises(ValueError, match="knots"):
        clone(model).set_params(knots=knots).fit(np.arange(6.0)[:, None], [0, 1, 0, 1, 0, 1])
