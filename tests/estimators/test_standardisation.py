"""Scaling and its inverse agree, on ordinary and degenerate columns."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import GatedReLUNetwork, ReLUNetwork
from cvxnn.estimators.standardisation import Standardisation


@given(st.integers(0, 1000), st.booleans(), st.booleans(), st.sampled_from([1e-8, 1.0, 1e8]))
def test_folding_back_keeps_predictions(seed, centre, scale, size):
    rng = np.random.default_rng(seed)
    X, y = size * (rng.standard_normal((7, 3)) + 1.0), size * (rng.standard_normal(7) - 2.0)
    scaling = Standardisation.of(X, y, centre=centre, scale=scale)
    width = 4 if centre else 3
    network = ReLUNetwork(rng.standard_normal((width, 5)), rng.standard_normal(5), [0.3] if centre else None)
    inside = network.predict(scaling.inputs(X)) * scaling.y_scale + scaling.y_mean
    raw = np.hstack([X, np.ones((7, 1))]) if centre else X
    # The bias takes up means that are about 1 in units of the scale: a few digits of cancellation.
    np.testing.assert_allclose(
        scaling.to_raw_units(network).predict(raw), inside, rtol=1e-9, atol=1e-9 * size
    )


def test_columns_have_mean_zero_and_variance_one_and_constant_ones_become_zero():
    X = np.column_stack([np.arange(5.0) * 1e200, np.full(5, 0.1), np.zeros(5)])
    scaling = Standardisation.of(X, np.full(5, 0.3), centre=True, scale=True)
    Z = scaling.inputs(X)
    np.testing.assert_allclose(Z[:, 0].mean(), 0.0, atol=1e-15)
    np.testing.assert_allclose(Z[:, 0].std(), 1.0)
    np.testing.assert_array_equal(Z[:, 1:3], 0.0)
    np.testing.assert_array_equal(Z[:, 3], 1.0)
    assert scaling.y_mean == 0.3
    assert scaling.y_scale == 1.0


def test_without_scaling_data_stay_as_they_are():
    X = np.arange(6.0).reshape(3, 2)
    np.testing.assert_array_equal(Standardisation.of(X, X[:, 0], centre=False, scale=False).inputs(X), X)


def test_unscaled_columns_stay_as_they_are():
    X = np.array([[0.0, 5.0], [1.0, 7.0], [1.0, 9.0]])
    Z = Standardisation.of(X, X[:, 1], centre=True, scale=True, unscaled=np.array([True, False])).inputs(X)
    np.testing.assert_array_equal(Z[:, 0], X[:, 0])
    np.testing.assert_allclose(Z[:, 1], np.sqrt(1.5) * np.array([-1.0, 0.0, 1.0]), rtol=1e-14)


@given(st.integers(0, 1000), st.booleans(), st.booleans())
def test_folding_back_keeps_predictions_of_gated_networks_of_several_outputs(seed, centre, scale):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((7, 3)) + 1.0, (rng.standard_normal((7, 2)) - 2.0) * [1.0, 1e4]
    scaling = Standardisation.of(X, Y, centre=centre, scale=scale)
    width = 4 if centre else 3
    gates, hidden, output = (rng.standard_normal(shape) for shape in ((width, 5), (width, 5), (5, 2)))
    network = GatedReLUNetwork(gates, hidden, output, [0.3, -1.0] if centre else None)
    inside = network.predict(scaling.inputs(X)) * scaling.y_scale + scaling.y_mean
    raw = np.hstack([X, np.ones((7, 1))]) if centre else X
    folded = scaling.to_raw_units(network)
    np.testing.assert_allclose(folded.predict(raw), inside, rtol=1e-9, atol=1e-9 * np.abs(inside).max())


@given(st.integers(0, 1000))
def test_weights_of_samples_are_repetitions(seed):
    rng = np.random.default_rng(seed)
    X, Y, counts = rng.standard_normal((9, 2)), rng.standard_normal((9, 2)), rng.integers(1, 4, 9)
    weighted = Standardisation.of(X, Y, centre=True, scale=True, sample_weight=counts.astype(float))
    repeated = Standardisation.of(
        np.repeat(X, counts, axis=0), np.repeat(Y, counts, axis=0), centre=True, scale=True
    )
    for name in ("x_mean", "x_scale", "y_mean", "y_scale"):
        np.testing.assert_allclose(getattr(weighted, name), getattr(repeated, name), rtol=1e-9, atol=1e-12)


def _pixels(rng, columns):
    """Return columns of very different spread that all reach 0 and 255."""
    X = 255.0 * rng.random((40, columns)) ** np.linspace(0.2, 20.0, columns)
    X[0], X[1] = 0.0, 255.0
    return X


def test_columns_of_one_unit_are_scaled_by_one_number_of_mean_square_one():
    X = np.column_stack([_pixels(np.random.default_rng(0), 20), np.full(40, 3.0), 1e6 * np.arange(40.0)])
    X = np.column_stack([X, 0.1 * X[:, 0]])  # a dark pixel
    scaling = Standardisation.of(X, X[:, 0], centre=True, scale=True)
    together = [*range(20), 22]
    assert len(set(scaling.x_scale[together])) == 1
    Z = scaling.inputs(X)
    np.testing.assert_allclose(np.mean(Z[:, together] ** 2), 1.0)
    np.testing.assert_allclose(np.mean(Z[:, 21] ** 2), 1.0)


def test_few_columns_columns_of_other_ends_ramps_and_zeros_and_ones_are_scaled_one_by_one():
    rng = np.random.default_rng(0)
    pixels = _pixels(rng, 20)
    for X in (pixels[:, :15], pixels * np.arange(1, 21), pixels / 255.0, 255.0 * (pixels > 100)):
        Z = Standardisation.of(X, X[:, 0], centre=True, scale=True).inputs(X)[:, :-1]
        np.testing.assert_allclose(np.mean(Z**2, axis=0), 1.0)
