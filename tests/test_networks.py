"""Networks obey the laws of networks, at every scale and on every kind of data; closed forms; bad input."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import GatedReLUNetwork, ReLUNetwork
from cvxnn.testing import (
    check_balance,
    check_merge,
    check_neuron_permutation,
    check_positive_rescaling,
    check_prune_zeros,
    check_save_and_load,
    samplers,
)

seeds = st.integers(0, 2**32 - 1)
every_sampler = pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)


def sample(seed, sampler, n_outputs=None):
    rng = np.random.default_rng(seed)
    n, d, m = rng.integers(1, 8), rng.integers(2, 5), rng.integers(0, 9)
    network = samplers.network(rng, d, m, n_outputs=n_outputs, offset=bool(rng.integers(2)))
    return rng, sampler(rng, n, d), network


def gated(rng, network):
    return GatedReLUNetwork(
        rng.standard_normal(network.hidden.shape), network.hidden, network.output, network.offset
    )


@every_sampler
@given(seed=seeds, n_outputs=st.sampled_from([None, 1, 3]))
def test_positive_rescaling_and_permutation_leave_the_function_unchanged(sampler, seed, n_outputs):
    rng, X, network = sample(seed, sampler, n_outputs)
    for kind in (network, gated(rng, network)):
        check_positive_rescaling(kind, X, 10.0 ** rng.uniform(-8, 8, network.n_neurons))
        check_neuron_permutation(kind, X, rng.permutation(network.n_neurons))


@every_sampler
@given(seed=seeds, n_outputs=st.sampled_from([None, 1, 3]))
def test_balancing_never_raises_the_penalty_and_keeps_the_function(sampler, seed, n_outputs):
    _, X, network = sample(seed, sampler, n_outputs)
    check_balance(network, X)


@every_sampler
@given(seed=seeds, n_outputs=st.sampled_from([None, 1, 3]))
def test_merging_keeps_the_fit_and_never_raises_the_penalty(sampler, seed, n_outputs):
    _, X, network = sample(seed, sampler, n_outputs)
    # Every neuron three times, at other sizes and slightly turned, so that there is something to merge.
    hidden = np.hstack([network.hidden, 2 * network.hidden, network.hidden * 1.01])
    output = np.concatenate([network.output, 3 * network.output, 0.5 * network.output])
    check_merge(ReLUNetwork(hidden, output, network.offset), X)


@given(seed=seeds)
def test_pruning_zeros_keeps_the_function(seed):
    rng, X, network = sample(seed, samplers.gaussian)
    hidden, output = np.array(network.hidden), np.array(network.output)
    hidden[:, rng.random(network.n_neurons) < 0.3] = 0.0
    output[rng.random(network.n_neurons) < 0.3] = 0.0
    check_prune_zeros(ReLUNetwork(hidden, output, network.offset), X)


@pytest.mark.parametrize("n_outputs", [None, 1, 2])
@pytest.mark.parametrize("m", [0, 1, 5])
def test_saving_and_loading_is_exact(tmp_path, rng, n_outputs, m):
    network = samplers.network(rng, 3, m, n_outputs=n_outputs, offset=True)
    check_save_and_load(network, tmp_path / "network.cvxnn")
    check_save_and_load(gated(rng, network), tmp_path / "gated.npz")
    extremes = ReLUNetwork([[5e-324, -0.0], [1.7976931348623157e308, np.pi]], [-0.0, 1e-300], [np.e])
    check_save_and_load(extremes, tmp_path / "extremes.npz")


def test_prediction_by_hand():
    X = [[1.0, 2.0], [-1.0, 0.0], [0.0, 0.0]]
    network = ReLUNetwork([[1.0, -2.0], [1.0, 0.0]], [[1.0, 10.0], [2.0, -1.0]], [0.5, -0.5])
    # hidden layer: (3, 0), (0, 2), (0, 0)
    assert network.predict(X).tolist() == [[3.5, 29.5], [4.5, -2.5], [0.5, -0.5]]
    assert network.patterns(X).tolist() == [[True, False], [False, True], [True, True]]
    assert network.weight_decay == 0.5 * (1 + 4 + 1 + 1 + 100 + 4 + 1)
    assert network.path_norm == pytest.approx(np.sqrt(2 * 101) + 2 * np.sqrt(5))


def test_gated_prediction_keeps_the_gate_where_the_neuron_is_negative():
    network = GatedReLUNetwork([[1.0]], [[-3.0]], [2.0])
    assert network.predict([[1.0], [-1.0], [0.0]]).tolist() == [-6.0, 0.0, 0.0]


def test_prediction_walks_over_rows_in_chunks_without_seams(rng):
    # 300 neurons make chunks of 436 rows: three of them, the last one short.
    X, network = rng.standard_normal((1000, 3)), samplers.network(rng, 3, 300, offset=True)
    whole = np.maximum(X @ network.hidden, 0.0) @ network.output + network.offset[0]
    np.testing.assert_allclose(network.predict(X), whole, rtol=0, atol=1e-10 * np.max(np.abs(whole)))
    gates = gated(rng, network)
    whole = (network.hidden.T @ X.T * (gates.gates.T @ X.T >= 0)).T @ network.output + network.offset[0]
    np.testing.assert_allclose(gates.predict(X), whole, rtol=0, atol=1e-10 * np.max(np.abs(whole)))


def test_a_network_without_neurons_predicts_its_offset():
    network = ReLUNetwork(np.zeros((2, 0)), np.zeros((0, 2)), [1.0, -1.0])
    assert network.predict([[3.0, 4.0]]).tolist() == [[1.0, -1.0]]
    assert network.balance().n_neurons == network.merge([[1.0, 1.0]]).n_neurons == 0
    assert ReLUNetwork(np.zeros((2, 0)), np.zeros(0)).predict([[3.0, 4.0]]).tolist() == [0.0]


def test_merging_adds_up_neurons_of_one_pattern_and_direction():
    X = [[1.0], [2.0], [-1.0]]
    merged = ReLUNetwork([[1.0, 4.0, 1.0, -1.0]], [1.0, 1.0, -1.0, 1.0]).merge(X)
    products = merged.hidden[0] * np.abs(merged.output)
    assert products.tolist() == pytest.approx([5.0, 1.0, -1.0])
    assert np.sign(merged.output).tolist() == [1.0, -1.0, 1.0]


def test_merging_keeps_the_fit_but_not_the_function():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    network = ReLUNetwork([[1.0, 0.1], [0.1, 1.0]], [1.0, 1.0])
    merged, elsewhere = network.merge(X), np.array([[1.0, -0.5]])
    assert merged.n_neurons == 1
    assert merged.predict(X) == pytest.approx(network.predict(X))
    assert merged.predict(elsewhere) != pytest.approx(network.predict(elsewhere))


def test_balancing_survives_extreme_scales():
    balanced = ReLUNetwork([[1e-150, 1e150]], [1e150, 1e-150]).balance()
    assert balanced.hidden.ravel().tolist() == pytest.approx([1.0, 1.0])
    assert balanced.output.tolist() == pytest.approx([1.0, 1.0])


def test_networks_are_immutable_and_keep_their_own_copy():
    hidden = np.ones((1, 1))
    network = ReLUNetwork(hidden, [1.0])
    hidden[0, 0] = 7.0
    assert network.hidden[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        network.hidden[0, 0] = 2.0
    with pytest.raises(FrozenInstanceError):
        network.hidden = hidden


def test_repr_counts_features_neurons_and_outputs():
    assert repr(ReLUNetwork([[3.0]], [4.0])) == "ReLUNetwork(1 feature -> 1 neuron -> 1 output, path_norm=12)"
    assert "2 features -> 0 neurons -> 3 outputs" in repr(ReLUNetwork(np.zeros((2, 0)), np.zeros((0, 3))))
    assert "1 gated neuron" in repr(GatedReLUNetwork([[1.0]], [[1.0]], [1.0]))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (([1.0, 2.0], [1.0]), r"hidden must have shape \(d, m\) with d >= 1; got \(2,\)"),
        ((np.zeros((0, 2)), [1.0, 1.0]), r"hidden must have shape \(d, m\) with d >= 1; got \(0, 2\)"),
        (([[1.0, 2.0]], [1.0]), r"output must have shape \(2,\) or \(2, C\); got \(1,\)"),
        (([[1.0]], [[[1.0]]]), r"output must have shape .*; got \(1, 1, 1\)"),
        (([[1.0]], [1.0], [1.0, 2.0]), r"offset must have shape \(1,\); got \(2,\)"),
        (([[np.nan]], [1.0]), "hidden must be finite; found NaN or infinity"),
        (([[1.0]], [np.inf]), "output must be finite"),
        (([[1.0]], [1.0], [np.nan]), "offset must be finite"),
    ],
)
def test_bad_weights_are_refused_by_name(weights, message):
    with pytest.raises(ValueError, match=message):
        ReLUNetwork(*weights)


def test_bad_gates_are_refused_by_name():
    with pytest.raises(ValueError, match=r"gates must have the shape of hidden, \(1, 1\); got \(2, 1\)"):
        GatedReLUNetwork([[1.0], [1.0]], [[1.0]], [1.0])
    with pytest.raises(ValueError, match="gates must be finite"):
        GatedReLUNetwork([[np.inf]], [[1.0]], [1.0])


@pytest.mark.parametrize("method", ["predict", "patterns", "merge"])
@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, 2.0]], "X must have 1 columns; got 2"),
        ([1.0], r"X must be 2-D; got shape \(1,\)"),
        ([[np.nan]], "X must be finite; found 1 NaN or infinite of 1 entries"),
        ([["a"]], "X must be an array of numbers; got list"),
        (np.zeros((0, 1)), "X must not be empty"),
    ],
)
def test_bad_data_is_refused_by_name(method, X, message):
    with pytest.raises(ValueError, match=message):
        getattr(ReLUNetwork([[1.0]], [1.0]), method)(X)


def test_patterns_of_merged_neurons_are_theirs():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 2))
    network = ReLUNetwork(rng.standard_normal((2, 40)), np.ones(40))
    merged, masks = network.merge_with_patterns(X)
    assert merged.n_neurons < 40
    np.testing.assert_array_equal(masks, merged.patterns(X))
    np.testing.assert_allclose(merged.predict(X), network.predict(X), rtol=1e-12)
