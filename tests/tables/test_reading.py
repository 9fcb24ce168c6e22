"""Tables from files, predictions to files."""

import builtins
import gzip

import numpy as np
import pandas as pd
import pytest

from cvxnn.tables import read_table, write_predictions
from cvxnn.tables.reading import predictions_as_csv

TEXT = "x,name\n1.5,a\n-2,b\n"


@pytest.mark.parametrize("name", ["t.csv", "T.CSV", "t.tsv", "t.csv.gz", "t.tsv.gz"])
def test_text_files_are_read_plain_and_gzipped(tmp_path, name):
    text = TEXT.replace(",", "\t") if "tsv" in name else TEXT
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    table = read_table(tmp_path / name)
    assert table.to_dict("list") == {"x": [1.5, -2.0], "name": ["a", "b"]}


def test_parquet_files_are_read(tmp_path):
    pytest.importorskip("pyarrow")
    table = pd.DataFrame({"x": [1.5, -2.0], "name": ["a", "b"]})
    table.to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet").to_dict("list") == table.to_dict("list")


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").touch()
    real_import = builtins.__import__

    def no_pyarrow(name, *args, **kwargs):
        if name == "pyarrow":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_pyarrow)
    with pytest.raises(ImportError, match=r"cvxnn\[parquet\]"):
        read_table(tmp_path / "t.parquet")


def test_numbers_are_those_of_the_text(tmp_path, rng):
    values = rng.standard_normal(200) * 10.0 ** rng.integers(-300, 300, 200)
    (tmp_path / "t.csv").write_text("x\n" + "\n".join(map(repr, values.tolist())))
    # Exact from pandas 3 on; earlier releases may miss the last bit.
    np.testing.assert_allclose(read_table(tmp_path / "t.csv")["x"], values, rtol=1e-15)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"", "must be a readable table"),
        ("t.csv", b"x,y\n", "must have rows and columns; got 0 x 2"),
        ("t.csv", b"x,y,x\n1,2,3\n", "more than one column 'x'"),
        ("t.csv", b"x,,y\n1,2,3\n", "columns number 2 have no name"),
        ("t.csv", b"x,y\n1,2,3\n4,5,6\n", "Expected 2 fields in line 2, saw 3"),
        ("t.csv", b"x,y\n1,2\n4,5,6\n", "must be a readable table"),
        ("t.csv", b"x\n\xff\xfe\n", "must be a readable table"),
        ("t.csv.gz", b"x\n1\n", "must be a readable table"),
        (
            "t.csv.gz",
            gzip.compress(TEXT.encode(), mtime=0)[:-9],
            "must be a readable table",
        ),  # the same bytes whenever tests are collected
        ("t.parquet", b"PAR1", "must be a readable table"),
        ("t.xlsx", b"", r"must end in .csv, .*.parquet; got 't.xlsx'"),
    ],
)
def test_unreadable_files_are_refused(tmp_path, name, data, message):
    if name == "t.parquet":
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=message):
        read_table(tmp_path / name)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere.csv"):
        read_table(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ValueError, match="must be a readable table"):
        read_table(tmp_path / "folder.csv")


def test_an_unnamed_first_column_is_a_column_like_others(tmp_path):
    pd.DataFrame({"x": [1.0, 2.0]}).to_csv(tmp_path / "t.csv")
    assert list(read_table(tmp_path / "t.csv").columns) == ["Unnamed: 0", "x"]


def test_predictions_come_back(tmp_path, rng):
    predictions = rng.standard_normal(50) * 1e-7
    write_predictions(predictions, tmp_path / "p.csv")
    np.testing.assert_allclose(read_table(tmp_path / "p.csv")["prediction"], predictions, rtol=1e-15)
    assert (tmp_path / "p.csv").read_text() == predictions_as_csv(predictions)
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("p.parquet", "must end in .csv"), ("no/p.csv", "there is no folder"), (".", "must end in")],
)
def test_predictions_go_to_csv_files_in_existing_folders(tmp_path, name, message):
    with pytest.raises(ValueError, match=message):
        write_predictions(np.zeros(2), tmp_path / name)
