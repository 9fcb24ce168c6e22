"""Train on a real table, prove how good the result is, and compare it with the usual tools.

Run ``make demo``, or ``python examples/demo.py --out out``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.compose import TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import Problem, ReLURegressorCV, load_network, plots, train
from cvxnn.datasets import load_diabetes

# Every search tries as many values, with the same folds.
FOLDS = 3
BETA_RATIOS = [0.2, 0.1, 0.05]
ALPHAS = [1e-2, 1.0, 10.0]


@dataclass(frozen=True)
class Row:
    """One line of the comparison."""

    name: str
    test_r2: float
    train_r2: float
    seconds: float
    neurons: str


def scaled(model: Any) -> Any:
    """Return a model that sees standardised columns and a standardised target."""
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())


def contenders() -> dict[str, Any]:
    """Return the models compared, cvxnn first."""
    mlp = scaled(MLPRegressor(random_state=0))
    return {
        "cvxnn, beta by cross-validation": ReLURegressorCV(beta_ratios=BETA_RATIOS, cv=FOLDS, tol=1e-2),
        "ridge, alpha by cross-validation": scaled(RidgeCV(np.logspace(-3, 3, 13))),
        "MLP, default": mlp,
        "MLP, alpha by cross-validation": GridSearchCV(
            mlp, {"regressor__mlpregressor__alpha": ALPHAS}, cv=FOLDS
        ),
    }


def neurons_of(model: Any) -> str:
    """Return the number of hidden neurons, as text."""
    best = getattr(model, "best_estimator_", model)
    if isinstance(best, ReLURegressorCV):
        return str(best.network_.n_neurons)
    inner = best.regressor_[-1]
    return str(inner.hidden_layer_sizes[0]) if isinstance(inner, MLPRegressor) else "-"


def compare(data: tuple[Any, Any, Any, Any]) -> tuple[list[Row], ReLURegressorCV]:
    """Fit every contender; return the rows and the trained cvxnn model."""
    X, X_test, y, y_test = data
    rows, ours = [], None
    for name, model in contenders().items():
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        seconds = time.perf_counter() - started
        rows.append(Row(name, model.score(X_test, y_test), model.score(X, y), seconds, neurons_of(model)))
        if ours is None:
            ours = model
    assert ours is not None
    return rows, ours


def show(rows: list[Row], console: Console) -> None:
    """Print the comparison."""
    table = Table(title="diabetes: 353 patients to train on, 89 to test on")
    for column in ("model", "test R2", "train R2", "seconds", "neurons"):
        table.add_column(column, justify="left" if column == "model" else "right")
    for row in rows:
        table.add_row(
            row.name, f"{row.test_r2:.3f}", f"{row.train_r2:.3f}", f"{row.seconds:.1f}", row.neurons
        )
    console.print(table)


def two_columns(dataset: Any, console: Console, out: Path) -> None:
    """Train on one column of the table, where the proof is exact, and draw the fit."""
    bmi = dataset.X[:, dataset.feature_names.index("bmi")]
    x, y = (bmi - bmi.mean()) / bmi.std(), (dataset.y - dataset.y.mean()) / dataset.y.std()
    result = train(Problem(np.column_stack([x, np.ones_like(x)]), y, beta=1.0, output_offset=True), tol=1e-4)
    console.print("\n[bold]One column (body mass index), all 442 patients[/bold]")
    console.print(str(result.certificate))
    axes = plots.fit_1d(result.network, x, y).plot()
    axes.set_xlabel("body mass index (standardised)")
    axes.set_ylabel("disease progression (standardised)")
    plots.save_figure(axes, out / "fit_1d.png")


def main() -> None:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the model and the pictures")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)

    dataset = load_diabetes()
    data = train_test_split(dataset.X, dataset.y, test_size=0.2, random_state=0)
    X, X_test, y, y_test = data
    rows, model = compare(data)
    show(rows, console)

    console.print(f"\n[bold]The certificate of the chosen network[/bold] (beta = {model.beta_:.4g})")
    console.print(str(model.certificate_))
    console.print(model.result_.status.value)

    two_columns(dataset, console, out)

    model.network_.save(out / "diabetes.cvxnn")
    again = load_network(out / "diabetes.cvxnn")
    assert np.array_equal(again.hidden, model.network_.hidden)
    plots.save_figure(
        plots.convergence(model.history_, best=model.certificate_).plot(), out / "convergence.png"
    )
    # In standardised units the columns' weights can be compared.
    plots.save_figure(plots.neurons(model.result_.network, dataset.feature_names).plot(), out / "neurons.png")
    pictures = plots.predictions(
        y,
        model.predict(X),
        y_true_test=y_test,
        y_predicted_test=model.predict(X_test),
        name=dataset.target_name,
    )
    plots.save_figure(pictures.plot(), out / "predictions.png")
    console.print(f"\nwritten to {out}/: {', '.join(sorted(path.name for path in out.iterdir()))}")


if __name__ == "__main__":
    main()
