"""How far the optimum truly is where training stops by itself: against runs ten times as long.

Twenty tables, real and drawn, at three weight decays each. `train` at its default tol, without a time limit, ends by
its own stop rule; the distance is to the best of that run and one of another seed, a hundredth of the tol, and ten
times the seconds. The constants of the rule (`cvxnn.training.state`) were chosen on the tables marked "chosen on"; what
counts is the share of the others whose distance is at most tol. Seconds are CPU seconds under one BLAS thread.
Needs the UCI tables in the folder that CVXNN_DATA names.
"""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
import sklearn.datasets as drawn
from threadpoolctl import threadpool_limits

from cvxnn import Problem, train
from cvxnn.certificates import estimate_beta_max
from cvxnn.datasets import load_uci
from cvxnn.estimators import Preparation
from cvxnn.validation import Array
from reporting import arguments, print_table, write_json

UCI = [
    "airfoil", "autompg", "bike", "concrete", "elevators", "energy", "housing", "kin40k", "pol", "protein", "wine",
    "yacht",
]  # fmt: skip
RATIOS = [0.02, 0.005, 0.001]
MOST_ROWS = 600
TOL, FINE = 1e-3, 1e-5
LEAST_SECONDS = 5.0


def tables() -> dict[str, tuple[Array, Array, str]]:
    """Return X, targets and loss by name."""
    found: dict[str, tuple[Array, Array, str]] = {}
    for name in UCI if os.environ.get("CVXNN_DATA") else []:
        table = load_uci(name)
        rows = np.random.default_rng(0).permutation(len(table.X))[:MOST_ROWS]
        found[name] = table.X[rows], table.y[rows], "squared"
    diabetes, linnerud = drawn.load_diabetes(), drawn.load_linnerud()
    cancer, wines = drawn.load_breast_cancer(), drawn.load_wine()
    return found | {
        "diabetes": (diabetes.data, diabetes.target, "squared"),
        "linnerud": (linnerud.data, linnerud.target, "squared"),
        "friedman1": (*drawn.make_friedman1(500, noise=1.0, random_state=0), "squared"),
        "friedman2": (*drawn.make_friedman2(500, noise=50.0, random_state=0), "squared"),
        "friedman3": (*drawn.make_friedman3(500, noise=0.1, random_state=0), "squared"),
        "roll": (*drawn.make_swiss_roll(600, noise=0.2, random_state=0), "squared"),
        "cancer": (cancer.data, np.where(cancer.target > 0, 1.0, -1.0), "logistic"),
        "wines": (wines.data, np.eye(3)[wines.target], "multinomial"),
    }


def problem_of(X: Array, y: Array, loss: str, ratio: float) -> Problem:
    """Return the standardised problem at a share of its critical weight decay."""
    prepared = Preparation.of(X, y, loss=loss, fit_intercept=True, scale_target=loss == "squared")
    return prepared.problem.with_beta(ratio * estimate_beta_max(prepared.problem).value)


def run(problem: Problem, factor: float) -> dict[str, Any]:
    """Return where training stops, and how far the best known objective is from there."""
    started = time.process_time()
    result = train(problem, tol=TOL, prove=False)
    seconds = time.process_time() - started
    limit = max(factor * seconds, LEAST_SECONDS)
    longer = train(problem, tol=FINE, prove=False, random_state=1, max_seconds=limit)
    objective, best = (
        result.certificate.objective,
        min(result.certificate.objective, longer.certificate.objective),
    )
    return {
        "seconds": seconds,
        "status": result.status.name,
        "neurons": result.network.n_neurons,
        "distance": (objective - best) / best,
    }


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "stop_rule")
    parser.add_argument("--only", nargs="*", help="these tables alone")
    parser.add_argument("--factor", type=float, default=10.0, help="how much longer the other run is")
    options = parser.parse_args()
    everything = tables()
    names = sorted(everything)
    chosen_on = set(names[::2])
    figures: dict[str, Any] = {}
    rows = []
    with threadpool_limits(1):
        for name in options.only or names:
            for ratio in RATIOS:
                found = run(problem_of(*everything[name], ratio), options.factor)
                figures[f"{name} {ratio:g}"] = found
                half = "chosen on" if name in chosen_on else "checked on"
                rows.append([name, ratio, half, *found.values(), found["distance"] <= TOL])
                write_json(options.out, figures)
                print(*rows[-1], flush=True)
    print_table(
        ["table", "beta / critical", "half", "seconds", "status", "neurons", "distance", "within tol"], rows
    )
    for half in ("chosen on", "checked on"):
        within = [row[-1] for row in rows if row[2] == half]
        median = float(np.median([row[6] for row in rows if row[2] == half])) if within else float("nan")
        print(f"{half}: {sum(within)} of {len(within)} within tol, median distance {median:.1e}")


if __name__ == "__main__":
    main()
