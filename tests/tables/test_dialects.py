"""Files written in other ways: what they seem to be is said, and the arguments it names read them."""

import gzip
import re

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables import TableModel, fit_table, read_table
from cvxnn.tables.dialects import MISSING_WORDS

PLAIN = pd.DataFrame(
    {"x": [1.5, -2.25, 3.0], "city": ["Orléans", "Kraków"[:4], "Orléans"], "y": [0.5, 1.0, 2.5]}
)
LINES = ["x{s}city{s}y", "1{d}5{s}Orléans{s}0{d}5", "-2{d}25{s}Krak{s}1{d}0", "3{d}0{s}Orléans{s}2{d}5"]


def text(separator=",", decimal="."):
    return "\n".join(line.format(s=separator, d=decimal) for line in LINES) + "\n"


CASES = {
    "semicolons": (text(";"), "utf-8", {"separator": ";"}),
    "decimal commas": (text(";", ","), "utf-8", {"separator": ";", "decimal": ","}),
    "tabs": (text("\t"), "utf-8", {"separator": "\t"}),
    "bars": (text("|"), "utf-8", {"separator": "|"}),
    "blanks": (text("  "), "utf-8", {"separator": " "}),
    "utf-16": (text(), "utf-16", {"encoding": "utf-16"}),
    "utf-16 without a mark": (text(), "utf-16-le", {"encoding": "utf-16-le"}),
    "utf-16, big end first": (text(), "utf-16-be", {"encoding": "utf-16-be"}),
    "utf-32": (text(), "utf-32", {"encoding": "utf-32"}),
    "cp1252": (text(), "cp1252", {"encoding": "cp1252"}),
    "comments before": ("# made by hand, in May\n# twice\n" + text(), "utf-8", {"comment": "#"}),
    "one comment of as many fields": ("# by hand, in May, twice\n" + text(), "utf-8", {"comment": "#"}),
    "a comment behind": (text() + "# the end\n", "utf-8", {"comment": "#"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_file_seems_to_be_is_said_and_the_arguments_named_read_it(tmp_path, case):
    content, encoding, options = CASES[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content.encode(encoding))
    with pytest.raises(ValueError, match="must be a readable table") as caught:
        read_table(path)
    for name, value in options.items():
        assert f"{name}={value!r}" in str(caught.value)
        assert f"--{name}" in str(caught.value)
    pd.testing.assert_frame_equal(read_table(path, **options), PLAIN)


@pytest.mark.parametrize("case", ["decimal commas", "cp1252", "comments before", "utf-16"])
def test_zipped_files_are_seen_through(tmp_path, case):
    content, encoding, options = CASES[case]
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(content.encode(encoding)))
    with pytest.raises(ValueError, match=re.escape(f"--{next(iter(options))}")):
        read_table(path)
    pd.testing.assert_frame_equal(read_table(path, **options), PLAIN)


@pytest.mark.parametrize(
    "content",
    [
        "x,city,y,\n" + "".join(f"{line}\n" for line in text().splitlines()[1:]),  # in the header only
        "\ufeff" + text(),
        text().replace("\n", "\r\n"),
        text().replace("\n", ",\n").replace("y,\n", "y\n", 1),  # on rows only
        text().replace("\n", ",\n"),
        text().replace("\n", ",,,\n"),
        "\n" + text(),
    ],
)
def test_commas_at_ends_of_lines_and_marks_before_the_text_change_nothing(tmp_path, content):
    (tmp_path / "t.csv").write_text(content, encoding="utf-8", newline="")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv"), PLAIN)


def test_a_value_behind_the_last_comma_is_not_dropped(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2,\n3,4,5\n")
    with pytest.raises(ValueError, match="Expected 2 fields"):
        read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("x,y,\n1,2,\n3,4,5\n")
    with pytest.raises(ValueError, match="columns number 3 have no name"):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("x,y\n1,0.5,2\n2,0.7,3\n3,0.1,2\n", "lack a name for a leading column of row numbers or names"),
        ("x,y\nann,0.5,2\nbob,0.7,3\n", "lack a name for a leading column of row numbers or names"),
        ("x,y\n1,5,2,5\n0,5,3,5\n", "if its numbers have decimal commas, they cannot be told"),
    ],
)
def test_rows_longer_than_the_header_are_explained(tmp_path, content, message):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "t.csv")


@pytest.mark.parametrize(
    "content",
    [
        "x\n1\n2\n",
        "note\nred; blue\ngreen\n",
        "note\nlong text of words\nanother text of words\n",
        "colour,y\n#ff0000,1\n#00ff00,2\n#0000ff,3\n",
        "#x,y\n1,2\n3,4\n",
        "x;z,y\n1,2\n3,4\n",
    ],
)
def test_plain_files_are_not_suspected(tmp_path, content):
    (tmp_path / "t.csv").write_text(content)
    assert len(read_table(tmp_path / "t.csv")) == content.count("\n") - 1


def test_a_chosen_separator_is_not_doubted(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\nx;1\ny;2\n")
    assert list(read_table(tmp_path / "t.csv", separator=",").columns) == ["a;b"]


def test_lines_between_quotes_are_no_comments_and_no_rows(tmp_path):
    rows = "".join(f'{k},"title\n# part; of a text",{k / 2}\n' for k in range(5000))
    (tmp_path / "t.csv").write_text("k,text,y\n" + rows)  # longer than what is looked at
    table = read_table(tmp_path / "t.csv")
    assert table.shape == (5000, 3)
    assert set(table["text"]) == {"title\n# part; of a text"}


def test_what_only_looks_like_comments_is_read_when_it_is_said_to_be_none(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n3,4\n#5,6\n")
    with pytest.raises(ValueError, match="comment='' "):
        read_table(tmp_path / "t.csv")
    assert read_table(tmp_path / "t.csv", comment="")["x"].tolist() == ["1", "3", "#5"]


def test_a_tab_has_a_name(tmp_path):
    (tmp_path / "t.csv").write_text(text("\t"))
    for name in ("tab", "\\t", "\t"):
        pd.testing.assert_frame_equal(read_table(tmp_path / "t.csv", separator=name), PLAIN)


def test_marks_between_thousands_and_columns_of_text(tmp_path):
    (tmp_path / "t.csv").write_text('pay,code\n"1,234","1,234"\n"56,789","2"\n12,"3"\n')
    table = read_table(tmp_path / "t.csv", thousands=",", text=["code"])
    assert table.to_dict("list") == {"pay": [1234.0, 56789.0, 12.0], "code": ["1,234", "2", "3"]}


def test_the_words_that_count_as_missing_are_those_of_the_documentation(tmp_path):
    (tmp_path / "t.csv").write_text(
        "word,x\n" + "".join(f"{word},1\n" for word in MISSING_WORDS) + "none,1\n"
    )
    found = read_table(tmp_path / "t.csv")["word"]
    assert found.isna().tolist() == [True] * len(MISSING_WORDS) + [False]
    assert all(word in read_table.__doc__ for word in MISSING_WORDS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"separator": ";;"}, "separator must be one character; got ';;'"),
        ({"separator": ""}, "separator must be one character"),
        ({"decimal": "5"}, "decimal must be a mark that no number holds; got '5'"),
        ({"thousands": "-"}, "thousands must be a mark"),
        ({"decimal": ",", "thousands": ","}, "decimal, thousands must be distinct"),
        ({"comment": "//"}, "comment must be one character"),
        ({"encoding": "klingon"}, "encoding must be the name of a text encoding, .*got 'klingon'"),
        ({"encoding": "base64"}, "encoding must be the name of a text encoding"),
        ({"missing": "?"}, "missing must be a collection of words; got the text"),
        ({"encoding": "ascii"}, "line 2 is not in ascii"),
    ],
)
def test_bad_options_are_refused_by_name(tmp_path, options, message):
    (tmp_path / "t.csv").write_text(text(), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / "t.csv", **options)


def test_files_with_types_of_their_own_take_no_options(tmp_path):
    (tmp_path / "t.parquet").touch()
    with pytest.raises(ValueError, match=r"are for text files; got 't\.parquet'"):
        read_table(tmp_path / "t.parquet", decimal=",")


def test_a_model_reads_a_file_written_in_another_way(tmp_path):
    x = np.linspace(-1.0, 1.0, 12)
    table = pd.DataFrame({"x": x, "city": ["Orléans", "Krak"] * 6, "y": np.abs(x)})
    model, _ = fit_table(table, "y", tol=1e-1)
    assert isinstance(model, TableModel)
    (tmp_path / "t.csv").write_bytes(text(";", ",").encode("cp1252"))
    rows = model.read(tmp_path / "t.csv", separator=";", decimal=",", encoding="cp1252")
    np.testing.assert_array_equal(model.predict(rows), model.predict(PLAIN))
