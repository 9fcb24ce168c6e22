"""From data to the problem that is trained: weights of classes, and the one rule for automatic weight decays."""

import numpy as np
import pytest

from cvxnn import ReLUClassifier, ReLURegressor, beta_max
from cvxnn.certificates import CriticalBeta
from cvxnn.estimators import Preparation


def data(n=12):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 2)) + 3.0
    return X, np.abs(X[:, 0] - 3.0)


def test_automatic_beta_is_the_ratio_of_the_references_critical_one():
    X, y = data()
    factors = np.where(y > np.median(y), 100.0, 1.0)
    prepared = Preparation.of(X, y, loss="squared", fit_intercept=True, class_weight=factors)
    assert prepared.problem.beta == 0.0
    assert prepared.with_beta("auto", 0.2)[0].beta == pytest.approx(
        0.2 * beta_max(prepared.reference), rel=1e-12
    )
    assert prepared.with_beta("auto", 0.2, lambda: CriticalBeta(3.0, True))[0].beta == pytest.approx(
        0.6, rel=1e-15
    )
    assert prepared.with_beta(0.7, 0.2)[0].beta == 0.7
    assert prepared.with_beta(0.7, 0.2)[1] is None
    # Class weights move the problem, and their mean the reference: as much weight, spread evenly.
    assert prepared.reference.total_weight == pytest.approx(prepared.problem.total_weight, rel=1e-12)
    assert beta_max(prepared.reference) != pytest.approx(beta_max(prepared.problem), rel=1e-2)


def test_automatic_beta_of_a_constant_target_is_the_ratio():
    prepared = Preparation.of(np.eye(3), np.ones(3), loss="squared", fit_intercept=True)
    assert prepared.critical_beta() == CriticalBeta(0.0, is_exact=True)
    assert prepared.with_beta("auto", 0.2)[0].beta == 0.2


@pytest.mark.parametrize("beta", [0.3, "auto"])
def test_estimators_train_the_prepared_problem(beta):
    X, y = data()
    model = ReLURegressor(beta=beta, beta_ratio=0.5, max_seconds=5.0).fit(X, y)
    prepared = Preparation.of(X, y, loss="squared", fit_intercept=True)
    problem, critical = prepared.with_beta(beta, 0.5)
    np.testing.assert_array_equal(np.sort(model.problem_.X, axis=0), np.sort(problem.X, axis=0))
    assert model.beta_ == pytest.approx(problem.beta, rel=1e-12)
    assert (model.critical_beta_ is None) == (critical is None) == (beta != "auto")


def test_targets_of_classes_are_not_scaled():
    X, y = data()
    model = ReLUClassifier(beta_ratio=0.5, max_seconds=5.0).fit(X, y > 1.0)
    assert set(np.unique(model.problem_.y)) == {-1.0, 1.0}
