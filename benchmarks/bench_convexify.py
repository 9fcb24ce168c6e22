"""Solving the cone-constrained program on given patterns: CPU seconds of each design to a relative gap of 1e-6.

Instances: 500 random patterns from zero on the planted problem, and the patterns of a descent, started from its
network, on the planted problem and on tables at two betas (those that the data folder has).

Designs: the semismooth Newton augmented Lagrangian; the same inside a working set of blocks; accelerated proximal
gradient with the same prox. A dash stands for a gap not reached in time; the gap reached follows.

What is kept, and why. Semismooth Newton at every size: it alone reaches 1e-6 on every instance. First-order steps
need the prox thousands of times, and every prox is a batch of projections, so that they lose by more as beta falls
and the program's conditioning with it. A working set of blocks repeats Newton's first steps in every round, and
blocks outside are screened away without a projection anyway: it does not pay where the cones are in the prox.
"""

from __future__ import annotations

import os
import resource
import time

import numpy as np

from cvxnn import Problem, ReLUProgram, sample_patterns
from cvxnn.atoms import Atoms
from cvxnn.solvers import ProximalGradient, SemismoothNewton, Solver, WorkingSet, solve
from cvxnn.training.descent import descend, small_random_network
from cvxnn.validation import Array
from reporting import arguments, planted_problem, print_table, table_problem, write_json

NEURONS = 200
TABLES = {"concrete": 1000, "airfoil": 1000, "wine": 1000, "bike": 100, "kin40k": 100}  # descent iterations
LARGE = 10_000
DESIGNS: dict[str, Solver] = {
    "semismooth Newton": SemismoothNewton(),
    "working set of blocks": WorkingSet(),
    "proximal gradient": ProximalGradient(),
}


def descended(problem: Problem, iterations: int) -> tuple[ReLUProgram, Array]:
    """Return the program on the patterns of a descent, and its blocks."""
    network = small_random_network(problem, NEURONS, np.random.default_rng(0))
    atoms = Atoms.of_network(problem, descend(problem, network, max_iterations=iterations))
    return ReLUProgram(problem, atoms.masks, atoms.signs), atoms.blocks


def instances(tables: list[str]):
    """Yield names, programs and starts."""
    planted = planted_problem()
    random = ReLUProgram(planted, sample_patterns(planted.X, 500, random_state=0))
    yield "planted, 500 random patterns", random, None
    yield "planted, descent", *descended(planted, 1000)
    for table in tables:
        problem = table_problem(table, 1e-2)
        for ratio in (1e-2, 1e-3):
            scaled = problem.with_beta(problem.beta * ratio / 1e-2)
            yield f"{table} at {ratio:g}", *descended(scaled, TABLES[table])


def measure(
    program: ReLUProgram, start: Array | None, solver: Solver, max_seconds: float
) -> dict[str, float]:
    """Solve once; the first call of a process pays for imports, so it is not this one."""
    started = time.process_time()
    solution = solve(program, solver, tol=1e-6, start=start, max_seconds=max_seconds)
    return {
        "seconds": time.process_time() - started,
        "gap": solution.certificate.relative_gap,
        "objective": solution.objective,
        "steps": solution.history[-1].step,
        "violation": program.violation(solution.blocks),
    }


def cell(figures: dict[str, float]) -> str:
    """Return seconds, or the gap reached in their place."""
    return f"{figures['seconds']:.2f}" if figures["gap"] <= 1e-6 else f"- ({figures['gap']:.0e})"


def main() -> None:
    """Print the table and write it as JSON."""
    parser = arguments(__doc__, "bench_convexify")
    parser.add_argument("--tables", nargs="*", default=list(TABLES) if os.environ.get("CVXNN_DATA") else [])
    parser.add_argument("--max-seconds", type=float, default=30.0)
    options = parser.parse_args()
    rows, figures = [], {}
    for name, program, start in instances(options.tables):
        solve(program, max_steps=0)
        n, d = program.problem.X.shape
        found = {design: measure(program, start, s, options.max_seconds) for design, s in DESIGNS.items()}
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        figures[name] = {"n": n, "d": d, "blocks": program.n_blocks, "peak_MiB": memory, **found}
        newton = found["semismooth Newton"]
        rows.append(
            [name, f"{n} x {d}", program.n_blocks, newton["objective"], *map(cell, found.values()), memory]
        )
        print(f"{name}: {rows[-1][3:]}", flush=True)
    print_table(["instance", "X", "blocks", "objective", *DESIGNS, "peak MiB"], rows)
    write_json(options.out, figures)


if __name__ == "__main__":
    main()
