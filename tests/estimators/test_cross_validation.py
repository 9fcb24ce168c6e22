"""Cross-validation picks what a loop by hand picks, whatever the number of jobs."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold

from cvxnn import ReLUClassifierCV, ReLURegressor, ReLURegressorCV
from cvxnn.estimators import cross_validation
from cvxnn.plots import cv as cv_curve
from cvxnn.statuses import SolveStatus

RATIOS = [1.0, 0.1, 0.02, 0.004]
SETTINGS = {"beta_ratios": RATIOS, "cv": KFold(3, shuffle=True, random_state=0), "tol": 1e-3}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (50, 1))
    return X, np.abs(X[:, 0]) + 0.2 * rng.standard_normal(50)


@pytest.fixture(scope="module")
def fitted(data):
    return ReLURegressorCV(**SETTINGS).fit(*data)


def test_scores_are_those_of_a_loop_by_hand(data, fitted):
    X, y = data
    for beta, scores in zip(fitted.betas_, fitted.scores_, strict=True):
        by_hand = [
            ReLURegressor(beta=beta * len(part) / len(y)).fit(X[part], y[part]).score(X[test], y[test])
            for part, test in SETTINGS["cv"].split(X)
        ]
        # Folds only descend, to about 1e-3 of the optimum of a strongly convex loss: predictions agree to its root.
        np.testing.assert_allclose(scores, by_hand, atol=3e-2)
    search = GridSearchCV(ReLURegressor(), {"beta_ratio": RATIOS}, cv=SETTINGS["cv"]).fit(X, y)
    assert fitted.beta_ratio_ == search.best_params_["beta_ratio"]
    assert fitted.objective_ == pytest.approx(search.best_estimator_.objective_, rel=1e-3)
    assert fitted.beta_ == pytest.approx(search.best_estimator_.beta_)
    assert fitted.certificate_.proven


def test_attributes_say_how_it_was_chosen(fitted):
    assert fitted.scores_.shape == (4, 3)
    np.testing.assert_allclose(fitted.mean_scores_, fitted.scores_.mean(axis=1))
    np.testing.assert_allclose(fitted.std_scores_, fitted.scores_.std(axis=1, ddof=1))
    assert fitted.best_index_ == np.argmax(fitted.mean_scores_) == fitted.chosen_index_
    np.testing.assert_allclose(fitted.betas_, np.array(RATIOS) * fitted.betas_[0])
    assert fitted.beta_ == fitted.betas_[fitted.chosen_index_]
    assert len(fitted.path_) == fitted.chosen_index_ + 1
    curve = cv_curve(fitted)
    assert curve.chosen == fitted.chosen_index_
    assert curve.one_se == fitted.one_se_index_


def test_one_standard_error_prefers_a_larger_beta(data, fitted):
    cautious = ReLURegressorCV(rule="one_se", **SETTINGS).fit(*data)
    np.testing.assert_array_equal(cautious.scores_, fitted.scores_)
    best = fitted.best_index_
    least = fitted.mean_scores_[best] - fitted.std_scores_[best] / np.sqrt(3)
    assert cautious.chosen_index_ == np.flatnonzero(fitted.mean_scores_ >= least)[0]
    assert cautious.chosen_index_ <= best


def test_jobs_do_not_change_results(data, fitted):
    parallel = ReLURegressorCV(n_jobs=2, **SETTINGS).fit(*data)
    # Other processes may run with other numbers of threads, and sums round differently.
    np.testing.assert_allclose(parallel.scores_, fitted.scores_, atol=1e-6)
    assert parallel.beta_ == pytest.approx(fitted.beta_, rel=1e-9)


def test_networks_of_the_path_take_raw_data(data, fitted):
    X, _ = data
    X = np.hstack([X, np.ones((50, 1))])
    difference = fitted.path_.networks[-1].predict(X) - fitted.network_.predict(X)
    assert np.max(np.abs(difference)) < 0.05


@pytest.mark.parametrize("loss", ["auto", "squared_hinge"])
def test_classes(two_classes, loss):
    X, y = two_classes
    model = ReLUClassifierCV(beta_ratios=[1.0, 0.05], cv=2, loss=loss, tol=1e-2).fit(X, y)
    assert model.chosen_index_ == 1
    assert model.score(X, y) > 0.9
    assert hasattr(model, "predict_proba") == (loss == "auto")


def test_scores_of_probabilities_and_of_weighted_samples(two_classes):
    X, y = two_classes
    weights = np.where(y == "inner", 1.0, 0.0) + 1e-3
    model = ReLUClassifierCV(beta_ratios=[0.5, 0.1], cv=2, scoring="neg_log_loss", tol=1e-2)
    model.fit(X, y, sample_weight=weights)
    plain = clone(model).fit(X, y)
    # Nearly all of the weight is on one class, which is easy.
    assert np.all(model.mean_scores_ > plain.mean_scores_)
    scorer = get_scorer("neg_log_loss")
    assert scorer(model, X, y) <= 0.0

    def agreement(estimator, X, y):
        return float(np.mean(estimator.predict(X) == y))

    by_hand = clone(model).set_params(scoring=agreement).fit(X, y, sample_weight=weights)
    assert by_hand.scores_.max() <= 1.0


def test_folds_may_be_given(data):
    X, y = data
    splits = list(GroupKFold(2).split(X, y, np.arange(50) % 5))
    model = ReLURegressorCV(beta_ratios=[1.0, 0.05], cv=splits, tol=1e-2).fit(X, y)
    assert model.scores_.shape == (2, 2)


def test_a_limit_of_time_gives_partial_results_and_warns_of_them(data):
    X, y = data
    model = ReLURegressorCV(n_betas=10, max_seconds=0.02, cv=3)
    with pytest.warns(
        ConvergenceWarning, match=r"of 30 scores come from descents that max_seconds = 0\.02 cut short.*raise"
    ) as caught:
        model.fit(X, y)
    assert caught[0].filename == __file__
    assert model.scores_.shape == (10, 3)
    assert model.predict(X).shape == (50,)


def test_a_limit_that_cuts_nothing_short_does_not_warn(data):
    # Warnings are errors in these tests.
    model = ReLURegressorCV(**SETTINGS | {"beta_ratios": [1.0, 0.5]}, max_seconds=300.0)
    assert model.fit(*data).scores_.shape == (2, 3)


def test_scores_of_networks_without_neurons_are_counted(data, monkeypatch):
    follow = cross_validation.train_path

    def without_neurons(problem, betas, **options):
        path = follow(problem, betas, **options)
        if options["max_seconds"] is None or len(problem.y) == 50:  # the path on all data
            return path
        last = replace(path.results[-1], status=SolveStatus.EMPTY)
        return replace(path, results=(*path.results[:-1], last))

    monkeypatch.setattr(cross_validation, "train_path", without_neurons)
    model = ReLURegressorCV(**SETTINGS | {"beta_ratios": [1.0, 0.5]}, max_seconds=300.0)
    with pytest.warns(ConvergenceWarning, match="3 of 6 scores .* 3 of them before there was a neuron"):
        model.fit(*data)


def test_weights_are_routed(data):
    X, y = data
    weights = np.linspace(0.5, 2.0, 50)
    with config_context(enable_metadata_routing=True):
        model = (
            ReLURegressor(tol=1e-2).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        )
        search = GridSearchCV(model, {"beta_ratio": [0.5, 0.05]}, cv=2).fit(X, y, sample_weight=weights)
    assert search.best_estimator_.problem_.sample_weight is not None


def test_data_frames_clones_and_pickles(data):
    X = pd.DataFrame(data[0], columns=["age"])
    model = ReLURegressorCV(n_betas=3, eps=0.01, cv=2, tol=1e-2).fit(X, pd.Series(data[1]))
    assert list(model.feature_names_in_) == ["age"]
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta_ratios": [0.1, 1.0]}, "beta_ratios must be decreasing"),
        ({"rule": "worst"}, "rule"),
        ({"scoring": "unknown"}, "scoring"),
        ({"eps": 1.5}, "eps"),
        ({"cv": 100}, "n_splits=100"),
        ({"scoring": lambda model, X, y: np.nan, "cv": 2, "n_betas": 2}, "scoring must give finite numbers"),
    ],
)
def test_bad_parameters_are_named(data, parameters, message):
    with pytest.raises(ValueError, match=message):
        ReLURegressorCV(**parameters).fit(*data)
