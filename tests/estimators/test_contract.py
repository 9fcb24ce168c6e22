"""What estimators of one kind share: scores, probabilities, weights, copies, paths."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from cvxnn import (
    GatedReLUClassifier,
    GatedReLURegressor,
    ReLUClassifier,
    ReLUClassifierCV,
    ReLURegressor,
    ReLURegressorCV,
    relu_path,
)


@pytest.fixture(scope="module")
def data():
    """Return X (60, 2), a target, its two classes and three classes."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 2))
    y = np.abs(X[:, 0]) + 0.05 * rng.standard_normal(60)
    two = np.where(y > 0.7, "high", "low")
    return X, y, two, np.where(X[:, 1] > 0.5, "other", two)


@pytest.mark.parametrize("model", [ReLUClassifier(), GatedReLUClassifier()], ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers_learn_and_give_probabilities(model, classes, data):
    X, labels = data[0], data[classes]
    fitted = clone(model).fit(X, labels)
    assert fitted.score(X, labels) > 0.9
    probabilities = fitted.predict_proba(X)
    assert probabilities.shape == (60, classes)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=1e-12)
    assert np.array_equal(fitted.classes_[np.argmax(probabilities, axis=1)], fitted.predict(X))
    decisions = fitted.decision_function(X)
    inputs = np.column_stack([X, np.ones(60)])
    np.testing.assert_allclose(fitted.network_.predict(inputs), decisions, atol=1e-9)
    assert fitted.certificate_.lower_bound <= fitted.objective_


@pytest.mark.parametrize("model", [ReLURegressor(), GatedReLURegressor()], ids=lambda m: type(m).__name__)
def test_regressors_of_several_outputs(model, data):
    X, y = data[0], np.column_stack([data[1], -3.0 * data[1] + data[0][:, 1]])
    fitted = clone(model).fit(X, y)
    assert fitted.predict(X).shape == (60, 2)
    assert fitted.score(X, y) > 0.9
    copy = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(copy.predict(X), fitted.predict(X))


def test_whole_sample_weights_are_repeated_samples(data):
    X, _, labels, _ = data
    weights = np.random.default_rng(1).integers(1, 4, 60)
    settings = {"beta": 0.5, "standardize": False, "tol": 1e-5}
    weighted = ReLUClassifier(**settings).fit(X, labels, sample_weight=weights)
    repeated = ReLUClassifier(**settings).fit(np.repeat(X, weights, axis=0), np.repeat(labels, weights))
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-4)


def test_class_weights_are_sample_weights(data):
    X, _, labels, _ = data
    settings = {"beta": 0.5, "tol": 1e-5}
    by_class = ReLUClassifier(class_weight={"high": 2.0, "low": 1.0}, **settings).fit(X, labels)
    by_sample = ReLUClassifier(**settings).fit(X, labels, sample_weight=np.where(labels == "high", 2.0, 1.0))
    np.testing.assert_allclose(by_class.decision_function(X), by_sample.decision_function(X), atol=1e-2)


@pytest.mark.parametrize("loss", ["squared_hinge", "hinge"])
def test_margin_losses_have_decisions_and_no_probabilities(loss, data):
    X, _, labels, _ = data
    fitted = ReLUClassifier(loss=loss).fit(X, labels)
    assert fitted.score(X, labels) > 0.9
    assert not hasattr(fitted, "predict_proba")
    assert np.array_equal(fitted.classes_[(fitted.decision_function(X) > 0).astype(int)], fitted.predict(X))


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="class"):
        ReLUClassifier().fit(np.eye(3), ["a", "a", "a"])


@pytest.mark.parametrize(("model", "column"), [(ReLURegressorCV, 1), (ReLUClassifierCV, 2)])
def test_cross_validation_picks_along_a_path(model, column, data):
    X, target = data[0], data[column]
    fitted = model(n_betas=4, cv=3, tol=1e-2).fit(X, target)
    assert fitted.scores_.shape == (4, 3)
    assert fitted.best_index_ == np.argmax(fitted.scores_.mean(axis=1))
    assert (
        fitted.one_se_index_ <= fitted.best_index_
    )  # the one-standard-error rule never takes less weight decay
    assert fitted.beta_ == fitted.betas_[fitted.best_index_]
    assert len(fitted.path_) >= 1
    assert fitted.score(X, target) > 0.85
    alone = model(n_betas=4, cv=3, tol=1e-2, n_jobs=2).fit(X, target)
    np.testing.assert_allclose(alone.scores_, fitted.scores_)


def test_a_path_starts_from_nothing_and_improves_on_the_starts(data):
    X, y = data[0], data[1]
    path = relu_path(X, y, n_betas=5, ratio=1e-2)
    assert path.n_neurons[0] == 0
    assert np.all(np.diff(path.betas) < 0)
    assert np.all(np.diff(path.objectives) < 0)
    assert all(certificate.proven for certificate in path.certificates)
