"""What the commands print: tidy text for people, one JSON object for machines, errors on one line."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cvxnn.certificates import Certificate
    from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
    from cvxnn.tables import Scores, TableModel, TableReport

# What computes or draws tables is imported where it is first needed, so that errors come at once.


class _Warnings(logging.Handler):
    """Writes what the library logs as warnings to standard error."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        warn(record.getMessage())


@contextmanager
def errors_on_one_line() -> Iterator[None]:
    """Turn what bad input raises into one line ``error: ...`` on standard error and exit status 1.

    What the library logs as a warning becomes a line ``warning: ...`` there.
    """
    handler, logger = _Warnings(logging.WARNING), logging.getLogger("cvxnn")
    logger.addHandler(handler)
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has what it wanted, as in `cvxnn predict ... | head`: typer ends quietly
    except (ValueError, OSError, ImportError, MemoryError) as error:
        text = " ".join(str(error).split()) or type(error).__name__
        typer.echo(f"error: {text}", err=True)
        raise typer.Exit(1) from None
    finally:
        logger.removeHandler(handler)


def warn(text: str) -> None:
    """Write a line ``warning: ...`` to standard error."""
    typer.echo(f"warning: {text}", err=True)


Rows = Sequence[tuple[str, str]]


def print_json(data: Mapping[str, Any]) -> None:
    """Print one JSON object, and nothing else, on standard output."""
    typer.echo(json.dumps(data, indent=2, allow_nan=False))


def print_rows(title: str, rows: Rows, closing: str = "") -> None:
    """Print a title, rows of a name and a value, and a closing sentence."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    console.print(Text(title, style="bold"))
    grid = Table.grid(padding=(0, 2))
    for name, value in rows:
        grid.add_row(Text(f"  {name}", style="cyan"), Text(value))
    console.print(grid)
    if closing:
        console.print(Text(closing))


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate's fields, and what they prove in words."""
    from cvxnn.tables import plain_words

    return {**asdict(certificate), "proof": plain_words.proof_in_words(certificate)}


def certificate_rows(certificate: Certificate) -> list[tuple[str, str]]:
    """Return what a certificate says, as rows."""
    rows = [
        ("objective", f"{certificate.objective:.8g}"),
        ("proven bound", f"{certificate.lower_bound:.8g}  ({certificate.method})"),
        ("relative gap", f"{certificate.relative_gap:.3g}  (asked for: {certificate.tol:g})"),
    ]
    if certificate.search_violation is not None:
        rows.append(
            ("violation", f"{certificate.search_violation:.2g}  (largest that a search found: no proof)")
        )
    return rows


def fit_json(model: TableModel, report: TableReport, source: Path, files: Sequence[Path]) -> dict[str, Any]:
    """Return what ``fit`` says."""
    return {
        "table": str(source),
        **model_json(model),
        "columns": {
            "numeric": list(model.numeric),
            "one_hot": model.one_hot,
            "constant": list(report.constant),
            "dropped": list(report.dropped),
            "imputed": dict(report.imputed),
            "unknown_in_test": dict(report.unknown),
        },
        "row_numbers": list(report.row_numbers),
        "nearly_unique": list(report.nearly_unique),
        "rounds": len(report.result.history),
        "seconds": report.seconds,
        "files": [str(path) for path in files],
    }


def print_fit(model: TableModel, report: TableReport, source: Path, files: Sequence[Path]) -> None:
    """Print what ``fit`` says."""
    from cvxnn.statuses import SolveStatus
    from cvxnn.tables import plain_words

    rows = [
        ("table", str(source)),
        *plain_words.data_in_words(model, report),
        *model_rows(model),
        ("seconds", f"{report.seconds:.1f}"),
        *(("written", str(path)) for path in files),
    ]
    if not files:
        rows.append(("written", "nothing: give --out MODEL to keep the model"))
    closing = plain_words.proof_in_words(model.certificate)
    if model.status is not SolveStatus.PROVEN:
        closing = f"{closing}\n{model.status.value}"
    print_rows(repr(model.network), rows, closing)


def model_json(model: TableModel) -> dict[str, Any]:
    """Return what is in a table model."""
    return {
        "kind": "table-model",
        "target": model.target,
        "columns": {"numeric": list(model.numeric), "one_hot": model.one_hot},
        "rows": {"all": model.n_table_rows, "train": len(model.training_rows)},
        "settings": {
            "beta": model.beta,
            "loss": model.loss,
            "bias": model.scaling.bias,
            "knots": None if model.encoder is None else model.encoder.knots,
        },
        "neurons": model.network.n_neurons,
        "path_norm": model.network.path_norm,
        "certificate": certificate_json(model.certificate),
        "status": model.status.name,
        "scores": {
            "train": asdict(model.train_scores),
            "test": None if model.test_scores is None else asdict(model.test_scores),
        },
        "cvxnn_version": model.cvxnn_version,
    }


def model_rows(model: TableModel) -> list[tuple[str, str]]:
    """Return network, certificate and scores as rows."""
    from cvxnn.tables import plain_words

    rows = [
        *certificate_rows(model.certificate),
        ("beta", f"{model.beta:.6g}"),
        *([] if model.encoder is None else [("ramps", plain_words.ramps_in_words(model))]),
        ("neurons", str(model.network.n_neurons)),
        ("train", _scores(model.train_scores)),
    ]
    if model.test_scores is not None:
        rows.append(("test", _scores(model.test_scores)))
    return rows


def network_json(network: ReLUNetwork | GatedReLUNetwork) -> dict[str, Any]:
    """Return what is in a network."""
    from cvxnn.networks import ReLUNetwork

    return {
        "kind": "relu-network" if isinstance(network, ReLUNetwork) else "gated-relu-network",
        "features": network.n_features,
        "neurons": network.n_neurons,
        "outputs": network.n_outputs,
        "weight_decay": network.weight_decay,
    }


def _scores(scores: Scores) -> str:
    r2 = "undefined, the target is constant" if scores.r2 is None else f"{scores.r2:.4f}"
    return f"R2 {r2}, RMSE {scores.rmse:.4g}, {scores.n} rows"
