"""How training grows with n, d and beta: seconds and objective of `train`, its first descent, its first program.

Planted problems: n from 100 to 3200 at d = 10, d from 5 to 80 at n = 400, both at beta a hundredth of its critical
value; and beta from 1e-1 to 1e-4 of it at n = 400, d = 10. Descent and convexification are training's first calls of
each, timed inside it. Slopes are those of log seconds against log n, d, 1/beta; trainings stopped by the time limit
(hollow in the picture) are left out of them. ``--clock cpu`` counts the CPU seconds of all threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from baselines import CLOCKS
from cvxnn import Problem, beta_max, train
from cvxnn.statistics import log_log_slope
from cvxnn.statuses import SolveStatus
from reporting import arguments, planted_problem, print_table, write_json
from scaling_plot import draw
from training_parts import first, recorded_steps

SWEEPS: dict[str, list[float]] = {
    "n": [100, 200, 400, 800, 1600, 3200],
    "d": [5, 10, 20, 40, 80],
    "1/beta": [1e1, 1e2, 1e3, 1e4],
}


def sweep_problem(sweep: str, value: float) -> Problem:
    """Return the problem of a sweep's value; for 1/beta, of beta that part of its critical value."""
    n, d = (int(value) if sweep == name else default for name, default in (("n", 400), ("d", 10)))
    problem = planted_problem(n, d, seed=1)
    return problem.with_beta(beta_max(problem) / (value if sweep == "1/beta" else 100.0))


def measure(problem: Problem, max_seconds: float, clock: Callable[[], float]) -> dict[str, Any]:
    """Return seconds and objectives of training, and of its first descent and its first convexification."""
    started = clock()
    with recorded_steps(clock) as calls:
        result = train(problem, max_seconds=max_seconds)
    seconds = clock() - started
    descent = first(calls["descend"], "descend")
    return {
        "train s": seconds,
        "train objective": result.certificate.objective,
        "rounds": len(result.history),
        "neurons": result.network.n_neurons,
        "status": result.status.name,
        "finished": result.status is not SolveStatus.MAX_SECONDS,
        "descend s": descent.seconds,
        "descend objective": problem.objective(descent.result),
        "convexify s": first(calls["convexify"], "convexify").seconds,
        "convexify objective": result.history[0].objective,
    }


def slope(rows: list[dict[str, Any]], key: str) -> float:
    """Return the log-log slope of ``key`` against the sweep's value; NaN with fewer than two points."""
    points = [(row["value"], row[key]) for row in rows if row["finished"] or key != "train s"]
    if len(points) < 2:
        return float("nan")
    return log_log_slope(*np.array(points).T).value


def sweeps(
    names: list[str], largest: float, max_seconds: float, clock: Callable[[], float]
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each sweep with its measurements."""
    for name in names:
        values = [value for value in SWEEPS[name] if value <= largest or name == "1/beta"]
        yield name, [{"value": v, **measure(sweep_problem(name, v), max_seconds, clock)} for v in values]


def main() -> None:
    """Run, print, write, draw."""
    parser = arguments(__doc__, "scaling")
    parser.add_argument("--sweeps", nargs="*", choices=list(SWEEPS), default=list(SWEEPS))
    parser.add_argument("--largest", type=float, default=np.inf, help="leave out larger n and d")
    parser.add_argument("--max-seconds", type=float, default=120.0, help="limit on each training")
    parser.add_argument("--clock", choices=list(CLOCKS), default="wall")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name, rows in sweeps(options.sweeps, options.largest, options.max_seconds, CLOCKS[options.clock]):
        keys = [key for key in rows[0] if key not in ("value", "finished")]
        print(f"\nSweep in {name}\n")
        print_table([name, *keys], [[row["value"], *(row[key] for key in keys)] for row in rows])
        slopes = {key: slope(rows, key) for key in ("train s", "descend s", "convexify s")}
        print(
            "\nlog-log slopes: " + ", ".join(f"{key[:-2]} {value:.2f}" for key, value in slopes.items()),
            flush=True,
        )
        figures[name] = {"rows": rows, "slopes": slopes}
        write_json(options.out, figures)
    draw(figures, options.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
