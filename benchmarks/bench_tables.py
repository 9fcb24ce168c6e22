"""Test R2 of default settings on real tables: cvxnn at several ratios of beta, and scikit-learn's MLP.

The default ``beta_ratio`` rests on this table. Needs the UCI tables in the folder that CVXNN_DATA names; without it
only the table that scikit-learn ships is run.
"""

from __future__ import annotations

import os
import time
import warnings
from statistics import fmean, median

import numpy as np
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cvxnn import ReLURegressor
from cvxnn.datasets import Dataset, load_diabetes, load_uci
from reporting import arguments, print_table, write_json

UCI = ["concrete", "airfoil", "energy", "yacht", "housing", "autompg", "wine"]
RATIOS = [0.02, 0.01, 0.005, 0.002]


def datasets(names: list[str]) -> dict[str, Dataset]:
    """Return the tables that are at hand."""
    found = {"diabetes": load_diabetes()}
    if os.environ.get("CVXNN_DATA"):
        found |= {name: load_uci(name) for name in names}
    return found


def scores(dataset: Dataset, n_splits: int, max_seconds: float) -> dict[str, list[float]]:
    """Return test R2 and seconds of every model over splits of 80 to 20."""
    models = {
        f"cvxnn {ratio:g}": ReLURegressor(beta_ratio=ratio, max_seconds=max_seconds) for ratio in RATIOS
    }
    models["mlp"] = TransformedTargetRegressor(
        make_pipeline(StandardScaler(), MLPRegressor(random_state=0)), transformer=StandardScaler()
    )
    models["ridge"] = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 3, 13)))
    found: dict[str, list[float]] = {name: [] for name in models} | {f"{name} seconds": [] for name in models}
    for seed in range(n_splits):
        X, X_test, y, y_test = train_test_split(dataset.X, dataset.y, test_size=0.2, random_state=seed)
        for name, model in models.items():
            started = time.perf_counter()
            model.fit(X, y)
            found[f"{name} seconds"].append(time.perf_counter() - started)
            found[name].append(float(model.score(X_test, y_test)))
    return found


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "tables")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--max-seconds", type=float, default=30.0, help="limit on each fit of cvxnn")
    parser.add_argument("--tables", nargs="*", default=UCI)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results: dict[str, dict[str, list[float]]] = {}
    rows = []
    for name, dataset in datasets(options.tables).items():
        found = results[name] = scores(dataset, options.splits, options.max_seconds)
        models = [key for key in found if not key.endswith("seconds")]
        cells = [f"{fmean(found[m]):.3f} ({median(found[f'{m} seconds']):.1f} s)" for m in models]
        rows.append([name, *cells])
        write_json(options.out, results)
    print_table(["table", *models], rows)


if __name__ == "__main__":
    main()
