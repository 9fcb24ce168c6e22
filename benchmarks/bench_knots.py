"""Test R2 with ramps beside the columns: how many, on which scale, and how heavy.

The plain columns are standardised. Ramps are put on one of these scales beside them:

- ``like columns``: standardised too, as ``knots`` of the estimators does;
- ``over root k``: so, divided by the root of the column's number of ramps, so that all of them weigh one column;
- ``twice``: so, times two;
- ``in the column's units``: the part of the standardised column that is in the interval, so that they add up to it.

Seconds of CPU count as time, so that other work on the machine changes nothing. Needs the UCI tables in the folder that
CVXNN_DATA names.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import numpy as np
from sklearn.model_selection import train_test_split

from cvxnn import ReLURegressor
from cvxnn.datasets import load_uci
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.validation import Array
from reporting import arguments, print_table, write_json

TABLES = ["concrete", "airfoil", "wine", "autompg", "housing"]
RATIOS = [0.005, 0.001, 0.0003]
KNOTS = [0, 4, 10]


def ones_over_root(encoder: PiecewiseLinearEncoder, _: Array) -> Array:
    """Return one over the root of the number of ramps of each ramp's column."""
    counts = np.bincount(encoder.ramps_.columns)
    return 1.0 / np.sqrt(counts[encoder.ramps_.columns])


def column_units(encoder: PiecewiseLinearEncoder, spread: Array) -> Array:
    """Return what a standardised ramp is multiplied with so that a step of x in its interval is one of its column."""
    ramps, d = encoder.ramps_, encoder.n_features_in_
    return spread[d:] * (ramps.ends - ramps.starts) / spread[ramps.columns]


WEIGHTS: dict[str, Callable[[PiecewiseLinearEncoder, Array], Array]] = {
    "like columns": lambda encoder, _: np.ones(len(encoder.ramps_)),
    "over root k": ones_over_root,
    "twice": lambda encoder, _: np.full(len(encoder.ramps_), 2.0),
    "in the column's units": column_units,
}


def encoded(X: Array, X_test: Array, knots: int, scale: str) -> tuple[Array, Array]:
    """Return training and test data with ramps beside them, standardised and weighed."""
    if knots:
        encoder = PiecewiseLinearEncoder(knots).fit(X)
        X, X_test = encoder.transform(X), encoder.transform(X_test)
    spread = X.std(axis=0)
    spread[spread == 0] = 1.0
    weights = np.ones(X.shape[1])
    if knots:
        weights[encoder.n_features_in_ :] = WEIGHTS[scale](encoder, spread)
    mean = X.mean(axis=0)
    return weights * (X - mean) / spread, weights * (X_test - mean) / spread


def score(name: str, knots: int, scale: str, ratio: float, seed: int, max_seconds: float) -> float:
    """Return the test R2 of one fit."""
    data = load_uci(name)
    X, X_test, y, y_test = train_test_split(data.X, data.y, test_size=0.2, random_state=seed)
    X, X_test = encoded(X, X_test, knots, scale)
    mean, spread = y.mean(), y.std()
    model = ReLURegressor(beta_ratio=ratio, standardize=False, max_seconds=max_seconds)
    return float(model.fit(X, (y - mean) / spread).score(X_test, (y_test - mean) / spread))


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "knots")
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--ratios", nargs="*", type=float, default=RATIOS)
    parser.add_argument("--knots", nargs="*", type=int, default=KNOTS)
    parser.add_argument("--scales", nargs="*", choices=list(WEIGHTS), default=list(WEIGHTS))
    parser.add_argument("--splits", type=int, default=1)
    parser.add_argument("--max-seconds", type=float, default=6.0, help="of CPU, on each fit")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    time.perf_counter = time.process_time  # the clock of time limits
    figures: dict[str, list[float]] = {}
    kinds = [(k, scale) for k in options.knots for scale in (options.scales if k else ["-"])]
    rows = []
    for name in options.tables:
        for knots, scale in kinds:
            cells = []
            for ratio in options.ratios:
                key = f"{name} k={knots} {scale} beta {ratio:g}"
                figures[key] = [
                    score(name, knots, scale, ratio, seed, options.max_seconds)
                    for seed in range(options.splits)
                ]
                cells.append(f"{np.mean(figures[key]):.3f}")
            rows.append([name, knots, scale, *cells])
            print(*rows[-1], flush=True)
            write_json(options.out, figures)
    print_table(["table", "k", "scale of ramps", *(f"beta {ratio:g}" for ratio in options.ratios)], rows)


if __name__ == "__main__":
    main()
