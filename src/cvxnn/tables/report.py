"""A folder with pictures and a summary of one fit to a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cvxnn import plots
from cvxnn.atomic_files import make_folder, write_text
from cvxnn.plots.canvas import literal
from cvxnn.statuses import SolveStatus
from cvxnn.tables.columns.encoding import NumericColumn
from cvxnn.tables.fitting import TableReport
from cvxnn.tables.plain_words import data_in_words, proof_in_words, ramps_in_words
from cvxnn.tables.scores import Scores
from cvxnn.tables.table_model import TableModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_ABOUT_UNITS = (
    "Objective and bound are those of the standardised problem: numbers and target have mean 0 and "
    "variance 1 on the training rows, categories are columns of 0 and 1."
)


def write_report(
    model: TableModel, report: TableReport, folder: str | os.PathLike[str], *, source: str | None = None
) -> tuple[Path, ...]:
    """Write ``report.md`` and its pictures to a folder, which is made if need be.

    Parameters
    ----------
    model, report : TableModel, TableReport
        As `fit_table` returns them.
    folder : path-like
        Files of the same names in it are replaced, each atomically.
    source : str, optional
        Where the table came from.

    Returns
    -------
    tuple of pathlib.Path
        The files written, the summary first.

    Raises
    ------
    ValueError
        If the path is a file.
    """
    directory = make_folder(folder)
    pictures = [
        (caption, plots.save_figure(axes, directory / name))
        for name, (caption, axes) in _pictures(model, report).items()
    ]
    summary = directory / "report.md"
    write_text(summary, _summary(model, report, pictures, source))
    return summary, *(path for _, path in pictures)


def _pictures(model: TableModel, report: TableReport) -> dict[str, tuple[str, Axes]]:
    """Return captions and axes by file name."""
    predictions = plots.predictions(
        report.y_train,
        report.predicted_train,
        y_true_test=report.y_test,
        y_predicted_test=report.predicted_test,
        name=model.target,
    )
    convergence = plots.convergence(report.result.history, best=model.certificate)
    neurons = plots.neurons(model.network, list(model.feature_names))
    pictures = {
        "predictions.png": ("Predictions against the truth", predictions.plot()),
        "convergence.png": ("Objective and proven lower bound while training", convergence.plot()),
        "neurons.png": ("The heaviest neurons, in standardised columns", neurons.plot()),
    }
    column = model.encoding.columns[0]
    # With ramps the curve bends at knots too, where no neuron switches.
    if len(model.encoding.columns) == 1 and isinstance(column, NumericColumn) and model.encoder is None:
        x = report.X_train[:, 0]
        fit = plots.fit_1d(model.raw_network, x, report.y_train, bias=model.scaling.bias)
        axes = fit.plot()
        axes.set(xlabel=literal(column.name), ylabel=literal(model.target))
        pictures["fit.png"] = ("The network over its one input", axes)
    return pictures


def _summary(
    model: TableModel, report: TableReport, pictures: list[tuple[str, Path]], source: str | None
) -> str:
    certificate, status = model.certificate, model.status
    data = [(notion, _escaped(value)) for notion, value in data_in_words(model, report)]
    sections = [
        f"# A two-layer ReLU network for {_code(model.target)}",
        proof_in_words(certificate),
        "## Data",
        _table(("", ""), [("table", _escaped(source)), *data] if source else data),
        "## Training",
        _table(
            ("", ""),
            [
                ("objective", f"{certificate.objective:.8g}"),
                ("proven lower bound", f"{certificate.lower_bound:.8g}"),
                ("relative gap", f"{certificate.relative_gap:.3g} (asked for: {certificate.tol:g})"),
                ("proof", certificate.method),
                ("largest violation a search found (no proof)", _number(certificate.search_violation)),
                ("neurons", str(model.network.n_neurons)),
                ("weight decay beta", f"{model.beta:.6g}"),
                ("loss", f"{model.loss}, summed over the rows"),
                *([] if model.encoder is None else [("ramps beside the columns", ramps_in_words(model))]),
                ("hidden bias and output offset", "yes" if model.scaling.bias else "no"),
                ("rounds", str(len(report.result.history))),
                ("seconds", f"{report.seconds:.1f}"),
            ],
        ),
        *([] if status is SolveStatus.PROVEN else [status.value]),
        _ABOUT_UNITS,
        "## Scores",
        _scores(model),
        "## Pictures",
        *(f"![{caption}]({path.name})\n\n*{caption}.*" for caption, path in pictures),
        f"Written by cvxnn {model.cvxnn_version}.",
    ]
    return "\n\n".join(sections) + "\n"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _scores(model: TableModel) -> str:
    parts: list[tuple[str, Scores]] = [("training", model.train_scores)]
    if model.test_scores is not None:
        parts.append(("test", model.test_scores))
    rows = [(name, str(part.n), _number(part.r2), f"{part.rmse:.4g}") for name, part in parts]
    return _table(("rows", "n", "R²", f"RMSE, in units of {_escaped(model.target)}"), rows)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _code(text: str) -> str:
    return f"`{text}`" if "`" not in text else _escaped(text)


def _escaped(text: str) -> str:
    """Return text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#" else character for character in text)
