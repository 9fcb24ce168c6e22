"""scikit-learn's inspection works on fitted estimators, and their networks describe themselves in raw units."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance

from cvxnn import ReLURegressor
from cvxnn.interpretation import active_regions

matplotlib.use("Agg")  # also where there is a screen


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"age": rng.uniform(20, 80, 60), "dose": rng.uniform(0, 1e-3, 60), "none": rng.normal(size=60)}
    )


@pytest.fixture(scope="module")
def target(frame):
    return np.maximum(frame["age"] - 50, 0.0) + 2e4 * frame["dose"]


@pytest.fixture(scope="module")
def model(frame, target):
    return ReLURegressor(beta_ratio=0.02, tol=1e-2).fit(frame, target)


def test_partial_dependence_is_the_mean_prediction_with_a_column_held(model, frame):
    result = partial_dependence(model, frame, ["age"], grid_resolution=5, kind="both")
    grid = result["grid_values"][0]
    held = np.array([model.predict(frame.assign(age=value)) for value in grid])
    np.testing.assert_allclose(result["individual"][0].T, held, rtol=1e-12)
    np.testing.assert_allclose(result["average"][0], held.mean(axis=1), rtol=1e-12)


def test_the_display_draws_lines_and_a_surface(model, frame):
    axes = Figure().subplots(1, 3)
    display = PartialDependenceDisplay.from_estimator(
        model, frame, ["age", "dose", ("age", "dose")], grid_resolution=6, ax=axes
    )
    assert [ax.get_xlabel() for ax in display.axes_.ravel()] == ["age", "dose", "age"]
    age = display.lines_[0].get_ydata()
    # flat up to 50, then a slope of 1, each shrunk by weight decay
    assert np.diff(age)[-1] > 3 * abs(np.diff(age)[0])


def test_permutation_importance_finds_the_columns_that_matter(model, frame, target):
    importance = permutation_importance(model, frame, target, n_repeats=3, random_state=0).importances_mean
    assert importance[:2].min() > 10 * abs(importance[2])


def test_rules_and_regions_of_a_fitted_estimator_are_in_raw_units(model, frame):
    rules = model.network_.describe(X=frame, target_names=["effect"])
    assert rules.feature_names == tuple(model.feature_names_in_)
    predictions = model.predict(frame)
    np.testing.assert_allclose(rules.mean.sum() + rules.offset[0], predictions.mean())
    assert rules.conditions == model.network_.describe(model.feature_names_in_, frame.to_numpy()).conditions
    regions = active_regions(model.network_, frame)
    for region in regions:
        linear = frame.to_numpy()[region.samples] @ region.coefficients + region.offset
        np.testing.assert_allclose(linear, predictions[region.samples], rtol=1e-9)
    # above 50 years one more adds about 1, far below it about 0
    old = regions[int(regions.region_of[frame["age"].to_numpy().argmax()])].coefficients[0]
    young = regions[int(regions.region_of[frame["age"].to_numpy().argmin()])].coefficients[0]
    assert 0.8 < old < 1.2
    assert abs(young) < 0.2
