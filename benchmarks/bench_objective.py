"""Objective against time: cvxnn, tuned Adam, L-BFGS, SGD, scikit-learn's MLP, random patterns, and another package.

The planted problem, and UCI tables at two ratios of their critical beta; all on one objective. For every problem: the
best of Adam over its rates, the seconds Adam needed to come within 1e-4 of that, the seconds cvxnn needed to reach the
same, and where cvxnn ends. Seconds are CPU seconds of the process under one BLAS thread, so that what else runs on the
machine does not count; ``--clock wall`` takes the wall's. Baselines take most of the time: ``--reuse`` reads their
curves from an earlier run's JSON and runs cvxnn alone. The picture lies beside the JSON.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

from baselines import ADAM_RATES, CLOCKS, Budget, Curve, adam, lbfgs, random_patterns, sgd, sklearn_mlp
from cvxnn import Problem, sample_patterns, train
from objective_plot import draw
from peer_runs import peers_python, run_peer
from reporting import arguments, planted_problem, print_table, table_problem, write_json

TABLES = ["concrete", "airfoil", "energy", "wine", "yacht", "housing"]
NEAR = 1.0 + 1e-4


def problems(tables: list[str], ratios: list[float]) -> Iterator[tuple[str, Problem]]:
    """Yield name and problem; tables only where the data folder is named."""
    yield "planted", planted_problem()
    for name in tables if os.environ.get("CVXNN_DATA") else []:
        for ratio in ratios:
            yield f"{name} {ratio:g}", table_problem(name, ratio)


def peer_point(problem: Problem, budget: Budget, seed: int) -> Curve:
    """Return the point of adelie on 200 random gates.

    Where it fails it is asked once more, for cones to its own default tolerance; where it fails again there is no
    point, and the reason on the screen.
    """
    gates = sample_patterns(problem.X, 200, random_state=seed).gates
    for extra in ({}, {"cone_tol": 1e-9}):
        try:
            found = run_peer("adelie_relu", problem, gates, max_seconds=5 * budget.seconds, **extra)
        except RuntimeError as error:
            print(f"{error} {extra}")
            continue
        return [
            (found.seconds if budget.clock is CLOCKS["wall"] else found.cpu_seconds, found.network_objective)
        ]
    return []


def methods(adam_seconds: float, other_seconds: float, clock: Callable[[], float]) -> dict[str, Any]:
    """Return every baseline by name, to be called with a problem."""
    long, short = Budget(adam_seconds, clock), Budget(other_seconds, clock)
    runs: dict[str, Any] = {f"Adam {lr:g}": partial(adam, budget=long, lr=lr) for lr in ADAM_RATES}
    for start in ("balanced", "he"):
        runs[f"L-BFGS {start}"] = partial(lbfgs, budget=long, start=start)
    runs |= {f"SGD {lr:g}": partial(sgd, budget=short, lr=lr) for lr in (0.1, 1.0)}
    runs["scikit-learn MLP"] = partial(sklearn_mlp, budget=short)
    runs["random patterns, interior point"] = partial(random_patterns, budget=long)
    if peers_python() is not None:
        runs["adelie, 200 random gates"] = partial(peer_point, budget=long)
    return runs


def cvxnn_curve(
    problem: Problem, clock: Callable[[], float], seed: int, tol: float, limit: float
) -> dict[str, Any]:
    """Return curve and outcome of one training; its last point is the end of the proof."""
    curve: Curve = []
    started = clock()
    result = train(
        problem,
        tol=tol,
        max_seconds=limit,
        random_state=seed,
        callback=lambda record: curve.append((clock() - started, record.objective)),
    )
    certificate = result.certificate
    curve.append((clock() - started, certificate.objective))
    return {
        "curve": curve,
        "objective": certificate.objective,
        "lower_bound": certificate.lower_bound,
        "violation": certificate.search_violation,
        "neurons": result.network.n_neurons,
        "status": result.status.name,
    }


def seconds_to(curve: Curve, level: float) -> float:
    """Return the first seconds at which a curve is at a level; infinity where it never is."""
    return min((seconds for seconds, objective in curve if objective <= level), default=float("inf"))


def summary(name: str, entry: dict[str, Any]) -> list[Any]:
    """Return a problem's row: Adam, L-BFGS, cvxnn."""
    curves = {key: curve for key, curve in entry["curves"].items() if curve}
    adams = [curve for key, curve in curves.items() if key.startswith("Adam")]
    descents = [curve[-1][1] for key, curve in curves.items() if key.startswith("L-BFGS")]
    runs, best = entry["cvxnn"], min(curve[-1][1] for curve in adams)
    adam_seconds = min(seconds_to(curve, best * NEAR) for curve in adams)
    ours = median(seconds_to(run["curve"], best * NEAR) for run in runs)
    final = median(run["objective"] for run in runs)
    return [
        name, entry["beta"], best, adam_seconds, ours, adam_seconds / ours,
        final, median(run["curve"][-2][0] for run in runs), median(run["curve"][-1][0] for run in runs),
        "yes" if final <= best else "no", min(descents, default=float("nan")),
    ]  # fmt: skip


HEADER = [
    "problem", "beta", "Adam's best", "Adam s to 1.0001 of it", "cvxnn s to the same", "ratio",
    "cvxnn final", "s to last round", "s with proof", "<= Adam's best", "L-BFGS best",
]  # fmt: skip


def main() -> None:
    """Run, print, write, draw."""
    parser = arguments(__doc__, "objective")
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument(
        "--ratios", nargs="*", type=float, default=[1e-2, 1e-3], help="beta over its critical value"
    )
    parser.add_argument(
        "--adam-seconds", type=float, default=25.0, help="of each rate of Adam, each start of L-BFGS"
    )
    parser.add_argument("--other-seconds", type=float, default=10.0, help="of each other baseline")
    parser.add_argument("--cvxnn-seconds", type=float, default=60.0, help="limit on each training")
    parser.add_argument("--tol", type=float, default=1e-3, help="of cvxnn")
    parser.add_argument("--repeats", type=int, default=1, help="seeds of cvxnn; medians of them")
    parser.add_argument("--clock", choices=list(CLOCKS), default="cpu")
    parser.add_argument(
        "--methods", nargs="*", default=[""], help="run only baselines whose names start so; none for none"
    )
    parser.add_argument("--reuse", type=Path, help="JSON whose baselines' curves are taken over")
    options = parser.parse_args()
    cached = json.loads(options.reuse.read_text())["problems"] if options.reuse else {}
    clock = CLOCKS[options.clock]
    runs = methods(options.adam_seconds, options.other_seconds, clock)
    figures: dict[str, Any] = {}
    rows = []
    with threadpool_limits(1):
        for name, problem in problems(options.tables, options.ratios):
            known = cached.get(name, {"beta": problem.beta, "curves": {}})
            problem = problem.with_beta(known["beta"])  # a better search may have moved the critical beta
            curves = dict(known["curves"])
            for key, run in runs.items():
                if key not in curves and key.startswith(tuple(options.methods)):
                    curves[key] = run(problem, seed=0)
            ours = [
                cvxnn_curve(problem, clock, seed, options.tol, options.cvxnn_seconds)
                for seed in range(options.repeats)
            ]
            figures[name] = {"beta": problem.beta, "clock": options.clock, "curves": curves, "cvxnn": ours}
            rows.append(summary(name, figures[name]))
            write_json(options.out, {"problems": figures})
            print(f"{name}: {rows[-1][5]:.3g} x", flush=True)
    print_table(HEADER, rows)
    draw(figures, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
