"""scikit-learn's own checks, all of them; its own MLP passes the same ones."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

import cvxnn

QUICK = ["GatedReLURegressor", "GatedReLUClassifier"]
SLOW = ["ReLURegressor", "ReLUClassifier", "ReLURegressorCV", "ReLUClassifierCV"]


@pytest.mark.slow
@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_default_estimators_pass(name, recwarn):
    assert _failed(getattr(cvxnn, name)()) == {}
    recwarn.clear()  # the checks provoke warnings on purpose


@pytest.mark.parametrize("name", QUICK[:1])
def test_small_gated_estimators_pass(name, recwarn):
    assert _failed(getattr(cvxnn, name)(n_gates=20, tol=1e-2)) == {}
    recwarn.clear()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_estimators_with_ramps_pass(name, recwarn):
    assert _failed(getattr(cvxnn, name)(knots=3, tol=1e-2)) == {}
    recwarn.clear()


def _failed(estimator):
    results = check_estimator(estimator, on_skip=None, on_fail=None)
    # Array API input is checked only where an environment variable asks for it; all else must run.
    skipped = {r["check_name"] for r in results if r["status"] == "skipped"}
    assert skipped <= {"check_array_api_input"}
    return {r["check_name"]: repr(r["exception"]) for r in results if r["status"] in ("failed", "xfail")}


def test_parameters_are_kept_as_they_are():
    marker = np.array([0.5, 0.1])
    assert cvxnn.ReLURegressorCV(beta_ratios=marker).get_params()["beta_ratios"] is marker
