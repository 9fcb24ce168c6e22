"""Tables with ramps beside their columns of numbers: predictions, files, words, the command line."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from cvxnn.cli import app
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.model_files import read_model, write_model
from cvxnn.tables import fit_table, load_table_model, write_report
from cvxnn.tables.plain_words import ramps_in_words
from cvxnn.tables.table_model_files import FILE_VERSION, KIND


@pytest.fixture(scope="module")
def fitted(mixed_table):
    return fit_table(mixed_table, "y", knots=3, test_size=0.25, beta_ratio=0.2, max_seconds=0.5)


def test_only_numbers_have_ramps_and_categories_stay_as_they_are(fitted, mixed):
    model, report = fitted
    assert [len(ends) for ends in model.encoder.knots_] == [4, 0, 0, 0, 0]
    assert model.feature_names[:5] == ("x", "colour=blue", "colour=red", "flag=False", "flag=True")
    assert [name[:2] for name in model.feature_names[5:]] == ["x["] * 3
    # knots of the training rows alone
    expected = PiecewiseLinearEncoder(3).fit(report.X_train)
    np.testing.assert_array_equal(model.encoder.knots_[0], expected.knots_[0])
    problem = model.problem(mixed)
    assert set(np.unique(problem.X[:, 1:5])) == {0.0, 1.0}
    np.testing.assert_allclose(problem.X[:, 5:8].std(axis=0), 1.0)
    np.testing.assert_array_equal(problem.X[:, 8], 1.0)


def test_certificate_predictions_and_words_are_of_one_model(fitted, mixed):
    model, report = fitted
    problem = model.problem(mixed)
    assert model.is_training_problem(problem)
    assert problem.objective(model.network) == model.certificate.objective
    predicted = model.predict(mixed)
    np.testing.assert_allclose(predicted[model.training_rows], report.predicted_train, rtol=1e-12)
    np.testing.assert_allclose(np.delete(predicted, model.training_rows), report.predicted_test, rtol=1e-12)
    encoded = np.hstack([model.encoder.transform(model.encode(mixed).X), np.ones((24, 1))])
    np.testing.assert_allclose(model.raw_network.predict(encoded), model.predict(mixed), rtol=1e-9)
    assert ramps_in_words(model) == "3, of 1 column (knots asked for: 3)"


def test_a_file_loads_in_a_fresh_process(fitted, mixed, tmp_path):
    model, _ = fitted
    model.save(tmp_path / "model.cvxnn")
    mixed.to_csv(tmp_path / "table.csv", index=False)
    script = (
        "import sys; from cvxnn.tables import load_table_model\n"
        "model = load_table_model('model.cvxnn'); print(model.predict(model.read('table.csv')).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ,
        check=True,
    )
    np.testing.assert_array_equal(json.loads(done.stdout), model.predict(mixed))
    loaded = load_table_model(tmp_path / "model.cvxnn")
    assert loaded.encoder.knots == 3
    for one, other in zip(loaded.encoder.knots_, model.encoder.knots_, strict=True):
        np.testing.assert_array_equal(one, other)
    assert loaded.is_training_problem(loaded.problem(mixed))


def test_files_of_version_3_have_no_ramps(mixed, tmp_path):
    model, _ = fit_table(mixed, "y", tol=1e-1)
    path = tmp_path / "model.cvxnn"
    model.save(path)
    header, arrays = read_model(path, KIND, FILE_VERSION)
    assert header.pop("knots") is None
    write_model(path, KIND, 3, header, arrays)
    loaded = load_table_model(path)
    assert loaded.encoder is None
    np.testing.assert_array_equal(loaded.predict(mixed), model.predict(mixed))


@pytest.mark.parametrize("lost", ["knots", "knot_counts"])
def test_a_file_that_lacks_its_knots_is_damaged(fitted, tmp_path, lost):
    path = tmp_path / "model.cvxnn"
    fitted[0].save(path)
    header, arrays = read_model(path, KIND, FILE_VERSION)
    del arrays[lost]
    write_model(path, KIND, FILE_VERSION, header, arrays)
    with pytest.raises(ValueError, match=f"is damaged.*{lost}"):
        load_table_model(path)


def test_the_report_counts_the_ramps(plain, tmp_path):
    model, report = fit_table(plain, "y", knots=4, max_seconds=0.3)
    files = write_report(model, report, tmp_path)
    text = files[0].read_text(encoding="utf-8")
    assert "| ramps beside the columns | 4, of 1 column (knots asked for: 4) |" in text
    assert "fit.png" not in {path.name for path in files}


def test_other_knots_are_refused(mixed):
    for wrong in (0, 2.5, "many"):
        with pytest.raises(ValueError, match="knots"):
            fit_table(mixed, "y", knots=wrong)


def test_the_command_line_takes_knots(mixed, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    table, path = tmp_path / "table.csv", tmp_path / "model.cvxnn"
    mixed.to_csv(table, index=False)
    options = ["--target", "y", "--knots", 3, "--beta-ratio", 0.2, "--max-seconds", 0.5]
    done = run("fit", table, *options, "--out", path)
    assert done.exit_code == 0
    assert "3, of 1 column" in " ".join(done.stdout.split())
    said = json.loads(run("info", path, "--json").stdout)
    assert said["settings"]["knots"] == 3
    predicted = [float(line) for line in run("predict", path, table).stdout.split()[1:]]
    np.testing.assert_allclose(predicted, load_table_model(path).predict(pd.read_csv(table)))
    assert json.loads(run("certify", path, table, "--max-seconds", 0.2, "--json").stdout)[
        "is_training_problem"
    ]
    assert run("fit", table, "--target", "y", "--knots", 0).exit_code == 2
