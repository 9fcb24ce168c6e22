"""How much equally optimal networks differ in test accuracy on KEEL tables, and what choosing among them gains.

One class (the most frequent) against the rest, squared loss on -1 and +1, standardised columns and a bias column, few
training rows, beta small. A third of the other rows (at most 200) are for validation, the rest (at most 500) for tests.
The directions that attain the dual constraint to a tolerance span the set; at 1e-9 its elements are optimal, at 1e-2
and 0.2 they have the optimal fit and an objective that is higher by the fraction given as "excess" at most.

"basic" is one vertex, the network that pruning ends with; "least" and "largest" are over it, the least-norm element,
random vertices and mixes, and the vertices that are worst and best for the sum of test margins; "best on validation" is
the element of least validation loss, a convex problem, and "best score" the candidate of highest validation accuracy.
"functions" is the dimension of the set of predictions on the test rows: 0 where all elements agree there.
"""

from __future__ import annotations

from statistics import fmean
from time import process_time
from typing import Any

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from bench_cross_validation import load_keel
from cvxnn import Problem, ReLUNetwork, beta_max
from cvxnn.landscape.optimal_sets.finding import optimal_set
from reporting import arguments, print_table, write_json

TABLES = [
    "banana",
    "titanic",
    "hayes-roth",
    "iris",
    "phoneme",
    "tae",
    "saheart",
    "pima",
    "mammographic",
    "bupa",
]
TOLERANCES = [1e-9, 1e-2, 0.2]
MOST_VALIDATION, MOST_TEST = 200, 500


def split_table(name: str, n_train: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return standardised training, validation and test parts with a bias column, targets -1 and +1."""
    X, classes = load_keel(name)
    names, counts = np.unique(classes, return_counts=True)
    y = np.where(classes == names[np.argmax(counts)], 1.0, -1.0)
    X, rest, y, y_rest = train_test_split(X, y, train_size=n_train, stratify=y, random_state=seed)
    validation, test, y_validation, y_test = train_test_split(
        rest, y_rest, train_size=1 / 3, stratify=y_rest, random_state=seed
    )
    scaler = StandardScaler().fit(X)
    parts = [
        (X, y),
        (validation[:MOST_VALIDATION], y_validation[:MOST_VALIDATION]),
        (test[:MOST_TEST], y_test[:MOST_TEST]),
    ]
    return [(np.hstack([scaler.transform(A), np.ones((len(A), 1))]), b) for A, b in parts]


def accuracy(network: ReLUNetwork, X: np.ndarray, y: np.ndarray) -> float:
    """Return the share of rows on the right side of zero."""
    return float(np.mean(np.where(network.predict(X) >= 0, 1.0, -1.0) == y))


def one_set(parts: list[tuple[np.ndarray, np.ndarray]], ratio: float, tol: float) -> dict[str, Any]:
    """Return what the set of one split and tolerance offers."""
    (X, y), validation, test = parts
    problem = Problem(X, y, beta=1.0)
    problem = problem.with_beta(ratio * beta_max(problem))
    started = process_time()
    optimal = optimal_set(problem, tol=tol)
    rng = np.random.default_rng(0)
    polytope = optimal.polytope
    margins = test[1] @ optimal.activations(test[0])
    coefficients = [polytope.point, polytope.nearest(np.zeros(optimal.n_directions))]
    coefficients += [polytope.extreme(margins), polytope.extreme(-margins)]
    coefficients += [polytope.extreme(rng.standard_normal(optimal.n_directions)) for _ in range(20)]
    coefficients += [polytope.sample(rng) for _ in range(20)]
    scores = [accuracy(optimal.network(c), *test) for c in coefficients]
    chosen = optimal.best_on(*validation)
    scored = optimal.best(lambda network: accuracy(network, *validation), n_samples=40)
    return {
        "is_complete": optimal.is_complete,
        "directions": optimal.n_directions,
        "dimension": optimal.dimension,
        "functions": optimal.prediction_dimension(test[0]),
        "excess": optimal.largest_excess / optimal.value,
        "basic": scores[0],
        "least": min(scores),
        "largest": max(scores),
        "best_on_validation": accuracy(chosen, *test),
        "best_score": accuracy(scored, *test),
        "seconds": process_time() - started,
    }


def main() -> None:
    """Print the table and write the figures."""
    parser = arguments(__doc__, "optimal_set")
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--n-train", type=int, default=30)
    parser.add_argument("--ratio", type=float, default=1e-2, help="beta as a fraction of the critical beta")
    parser.add_argument("--splits", type=int, default=3)
    options = parser.parse_args()
    figures, rows = [], []
    for name in options.tables:
        splits = [split_table(name, options.n_train, seed) for seed in range(options.splits)]
        for tol in TOLERANCES:
            runs = [one_set(parts, options.ratio, tol) for parts in splits]
            figures.append({"table": name, "tol": tol, "runs": runs})
            spread = max(run["largest"] - run["least"] for run in runs)
            row = [name, splits[0][0][0].shape[1], tol]
            row.append("complete" if runs[0]["is_complete"] else "known part")
            row += [
                "/".join(str(run[key]) for run in runs) for key in ("directions", "dimension", "functions")
            ]
            row += [float(f"{max(run['excess'] for run in runs):.2g}"), round(spread, 3)]
            row += [
                round(fmean(run[key] for run in runs), 3)
                for key in ("basic", "best_on_validation", "best_score")
            ]
            rows.append([*row, round(fmean(run["seconds"] for run in runs), 1)])
            print(*rows[-1], flush=True)
    header = ["table", "d", "tol", "set", "directions", "dimension", "functions", "excess", "largest spread"]
    print_table([*header, "basic", "best on validation", "best score", "CPU s"], rows)
    settings = {"n_train": options.n_train, "ratio": options.ratio, "splits": options.splits}
    write_json(options.out, {**settings, "sets": figures})


if __name__ == "__main__":
    main()
