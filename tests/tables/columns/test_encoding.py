"""Encoding of columns, as learned from training rows."""

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables.columns.encoding import CategoricalColumn, Encoding, NumericColumn
from cvxnn.tables.columns.learning import learn_encoding


def test_one_hot_rows_have_one_one_for_known_and_none_for_unknown_categories():
    encoding = Encoding((CategoricalColumn("c", ("a", "b", "c")),))
    encoded = encoding.encode(pd.DataFrame({"c": ["b", "z", "a", "z"]}))
    np.testing.assert_array_equal(encoded.X, [[0, 1, 0], [0, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert encoded.unknown == {"c": 2}


def test_permuting_rows_permutes_the_matrix(mixed, rng):
    encoding = learn_encoding(mixed, impute=False).encoding
    order = rng.permutation(len(mixed))
    np.testing.assert_array_equal(encoding.encode(mixed).X[order], encoding.encode(mixed.iloc[order]).X)


def test_order_and_extra_columns_of_a_table_change_nothing(mixed):
    encoding = learn_encoding(mixed[["x", "colour"]], impute=False).encoding
    shuffled = mixed[["const", "colour", "y", "x"]]
    np.testing.assert_array_equal(encoding.encode(mixed).X, encoding.encode(shuffled).X)


def test_text_booleans_and_categories_become_one_hot_and_numbers_stay():
    table = pd.DataFrame(
        {
            "number": [1, 2, 3],
            "nullable": pd.array([1, 2, 4], dtype="Int64"),
            "text": ["a", "b", "a"],
            "flag": [True, False, True],
            "category": pd.Categorical([3, 1, 3]),
            "mixed": [1, "x", 2.5],
        }
    )
    columns = learn_encoding(table, impute=False).encoding.columns
    assert columns == (
        NumericColumn("number"),
        NumericColumn("nullable"),
        CategoricalColumn("text", ("a", "b")),
        CategoricalColumn("flag", ("False", "True"), values="booleans"),
        CategoricalColumn("category", ("1", "3"), values="numbers"),
        CategoricalColumn("mixed", ("1", "2.5", "x")),
    )


def test_integer_categories_are_recognised_in_a_column_that_a_gap_made_float():
    column = CategoricalColumn("c", ("1", "2"), fill="2")
    encoded = Encoding((column,)).encode(pd.DataFrame({"c": [1.0, np.nan, 2.0]}))
    np.testing.assert_array_equal(encoded.X, [[1, 0], [0, 1], [0, 1]])
    assert (encoded.unknown, encoded.imputed) == ({}, {"c": 1})


def test_constant_columns_are_left_out_gaps_included():
    table = pd.DataFrame({"x": [1.0, 2.0], "one": [3, 3], "word": ["a", "a"], "gap": [np.nan, 4.0]})
    learned = learn_encoding(table, impute=True)
    assert learned.encoding.features == ("x",)
    assert learned.constant == ("one", "word", "gap")
    assert learned.imputed == {}


def test_imputation_uses_median_and_most_frequent_category():
    table = pd.DataFrame({"x": [1.0, np.nan, 2.0, 9.0], "c": ["b", "a", "b", None]})
    learned = learn_encoding(table, impute=True)
    assert learned.encoding.columns == (NumericColumn("x", 2.0), CategoricalColumn("c", ("a", "b"), "b"))
    assert learned.imputed == {"x": 1, "c": 1}
    np.testing.assert_array_equal(learned.encoding.encode(table).X[:, 0], [1.0, 2.0, 2.0, 9.0])


def test_equally_frequent_categories_are_imputed_the_same_way_whatever_the_order():
    fills = {
        learn_encoding(pd.DataFrame({"c": values}), impute=True).encoding.columns[0].fill
        for values in (["b", "a", None], ["a", "b", None], [None, "b", "a"])
    }
    assert fills == {"a"}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.nan, 2.0], r"no missing values; found 1 in the columns 'c'.*--impute"),
        (["a", None, "b"], r"no missing values"),
        ([1.0, np.inf, 2.0], r"column 'c' must be finite"),
        (pd.to_datetime(["2020-01-01", "2020-01-02", "2020-01-03"]), r"column 'c'.*datetime64.*--drop"),
        ([1 + 2j, 1.0, 0.0], r"column 'c'.*complex"),
        ([4, 4, 4], r"a column that varies; found none in 'c'"),
    ],
)
def test_columns_that_cannot_be_learned_are_refused_by_name(values, message):
    with pytest.raises(ValueError, match=message):
        learn_encoding(pd.DataFrame({"c": values}), impute=False)


def test_too_many_categories_are_refused_with_the_remedy():
    table = pd.DataFrame({"id": [f"row {k}" for k in range(51)]})
    with pytest.raises(ValueError, match=r"column 'id' must have few categories; found 51.*--drop 'id'"):
        learn_encoding(table, impute=False)
    assert len(learn_encoding(table.iloc[:50], impute=False).encoding.features) == 50


def test_numbers_spoilt_by_a_few_words_are_named():
    table = pd.DataFrame({"x": [str(k) for k in range(60)] + ["?"]})
    with pytest.raises(ValueError, match=r"most of them are numbers, but not '\?'"):
        learn_encoding(table, impute=False)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"c": ["a"]}), r"must have the column 'x'; it has 'c'"),
        (pd.DataFrame({"x": ["word"]}), r"column 'x' must hold numbers; found 'word'"),
        (pd.DataFrame({"x": [True]}), r"column 'x' must hold numbers; found"),
        (pd.DataFrame({"x": [np.nan]}), r"no missing values in the columns 'x'.*without impute"),
        (pd.DataFrame({"x": []}), r"must have rows and columns; got 0 x 1"),
        ([[1.0]], r"must be a pandas DataFrame; got list"),
        (pd.DataFrame([[1.0, 2.0]], columns=["x", "x"]), r"distinct column names; found more than once: 'x'"),
    ],
)
def test_tables_that_do_not_fit_are_refused(table, message):
    with pytest.raises(ValueError, match=message):
        Encoding((NumericColumn("x"),)).encode(table)


@pytest.mark.parametrize("dtype", ["int64", "Int64", "uint64", "object", "str"])
def test_integers_that_would_merge_are_refused_by_column(dtype):
    table = pd.DataFrame({"id": pd.array([2**53 + 1, 2**53], dtype="int64").astype(dtype)})
    with pytest.raises(ValueError, match=r"column 'id' must hold integers .*such as 9007199254740993"):
        Encoding((NumericColumn("id"),)).encode(table)
