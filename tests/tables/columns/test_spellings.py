"""What a category is called depends on its own spelling, and not on the rest of its file."""

import logging

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables import fit_table, load_table_model, read_table
from cvxnn.tables.columns.encoding import CategoricalColumn, Encoding
from cvxnn.tables.columns.spellings import Spellings, meaning_of, values_held_by, values_spelt_by

TOL = 1e-4


def fitted(folder, words, effects):
    """Train on a file in which each word has its effect, twelve rows each."""
    path = folder / "train.csv"
    rows = [f"{word},{effect}" for word, effect in zip(words, effects, strict=True)] * 12
    path.write_text("\n".join(["c,y", *rows]) + "\n")
    return fit_table(read_table(path), "y", beta_ratio=1e-4, tol=TOL)[0]


def predicted(model, folder, words):
    path = folder / "new.csv"
    path.write_text("\n".join(["c", *words]) + "\n")
    return model.predict(model.read(path))


@pytest.mark.parametrize(
    ("words", "alone"),
    [
        (("3.10", "3.1", "x"), ("3.10", "3.1")),
        (("01", "1", "x"), ("01", "1")),
        (("TRUE", "true", "maybe"), ("TRUE", "true")),
        (("1.50", "1.5", "x"), ("1.5", "1.50")),
        (("1e3", "1000", "x"), ("1000",)),
    ],
)
def test_a_file_of_some_of_the_words_is_predicted_as_the_file_of_all(tmp_path, caplog, words, alone):
    effects = (0.0, 5.0, 10.0)
    model = fitted(tmp_path, words, effects)
    effect = dict(zip(words, effects, strict=True))
    with caplog.at_level(logging.WARNING):
        found = predicted(model, tmp_path, alone)
    # 0.05: the weight decay, 1e-4 of the critical one, draws effects together by less than 1 % of their range.
    np.testing.assert_allclose(found, [effect[word] for word in alone], atol=0.05)
    assert caplog.messages == []


def test_one_unknown_word_in_a_column_of_booleans_is_one_unknown_value(tmp_path, caplog):
    model = fitted(tmp_path, ("TRUE", "FALSE"), (10.0, 0.0))
    alone = predicted(model, tmp_path, ["TRUE", "FALSE"])
    np.testing.assert_allclose(alone, [10.0, 0.0], atol=0.05)  # as above
    assert caplog.messages == []
    mixed = predicted(model, tmp_path, ["true", "maybe", "False", "FALSE"])
    np.testing.assert_array_equal(mixed[[0, 2, 3]], alone[[0, 1, 1]])
    assert caplog.messages == ["column 'c': 1 values of no category seen in training"]


def test_a_new_spelling_of_a_text_is_unknown_and_of_a_number_is_not():
    words = pd.DataFrame({"c": ["1.50", "1.5", "01.5", "x"]})
    text = Encoding((CategoricalColumn("c", ("1.5", "2")),)).encode(words)
    number = Encoding((CategoricalColumn("c", ("1.5", "2"), values="numbers"),)).encode(words)
    np.testing.assert_array_equal(text.X[:, 0], [0, 1, 0, 0])
    np.testing.assert_array_equal(number.X[:, 0], [1, 1, 1, 0])
    assert (text.unknown, number.unknown) == ({"c": 3}, {"c": 1})


def test_numbers_in_memory_are_the_one_category_that_they_can_be():
    column = CategoricalColumn("c", ("01", "2", "TRUE", "x"))
    table = pd.DataFrame({"c": pd.Series([1, 2.0, True, np.bool_(False), 1.5], dtype=object)})
    encoded = Encoding((column,)).encode(table)
    np.testing.assert_array_equal(
        encoded.X, [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    )
    assert encoded.unknown == {"c": 2}


def test_numbers_that_may_be_several_categories_are_refused_by_name():
    encoding = Encoding((CategoricalColumn("c", ("3.1", "3.10", "x")),))
    with pytest.raises(ValueError, match=r"column 'c' must hold text: 3.1 may be any of .*'3.1', '3.10'"):
        encoding.encode(pd.DataFrame({"c": [3.1, 3.1]}))


def test_whole_numbers_beyond_floats_stay_apart():
    spellings = Spellings((str(2**53), str(2**53 + 1)), "text")
    assert spellings.categories_of(pd.Series([2**53 + 1, 2**53])) == [str(2**53 + 1), str(2**53)]


@pytest.mark.parametrize(
    ("value", "same"),
    [("01", 1), ("1.50", 1.5), (" 2 ", np.int64(2)), ("True", np.bool_(True)), ("1e3", 1000)],
)
def test_a_text_and_a_value_mean_the_same(value, same):
    assert meaning_of(value) == meaning_of(same)


@pytest.mark.parametrize("value", ["x", "", "nan", "inf", "1_000", "0x10", "1,5", "٣", float("inf"), None])
def test_what_is_neither_number_nor_boolean_means_nothing(value):
    assert meaning_of(value) is None


def test_what_a_column_held_is_told_by_its_values():
    held = [
        pd.Series([True, False]),
        pd.Series([True, None, False], dtype=object),
        pd.Categorical([1.5, 2.0]),
        ["1", "2"],
        pd.Series([1, "x", True], dtype=object),
    ]
    found = [values_held_by(pd.Series(column)) for column in held]
    assert found == ["booleans", "booleans", "numbers", "text", "text"]


@pytest.mark.parametrize(
    ("categories", "values"),
    [
        (["False", "True"], "booleans"),
        (["1", "1.5", "-3"], "numbers"),
        (["1", "1.50"], "text"),
        (["01", "02"], "text"),
        (["TRUE", "FALSE"], "text"),
        (["1", "x"], "text"),
    ],
)
def test_what_old_categories_were_made_of_is_told_by_their_names(categories, values):
    assert values_spelt_by(categories) == values


def test_the_types_of_training_survive_the_file(tmp_path):
    table = pd.DataFrame({"c": pd.Categorical([1.5, 2.0, 2.5] * 8), "flag": [True, False] * 12})
    model, _ = fit_table(table.assign(y=np.arange(24) % 3 + table["flag"]), "y", tol=1e-2)
    model.save(tmp_path / "m")
    (tmp_path / "new.csv").write_text("c,flag\n1.50,TRUE\n02,false\n")
    loaded = load_table_model(tmp_path / "m")
    same = pd.DataFrame({"c": [1.5, 2.0], "flag": [True, False]})
    np.testing.assert_array_equal(loaded.predict(loaded.read(tmp_path / "new.csv")), model.predict(same))
