"""The planted problem in detail: cvxnn, L-BFGS, convex programs on random patterns, and the existing packages.

Five teacher neurons, Gaussian inputs, noise 0.1, a bias column: the problem that CVXNN_DATA/planted.npz holds, or a
fresh one of the same kind. Objectives are those of the training problem, loss summed over samples; a peer's is that of
its program, whose cones it may leave by the violation shown. Medians of the repeats, with as many seeds. The second
table sets the seconds in which cvxnn is within 1e-3 and 1e-4 of the best known objective against those of the C++ peer
on 500 random gates. Seconds are CPU seconds under one BLAS thread; ``--clock wall`` takes the wall's.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from statistics import median
from typing import Any

from threadpoolctl import threadpool_limits

from baselines import CLOCKS, Budget, lbfgs
from bench_objective import seconds_to
from cvxnn import Problem, ReLUProgram, sample_patterns, solve, train
from peer_runs import peers_python, run_peer
from reporting import arguments, planted_problem, print_table, write_json

# Objective, neurons or blocks in use, cone violation, seconds.
Row = tuple[float, int, float | None, float]
BEST_KNOWN = 1.540345  # of the stored problem


def trained(
    problem: Problem, clock: Callable[[], float], seed: int, tol: float
) -> tuple[Row, dict[str, Any]]:
    """Return the row of one training, and its curve and certificate."""
    curve: list[tuple[float, float]] = []
    started = clock()
    result = train(
        problem,
        tol=tol,
        random_state=seed,
        callback=lambda record: curve.append((clock() - started, record.objective)),
    )
    found, seconds = result.certificate, clock() - started
    details = {
        "curve": curve,
        "objective": found.objective,
        "lower_bound": found.lower_bound,
        "violation": found.search_violation,
    }
    return (found.objective, result.network.n_neurons, None, seconds), details


def sampled(problem: Problem, clock: Callable[[], float], seed: int, n_patterns: int) -> Row:
    """Return the row of our solver on random patterns."""
    program = ReLUProgram(problem, sample_patterns(problem.X, n_patterns, random_state=seed))
    started = clock()
    solution = solve(program, tol=1e-6, max_seconds=120.0)
    return solution.objective, solution.network.n_neurons, 0.0, clock() - started


def peer(
    problem: Problem, clock: Callable[[], float], seed: int, script: str, n_patterns: int, **options: Any
) -> Row:
    """Return the row of another package on the same random patterns."""
    gates = sample_patterns(problem.X, n_patterns, random_state=seed).gates
    found = run_peer(script, problem, gates, max_seconds=1800.0, **options)
    used = int((found.blocks != 0).any(axis=1).sum())
    seconds = found.seconds if clock is CLOCKS["wall"] else found.cpu_seconds
    return found.objective, used, found.violation, seconds


def median_row(run: Callable[[int], Row], repeats: int) -> Row:
    """Return a run's medians over seeds; the count is the last seed's."""
    rows = [run(seed) for seed in range(repeats)]
    violations = [row[2] for row in rows if row[2] is not None]
    return (
        median(row[0] for row in rows),
        rows[-1][1],
        median(violations) if violations else None,
        median(row[3] for row in rows),
    )


def within(details: list[dict[str, Any]], level: float, peer_seconds: float | None) -> list[Any]:
    """Return the row of a level: objective, seconds to it, the peer's seconds, their ratio."""
    seconds = median(seconds_to(run["curve"], level) for run in details)
    return [level, seconds, peer_seconds, None if peer_seconds is None else seconds / peer_seconds]


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "planted")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=25.0, help="of L-BFGS, which may stop earlier")
    parser.add_argument("--clock", choices=list(CLOCKS), default="cpu")
    parser.add_argument("--no-pyscnn", action="store_true", help="leave out the slowest rows, minutes each")
    options = parser.parse_args()
    problem, clock = planted_problem(), CLOCKS[options.clock]
    details: list[dict[str, Any]] = []

    def train_and_keep(seed: int) -> Row:
        row, found = trained(problem, clock, seed, 1e-3)
        details.append(found)
        return row

    def descended(m: int, seed: int) -> Row:
        curve = lbfgs(problem, Budget(options.seconds, clock), seed, m=m)
        return curve[-1][1], m, None, curve[-1][0]

    runs: dict[str, tuple[Callable[[int], Row], int]] = {
        "cvxnn, tol 1e-2": (lambda seed: trained(problem, clock, seed, 1e-2)[0], options.repeats),
        "cvxnn, tol 1e-3": (train_and_keep, options.repeats),
        "L-BFGS, 50 neurons": (lambda seed: descended(50, seed), options.repeats),
        "L-BFGS, 200 neurons": (lambda seed: descended(200, seed), options.repeats),
    }
    for P in (200, 500):
        runs[f"cvxnn, {P} random patterns"] = (
            lambda seed, P=P: sampled(problem, clock, seed, P),
            options.repeats,
        )
    if peers_python() is not None:
        for P in (200, 500):
            runs[f"adelie, {P} random gates"] = (
                lambda seed, P=P: peer(problem, clock, seed, "adelie_relu", P),
                options.repeats,
            )
        runs["adelie, 500 random gates, no cones"] = (
            lambda seed: peer(problem, clock, seed, "adelie_relu", 500, gated=True),
            options.repeats,
        )
        if not options.no_pyscnn:
            runs["pyscnn, 500 random gates, no cones"] = (
                lambda seed: peer(problem, clock, seed, "pyscnn_relu", 500, gated=True),
                1,
            )
            runs["pyscnn, 500 random gates"] = (
                lambda seed: peer(problem, clock, seed, "pyscnn_relu", 500),
                1,
            )
    rows: dict[str, Row] = {}
    print(problem)
    with threadpool_limits(1):
        for name, (run, repeats) in runs.items():
            rows[name] = median_row(run, repeats)
            write_json(options.out, {"rows": rows, "cvxnn": details})
    print_table(
        ["method", "objective", "neurons or blocks", "violation", "seconds"],
        [[k, *v] for k, v in rows.items()],
    )
    final = details[0]
    bound, violation = final["lower_bound"], final["violation"]
    print(f"\nproven lower bound {bound:.4f}; largest dual violation found {violation:.1e}\n")
    peer_seconds = rows["adelie, 500 random gates"][3] if "adelie, 500 random gates" in rows else None
    best = BEST_KNOWN if os.environ.get("CVXNN_DATA") else min(run["objective"] for run in details)
    levels = [within(details, best * factor, peer_seconds) for factor in (1.001, 1.0001)]
    print_table(["objective", "cvxnn's seconds to it", "adelie's seconds, 500 gates", "ratio"], levels)


if __name__ == "__main__":
    main()
