"""Rules and regions of networks with ramps before them: data and names are those of raw columns."""

import numpy as np
import pandas as pd
import pytest

from cvxnn import GatedReLURegressor, ReLUNetwork, ReLURegressor
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.interpretation import active_regions


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame({"age": rng.uniform(20, 80, 50), "dose": rng.exponential(1e-3, 50)})


@pytest.fixture(scope="module")
def model(frame):
    y = np.where(frame["age"] < 40, 0.0, 1.0) + 1e3 * frame["dose"]
    return ReLURegressor(knots=3, beta_ratio=0.2, max_seconds=0.3).fit(frame, y)


def test_rules_name_ramps_and_add_up_to_the_prediction(model, frame):
    rules = model.network_.describe(X=frame, encoder=model.encoder_, target_names=["effect"])
    assert rules.feature_names == tuple(model.encoder_.get_feature_names_out())
    assert rules.feature_names[:2] == ("age", "dose")
    np.testing.assert_allclose(rules.mean.sum() + rules.offset[0], model.predict(frame).mean())
    encoded = model.encoder_.transform(frame)
    by_hand = model.network_.describe(model.encoder_.get_feature_names_out(), encoded)
    assert rules.conditions == by_hand.conditions
    values = encoded @ rules.coefficients.T
    active = np.where(rules.above, values > rules.thresholds, values < rules.thresholds)
    np.testing.assert_allclose(active.mean(axis=0), rules.active)
    assert any(".." in condition for condition in rules.conditions)


def test_names_are_those_given_of_the_data_of_training_or_numbers(model, frame):
    def names(*given, encoder=model.encoder_):
        return model.network_.describe(*given, encoder=encoder).feature_names[:2]

    assert names(["years", "gram"]) == ("years", "gram")
    assert names(None, frame.rename(columns={"age": "years"})) == ("years", "dose")
    assert names() == ("age", "dose")
    assert names(encoder=PiecewiseLinearEncoder().with_knots(model.encoder_.knots_)) == ("x0", "x1")


def test_regions_are_linear_in_columns_and_ramps(model, frame):
    regions = active_regions(model.network_, frame, encoder=model.encoder_)
    encoded, predictions = model.encoder_.transform(frame), model.predict(frame)
    assert regions.feature_names == tuple(model.encoder_.get_feature_names_out())
    for region in regions:
        linear = encoded[region.samples] @ region.coefficients + region.offset
        np.testing.assert_allclose(linear, predictions[region.samples], rtol=1e-9)


def test_gated_networks(frame):
    gated = GatedReLURegressor(knots=2, n_gates=10).fit(frame, frame["age"])
    rules = gated.network_.describe(X=frame, encoder=gated.encoder_)
    np.testing.assert_allclose(rules.mean.sum() + rules.offset[0], gated.predict(frame).mean())


def test_what_does_not_fit_is_refused(model, frame):
    encoder, network = model.encoder_, model.network_
    with pytest.raises(ValueError, match=r"X must have the 2 columns of the encoder; got shape \(50, 8\)"):
        network.describe(X=encoder.transform(frame), encoder=encoder)
    with pytest.raises(
        ValueError, match="feature_names must be 2 names, one for each column of the encoder; got 1"
    ):
        network.describe(["age"], encoder=encoder)
    with pytest.raises(ValueError, match="encoder must make the columns that network takes, 3 with"):
        active_regions(ReLUNetwork(np.ones((3, 1)), [1.0]), frame, encoder=encoder)
    with pytest.raises(
        ValueError, match="encoder must be a PiecewiseLinearEncoder; got ReLURegressor: an estimator's"
    ):
        network.describe(X=frame, encoder=model)
    with pytest.raises(ValueError, match="encoder must be fitted"):
        network.describe(X=frame, encoder=PiecewiseLinearEncoder())
