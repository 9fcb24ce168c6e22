"""Habits of scikit-learn: generators of splits, log probabilities, folds without a score, pickles, interrupts."""

import copy
import os
import pickle
import signal
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, KFold, LeaveOneOut, cross_val_score

from cvxnn import (
    GatedReLUClassifier,
    GatedReLURegressor,
    ReLUClassifier,
    ReLUClassifierCV,
    ReLURegressor,
    ReLURegressorCV,
)
from cvxnn.estimators import cross_validation
from cvxnn.statuses import SolveStatus


@pytest.fixture(scope="module")
def small():
    """Give X (30, 1), a target and three classes."""
    x = np.linspace(-1, 1, 30)[:, None]
    y = np.abs(x[:, 0]) + 0.05 * np.random.default_rng(0).standard_normal(30)
    return x, y, np.array(["a", "b", "c"])[np.digitize(x[:, 0], [-0.3, 0.4])]


def test_cv_may_be_a_generator(small):
    x, y, _ = small
    splits = KFold(3).split(x)
    model = ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=splits).fit(x, y)
    listed = ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=list(KFold(3).split(x))).fit(x, y)
    np.testing.assert_array_equal(model.scores_, listed.scores_)
    assert model.get_params()["cv"] is splits
    with pytest.raises(
        ValueError, match="cv must give at least one split; it gave none, as a generator does"
    ):
        model.fit(x, y)


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (ReLUClassifier(beta_ratio=0.05), "ab"),
        (ReLUClassifier(beta_ratio=0.05), "abc"),
        (ReLUClassifier(beta_ratio=0.05, loss="logistic"), "abc"),
        (ReLUClassifier(beta_ratio=0.05, loss="multinomial"), "ab"),
        (GatedReLUClassifier(n_gates=30), "ab"),
    ],
    ids=str,
)
def test_log_probabilities(model, classes, small):
    x, _, labels = small
    used = np.isin(labels, list(classes))
    fitted = clone(model).fit(x[used], labels[used])
    logs = fitted.predict_log_proba(x)
    np.testing.assert_allclose(np.exp(logs), fitted.predict_proba(x), rtol=1e-12)
    far = fitted.predict_log_proba([[-1e9], [1e9]])
    assert np.all(np.isfinite(far))
    assert np.min(far) < -1e6  # a probability of 0 to rounding


def test_log_probabilities_are_of_losses_that_model_some():
    assert not hasattr(ReLUClassifier(loss="hinge"), "predict_log_proba")


@pytest.mark.parametrize("model", [ReLUClassifier(), GatedReLUClassifier(n_gates=20)], ids=str)
def test_a_class_of_weight_zero_is_named(model, small):
    x, _, labels = small
    weightless = clone(model).set_params(class_weight={"b": 0.0})
    with pytest.raises(ValueError, match=r"class_weight must be > 0 for every class .*got 0 for 'b'"):
        weightless.fit(x, labels)
    used = labels != "c"
    with pytest.raises(ValueError, match="got 0 for 'b': leave out its samples"):
        weightless.set_params(fit_intercept=False).fit(x[used], labels[used])


def test_a_class_of_weight_zero_is_left_out_where_there_is_no_intercept(small):
    x, _, labels = small
    inputs = np.column_stack([x, np.ones(30)])
    model = ReLUClassifier(beta=0.1, fit_intercept=False, class_weight={"b": 0.0}).fit(inputs, labels)
    used = labels != "b"
    assert model.score(inputs[used], labels[used]) > 0.9


def never_trained(*args, **kwargs):
    raise AssertionError("a fold was trained")


def test_a_score_that_a_fold_does_not_define_is_found_before_any_is_trained(small, monkeypatch):
    monkeypatch.setattr(cross_validation, "train_path", never_trained)
    x, y, labels = small
    with pytest.raises(
        ValueError, match=r"scoring must give finite numbers .*on the 1 samples of fold 0.*NaN"
    ):
        ReLURegressorCV(cv=LeaveOneOut()).fit(x, y)
    two = np.isin(labels, ["a", "b"])
    folds = [(np.arange(5, 19), np.arange(5)), (np.arange(1, 15), np.r_[0, 15:19])]
    with pytest.raises(ValueError, match="on the 5 samples of fold 0"):
        ReLUClassifierCV(cv=folds, scoring="roc_auc").fit(x[two], labels[two])
    with pytest.raises(
        ValueError, match="fold 0 of cv cannot be trained on: y must hold at least two classes"
    ):
        ReLUClassifierCV(cv=[(np.arange(5), np.arange(5, 19))]).fit(x[two], labels[two])


def test_a_score_that_only_constants_do_not_define_is_no_fault_of_the_fold(small):
    def correlation(y, f):
        with np.errstate(invalid="ignore"):
            return np.corrcoef(y, f)[0, 1]

    model = ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=2, scoring=make_scorer(correlation))
    x, y, _ = small
    shuffled = np.random.default_rng(0).permutation(30)
    assert model.fit(x[shuffled], y[shuffled]).score(x, y) > 0.9


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("model", "regresses"),
    [
        (ReLURegressor(beta_ratio=0.05), True),
        (GatedReLURegressor(n_gates=20), True),
        (ReLUClassifier(beta_ratio=0.05), False),
        (ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=2), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pickles_do_not_hold_the_training_data(model, regresses, small):
    x, y = small[0], small[1] if regresses else small[2]
    repeats = np.random.default_rng(0).uniform(0.99, 1.0, (100, 1, 1))
    many = (repeats * x).reshape(-1, 1)
    fitted = clone(model).set_params(max_seconds=1.0).fit(many, np.tile(y, 100))
    text = pickle.dumps(fitted)
    assert fitted.problem_.X.nbytes >= 3000 * 2 * 8
    assert len(text) < 3000 * 2 * 8
    loaded = pickle.loads(text)
    np.testing.assert_array_equal(loaded.predict(x), fitted.predict(x))
    assert loaded.certificate_ == fitted.certificate_
    assert len(loaded.history_) == loaded.n_iter_
    for model in (loaded, copy.deepcopy(fitted)):
        with pytest.raises(AttributeError, match="problem_ holds training data"):
            _ = model.problem_
    with pytest.raises(AttributeError, match="no attribute 'nothing_'"):
        _ = loaded.nothing_
    assert not hasattr(clone(fitted), "problem_")


@pytest.fixture
def interrupted_fits(monkeypatch):
    """Send SIGINT to this process from within the first descent of every fit; count the fits begun."""
    from cvxnn.training import rounds

    descend, fits = rounds.descend, []

    def interrupted(*args, **kwargs):
        fits.append(threading.current_thread() is threading.main_thread())
        if len(fits) == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1.0)  # the interrupt is raised here
        return descend(*args, **kwargs)

    monkeypatch.setattr(rounds, "descend", interrupted)
    return fits


def test_an_interrupt_ends_a_fit_that_is_fitted_all_the_same(small, interrupted_fits):
    x, y, _ = small
    model = ReLURegressor()
    with pytest.raises(KeyboardInterrupt, match="fitted with the best network so far"):
        model.fit(x, y)
    assert model.result_.status is SolveStatus.INTERRUPTED
    assert model.network_.n_neurons > 0
    assert model.predict(x).shape == (30,)


@pytest.mark.parametrize(
    "run",
    [
        lambda x, y: cross_val_score(ReLURegressor(), x, y, cv=5),
        lambda x, y: GridSearchCV(ReLURegressor(), {"beta_ratio": [0.1, 0.01]}, cv=3).fit(x, y),
        lambda x, y: ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=3).fit(x, y),
    ],
    ids=["cross_val_score", "GridSearchCV", "ReLURegressorCV"],
)
def test_an_interrupt_ends_the_whole_cross_validation(run, small, interrupted_fits):
    with pytest.raises(KeyboardInterrupt):
        run(small[0], small[1])
    assert len(interrupted_fits) == 1  # no other fit was begun


def test_an_interrupt_on_the_path_of_all_data_ends_the_fit(small, monkeypatch):
    path_of = cross_validation.train_path
    calls = []

    def interrupted(problem, betas, **options):
        path = path_of(problem, betas, **options)
        calls.append(len(betas))
        if len(calls) < 3:  # the two folds
            return path
        last = replace(path.results[-1], status=SolveStatus.INTERRUPTED)
        return replace(path, results=(*path.results[:-1], last))

    monkeypatch.setattr(cross_validation, "train_path", interrupted)
    monkeypatch.setattr(cross_validation, "train", never_trained)
    model = ReLURegressorCV(beta_ratios=[0.3, 0.1], cv=2)
    with pytest.raises(KeyboardInterrupt):
        model.fit(small[0], small[1])
    assert model.result_.status is SolveStatus.INTERRUPTED
    assert model.predict(small[0]).shape == (30,)
