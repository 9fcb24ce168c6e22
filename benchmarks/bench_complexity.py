"""The convex program over all patterns: its size and the interior-point bound, beside measured solve times."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn import Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.landscape.duality.complexity import (
    cell_count,
    interior_point_growth,
    interior_point_operations,
    program_size,
)
from reporting import arguments, planted_problem, print_table, write_json

# n for each d: the largest program of each d has some thousand variables.
SIZES = {2: (20, 40, 80, 160, 240), 3: (8, 12, 18, 27, 40), 4: (6, 8, 11, 15)}
BETA = 0.1
TOL = 1e-6
HEADER = [
    "d", "n", "P", "Cover", "2r(e(n-1)/r)^r", "variables 2Pd", "constraints 2Pn", "d^3 r^3 (n/r)^3r",
    "interior point, CPU s", "default solver, CPU s", "ratio", "difference of objectives",
]  # fmt: skip
COUNT_HEADER = [
    "data",
    "n",
    "d",
    "rank",
    "cells listed",
    "cells counted",
    "Cover",
    "2r(e(n-1)/r)^r",
    "general position",
]
SLOPE_HEADER = ["d", "seconds of", "fitted exponent in n", "bound's exponent 3r", "holds"]


def data_sets() -> dict[str, NDArray[np.float64]]:
    """Return data in general and in special positions."""
    rng = np.random.default_rng(0)
    normal = rng.standard_normal
    return {
        "general": normal((12, 4)),
        "rank 2 in R^4": normal((12, 2)) @ normal((2, 4)),
        "each row twice": np.repeat(normal((6, 4)), 2, axis=0),
        "entries -1, 0, 1": rng.integers(-1, 2, size=(12, 4)).astype(float),
        "two features and a bias, on a grid": np.array([[i, j, 1.0] for i in range(4) for j in range(3)]),
        "n = d = 12": normal((12, 12)),
        "n = 12 < d = 20": normal((12, 20)),
        "the slides' three points": np.array([[3.0, 3.0], [2.0, 2.0], [1.0, 0.0]]),
    }


def count_row(name: str, X: NDArray[np.float64]) -> list[Any]:
    """Return a row of the table of counts."""
    count = cell_count(X)
    if not count.holds:
        raise AssertionError(f"a bound does not hold: {count}")
    numbers = [int(count.exact.measured), int(count.exact.predicted), int(count.cover.predicted)]
    return [name, *X.shape, count.rank, *numbers, count.loose.predicted, count.in_general_position]


def row(problem: Problem, repeats: int) -> list[Any]:
    """Return a row of the table: what the theory says of a problem's size, and what its solution takes."""
    n, d = problem.X.shape
    cells, size = cell_count(problem.X), program_size(problem.X)
    if not (cells.holds and size.holds):
        raise AssertionError(f"a bound does not hold: {cells}, {size}")
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    interior, slow = _cpu_seconds(program, "interior_point", repeats)
    default, fast = _cpu_seconds(program, "auto", repeats)
    return [
        d, n, size.n_patterns, int(cells.cover.predicted), cells.loose.predicted,
        int(size.variables.measured), int(size.constraints.measured),
        interior_point_operations(n, d, cells.rank), slow, fast, slow / fast, interior - default,
    ]  # fmt: skip


def _cpu_seconds(program: ReLUProgram, solver: str, repeats: int) -> tuple[float, float]:
    """Return the objective, proven to TOL, and the least CPU seconds of a few solves."""
    seconds = []
    for _ in range(repeats):
        started = time.process_time()
        solution = solve(program, solver, tol=TOL)
        seconds.append(time.process_time() - started)
        if solution.certificate.relative_gap > TOL:
            raise AssertionError(f"{solver} stopped at a gap of {solution.certificate.relative_gap:.1e}")
    return solution.objective, min(seconds)


def slopes(rows: list[list[Any]]) -> list[list[Any]]:
    """Return, for each d and solver, the fitted exponent of time in n beside the bound's."""
    table = []
    for d in SIZES:
        mine = [line for line in rows if line[0] == d]
        for name, column in (("interior point", 8), ("default solver", 9)):
            growth = interior_point_growth([line[1] for line in mine], [line[column] for line in mine], d)
            table.append([d, name, growth.measured, growth.predicted, growth.holds])
    return table


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "complexity")
    parser.add_argument("--repeats", type=int, default=2, help="solves of each program, the fastest counts")
    options = parser.parse_args()
    counts = [count_row(name, X) for name, X in data_sets().items()]
    print_table(COUNT_HEADER, counts)
    print()
    row(planted_problem(5, 2, BETA, seed=0), 1)  # imports and first calls
    rows = [row(planted_problem(n, d, BETA, seed=0), options.repeats) for d in SIZES for n in SIZES[d]]
    print_table(HEADER, rows)
    fitted = slopes(rows)
    print()
    print_table(SLOPE_HEADER, fitted)
    write_json(
        options.out,
        {
            "beta": BETA,
            "tol": TOL,
            "counts": [dict(zip(COUNT_HEADER, line, strict=True)) for line in counts],
            "rows": [dict(zip(HEADER, line, strict=True)) for line in rows],
            "slopes": [dict(zip(SLOPE_HEADER, line, strict=True)) for line in fitted],
        },
    )


if __name__ == "__main__":
    main()
