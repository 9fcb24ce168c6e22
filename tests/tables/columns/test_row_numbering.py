"""A leading column that numbers the rows is no input."""

import logging

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables import fit_table, read_table
from cvxnn.tables.columns.row_numbering import RowNumbers, row_numbers


@pytest.mark.parametrize("name", ["Unnamed: 0", "", "id", "Row", "index", "rownames"])
@pytest.mark.parametrize("start", [0, 1])
def test_numbers_of_rows_without_a_name_or_with_one_that_says_so(name, start):
    table = pd.DataFrame({name: np.arange(start, start + 5), "x": 1.0})
    assert row_numbers(table) == RowNumbers(name, surely=True)


@pytest.mark.parametrize("labels", [[17, 3, 99, 4], ["ann", "bob", "cy", "di"]])
def test_labels_without_a_name_are_no_input_in_any_order(labels):
    assert row_numbers(pd.DataFrame({"Unnamed: 0": labels})).surely
    assert row_numbers(pd.DataFrame({"id": labels})) is None


@pytest.mark.parametrize(
    "column",
    [
        {"x": [3, 4, 5]},
        {"x": [0, 2, 1]},
        {"x": [0.0, 0.5, 1.0]},
        {"x": [True, False, True]},
        {"Unnamed: 0": [1.5, 2.5, 3.5]},
        {"Unnamed: 0": [1, 1, 2]},
        {"id": [1.0, np.nan, 3.0]},
        {"id": [0, 1]},
    ],
)
def test_other_columns_are_inputs(column):
    assert row_numbers(pd.DataFrame(column)) is None


def test_row_numbers_of_a_file_are_named_and_left_out(tmp_path, caplog, plain):
    plain.to_csv(tmp_path / "t.csv")
    with caplog.at_level(logging.WARNING):
        model, report = fit_table(read_table(tmp_path / "t.csv"), "y", tol=1e-1)
    assert caplog.messages == [
        "column 'Unnamed: 0' numbers the rows and is left out; rename it to use it as an input"
    ]
    assert report.row_numbers == ("Unnamed: 0",)
    assert model.feature_names == ("x",)
    assert model.predict(plain).shape == (30,)


def test_a_column_that_may_be_time_is_asked_about_and_kept(caplog, plain):
    table = plain.assign(time=np.arange(30))[["time", "x", "y"]]
    with caplog.at_level(logging.WARNING):
        model, report = fit_table(table, "y", tol=1e-1)
    assert (report.row_numbers, model.feature_names) == ((), ("time", "x"))
    assert "counts the rows, one by one; if it is no input" in caplog.text


@pytest.mark.parametrize("options", [{"drop": ["id"]}, {"text": ["id"]}])
def test_what_was_decided_about_a_column_is_not_asked_again(caplog, plain, options):
    table = plain.assign(id=np.arange(30))[["id", "x", "y"]]
    with caplog.at_level(logging.WARNING):
        _, report = fit_table(table, "y", beta_ratio=2.0, **options)  # the constant network, at once
    assert report.row_numbers == ()
    assert "numbers the rows" not in caplog.text


def test_the_only_input_is_kept(caplog):
    table = pd.DataFrame({"id": np.arange(12), "y": np.abs(np.arange(12) - 5.0)})
    model, _ = fit_table(table, "y", tol=1e-1)
    assert model.feature_names == ("id",)
    assert caplog.messages == []
