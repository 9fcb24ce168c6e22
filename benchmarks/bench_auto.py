"""Test R2 and seconds of weight decay and knots that are given, and of those chosen on held-out rows.

Beside them scikit-learn's HistGradientBoostingRegressor at its defaults. 80 % of each table is for training. Seconds of
CPU on one thread count as time. Needs the UCI tables in the folder that CVXNN_DATA names.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

from sklearn.ensemble import HistGradientBoostingRegressor

from cvxnn import ReLURegressor
from data_splits import data_split
from reporting import arguments, print_table, write_json

TABLES = ["concrete", "airfoil", "wine", "energy", "housing", "autompg", "yacht"]


def models(max_seconds: float | None) -> dict[str, Any]:
    """Return what is compared, by name."""
    return {
        "default": ReLURegressor(max_seconds=max_seconds),
        "beta_ratio=None": ReLURegressor(beta_ratio=None, max_seconds=max_seconds),
        'beta_ratio=None, knots="auto"': ReLURegressor(
            beta_ratio=None, knots="auto", max_seconds=max_seconds
        ),
        "boosting": HistGradientBoostingRegressor(random_state=0),
    }


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "auto")
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--max-seconds", type=float, default=None, help="of CPU, on each fit")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    time.perf_counter = time.process_time  # the clock of time limits
    figures: dict[str, Any] = {}
    rows = []
    for name in options.tables:
        split, cells = data_split(name), [name]
        for kind, model in models(options.max_seconds).items():
            started = time.process_time()
            model.fit(split.X, split.y)
            seconds = time.process_time() - started
            score = float(model.score(split.X_test, split.y_test))
            figures[f"{name} {kind}"] = {"r2": score, "seconds": seconds}
            cell = f"{score:.3f} ({seconds:.1f} s)"
            if getattr(model, "beta_scores_", None) is not None:
                figures[f"{name} {kind}"] |= {"ratio": model.beta_ratio_, "knots": model.knots_}
                cell += f": {model.beta_ratio_:g}, {model.knots_}"
            cells.append(cell)
            print(*cells[-1:], flush=True)
        rows.append(cells)
        write_json(options.out, figures)
    print_table(["table", *(f"{kind}, test R2" for kind in models(None))], rows)


if __name__ == "__main__":
    main()
