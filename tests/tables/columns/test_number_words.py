"""Columns of numbers that some words spoil are refused by the names of the words, with what reads them."""

import logging

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables import fit_table, read_table
from cvxnn.tables.columns.learning import learn_encoding
from cvxnn.tables.columns.number_words import numbers_of, spoilt_numbers, without_marks

NUMBERS = [str(number) for number in range(20, 60)]


def refusal(words):
    with pytest.raises(ValueError) as caught:
        learn_encoding(pd.DataFrame({"x": words, "z": np.arange(len(words)) % 3}), impute=False)
    return str(caught.value)


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (
            ["?"],
            "'?' (1 time, first in row 41): read it as a missing value with missing=['?'] (--missing '?')",
        ),
        (["-", "-", "n.a."], "'-', 'n.a.' (3 times, first in row 41)"),
        (["unknown"], "--missing 'unknown'"),
        (["412,345"], "thousands=',' (--thousands ',')"),
        (["1'234"], """thousands="'" """),
        (["1.234.567"], "thousands='.', decimal=','"),
        (["1.234,5"], "thousands='.', decimal=','"),
        (["31,25"], "decimal=',' (--decimal ',')"),
        (["31.2%"], "take the sign % out"),
        (["31 # doubtful"], "comment='#' (--comment '#')"),
    ],
)
def test_one_odd_word_among_numbers_is_named_with_what_reads_it(words, remedy):
    said = refusal([*NUMBERS, *words])
    assert said.startswith("column 'x' must hold numbers or categories; found ")
    assert remedy in said
    assert "--text 'x'" in said
    assert "--drop 'x'" in said


@pytest.mark.parametrize(
    ("form", "remedy"),
    [("{},345", "thousands=','"), ("{}.5%", "sign %"), ("{},5", "decimal=','"), ("{} 000", "thousands=' '")],
)
def test_columns_all_of_whose_numbers_have_marks_are_refused(form, remedy):
    assert remedy in refusal([form.format(number) for number in NUMBERS])


@pytest.mark.parametrize(
    "days",
    [
        [f"2020-01-{day:02d}" for day in range(1, 29)],
        [f"{day}/1/2020" for day in range(1, 29)],
        [f"{day}.1.2020" for day in range(1, 29)],
        [f"2020-01-{day:02d} 12:30:00" for day in range(1, 29)],
        [f"2020-01-{day:02d}T12:30:00Z" for day in range(1, 29)],
        [f"{day} Jan 2020" for day in range(1, 29)],
        [f"{hour}:30" for hour in range(1, 24)],
        ["2020-01", "2020-02", "2020-03"],
    ],
)
def test_dates_and_times_are_refused_in_words(days):
    said = refusal(days)
    assert f"found dates or times such as '{min(days)}'" in said
    assert "--text 'x'" in said


@pytest.mark.parametrize(
    "words",
    [
        ["3.10", "3.1", "x"] * 4,  # codes beside a word that is no slip
        ["a", "b", "1"] * 4,
        ["1-2", "3-4", "5+"] * 4,
        ["10 mm", "12 mm"] * 6,
        ["v1.2.3", "1.2.3"] * 6,
        ["01", "02", "03"] * 4,
        ["yes, often", "no"] * 6,
        ["12-34", "13-35"] * 6,
    ],
)
def test_categories_that_only_look_a_little_like_numbers_are_learned(words):
    column = learn_encoding(pd.DataFrame({"x": words}), impute=False).encoding.columns[0]
    assert column.categories == tuple(sorted(set(words)))


def test_the_rows_of_the_test_are_looked_at_too():
    # The odd word is the only one of its kind, so that in most splits no training row has it.
    table = pd.DataFrame({"x": [*NUMBERS, "?"], "y": np.arange(41.0)})
    for seed in range(3):
        with pytest.raises(ValueError, match=r"most of them are numbers, but not '\?'"):
            fit_table(table, "y", test_size=0.9, random_state=seed)


def test_text_takes_a_column_as_categories_whatever_it_looks_like():
    days = pd.DataFrame({"x": ["2020-01-01", "2020-02-01"] * 4, "code": [1, 2, 3, 4] * 2})
    columns = learn_encoding(days, impute=False, text=("x", "code")).encoding.columns
    assert [column.categories for column in columns] == [("2020-01-01", "2020-02-01"), ("1", "2", "3", "4")]
    assert [column.values for column in columns] == ["text", "numbers"]
    with pytest.raises(ValueError, match="must have the column 'nowhere'"):
        fit_table(days.assign(y=1.0), "y", text=["nowhere"])


def test_odd_words_read_as_missing_give_the_numbers_back(tmp_path):
    (tmp_path / "t.csv").write_text("x\n" + "\n".join([*NUMBERS, "?", "-999"]) + "\n")
    table = read_table(tmp_path / "t.csv", missing=["?", "-999"])
    np.testing.assert_array_equal(table["x"], [*map(float, NUMBERS), np.nan, np.nan])


def test_a_target_with_an_odd_word_is_refused_by_the_word():
    table = pd.DataFrame({"x": np.arange(41), "y": [*NUMBERS, "n/k"]})
    with pytest.raises(ValueError, match=r"target 'y' must be a column of numbers: .* not 'n/k' .*--missing"):
        fit_table(table, "y")


def test_a_table_to_predict_from_is_refused_by_the_words_too():
    with pytest.raises(
        ValueError, match=r"must hold numbers; found '\?' \(2 times, first in row 2\): .*--missing"
    ):
        numbers_of(pd.Series(["1", "?", "2", "?"], name="x"))


def test_a_category_for_nearly_every_row_is_warned_of(caplog):
    table = pd.DataFrame({"who": [f"person {k}" for k in range(20)], "x": np.arange(20) % 7})
    with caplog.at_level(logging.WARNING):
        _, report = fit_table(table.assign(y=table["x"] * 2.0), "y", tol=1e-1)
    assert report.nearly_unique == ("who",)
    assert ["'who' has a category of its own for nearly every row" in text for text in caplog.messages] == [
        True
    ]


def test_a_category_for_every_other_row_is_not_warned_of():
    table = pd.DataFrame({"who": [f"pair {k // 2}" for k in range(20)]})
    assert learn_encoding(table, impute=False).nearly_unique == ()


@pytest.mark.parametrize(
    ("words", "decimal", "thousands", "numbers"),
    [
        (["1,234", "12", "-1,234,567.5", None], ".", ",", [1234.0, 12.0, -1234567.5, np.nan]),
        (["1.234,5", "0,25", "7"], ",", ".", [1234.5, 0.25, 7.0]),
        (["1,5e3", ",5", "+2,"], ",", None, [1500.0, 0.5, 2.0]),
        (["1'234", "5"], ".", "'", [1234.0, 5.0]),
    ],
)
def test_marks_are_read(words, decimal, thousands, numbers):
    found = without_marks(pd.Series(words, dtype=object), decimal=decimal, thousands=thousands)
    np.testing.assert_array_equal(found, numbers)


def test_a_comma_that_does_not_stand_before_three_digits_is_no_mark_between_thousands():
    words = pd.Series(["1,234", "12,345", "1,5"])
    assert spoilt_numbers(without_marks(words, decimal=".", thousands=",")).words == ("1,5",)


@pytest.mark.parametrize(("words", "odd"), [(["0.25", "0.5"], "'0.25', '0.5'"), (["1.234", "1.5"], "'1.5'")])
def test_numbers_with_another_decimal_mark_are_refused(words, odd):
    with pytest.raises(ValueError, match=f"is not written with decimal=',', thousands='.': found {odd}"):
        without_marks(pd.Series(words, name="x"), decimal=",", thousands=".")


def test_text_is_left_alone_where_marks_are_read():
    words = pd.Series(["red, blue", "1,5", "green"])
    assert without_marks(words, decimal=",", thousands=None).tolist() == words.tolist()
