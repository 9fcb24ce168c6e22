"""Classifiers: targets as losses take them, decisions, probabilities, weights of samples and classes."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import GatedReLUClassifier, Problem, ReLUClassifier
from cvxnn.losses import LogisticLoss

SETTINGS = {"beta_ratio": 0.05, "tol": 1e-2}
KINDS = [ReLUClassifier(**SETTINGS), GatedReLUClassifier(n_gates=100, beta_ratio=0.05)]
LOSSES = ["logistic", "squared_hinge", "multinomial"]


@pytest.fixture(params=KINDS, ids=lambda model: type(model).__name__)
def model(request):
    return clone(request.param)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("classes", ["two_classes", "three_classes"])
def test_decisions_and_predictions_agree(model, loss, classes, request):
    X, y = request.getfixturevalue(classes)
    model.set_params(loss=loss).fit(X, y)
    assert model.score(X, y) > 0.85
    decision = model.decision_function(X)
    if classes == "two_classes":
        assert decision.shape == (60,)
        np.testing.assert_array_equal(model.predict(X), model.classes_[(decision > 0).astype(int)])
    else:
        assert decision.shape == (60, 3)
        np.testing.assert_array_equal(model.predict(X), model.classes_[decision.argmax(axis=1)])


@pytest.mark.parametrize("loss", ["auto", "logistic", "multinomial"])
@pytest.mark.parametrize("classes", ["two_classes", "three_classes"])
def test_probabilities_sum_to_one_and_rank_as_decisions_do(model, loss, classes, request):
    X, y = request.getfixturevalue(classes)
    model.set_params(loss=loss).fit(X, y)
    probability = model.predict_proba(X)
    np.testing.assert_allclose(probability.sum(axis=1), 1.0, rtol=1e-12)
    assert probability.min() >= 0.0
    np.testing.assert_array_equal(model.classes_[probability.argmax(axis=1)], model.predict(X))
    # A calibrated model of training data predicts each class as often as it occurs, since the offset is free.
    if loss != "logistic" or classes == "two_classes":
        shares = np.array([np.mean(y == label) for label in model.classes_])
        np.testing.assert_allclose(probability.mean(axis=0), shares, atol=2e-2)


def test_only_losses_of_probabilities_have_probabilities(two_classes):
    assert not hasattr(ReLUClassifier(loss="squared_hinge"), "predict_proba")
    assert not hasattr(GatedReLUClassifier(loss="hinge"), "predict_proba")
    assert hasattr(ReLUClassifier(loss=LogisticLoss()), "predict_proba")
    assert ReLUClassifier(**SETTINGS).fit(*two_classes).loss_ == LogisticLoss()


def test_two_outputs_of_the_multinomial_loss_and_one_of_the_logistic_loss_differ_only_in_the_penalty(
    two_classes,
):
    X, y = two_classes
    for loss, outputs in (("logistic", 1), ("multinomial", 2)):
        model = GatedReLUClassifier(loss=loss, n_gates=50).fit(X, y)
        assert model.network_.n_outputs == outputs
        assert model.decision_function(X).shape == (60,)


def test_plain_settings_solve_exactly_the_problem_given(model, two_classes, three_classes):
    model.set_params(beta=20.0, fit_intercept=False, standardize=False, loss="logistic")
    X, y = two_classes
    model.fit(X, y)
    problem = Problem(X, np.where(y == "outer", 1.0, -1.0), 20.0, "logistic")
    np.testing.assert_array_equal(model.problem_.X, X)
    np.testing.assert_array_equal(model.problem_.y, problem.y)
    if isinstance(model, ReLUClassifier):
        assert model.objective_ == pytest.approx(problem.objective(model.network_), rel=1e-12)
    else:
        f, penalty = model.network_.predict(X), 20.0 * model.network_.weight_decay
        assert model.objective_ == pytest.approx(problem.loss_value(f, np.zeros(1)) + penalty, rel=1e-9)
    X, y = three_classes
    coded = model.fit(X, y).problem_.y
    np.testing.assert_array_equal(coded, 2.0 * (y[:, None] == model.classes_) - 1.0)
    coded = model.set_params(loss="multinomial").fit(X, y).problem_.y
    np.testing.assert_array_equal(coded, 1.0 * (y[:, None] == model.classes_))


def test_network_takes_raw_data(model, three_classes):
    X, y = three_classes
    model.fit(X, y)
    raw = np.hstack([X, np.ones((60, 1))])
    np.testing.assert_allclose(model.network_.predict(raw), model.decision_function(X), rtol=1e-12)
    inside = model.result_.network.predict(model.problem_.X)
    np.testing.assert_allclose(model.decision_function(X), inside, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("labels", [[0, 1], [False, True], ["no", "yes"], [-3.0, 7.0]])
def test_labels_of_any_kind(two_classes, labels):
    X, y = two_classes
    y = np.array(labels)[(y == "outer").astype(int)]
    model = GatedReLUClassifier(n_gates=50).fit(X, y)
    assert model.predict(X).dtype == y.dtype
    assert model.score(X, y) > 0.9


def test_class_weights_are_sample_weights(model, three_classes):
    X, y = three_classes
    weights = {"a": 2.0, "b": 1.0, "c": 0.5}
    model.set_params(beta=0.5)
    by_class = clone(model).set_params(class_weight=weights).fit(X, y)
    by_sample = model.fit(X, y, sample_weight=np.array([weights[label] for label in y]))
    assert by_class.objective_ == pytest.approx(by_sample.objective_, rel=1e-9)
    np.testing.assert_allclose(by_class.decision_function(X), by_sample.decision_function(X), atol=1e-6)


def test_balanced_classes_have_equal_sums_of_weights(two_classes):
    X, y = two_classes
    sample_weight = np.random.default_rng(0).uniform(0.5, 2.0, 60)
    model = GatedReLUClassifier(class_weight="balanced", n_gates=20).fit(X, y, sample_weight)
    problem = model.problem_
    sums = [problem.sample_weight[problem.y == sign].sum() for sign in (-1.0, 1.0)]
    np.testing.assert_allclose(sums, sample_weight.sum() / 2)


def test_extreme_class_weights_leave_the_meaning_of_the_ratio(two_classes):
    # With these weights the constant network is nearly perfect, and its own critical beta nearly zero.
    X, y = two_classes
    model = GatedReLUClassifier(n_gates=50, class_weight={"inner": 1000, "outer": 1e-4}).fit(X, y)
    assert np.mean(model.predict(X) == "inner") > 0.95


def test_a_sample_of_weight_two_is_two_samples(model, two_classes):
    X, y = two_classes
    counts = np.random.default_rng(0).integers(0, 5, 60)
    weighted = clone(model).fit(X, y, sample_weight=counts)
    repeated = model.fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_array_equal(weighted.network_.hidden, repeated.network_.hidden)


def test_data_frames_pipelines_and_searches(two_classes):
    X = pd.DataFrame(two_classes[0], columns=["age", "height"])
    y = pd.Series(two_classes[1])
    scaler = StandardScaler().set_output(transform="pandas")
    search = GridSearchCV(
        make_pipeline(scaler, GatedReLUClassifier(n_gates=30)),
        {"gatedreluclassifier__beta_ratio": [1.01, 0.01]},
        cv=2,
    ).fit(X, y)
    assert search.best_params_ == {"gatedreluclassifier__beta_ratio": 0.01}
    assert list(search.best_estimator_[-1].feature_names_in_) == ["age", "height"]
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(again.predict(X), search.predict(X))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "squared"}, "loss must be 'auto' or one for classes"),
        ({"loss": "unknown"}, "loss"),
        ({"class_weight": "even"}, "class_weight"),
        ({"class_weight": {"inner": -1.0}}, "class_weight must be >= 0"),
        ({"beta_ratio": -1.0}, "beta_ratio"),
    ],
)
def test_bad_parameters_are_named(two_classes, parameters, message):
    for kind in (ReLUClassifier, GatedReLUClassifier):
        with pytest.raises(ValueError, match=message):
            kind(**parameters).fit(*two_classes)


def test_bad_targets_are_named(two_classes):
    X, y = two_classes
    with pytest.raises(ValueError, match="one class, 'inner'"):
        ReLUClassifier().fit(X, y, sample_weight=(y == "inner").astype(float))
    with pytest.raises(ValueError, match=r"(?i)sample.weight"):
        ReLUClassifier().fit(X, y, sample_weight=np.zeros(60))
    with pytest.raises(ValueError, match="Unknown label type"):
        ReLUClassifier().fit(X, np.linspace(0.1, 0.9, 60))
