"""The gated program on thousands of random patterns: our solvers against each other and against adelie.

Three tables: all solvers on the planted problem, with the C++ peer where ``CVXNN_PEERS_PYTHON`` (or
``make peers``) gives one; our designs from few samples and many patterns to the reverse; a path of weight decays.
Objectives are ours, in float64; seconds are those of the solve alone on one thread: medians of ``--repeats`` in the
first table, single runs in the others.
"""

from __future__ import annotations

from statistics import median
from time import perf_counter, process_time

import numpy as np
from threadpoolctl import threadpool_limits

from cvxnn import GatedReLUProgram, Problem, sample_patterns, solve
from cvxnn.solvers import ProximalGradient, SemismoothNewton, Solver, WorkingSet, path_betas, solve_path
from cvxnn.solvers.path import critical_beta
from cvxnn.solvers.restriction import with_beta
from peer_runs import peers_python, run_peer
from reporting import arguments, planted_problem, print_table, table_problem, write_json

DESIGNS: dict[str, Solver] = {
    "working set, semismooth Newton": WorkingSet("newton"),
    "working set, proximal gradient": WorkingSet("proximal_gradient"),
    "all blocks, semismooth Newton": SemismoothNewton(),
    "all blocks, proximal gradient": ProximalGradient(),
}
PEERS = {
    "adelie, tol 1e-9": {"tol": 1e-9},
    "adelie, tol 1e-9, never forming the matrix": {"tol": 1e-9, "matrix": "convex_relu"},
    "adelie, tol 1e-11": {"tol": 1e-11},
    "adelie, tol 1e-11, down 20 penalties": {"tol": 1e-11, "path": 20},
    "adelie, tol 1e-13": {"tol": 1e-13},
}
LIMIT = 20.0  # seconds for each of our solves
# samples, features, patterns, beta over its critical value
SIZES = [
    (200, 10, 2000, 0.1),
    (200, 10, 2000, 0.01),
    (200, 10, 20_000, 0.003),
    (1000, 10, 2000, 0.01),
    (3000, 10, 2000, 0.03),
    (10_000, 8, 500, 0.03),
]


def program_of(problem: Problem, n_patterns: int, ratio: float | None = None) -> GatedReLUProgram:
    """Return the program of random patterns, with beta a fraction of the critical one where that is given."""
    program = GatedReLUProgram(problem, sample_patterns(problem.X, n_patterns))
    return program if ratio is None else program.with_beta(ratio * critical_beta(program))


def measured(program: GatedReLUProgram, solver: str | Solver, repeats: int, tol: float = 1e-6) -> dict:
    """Return medians and the last solution's figures."""
    clocks = []
    for _ in range(repeats):
        started = perf_counter(), process_time()
        solution = solve(program, solver, tol=tol, max_seconds=LIMIT)
        clocks.append((perf_counter() - started[0], process_time() - started[1]))
    seconds, cpu = (median(column) for column in zip(*clocks, strict=True))
    return {
        "objective": solution.objective,
        "gap": solution.certificate.relative_gap,
        "blocks": int(np.count_nonzero(solution.blocks.any(axis=0))),
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def against_peer(repeats: int) -> dict[str, dict]:
    """Print and return the planted problem's table, 2,000 random patterns."""
    program = program_of(planted_problem(), 2000)
    ours = {"solve(program), tol 1e-6": measured(program, "auto", repeats)}
    ours["solve(program), tol 1e-8"] = measured(program, "auto", repeats, tol=1e-8)
    ours |= {name: measured(program, solver, repeats) for name, solver in DESIGNS.items()}
    rows = dict(ours)
    for name, options in PEERS.items() if peers_python() else ():
        runs = [
            run_peer("adelie_gated", program.problem, program.patterns.gates, **options)
            for _ in range(repeats if options["tol"] > 1e-12 else 1)  # the tightest takes a minute
        ]
        rows[name] = {
            "objective": runs[-1].objective,
            "gap": None,
            "blocks": int(np.count_nonzero(runs[-1].blocks.any(axis=1))),
            "seconds": median(run.seconds for run in runs),
            "cpu_seconds": median(run.cpu_seconds for run in runs),
        }
    best = rows["solve(program), tol 1e-8"]["objective"]
    for row in rows.values():
        row["above_best"] = row["objective"] / best - 1.0
    print(f"{program.problem!r}, {program.n_blocks} random patterns")
    names = ["objective", "above_best", "gap", "blocks", "seconds", "cpu_seconds"]
    print_table(["method", *names], [[name, *(row[key] for key in names)] for name, row in rows.items()])
    return rows


def by_size(_: int) -> list[dict]:
    """Print and return seconds of CPU of our designs at every size; a dash where the limit came first."""
    figures = []
    for n, d, n_patterns, ratio in SIZES:
        program = program_of(planted_problem(n, d, 1.0, seed=1), n_patterns, ratio)
        runs = {name: measured(program, solver, 1) for name, solver in DESIGNS.items()}
        figures.append({"n": n, "d": d, "patterns": n_patterns, "ratio": ratio, "runs": runs})
    rows = [
        [f["n"], f["d"], f["patterns"], f["ratio"], f["runs"]["working set, semismooth Newton"]["blocks"]]
        + [run["cpu_seconds"] if run["gap"] <= 1e-6 else "-" for run in f["runs"].values()]
        for f in figures
    ]
    print_table(["n", "d", "patterns", "beta ratio", "blocks", *DESIGNS], rows)
    return figures


def along_path(_: int) -> list[dict]:
    """Print and return CPU seconds of a path of 20 weight decays, and of the same programs one by one."""
    figures = []
    for name, problem, n_patterns in (
        ("planted", planted_problem(), 2000),
        ("concrete", table_problem("concrete", 0.1), 1000),
    ):
        program = program_of(problem, n_patterns)
        betas = path_betas(program, 20, 1e-2)
        started = process_time()
        path = solve_path(program, betas)
        middle = process_time()
        alone = [solve(with_beta(program, float(beta))) for beta in betas]
        figures.append(
            {
                "data": name,
                "patterns": n_patterns,
                "path": middle - started,
                "one_by_one": process_time() - middle,
                "difference": max(
                    abs(a.objective / b.objective - 1) for a, b in zip(path, alone, strict=True)
                ),
                "gap": max(solution.certificate.relative_gap for solution in path),
            }
        )
    print_table(list(figures[0]), [list(row.values()) for row in figures])
    return figures


TABLES = {"planted": against_peer, "sizes": by_size, "path": along_path}


def main() -> None:
    """Print the tables and write them as JSON."""
    parser = arguments(__doc__, "gated")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    options = parser.parse_args()
    with threadpool_limits(1):
        solve(program_of(planted_problem(20, 3, seed=1), 5))  # imports and first calls
        figures = {name: TABLES[name](options.repeats) for name in options.tables}
    write_json(options.out, figures)


if __name__ == "__main__":
    main()
