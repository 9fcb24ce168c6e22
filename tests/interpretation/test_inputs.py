"""What the inputs of a network are, from what the user says of them."""

import numpy as np
import pandas as pd
import pytest

from cvxnn.interpretation.inputs import Inputs, target_names_of

DATA = np.array([[1.0, 5.0], [3.0, 5.5]])
WITH_ONES = np.column_stack([DATA, np.ones(2)])


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs.of(3, ["a", "b"]),
        Inputs.of(3, ["a", "b"], DATA),
        Inputs.of(3, ["a", "b"], WITH_ONES),
        Inputs.of(3, None, DATA),
        Inputs.of(3, None, WITH_ONES),
        Inputs.of(3, None, None, hidden_bias=True),
        Inputs.of(3, None, pd.DataFrame(DATA, columns=["a", "b"])),
        Inputs.of(3, None, pd.DataFrame(WITH_ONES, columns=["a", "b", "one"])),
    ],
)
def test_a_hidden_bias_is_known_by_names_data_or_word(inputs):
    assert inputs.hidden_bias
    assert inputs.names in (("a", "b"), ("x0", "x1"))
    if inputs.X is not None:
        np.testing.assert_array_equal(inputs.features, WITH_ONES)
        np.testing.assert_array_equal(inputs.scales, [1.0, 0.25])


@pytest.mark.parametrize(
    "inputs",
    [
        Inputs.of(3, ["a", "b", "c"]),
        Inputs.of(3, ["a", "b", "c"], WITH_ONES),
        Inputs.of(3, None, WITH_ONES + 1.0),
        Inputs.of(3, None, WITH_ONES, hidden_bias=False),
        Inputs.of(3),
    ],
)
def test_without_a_sign_of_it_there_is_no_hidden_bias(inputs):
    assert not inputs.hidden_bias
    assert len(inputs.names) == 3


def test_names_given_win_over_those_of_the_data():
    assert Inputs.of(2, ["p", "q"], pd.DataFrame(DATA, columns=["a", "b"])).names == ("p", "q")


def test_names_of_outputs():
    assert target_names_of(None, 1) == ("output",)
    assert target_names_of(None, 2) == ("output 0", "output 1")
    assert target_names_of(np.array(["no", "yes"]), 2) == ("no", "yes")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, ["a"]), "feature_names must be 3 names, or 2 where the last feature is the hidden bias; got 1"),
        (
            (3, ["a", "b", "c"], None, True),
            "feature_names must be 2 names, one for each feature but the hidden",
        ),
        ((3, "abc"), "feature_names must be a sequence of names; got one string, 'abc'"),
        ((3, ["a", "b", "a"]), "feature_names must be distinct; got 'a' 2 times"),
        ((3, ["a", "b", "c"], DATA), r"X must have 3 columns; got shape \(2, 2\)"),
        ((3, ["a", "b"], WITH_ONES + 1.0), "X must have 2 columns, which a column of ones may follow; got"),
        ((3, None, np.ones((2, 5))), r"X must have 2 columns.* got shape \(2, 5\)"),
        ((3, None, [[np.nan, 1.0]]), "X must be finite"),
    ],
)
def test_bad_input_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Inputs.of(*arguments)


def test_bad_names_of_outputs():
    with pytest.raises(ValueError, match="target_names must be 2, one for each output; got 1"):
        target_names_of(["a"], 2)
