"""On each region the network is its linear model."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cvxnn.interpretation as interpretation
from cvxnn.interpretation import active_regions
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.patterns import count_bound

seeds = st.integers(0, 10**6)


def random_case(seed, n_outputs=None, gated=False, n=80):
    rng = np.random.default_rng(seed)
    X = rng.normal([0.0, 5.0, -1.0], size=(n, 3))
    hidden, gates = (_through_the_data(rng.normal(size=(3, 6)), X[6 * k :]) for k in range(2))
    output = rng.normal(size=6 if n_outputs is None else (6, n_outputs))
    offset = rng.normal(size=n_outputs or 1)
    if gated:
        return GatedReLUNetwork(gates, hidden, output, offset), X
    return ReLUNetwork(hidden, output, offset), X


def _through_the_data(hidden, X):
    """Return hidden weights with a bias by which each neuron switches near one of the samples."""
    return np.vstack([hidden, 0.1 - np.einsum("jk,kj->j", X[: hidden.shape[1]], hidden)])


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def test_all_names_exist():
    assert sorted(interpretation.__all__) == interpretation.__all__
    assert all(hasattr(interpretation, name) for name in interpretation.__all__)


@given(seed=seeds, n_outputs=st.sampled_from([None, 1, 3]), gated=st.booleans())
def test_predictions_are_those_of_the_linear_models(seed, n_outputs, gated):
    network, X = random_case(seed, n_outputs, gated)
    predictions = network.predict(with_ones(X))
    for region in active_regions(network, X):
        model = X[region.samples] @ region.coefficients + region.offset
        # the same products in another order: a few units in the last place of numbers up to 100
        np.testing.assert_allclose(model, predictions[region.samples], atol=1e-12)


@given(seed=seeds)
def test_a_region_is_convex_and_the_network_linear_between_its_samples(seed):
    network, X = random_case(seed)
    for region in active_regions(network, X):
        inside = 0.3 * X[region.samples[:1]] + 0.7 * X[region.samples[-1:]]
        np.testing.assert_array_equal(network.patterns(with_ones(inside))[0], region.pattern)
        np.testing.assert_allclose(
            inside @ region.coefficients + region.offset, network.predict(with_ones(inside)), atol=1e-12
        )


@given(seed=seeds, n_outputs=st.sampled_from([None, 2]))
def test_coefficients_are_the_gradient(seed, n_outputs):
    network, X = random_case(seed, n_outputs)
    # step 1e-6 keeps to the region where no hyperplane is nearer than that
    far = np.abs(with_ones(X) @ network.hidden).min(axis=1) > 1e-4
    regions, step = active_regions(network, X), 1e-6
    for k in range(3):
        ahead, behind = X.copy(), X.copy()
        ahead[:, k] += step
        behind[:, k] -= step
        slope = (network.predict(with_ones(ahead)) - network.predict(with_ones(behind))) / (2 * step)
        gradient = regions.coefficients[regions.region_of, k]
        # rounding of outputs up to 100 over the step: 1e-14 * 100 / 1e-6
        np.testing.assert_allclose(slope[far], gradient[far], atol=1e-6)


@given(seed=seeds, gated=st.booleans())
def test_every_sample_is_in_the_region_of_its_pattern(seed, gated):
    network, X = random_case(seed, gated=gated)
    regions = active_regions(network, X)
    np.testing.assert_array_equal(regions.patterns[regions.region_of], network.patterns(with_ones(X)))
    assert len(np.unique(regions.patterns, axis=0)) == len(regions) <= count_bound(6, 4)
    np.testing.assert_array_equal(np.bincount(regions.region_of), regions.counts)
    np.testing.assert_array_equal(
        np.sort(np.concatenate([one.samples for one in regions])), np.arange(len(X))
    )
    assert np.all(np.diff(regions.counts) <= 0)
    np.testing.assert_allclose(regions.shares.sum(), 1.0)


@given(seed=seeds)
def test_the_model_of_another_region_is_refused(seed):
    """The planted fault: the law above tells linear models apart."""
    network, X = random_case(seed)
    regions = active_regions(network, X)
    first, second = regions[0], regions[1]
    wrong = X[first.samples] @ second.coefficients + second.offset
    assert np.abs(wrong - network.predict(with_ones(X))[first.samples]).max() > 1e-6


def test_the_absolute_value_has_two_regions():
    network = ReLUNetwork([[1.0, -1.0], [-2.0, 2.0]], [1.0, 1.0], [0.5])
    regions = active_regions(network, [[5.0], [-1.0], [3.0]], feature_names=["x"])
    np.testing.assert_array_equal(regions.patterns, [[True, False], [False, True]])
    np.testing.assert_array_equal(regions[0].samples, [0, 2])
    np.testing.assert_array_equal(regions.coefficients, [[1.0], [-1.0]])
    np.testing.assert_array_equal(regions.offsets, [-1.5, 2.5])
    assert regions[-1].pattern[1]
    with pytest.raises(IndexError):
        regions[2]


def test_a_sample_on_a_hyperplane_counts_as_active():
    assert active_regions(ReLUNetwork([[1.0]], [1.0]), [[0.0]]).patterns.all()


def test_a_network_without_neurons_is_one_region():
    regions = active_regions(ReLUNetwork(np.zeros((2, 0)), [], [1.5]), [[1.0], [2.0]])
    assert len(regions) == 1
    assert regions[0].offset == 1.5
    np.testing.assert_array_equal(regions[0].coefficients, [0.0])
    assert "1 region of 0 neurons" in str(regions)


def test_frames_and_print():
    network, X = random_case(3)
    data = pd.DataFrame(X, columns=["age", "bmi", "s1"])
    regions = active_regions(network, data)
    frame, coefficients = regions.to_frame(), regions.coefficients_frame()
    assert list(frame) == ["samples", "share", "active neurons", "offset"]
    assert list(coefficients) == ["age", "bmi", "s1"]
    joined = coefficients.join(frame)
    np.testing.assert_allclose(
        X[0] @ joined.loc[regions.region_of[0], ["age", "bmi", "s1"]]
        + joined.loc[regions.region_of[0], "offset"],
        network.predict(with_ones(X))[0],
    )
    text = str(regions)
    assert text.startswith(f"ActiveRegions({len(regions)} regions of 6 neurons, 80 samples):")
    assert f"and {len(regions) - 10} more, with" in text
    largest = int(np.argmax(np.abs(regions.coefficients[0]) * X.std(axis=0)))
    assert f"  {regions.feature_names[largest]} {regions.coefficients[0, largest]:+.2f}, " in text


def test_several_outputs_have_a_row_each():
    network, X = random_case(3, n_outputs=2)
    regions = active_regions(network, X, feature_names=["a", "b", "c"], target_names=["no", "yes"])
    frame = regions.coefficients_frame()
    assert frame.index.names == ["region", "output"]
    np.testing.assert_array_equal(frame.loc[(1, "yes")], regions[1].coefficients[:, 1])
    assert {"offset, no", "offset, yes"} <= set(regions.to_frame())
    sizes = np.linalg.norm(regions.coefficients[0], axis=1) * X.std(axis=0)
    assert "  " + ", ".join("abc"[k] for k in np.argsort(-sizes)) in str(regions)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (None, "X must be an array of numbers; got None"),
        (np.ones((3, 5)), r"X must have 3 columns, which.* got shape \(3, 5\)"),
        (np.full((3, 3), np.inf), "X must be finite"),
    ],
)
def test_bad_data_are_named(X, message):
    with pytest.raises(ValueError, match=message):
        active_regions(random_case(0)[0], X)
