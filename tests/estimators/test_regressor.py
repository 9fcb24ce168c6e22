"""The regressor keeps scikit-learn's contract and solves exactly the stated problem."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import Problem, ReLURegressor, beta_max, train


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2)) * [1.0, 30.0] + [5.0, -100.0]
    return X, np.abs(X[:, 0] - 5.0) * 7.0 + 0.1 * X[:, 1] + rng.standard_normal(60) * 0.1


def test_fit_leaves_the_parameters_alone(data):
    model = ReLURegressor(beta_ratio=0.1)
    before = model.get_params()
    model.fit(*data)
    assert model.get_params() == before
    assert clone(model).get_params() == before


def test_plain_settings_solve_exactly_the_problem_given(data):
    X, y = data
    model = ReLURegressor(beta=50.0, fit_intercept=False, standardize=False).fit(X, y)
    problem = Problem(X, y, 50.0)
    assert model.objective_ == problem.objective(model.network_) == train(problem).certificate.objective
    assert model.beta_ == 50.0


def test_network_takes_raw_data_and_predicts_what_the_standardised_one_does(data):
    X, y = data
    model = ReLURegressor().fit(X, y)
    raw = np.hstack([X, np.ones((len(X), 1))])
    np.testing.assert_allclose(model.network_.predict(raw), model.predict(X), rtol=1e-12)
    inside = model.result_.network.predict(model.problem_.X) * y.std() + y.mean()
    np.testing.assert_allclose(model.predict(X), inside, rtol=1e-9)
    assert model.score(X, y) > 0.97


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_predictions_do_not_depend_on_units(data, fit_intercept):
    X, y = data
    shift = [3.0, 1.0] if fit_intercept else [0.0, 0.0]
    model = ReLURegressor(fit_intercept=fit_intercept, tol=1e-5).fit(X, y)
    other = ReLURegressor(fit_intercept=fit_intercept, tol=1e-5).fit(X * [1e3, 1e-3] + shift, y * 1e4)
    # Equal up to the gap asked for.
    difference = other.predict(X * [1e3, 1e-3] + shift) / 1e4 - model.predict(X)
    assert np.max(np.abs(difference)) < 0.05 * y.std()
    assert other.objective_ == pytest.approx(model.objective_, rel=1e-4)


def test_automatic_beta_is_a_ratio_of_the_critical_one(data):
    X, y = data
    model = ReLURegressor(beta_ratio=0.05).fit(X, y)
    assert model.beta_ == pytest.approx(0.05 * beta_max(model.problem_))
    constant = ReLURegressor(beta_ratio=1.01).fit(X, y)
    assert constant.network_.n_neurons == 0
    np.testing.assert_allclose(constant.predict(X), y.mean())


def test_attributes_tell_what_is_proved(data):
    model = ReLURegressor().fit(*data)
    assert model.objective_ - model.lower_bound_ == model.gap_ == model.certificate_.gap
    assert model.certificate_.proven
    assert model.certificate_.scope == "network"
    assert model.history_[-1].objective >= model.objective_ * (1 - 1e-9)


def test_works_in_pipelines_and_searches(data):
    X, y = data
    search = GridSearchCV(ReLURegressor(max_seconds=5), {"beta_ratio": [0.3, 0.03]}, cv=2).fit(X, y)
    assert search.best_params_["beta_ratio"] == 0.03
    assert make_pipeline(StandardScaler(), ReLURegressor()).fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_extreme_units_are_standardised_away(data, scale):
    X, y = data
    model = ReLURegressor().fit(X * scale, y * scale)
    assert model.score(X * scale, y * scale) > 0.97


def test_constant_columns_and_targets_are_valid():
    X = np.column_stack([np.full(10, 0.1), np.arange(10.0)])
    model = ReLURegressor().fit(X, np.full(10, 0.1))
    np.testing.assert_allclose(model.predict(X), 0.1)
    assert model.certificate_.proven
    assert ReLURegressor().fit(X, np.arange(10.0)).score(X, np.arange(10.0)) > 0.95


def test_column_names_are_kept():
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = ReLURegressor(beta_ratio=0.5).fit(X, y)
    assert list(model.feature_names_in_) == list(X.columns)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta": 0.0}, "beta"),
        ({"beta": "none"}, "beta"),
        ({"beta_ratio": -1.0}, "beta_ratio"),
        ({"tol": 0.0}, "tol"),
        ({"max_seconds": 0.0}, "max_seconds"),
        ({"loss": "unknown"}, "loss"),
        ({"loss": "logistic"}, "loss must be one for numbers"),
    ],
)
def test_bad_parameters_are_named(data, parameters, message):
    with pytest.raises(ValueError, match=message):
        ReLURegressor(**parameters).fit(*data)


def test_bad_data_are_named(data):
    X, y = data
    with pytest.raises(ValueError, match="NaN"):
        ReLURegressor().fit(np.where(X == X[0, 0], np.nan, X), y)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ReLURegressor().fit(X, y[:-1])
