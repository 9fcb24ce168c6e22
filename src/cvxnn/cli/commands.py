"""The sub-commands: parse, call the library, print."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from cvxnn import tables
from cvxnn.atomic_files import require_file, require_folder, require_writable
from cvxnn.cli.interrupts import interruptible
from cvxnn.cli.options import (
    AsJson,
    Comment,
    Decimal,
    Missing,
    ModelPath,
    Separator,
    TablePath,
    TextEncoding,
    Thousands,
    beta_or_auto,
    positive,
    share,
)
from cvxnn.cli.printing import (
    certificate_json,
    certificate_rows,
    errors_on_one_line,
    fit_json,
    model_json,
    model_rows,
    network_json,
    print_fit,
    print_json,
    print_rows,
    warn,
)
from cvxnn.tables.dialects import kind_of_table, require_csv

# All that computes is imported where it is first needed: help, the version and plain errors come at once.

MODEL_NAME = "model.cvxnn"

app = typer.Typer(
    name="cvxnn",
    help="Train two-layer ReLU networks to the global optimum, with a proof of how close they are.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main() -> None:
    """Run the command line."""
    app()


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"cvxnn {version('cvxnn')}")
        raise typer.Exit


@app.callback()
def program(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train two-layer ReLU networks to the global optimum, with a proof of how close they are."""


@app.command()
def fit(
    table: TablePath,
    target: Annotated[str, typer.Option(metavar="COL", help="The column to predict.")],
    beta: Annotated[
        str,
        typer.Option(
            metavar="FLOAT|auto", callback=beta_or_auto, help="Weight decay of the standardised problem."
        ),
    ] = "auto",
    beta_ratio: Annotated[
        float, typer.Option(callback=positive, help="auto means this times the critical beta of the data.")
    ] = 0.005,
    knots: Annotated[
        int | None,
        typer.Option(min=1, help="Ramps beside every column of numbers: its quantile intervals."),
    ] = None,
    tol: Annotated[float, typer.Option(callback=positive, help="Relative gap asked for.")] = 1e-2,
    max_seconds: Annotated[
        float | None, typer.Option(callback=positive, help="Time limit; the best network so far is kept.")
    ] = None,
    test_size: Annotated[
        float, typer.Option(callback=share, help="Share of the rows that only serve to score.")
    ] = 0.2,
    impute: Annotated[
        bool, typer.Option("--impute", help="Fill missing values: the median, the most frequent category.")
    ] = False,
    drop: Annotated[
        list[str] | None, typer.Option(metavar="COL", help="Leave a column out; may be repeated.")
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COL", help="Take a column as categories, whatever it looks like; may be repeated."
        ),
    ] = None,
    separator: Separator = None,
    decimal: Decimal = ".",
    thousands: Thousands = None,
    encoding: TextEncoding = None,
    comment: Comment = None,
    missing: Missing = None,
    random_state: Annotated[int, typer.Option(min=0, help="Seed of the split and of training.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="MODEL", help="Where to write the model.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=f"Write report.md and pictures to this folder; without --out, {MODEL_NAME} too.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing.")] = False,
) -> None:
    """Train on a table and prove how close the network is to the global optimum.

    Ctrl-C or SIGTERM ends training: the best network so far is written, and the exit status is 130 or 143.
    """
    with errors_on_one_line(), interruptible() as interrupts:
        if report is not None:
            require_folder(report)
        if out is not None:
            require_writable(out)
        kind_of_table(table)
        rows = tables.read_table(
            table,
            text=text or (),
            separator=separator,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            comment=comment,
            missing=missing or (),
        )
        model, result = tables.fit_table(
            rows,
            target,
            beta="auto" if beta == "auto" else float(beta),
            beta_ratio=beta_ratio,
            knots=knots,
            drop=drop or (),
            text=text or (),
            impute=impute,
            test_size=test_size,
            tol=tol,
            max_seconds=max_seconds,
            random_state=random_state,
            verbose=0 if quiet or as_json else 1,
        )
        interrupts.put_off()
        files = [] if report is None else [*tables.write_report(model, result, report, source=table.name)]
        target_file = report / MODEL_NAME if out is None and report is not None else out
        if target_file is not None:
            model.save(target_file)
            files.append(target_file)
    if as_json:
        print_json(fit_json(model, result, table, files))
    elif not quiet:
        print_fit(model, result, table, files)
    interrupts.exit_if_any()


@app.command()
def predict(
    model: ModelPath,
    table: TablePath,
    out: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Where to write; standard output by default.")
    ] = None,
    separator: Separator = None,
    decimal: Decimal = ".",
    thousands: Thousands = None,
    encoding: TextEncoding = None,
    comment: Comment = None,
    missing: Missing = None,
) -> None:
    """Predict the target of each row, as CSV with a column "prediction"."""
    with errors_on_one_line(), interruptible():
        if out is not None:
            require_csv(out)
            require_writable(out)
        require_file(model)
        kind_of_table(table)
        trained = tables.load_table_model(model)
        rows = trained.read(
            table,
            separator=separator,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            comment=comment,
            missing=missing or (),
        )
        encoded = trained.encode(rows)
        predictions = trained.predict_encoded(encoded.X)
        for name, count in encoded.unknown.items():
            warn(f"column {name!r}: {count} values of no category seen in training")
        if out is None:
            from cvxnn.tables import reading

            typer.echo(reading.predictions_as_csv(predictions), nl=False)
        else:
            tables.write_predictions(predictions, out)


@app.command()
def certify(
    model: ModelPath,
    table: TablePath,
    target: Annotated[
        str | None, typer.Option(metavar="COL", help="The target's column; the one of training by default.")
    ] = None,
    max_seconds: Annotated[
        float, typer.Option(callback=positive, help="Time for search and relaxations.")
    ] = 10.0,
    separator: Separator = None,
    decimal: Decimal = ".",
    thousands: Thousands = None,
    encoding: TextEncoding = None,
    comment: Comment = None,
    missing: Missing = None,
    as_json: AsJson = False,
) -> None:
    """Prove anew how close the network is to the optimum of the training problem of a table.

    If the table is the one of training, that is exactly the problem trained on; otherwise that of all its
    rows. A gap that did not close is printed as such and is no error.
    """
    started = time.perf_counter()
    with errors_on_one_line(), interruptible() as interrupts:
        require_file(model)
        kind_of_table(table)
        from cvxnn.certificates import certify as certify_network

        trained = tables.load_table_model(model)
        rows = trained.read(
            table,
            separator=separator,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
            comment=comment,
            missing=missing or (),
        )
        problem = trained.problem(rows, target=target)
        same = trained.is_training_problem(problem)
        certificate = certify_network(
            problem, trained.network, tol=trained.certificate.tol, max_seconds=max_seconds
        )
    seconds = time.perf_counter() - started
    if as_json:
        data = {"table": str(table), "rows": problem.n_samples, "is_training_problem": same}
        print_json({**data, "certificate": certificate_json(certificate), "seconds": seconds})
        interrupts.exit_if_any()
        return
    about = "the training rows" if same else "all rows of a table that is not the one of training"
    facts = [("table", f"{table}: {about}, n = {problem.n_samples}"), *certificate_rows(certificate)]
    from cvxnn.tables import plain_words

    print_rows(
        repr(problem), [*facts, ("seconds", f"{seconds:.1f}")], plain_words.proof_in_words(certificate)
    )
    interrupts.exit_if_any()


@app.command()
def info(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A table model or a network.")],
    as_json: AsJson = False,
) -> None:
    """Say what is in a model file."""
    with errors_on_one_line():
        require_file(model)
        from cvxnn.model_files import kind_of_model
        from cvxnn.networks import load_network

        if kind_of_model(model) != "table-model":
            network = load_network(model)
            data = network_json(network)
            if as_json:
                print_json(data)
            else:
                print_rows(
                    repr(network), [(name.replace("_", " "), str(value)) for name, value in data.items()]
                )
            return
        trained = tables.load_table_model(model)
    if as_json:
        print_json(model_json(trained))
        return
    from cvxnn.tables import plain_words

    numeric, one_hot = plain_words.columns_in_words(trained)
    rows = [
        ("target", trained.target),
        ("numeric", numeric or "none"),
        ("one-hot", one_hot or "none"),
        *model_rows(trained),
        ("written by", f"cvxnn {trained.cvxnn_version}"),
    ]
    print_rows(repr(trained.network), rows, plain_words.proof_in_words(trained.certificate))
