"""Neurons as half-space rules say exactly what the network does, and in print nearly so."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork

seeds = st.integers(0, 10**6)
NAMES = ["a", "b", "c", "d"]


def random_data(seed, n=60):
    """Return data off the origin, columns of very different scale, where rounding a coefficient matters."""
    rng = np.random.default_rng(seed)
    return rng.normal([0.0, 300.0, -2.0, 9.0], size=(n, 4)) * [1.0, 1e3, 1e-4, 0.1]


def random_network(seed, X, n_neurons=5, n_outputs=None):
    """Return a network with a hidden bias, every neuron of which switches somewhere in the data."""
    rng = np.random.default_rng(seed)
    hidden = rng.normal(size=(4, n_neurons)) / X.std(axis=0)[:, None]
    hidden = np.vstack([hidden, -X[:n_neurons].mean(axis=0) @ hidden + 0.3 * rng.normal(size=n_neurons)])
    output = rng.normal(size=n_neurons if n_outputs is None else (n_neurons, n_outputs))
    return ReLUNetwork(hidden, output, rng.normal(size=n_outputs or 1))


def with_ones(X):
    return np.column_stack([X, np.ones(len(X))])


def by_the_rules(rules, X):
    """Return the predictions that the rules' numbers give, shape (n, C)."""
    distance = X @ rules.coefficients.T - rules.thresholds
    return np.maximum(np.where(rules.above, distance, -distance), 0.0) @ rules.slopes + rules.offset


def size_of_sums(network, X):
    """Return the size of the numbers that a prediction is summed from: rounding errors are relative to it."""
    features = np.abs(with_ones(X)) @ np.abs(network.hidden)
    return float(np.max(features @ np.abs(network.output.reshape(network.n_neurons, -1))))


@given(seed=seeds, n_outputs=st.sampled_from([None, 1, 3]), with_data=st.booleans())
def test_the_rules_are_the_network(seed, n_outputs, with_data):
    X = random_data(seed)
    network = random_network(seed, X, n_outputs=n_outputs)
    rules = network.describe(NAMES, X if with_data else None)
    expected = network.predict(with_ones(X)).reshape(len(X), -1)
    # dividing by the leading coefficient and multiplying again: a few units in the last place of the summands
    np.testing.assert_allclose(by_the_rules(rules, X), expected, atol=1e-13 * size_of_sums(network, X))


@given(seed=seeds)
def test_the_rules_of_a_gated_network_are_the_network(seed):
    X = random_data(seed)
    gates, hidden = random_network(seed, X).hidden, random_network(seed + 1, X).hidden
    network = GatedReLUNetwork(gates, hidden, [1.0, -2.0, 0.5, 3.0, -1.0], [0.7])
    rules = network.describe(NAMES, X)
    distance = X @ rules.coefficients.T - rules.thresholds
    lines = X @ rules.factors.T - rules.factor_thresholds
    values = np.where((distance > 0) == rules.above, lines, 0.0) @ rules.slopes[:, 0] + rules.offset
    np.testing.assert_allclose(
        values,
        network.predict(with_ones(X)),
        atol=1e-13 * size_of_sums(ReLUNetwork(hidden, np.ones(5)), X) * 8,
    )
    np.testing.assert_allclose(rules.mean.sum() + 0.7, values.mean(), rtol=1e-9)


@given(seed=seeds, n_outputs=st.sampled_from([None, 3]))
def test_means_and_offset_add_up_to_the_mean_prediction(seed, n_outputs):
    X = random_data(seed)
    network = random_network(seed, X, n_outputs=n_outputs)
    rules = network.describe(NAMES, X)
    mean = network.predict(with_ones(X)).mean(axis=0)
    np.testing.assert_allclose(
        rules.mean.sum(axis=0) + rules.offset, np.atleast_1d(mean), atol=1e-13 * size_of_sums(network, X)
    )


@given(seed=seeds)
def test_importance_is_the_spread_of_what_is_added_and_active_its_share(seed):
    X = random_data(seed)
    network = random_network(seed, X)
    rules = network.describe(NAMES, X)
    for k, neuron in enumerate(rules.neurons):
        one = network.select([neuron])
        added = one.predict_without_offset(with_ones(X))
        np.testing.assert_allclose(rules.importance[k], added.std(), rtol=1e-9)
        assert rules.active[k] == one.patterns(with_ones(X)).mean()
    assert np.all(np.diff(rules.importance) <= 0)
    np.testing.assert_allclose(rules.shares.sum(), 1.0)


@given(seed=seeds)
def test_units_of_the_data_do_not_change_what_matters(seed):
    X, units = random_data(seed), np.array([1e8, 1e-8, 3.0, 0.5])
    network = random_network(seed, X)
    other = ReLUNetwork(network.hidden / np.append(units, 1.0)[:, None], network.output, network.offset)
    rules, others = network.describe(NAMES, X), other.describe(NAMES, X * units)
    np.testing.assert_array_equal(rules.neurons, others.neurons)
    np.testing.assert_allclose(rules.importance, others.importance, rtol=1e-6)
    leads = [condition.split()[0] for condition in rules.conditions]
    assert leads == [condition.split()[0] for condition in others.conditions]


@given(seed=seeds)
def test_positive_rescaling_of_neurons_changes_no_rule_and_their_order_only_the_index(seed):
    X = random_data(seed)
    network = random_network(seed, X)
    factors = 2.0 ** np.random.default_rng(seed).integers(-20, 20, 5)  # powers of two: exact
    rescaled = ReLUNetwork(network.hidden * factors, network.output / factors, network.offset)
    turned = network.select([4, 3, 2, 1, 0])
    rules = network.describe(NAMES, X)
    assert str(rescaled.describe(NAMES, X)) == str(rules)
    np.testing.assert_array_equal(turned.describe(NAMES, X).neurons, 4 - rules.neurons)
    assert turned.describe(NAMES, X).conditions == rules.conditions


def read_condition(text, X):
    """Return where a printed condition holds, and how far each sample is from its threshold in spreads."""
    left, side, threshold = re.fullmatch(r"(.*) ([<>]) (\S+)", text).groups()
    left = re.sub(r" \+ \d+ more \(.*\)", "", left)
    value = eval(re.sub(r"(\S+) ([a-d])\b", r"\1*\2", "+ 1 " + left), {}, dict(zip(NAMES, X.T, strict=False)))
    distance = value - float(threshold)
    return (distance > 0 if side == ">" else distance < 0), np.abs(distance) / value.std()


@given(seed=seeds)
def test_printed_conditions_are_true_away_from_their_threshold(seed):
    X = random_data(seed)
    network = random_network(seed, X)
    rules = network.describe(NAMES, X)
    patterns = network.patterns(with_ones(X))
    for neuron, condition in zip(rules.neurons, rules.conditions, strict=True):
        holds, distance = read_condition(condition, X)
        # three digits of each coefficient: 0.5 % of a term, terms up to some spreads; terms of 1 % are left out
        clear = distance > 0.15
        np.testing.assert_array_equal(holds[clear], patterns[clear, neuron])


def test_a_printed_threshold_without_the_means_of_the_data_would_be_false():
    # the planted fault: b has a mean of 3e5, so that rounding its coefficient moves the threshold by 150
    X = np.column_stack([np.linspace(-1, 1, 41), 3e5 + np.linspace(-1, 1, 41) ** 2])
    network = ReLUNetwork([[1.0], [0.123456], [-0.123456 * 3e5]], [1.0])
    (condition,) = network.describe(["a", "b"], X).conditions
    assert condition.startswith("a + 0.123 b > ")
    assert abs(float(condition.split()[-1]) - (0.123456 * 3e5)) > 100
    holds, distance = read_condition(condition, X)
    clear = distance > 0.05
    np.testing.assert_array_equal(holds[clear], network.patterns(with_ones(X))[clear, 0])
    (exact,) = network.describe(["a", "b"], X).thresholds
    np.testing.assert_allclose(exact, 0.123456 * 3e5, rtol=1e-15)


def test_features_left_out_are_counted_with_their_share_and_held_at_their_means():
    X = np.array([[0.0, 10.0, 7.0], [4.0, 12.0, 7.0]])  # spreads 2, 1, 0
    network = ReLUNetwork([[3.0], [2.0], [5.0], [-41.0]], [2.0])
    (condition,) = network.describe(["a", "b", "c"], X, n_terms=1).conditions
    # 3 a + 2 b + 5 c > 41 with b = 11, c = 7: a > -16/3; of 3 * 2 + 2 * 1 = 8 the 2 are left out
    assert condition == "a + 2 more (25%) > -5.33"
    (condition,) = network.describe(["a", "b", "c"], n_terms=1).conditions
    assert condition == "c + 2 more (50%) > 8.200"


def test_features_that_do_not_matter_are_left_out_below_the_limit_too():
    (condition,) = ReLUNetwork([[1.0], [1e-4], [0.0]], [1.0]).describe(["a", "b", "c"]).conditions
    assert condition == "a + 1 more (<1%) > 0"


def test_below_everywhere_and_nowhere():
    network = ReLUNetwork([[-2.0, 0.0, 0.0], [36.0, 3.0, -1.0]], [1.5, 2.0, 1.0], [4.0])
    rules = network.describe(["age"])
    assert rules.conditions == ("age < 18.00", "everywhere", "nowhere")
    assert rules.effects[:2] == ("+3.00 per unit below", "+6.00")
    np.testing.assert_allclose(by_the_rules(rules, np.array([[10.0], [30.0]]))[:, 0], [34.0, 10.0])


def test_neurons_of_weight_zero_are_left_out_and_none_at_all_is_a_constant():
    assert list(ReLUNetwork([[1.0, 0.0, 1.0]], [0.0, 1.0, 2.0]).describe(["a"]).neurons) == [2]
    constant = ReLUNetwork(np.zeros((2, 0)), [], [1.5]).describe(["a"])
    assert str(constant) == "output = 1.500: a constant, no neurons"
    assert len(constant.to_frame()) == len(constant) == 0
    assert "a constant" in constant._repr_html_()
    assert len(ReLUNetwork(np.zeros((2, 0)), [], [1.5]).describe(["a"], [[1.0], [2.0]])) == 0


def test_constant_data_and_a_single_sample_still_give_rules():
    network = ReLUNetwork([[2.0, 1.0], [1.0, 5.0], [-1.0, 0.0]], [1.0, 1.0])
    for X in ([[3.0, 4.0]], [[3.0, 4.0]] * 5):
        rules = network.describe(["a", "b"], X)
        assert rules.conditions == ("b + 0.200 a > 0", "a + 0.500 b > 0.5000")
        np.testing.assert_array_equal(rules.shares, 0.0)


def test_several_outputs_are_named_the_largest_first():
    network = ReLUNetwork([[2.0]], [[1.0, -5.0, 0.0, 3.0]], [1.0, 2.0, 3.0, 4.0])
    classes = ["cat", "dog", "emu", "fox"]
    assert network.describe(["a"], target_names=classes).effects == (
        "-10.0 dog, +6.00 fox, +2.00 cat per unit above",
    )
    rules = network.describe(["a"], [[1.0], [2.0]], target_names=classes, n_terms=1)
    assert rules.effects == ("-10.0 dog, 2 more (44%) per unit above",)
    assert str(rules).startswith(
        "cat = 1.000, dog = 2.000, emu = 3.000, fox = 4.000, and what this neuron adds:"
    )
    assert {"slope, dog", "mean, fox"} <= set(rules.to_frame())


def test_print_shows_the_top_and_says_what_is_left():
    X = random_data(0)
    rules = random_network(0, X).describe(NAMES, X, top=2)
    text = str(rules)
    share = 100 * rules.shares[2:].sum()
    assert f"and 3 more neurons, with a share of {share:.0f}%" in text
    assert all(condition in text for condition in rules.conditions[:2])
    assert rules.conditions[2] not in text
    assert "of the 60 samples" in text
    assert repr(rules) == "NetworkRules(5 neurons, 4 features, 1 outputs)"
    table = text.split("\n\n")[1].splitlines()
    assert len({len(line) for line in table[:3]}) == 1  # aligned


def test_frames_have_everything():
    X = pd.DataFrame(random_data(1), columns=["age", "bmi", "s1", "s2"])
    rules = random_network(1, X.to_numpy()).describe(X=X, top=1)
    frame, coefficients = rules.to_frame(), rules.coefficients_frame()
    assert list(frame) == ["where", "adds", "threshold", "slope", "active", "mean", "importance", "share"]
    assert list(coefficients) == ["age", "bmi", "s1", "s2"]
    assert len(frame) == len(coefficients) == 5
    assert list(frame.index) == list(coefficients.index) == list(rules.neurons)
    np.testing.assert_array_equal(coefficients.to_numpy().max(axis=1) >= 1.0, True)


def test_html_escapes_names():
    html = ReLUNetwork([[1.0]], [1.0]).describe(["<b>"], target_names=["<i>"])._repr_html_()
    assert "<b>" not in html
    assert "<i>" not in html
    assert "&lt;b&gt;" in html


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_terms": 0}, "n_terms must be an integer >= 1; got 0"),
        ({"top": 2.5}, "top must be an integer >= 1; got 2.5"),
        ({"feature_names": ["a", "b", "c"]}, "feature_names must be 2 names, or 1 where"),
        ({"target_names": ["a", "b"]}, "target_names must be 1, one for each output; got 2"),
        ({"X": [[1.0, 2.0, 3.0]]}, r"X must have .* columns.*; got shape \(1, 3\)"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        ReLUNetwork([[1.0], [2.0]], [1.0]).describe(**options)


def test_rules_of_gates_in_words():
    gates = [[1.0, -2.0, 0.0, 0.0], [-40.0, 60.0, 0.0, -1.0]]
    hidden = [[2.0, 0.0, 3.0, 1.0], [10.0, -4.0, -6.0, 0.0]]
    rules = GatedReLUNetwork(gates, hidden, [1.5, 2.0, -1.0, 1.0]).describe(["age"])
    texts = dict(zip(rules.neurons, zip(rules.conditions, rules.effects, strict=True), strict=True))
    assert texts == {
        0: ("age > 40.00", "+3.00 x (age + 5.000)"),
        1: ("age < 30.00", "-8.00"),
        2: ("everywhere", "-3.00 x (age - 2.000)"),
        3: ("nowhere", "+1.00 x (age)"),
    }
    assert "per unit" not in str(rules)


def test_the_column_of_ones_may_be_in_the_data_or_not():
    X = random_data(2)
    network = random_network(2, X)
    assert str(network.describe(NAMES, X)) == str(network.describe(NAMES, with_ones(X)))
