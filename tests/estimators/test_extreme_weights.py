"""Estimators at any scale of sample weights, and networks without neurons that are not proven best."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from cvxnn import GatedReLUClassifier, GatedReLURegressor, ReLUClassifier, ReLURegressor, ReLURegressorCV
from cvxnn.estimators import strategies
from cvxnn.statuses import SolveStatus


@pytest.fixture(scope="module")
def small():
    """Give X (30, 1), a target and its two classes."""
    x = np.linspace(-1, 1, 30)[:, None]
    y = np.abs(x[:, 0]) + 0.05 * np.random.default_rng(0).standard_normal(30)
    return x, y, np.where(y > 0.5, "far", "near")


MODELS = [
    ReLURegressor(beta_ratio=0.05),
    GatedReLURegressor(n_gates=50),
    ReLUClassifier(beta_ratio=0.05, class_weight="balanced"),
    GatedReLUClassifier(n_gates=50),
]
CASES = [
    *((model, scale) for model in MODELS for scale in (1e-300, 1e300)),
    (MODELS[0], 4e6),
    (MODELS[2], 1e-160),
    (ReLURegressorCV(beta_ratios=[0.2, 0.05], cv=KFold(2, shuffle=True, random_state=0)), 1e-300),
]


def target_of(model, small):
    return small[2] if "Classifier" in type(model).__name__ else small[1]


@pytest.mark.parametrize(
    ("model", "scale"), CASES, ids=lambda case: case if isinstance(case, float) else type(case).__name__
)
def test_fits_depend_on_ratios_of_weights_only(model, scale, small):
    x, y = small[0], target_of(model, small)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, 30)
    plain = clone(model).fit(x, y, sample_weight=weights)
    scaled = clone(model).fit(x, y, sample_weight=scale * weights)
    assert scaled.score(x, y) > 0.9
    assert scaled.beta_ == pytest.approx(scale * plain.beta_, rel=1e-6)
    # Both are within a tol of 1e-3 of the optimum.
    assert scaled.objective_ == pytest.approx(scale * plain.objective_, rel=2e-3)
    assert scaled.lower_bound_ == pytest.approx(scale * plain.lower_bound_, rel=2e-3)
    assert scaled.problem_.objective(scaled.result_.network) == pytest.approx(scaled.objective_, rel=1e-9)


@pytest.mark.parametrize("weight", [1e-310, 1e307])
def test_weights_whose_sum_float64_does_not_hold_are_refused(weight, small):
    with pytest.raises(ValueError, match=r"sample_weight must have a sum between 1e-305 and 1\.8e\+308"):
        ReLURegressor().fit(small[0], small[1], sample_weight=np.full(30, weight))


@pytest.mark.parametrize(
    "model",
    [
        ReLURegressor(),
        ReLUClassifier(),
        GatedReLURegressor(n_gates=50),
        GatedReLURegressor(n_gates=50, beta_ratio=0.99, loss="quantile"),
        GatedReLUClassifier(n_gates=50),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_fit_with_next_to_no_time_has_neurons(model, small):
    fitted = clone(model).set_params(max_seconds=1e-6).fit(small[0], target_of(model, small))
    assert fitted.network_.n_neurons > 0


def test_a_network_without_neurons_that_is_not_proven_best_warns(small):
    # A time limit that ends the program before its first step. At no neurons the margins are on the hinge's kink for
    # the best offset, so that so little below the critical beta the proximal step from there leads nowhere.
    model = GatedReLUClassifier(loss="hinge", n_gates=50, beta_ratio=0.99, max_seconds=1e-9)
    with pytest.warns(
        ConvergenceWarning, match="no neurons, which is not proven to be best at beta = .*max_seconds"
    ):
        model.fit(small[0], small[2])
    assert model.network_.n_neurons == 0


def test_a_network_without_neurons_above_the_critical_beta_does_not_warn(small):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ReLURegressor(beta_ratio=1.1).fit(small[0], small[1]).network_.n_neurons == 0


def test_empty_networks_of_training_warn_with_its_status(small, monkeypatch):
    train = strategies.train

    def empty(problem, **options):
        result = train(problem, **options)
        certificate = replace(result.certificate, proven=False)
        return replace(
            result, network=result.network.select([]), certificate=certificate, status=SolveStatus.EMPTY
        )

    monkeypatch.setattr(strategies, "train", empty)
    with pytest.warns(ConvergenceWarning, match="beta may be below the critical one"):
        ReLURegressor().fit(small[0], small[1])
