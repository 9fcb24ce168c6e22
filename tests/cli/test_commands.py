"""The command line: what it prints, what it writes, and the status it exits with."""

import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from cvxnn import GatedReLUNetwork, ReLUNetwork, __version__, training
from cvxnn.cli import app
from cvxnn.cli.interrupts import Interrupts, interruptible
from cvxnn.statuses import SolveStatus
from cvxnn.tables import TableModel, fit_table, fitting, load_table_model, read_table


@pytest.fixture
def table(tmp_path, rng):
    x = np.linspace(-2.0, 2.0, 25)
    colour = np.where(np.arange(25) % 2 == 0, "red", "blue")
    path = tmp_path / "table.csv"
    y = np.abs(x) + 0.05 * rng.standard_normal(25)
    pd.DataFrame({"x": x, "colour": colour, "const": 1, "y": y}).to_csv(path, index=False)
    return path


@pytest.fixture
def model(table):
    path = table.with_name("model.cvxnn")
    assert run("fit", table, "--target", "y", "--tol", "0.01", "--out", path, "--quiet").exit_code == 0
    return path


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def fails_with(result, message):
    """Exit status 1, nothing on standard output, one line on standard error."""
    return (
        result.exit_code == 1
        and result.stdout == ""
        and result.stderr.startswith("error: ")
        and result.stderr.count("\n") == 1
        and message in result.stderr
    )


def test_fit_says_what_was_read_what_is_proven_and_what_was_written(table, tmp_path):
    result = run("fit", table, "--target", "y", "--tol", "0.01", "--out", tmp_path / "m")
    assert result.exit_code == 0
    assert result.stderr == ""
    text = " ".join(result.stdout.split())
    for words in (
        "25: 20 for training, 5 for testing",
        "one-hot columns colour (2 categories)",
        "constant, left out const",
        "Proven optimal to tol: no two-layer ReLU network of any width",
        "R2 0.9",
    ):
        assert words in text
    assert (tmp_path / "m").exists()


def test_fit_without_out_says_that_nothing_was_written(table):
    assert "nothing: give --out MODEL" in run("fit", table, "--target", "y", "--tol", "0.01").stdout


def test_fit_prints_one_json_object_that_agrees_with_the_library(table, tmp_path):
    result = run("fit", table, "--target", "y", "--tol", "0.01", "--out", tmp_path / "m", "--json")
    said = json.loads(result.stdout)
    model, _ = fit_table(read_table(table), "y", tol=0.01, test_size=0.2)
    assert said["certificate"]["objective"] == model.certificate.objective
    assert said["certificate"]["proven"] is True
    assert said["certificate"]["lower_bound"] <= said["certificate"]["objective"]
    assert said["columns"] == {
        "numeric": ["x"],
        "one_hot": {"colour": 2},
        "constant": ["const"],
        "dropped": [],
        "imputed": {},
        "unknown_in_test": {},
    }
    assert said["scores"]["test"]["n"] == 5
    assert said["files"] == [str(tmp_path / "m")]


def test_json_of_a_score_that_is_undefined_is_null(tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n1,2\n2,2\n3,2\n")
    result = run("fit", tmp_path / "t.csv", "--target", "y", "--test-size", "0", "--json")
    assert json.loads(result.stdout)["scores"] == {"train": {"n": 3, "r2": None, "rmse": 0.0}, "test": None}


def test_quiet_prints_nothing(table):
    result = run("fit", table, "--target", "y", "--tol", "0.01", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_report_writes_pictures_and_the_model_unless_it_goes_elsewhere(table, tmp_path):
    common = ("fit", table, "--target", "y", "--tol", "0.01", "--drop", "colour", "--quiet", "--report")
    assert run(*common, f"{tmp_path}/out/").exit_code == 0
    pictures = {"report.md", "predictions.png", "convergence.png", "neurons.png", "fit.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*pictures, "model.cvxnn"}
    assert load_table_model(tmp_path / "out" / "model.cvxnn").numeric == ("x",)
    assert run(*common, tmp_path / "other", "--out", tmp_path / "m").exit_code == 0
    assert {path.name for path in (tmp_path / "other").iterdir()} == pictures


def test_predictions_are_those_of_the_library_on_stdout_and_in_files(model, table, tmp_path):
    expected = load_table_model(model).predict(read_table(table))
    result = run("predict", model, table)
    assert result.stderr == ""
    # 1e-15: readers before pandas 3 may miss the last bit.
    printed = pd.read_csv(io.StringIO(result.stdout))["prediction"]
    np.testing.assert_allclose(printed, expected, rtol=1e-15)
    assert run("predict", model, table, "--out", tmp_path / "p.csv").output == ""
    assert (tmp_path / "p.csv").read_text() == result.stdout


@pytest.mark.parametrize("name", ["t.csv.gz", "t.tsv", "t.parquet"])
def test_tables_of_other_formats_give_the_same_predictions(model, table, name):
    other = table.with_name(name)
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
        read_table(table).to_parquet(other)
    else:
        read_table(table).to_csv(other, index=False, sep="\t" if name.endswith("tsv") else ",")
    assert run("predict", model, other).stdout == run("predict", model, table).stdout


def test_unknown_categories_are_counted_on_stderr(model, tmp_path):
    (tmp_path / "new.csv").write_text("colour,x\ngreen,0\nred,1\ngrey,1\n")
    result = run("predict", model, tmp_path / "new.csv")
    assert result.exit_code == 0
    assert result.stdout.count("\n") == 4
    assert result.stderr == "warning: column 'colour': 2 values of no category seen in training\n"


def test_a_table_of_one_row_is_predicted(model, tmp_path):
    (tmp_path / "one.csv").write_text("x,colour\n0.5,red\n")
    assert run("predict", model, tmp_path / "one.csv").stdout.count("\n") == 2


def test_certify_proves_the_training_problem_anew(model, table):
    said = json.loads(run("certify", model, table, "--json").stdout)
    assert said["is_training_problem"] is True
    assert said["rows"] == 20
    assert said["certificate"]["objective"] == load_table_model(model).certificate.objective
    assert said["certificate"]["proven"] is True
    assert "the training rows, n = 20" in run("certify", model, table).stdout


def test_certify_says_when_the_table_is_another_one(model, table, tmp_path):
    other = read_table(table)
    other.assign(goal=other["y"] + 1.0).drop(columns="y").to_csv(tmp_path / "other.csv", index=False)
    said = json.loads(run("certify", model, tmp_path / "other.csv", "--target", "goal", "--json").stdout)
    assert said["is_training_problem"] is False
    assert said["certificate"]["proven"] is False
    text = run("certify", model, tmp_path / "other.csv", "--target", "goal").stdout
    assert "not the one of" in text
    assert "Not proven optimal" in text


def test_info_of_a_table_model(model):
    said = json.loads(run("info", model, "--json").stdout)
    assert (said["kind"], said["target"], said["rows"]) == ("table-model", "y", {"all": 25, "train": 20})
    assert said["cvxnn_version"] == __version__
    assert "colour (2 categories)" in run("info", model).stdout


def test_info_of_networks(tmp_path):
    ReLUNetwork([[1.0, -1.0]], [1.0, 1.0]).save(tmp_path / "relu")
    GatedReLUNetwork([[1.0]], [[1.0]], [1.0]).save(tmp_path / "gated")
    said = json.loads(run("info", tmp_path / "relu", "--json").stdout)
    assert said == {"kind": "relu-network", "features": 1, "neurons": 2, "outputs": 1, "weight_decay": 2.0}
    assert "gated-relu-network" in run("info", tmp_path / "gated").stdout


def test_version():
    assert run("--version").stdout == f"cvxnn {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", "{table}", "--target", "z"), "must have the column 'z'"),
        (("fit", "{table}", "--target", "colour"), "classification is not supported"),
        (("fit", "{table}", "--target", "y", "--drop", "z"), "must have the column 'z'"),
        (("fit", "nowhere.csv", "--target", "y"), "there is no file 'nowhere.csv'"),
        (("fit", "{model}", "--target", "y"), "path must end in .csv"),
        (("fit", "{table}", "--target", "y", "--out", "no/where"), "there is no folder 'no'"),
        (("fit", "{table}", "--target", "y", "--report", "{table}"), "is a file"),
        (("predict", "{table}", "{table}"), "none or is damaged"),
        (("predict", "nowhere", "{table}"), "nowhere"),
        (("predict", "{model}", "{table}", "--out", "p.xlsx"), "must end in .csv"),
        (("certify", "{model}", "{table}", "--target", "z"), "must have the column 'z'"),
        (("info", "{table}"), "none or is damaged"),
    ],
)
def test_what_cannot_be_done_exits_1_with_one_line(model, table, arguments, message):
    result = run(*(argument.format(table=table, model=model) for argument in arguments))
    assert fails_with(result, message), result.output


def test_a_column_that_is_not_there_is_named(model, tmp_path):
    (tmp_path / "t.csv").write_text("x\n1\n")
    assert fails_with(run("predict", model, tmp_path / "t.csv"), "must have the column 'colour'; it has 'x'")


def test_missing_values_are_refused_with_the_remedy_and_filled_when_asked(table, tmp_path):
    holed = read_table(table)
    holed.loc[[0, 7], "x"] = np.nan
    holed.to_csv(tmp_path / "holed.csv", index=False)
    fit = ("fit", tmp_path / "holed.csv", "--target", "y", "--tol", "0.01", "--test-size", "0")
    assert fails_with(run(*fit), "found 2 in the columns 'x': fill them with impute (--impute)")
    assert json.loads(run(*fit, "--impute", "--json").stdout)["columns"]["imputed"] == {"x": 2}


def test_tables_written_in_other_ways_are_read_by_every_command(model, table, tmp_path):
    other = tmp_path / "other.csv"
    read_table(table).to_csv(other, index=False, sep=";", decimal=",", encoding="cp1252", na_rep="?")
    other.write_text("% by hand\n" + other.read_text())
    named = "--separator ';' --decimal ','"
    options = (
        "--separator",
        ";",
        "--decimal",
        ",",
        "--encoding",
        "cp1252",
        "--comment",
        "%",
        "--missing",
        "?",
    )
    assert fails_with(run("predict", model, other, "--comment", "%"), named)
    assert run("predict", model, other, *options).stdout == run("predict", model, table).stdout
    said = json.loads(run("certify", model, other, *options, "--json").stdout)
    assert said["is_training_problem"] is True
    fitted = json.loads(run("fit", other, "--target", "y", "--tol", "0.01", *options, "--json").stdout)
    assert fitted["certificate"]["objective"] == said["certificate"]["objective"]


def test_an_odd_word_among_numbers_is_refused_until_it_is_called_missing_or_the_column_text(tmp_path):
    rows = [f"{20 + k},{k % 5}" for k in range(30)]
    (tmp_path / "t.csv").write_text("\n".join(["age,y", *rows, "?,1"]) + "\n")
    fit = ("fit", tmp_path / "t.csv", "--target", "y", "--beta-ratio", "2", "--json")
    assert fails_with(run(*fit), "but not '?' (1 time, first in row 31)")
    assert json.loads(run(*fit, "--missing", "?", "--impute").stdout)["columns"]["numeric"] == ["age"]
    as_text = run(*fit, "--text", "age")
    assert list(json.loads(as_text.stdout)["columns"]["one_hot"]) == ["age"]
    assert as_text.stderr.startswith("warning: column 'age' has a category of its own for nearly every row")


def test_row_numbers_are_left_out_and_said_to_be(table, tmp_path):
    read_table(table).to_csv(tmp_path / "t.csv")
    result = run("fit", tmp_path / "t.csv", "--target", "y", "--tol", "0.01", "--json")
    assert json.loads(result.stdout)["row_numbers"] == ["Unnamed: 0"]
    assert (
        result.stderr
        == "warning: column 'Unnamed: 0' numbers the rows and is left out; rename it to use it as an input\n"
    )


def test_two_hundred_columns_are_counted_and_not_listed(tmp_path):
    x = np.linspace(-1.0, 1.0, 6)
    columns = {f"column_{k}": x + k % 3 * x**2 for k in range(200)}
    pd.DataFrame({**columns, "y": np.abs(x)}).to_csv(tmp_path / "t.csv", index=False)
    fit = ("fit", tmp_path / "t.csv", "--target", "y", "--beta-ratio", "2", "--test-size", "0")
    result = run(*fit, "--out", tmp_path / "m")
    assert result.exit_code == 0
    said = " ".join(result.stdout.split())
    assert "column_11 and 188 more" in said
    assert "column_12" not in said
    assert len(result.stdout) < 3000
    assert "column_11 and 188 more" in " ".join(run("info", tmp_path / "m").stdout.split())
    # For machines they are all there.
    assert len(json.loads(run("info", tmp_path / "m", "--json").stdout)["columns"]["numeric"]) == 200


@pytest.fixture
def interrupted(monkeypatch):
    """Give a function that lets training be interrupted by a signal in its first round."""

    def arm(number, *, after=False):
        def send():
            # Never where it would end the tests.
            assert signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler)
            os.kill(os.getpid(), number)

        def train(problem, **options):
            result = training.train(problem, callback=None if after else lambda _record: send(), **options)
            if after:
                monkeypatch.setattr(fitting, "predict_target", late)
            return result

        def late(*arguments):
            monkeypatch.setattr(fitting, "predict_target", predict_target)
            send()
            return predict_target(*arguments)

        monkeypatch.setattr(fitting, "train", train)

    predict_target = fitting.predict_target
    return arm


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(
    ("number", "status", "after"),
    [(signal.SIGINT, 130, False), (signal.SIGTERM, 143, False), (signal.SIGINT, 130, True)],
    ids=["Ctrl-C in training", "SIGTERM in training", "Ctrl-C after training"],
)
def test_an_interrupted_fit_writes_its_model_and_says_so(table, tmp_path, interrupted, number, status, after):
    before = signal.getsignal(number)
    interrupted(number, after=after)
    result = run("fit", table, "--target", "y", "--tol", "0.01", "--out", tmp_path / "m", "--json")
    assert result.exit_code == status
    assert json.loads(result.stdout)["files"] == [str(tmp_path / "m")]
    written = load_table_model(tmp_path / "m")
    assert (written.status is SolveStatus.INTERRUPTED) == (not after)
    assert 0 <= written.certificate.lower_bound <= written.certificate.objective
    assert signal.getsignal(number) is before


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_while_files_are_written_waits_for_them(table, tmp_path, monkeypatch):
    save = TableModel.save

    def interrupted_save(model, path):
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        os.kill(os.getpid(), signal.SIGTERM)
        save(model, path)

    monkeypatch.setattr(TableModel, "save", interrupted_save)
    result = run("fit", table, "--target", "y", "--tol", "0.01", "--out", tmp_path / "m", "--quiet")
    assert (result.exit_code, result.output) == (143, "")
    assert load_table_model(tmp_path / "m").certificate.proven


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_with_nothing_to_write_is_one_line(model, table, tmp_path, monkeypatch):
    def interrupted_encode(*_arguments):
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(TableModel, "encode", interrupted_encode)
    result = run("predict", model, table, "--out", tmp_path / "p.csv")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "error: interrupted\n")
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_second_interrupt_ends_the_writing():
    interrupts = Interrupts()
    interrupts.put_off()
    interrupts.receive(signal.SIGTERM, None)
    with pytest.raises(KeyboardInterrupt):
        interrupts.receive(signal.SIGINT, None)
    with pytest.raises(typer.Exit) as left:
        interrupts.exit_if_any()
    assert left.value.exit_code == 143


def test_signals_that_are_ignored_stay_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interruptible():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_network_is_no_table_model(table, tmp_path):
    ReLUNetwork([[1.0]], [1.0]).save(tmp_path / "network")
    assert fails_with(run("predict", tmp_path / "network", table), "of kind 'relu-network'")


def test_nothing_is_left_behind_by_what_failed(table, tmp_path):
    before = sorted(tmp_path.iterdir())
    run("fit", table, "--target", "z", "--report", tmp_path / "out", "--out", tmp_path / "m")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("unheard-of",),
        ("fit", "{table}"),
        ("fit", "--target", "y"),
        ("fit", "{table}", "--target", "y", "--beta", "much"),
        ("fit", "{table}", "--target", "y", "--beta", "-1"),
        ("fit", "{table}", "--target", "y", "--beta", "nan"),
        ("fit", "{table}", "--target", "y", "--tol", "0"),
        ("fit", "{table}", "--target", "y", "--test-size", "1"),
        ("fit", "{table}", "--target", "y", "--max-seconds", "x"),
        ("fit", "{table}", "--target", "y", "--random-state", "-1"),
        ("predict", "{table}"),
    ],
)
def test_wrong_usage_exits_2(table, arguments):
    assert run(*(argument.format(table=table) for argument in arguments)).exit_code == 2


def test_the_installed_program_runs(table, tmp_path):
    program = [sys.executable, "-c", "from cvxnn.cli import main; main()"]
    done = subprocess.run(
        [*program, "fit", str(table), "--target", "y", "--tol", "0.01", "--json"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert json.loads(done.stdout)["certificate"]["proven"] is True
    assert done.stderr == ""
    failed = subprocess.run([*program, "info", "nowhere"], capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "Traceback" not in failed.stderr
