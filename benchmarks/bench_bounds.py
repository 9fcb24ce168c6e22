"""Proven lower bounds against time: planted problems, where exact oracles are too dear or not, and real tables.

The bounds are relative to the objective of a network trained first, for the time that `--train-seconds` allows; no
bound can exceed it. The curve is that of `improving_bounds`, which `certify` follows too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cvxnn import Problem, train
from cvxnn.certificates import improving_bounds
from cvxnn.linear_maps import fitting_blas_threads
from reporting import arguments, planted_problem, print_table, table_problem, timed, write_json

MARKS = (1.0, 10.0, 60.0)
TABLES = ("yacht", "housing", "energy", "concrete", "airfoil", "wine", "elevators", "kin40k")
RATIOS = (1e-2, 1e-3)
# n, d, tolerance: where an exact oracle proves what training reaches
EXACT = ((500, 2, 1e-3), (2000, 2, 1e-3), (200, 3, 1e-2), (100, 4, 1e-2))


def curve(problem: Problem, train_seconds: float, seconds: float) -> dict[str, Any]:
    """Return the objective of a trained network, and seconds, values and methods of the bounds."""
    trained, spent = timed(lambda: train(problem, max_seconds=train_seconds))
    with fitting_blas_threads(problem.X):
        bounds = list(improving_bounds(problem, trained.network, max_seconds=seconds))
    return {
        "objective": trained.certificate.objective,
        "search_violation": trained.certificate.search_violation,
        "train_seconds": spent,
        "seconds": [bound.seconds for bound in bounds],
        "bounds": [bound.value for bound in bounds],
        "methods": [bound.method for bound in bounds],
    }


def row(name: str, problem: Problem, found: dict[str, Any]) -> list[Any]:
    """Return the bounds at the marks and at the end, over the objective."""
    pairs = list(zip(found["seconds"], found["bounds"], strict=True))
    marks = [max(value for at, value in pairs if at <= mark) / found["objective"] for mark in MARKS]
    size = f"{problem.n_samples} x {problem.n_features}"
    last = found["bounds"][-1] / found["objective"]
    return [name, size, found["objective"], *marks, last, found["seconds"][-1], found["methods"][-1]]


def exact_rows(seeds: Sequence[int]) -> list[list[Any]]:
    """Return proven gaps and seconds of training where an exact oracle is affordable."""
    rows = []
    for n, d, tol in EXACT:
        for seed in seeds:
            result, spent = timed(
                lambda n=n, d=d, tol=tol, seed=seed: train(planted_problem(n, d, seed=seed), tol=tol)
            )
            certificate = result.certificate
            rows.append(
                [n, d, seed, tol, certificate.relative_gap, certificate.proven, spent, certificate.method]
            )
    return rows


def draw(curves: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw bound over objective against seconds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for name, found in curves.items():
        ratios = [value / found["objective"] for value in found["bounds"]]
        axes.step([max(at, 1e-3) for at in found["seconds"]], ratios, where="post", label=name)
    axes.set(xscale="log", xlabel="seconds", ylabel="proven lower bound / objective", ylim=(0, 1))
    axes.legend(fontsize="small", ncols=2)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Print the tables, and write figures and curves."""
    parser = arguments(__doc__, "bounds")
    parser.add_argument("--seconds", type=float, default=60.0, help="time for the bounds of each problem")
    parser.add_argument("--train-seconds", type=float, default=20.0, help="time to train each network")
    parser.add_argument("--tables", nargs="*", default=TABLES, help="UCI tables")
    parser.add_argument(
        "--seeds", type=int, nargs="*", default=[0, 1, 2], help="planted problems of low rank"
    )
    options = parser.parse_args()
    problems = {"planted": planted_problem()}
    problems |= {
        f"{name} {ratio:g}": table_problem(name, ratio) for name in options.tables for ratio in RATIOS
    }
    curves, rows = {}, []
    for name, problem in problems.items():
        curves[name] = curve(problem, options.train_seconds, options.seconds)
        rows.append(row(name, problem, curves[name]))
        print(rows[-1], flush=True)
    marks = [f"bound / objective, {mark:g} s" for mark in MARKS]
    print_table(["problem", "n x d", "objective", *marks, "at the end", "seconds", "proof"], rows)
    exact = exact_rows(options.seeds)
    print_table(["n", "d", "seed", "tol", "proven relative gap", "proven", "seconds", "proof"], exact)
    write_json(options.out, {"rows": rows, "curves": curves, "exact": exact})
    draw(curves, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
