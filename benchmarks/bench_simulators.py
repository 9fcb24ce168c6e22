"""Simulators: a batch of networks against one and against a loop; flow against descent; the limit of SGD.

Seconds are CPU seconds of one process; a step is compared by the best of several runs, batch and loop in turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import MiniBatches
from cvxnn.dynamics.descent.stochastic_limit import sgd_limit
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.flows.order import descent_order
from cvxnn.dynamics.initialisation import balanced, he
from cvxnn.dynamics.trajectories.records import StationarityResidual
from reporting import arguments, print_table, write_json

SIZES = ((5, 2, 5), (100, 10, 50))  # n, d, m
N_NETWORKS = 100


def problem(n: int, d: int, beta: float, seed: int) -> Problem:
    """Return Gaussian data, scaled so that curvatures are of the order of one, and targets."""
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)) / np.sqrt(n), rng.standard_normal(n), beta=beta)


def cpu_seconds(run: Callable[[], Any]) -> float:
    """Return the CPU seconds of one run."""
    started = time.process_time()
    run()
    return time.process_time() - started


def batch_row(n: int, d: int, m: int, n_steps: int, repeats: int) -> list[Any]:
    """Return microseconds of a step of a batch, of one network and of each network of a loop, and their ratios."""
    given, start = problem(n, d, 0.1, 0), he(d, m, n_networks=N_NETWORKS)

    def steps(networks: Any, count: int) -> Callable[[], Any]:
        weights = start.select(networks)
        return lambda: simulate(given, weights, n_steps=count, step_size=1e-4, n_records=2)

    def loop() -> None:
        for b in range(N_NETWORKS):
            steps(b, n_steps)()

    runs = [(steps(slice(None), n_steps), n_steps), (steps(0, n_steps), n_steps), (loop, n_steps)]
    seconds = [[cpu_seconds(run) / count for run, count in runs] for _ in range(repeats)]
    batch, one, whole_loop = (1e6 * float(best) for best in np.min(seconds, axis=0))
    return [n, d, m, batch, one, batch / one, whole_loop / batch]


def flow_rows(n_seeds: int) -> list[list[Any]]:
    """Return what flows met, how well they conserve what they must, and the median order of descent.

    Many neurons near concave kinks make descent of moderate steps take other sides than flow; its order is seen from
    smaller steps on (100, 10, 50: errors of 1.1e-2 at 2,000 and at 8,000 steps, 3.5e-4 at 32,000).
    """
    rows = []
    for n, d, m, beta in ((5, 2, 5, 0.0), (20, 3, 10, 0.0), (20, 3, 10, 0.1), (100, 10, 50, 0.1)):
        events, slides, forks, worst, seconds, slopes = 0, 0, 0, 0.0, 0.0, []
        for seed in range(n_seeds if n < 100 else 1):
            given, start = problem(n, d, beta, seed), he(d, m, random_state=seed)
            started = time.process_time()
            path = gradient_flow(given, start, t_end=4.0, record="weights")
            seconds += time.process_time() - started
            imbalance = np.sum(path["hidden"] ** 2, axis=2) - path["output"] ** 2
            expected = imbalance[0] * np.exp(-2 * beta * path.times)[:, None, None]
            worst = max(worst, float(np.max(np.abs(imbalance - expected))))
            events, slides = events + path.events.n_crossings, slides + path.events.n_slides
            forks += int(np.sum(~path.events.unique))
            level = balanced(d, m, 0.7, random_state=seed)  # flow from balanced starts is unique
            slopes.append(descent_order(given, level, t_end=4.0).order.measured)
        rows.append([n, d, m, beta, events, slides, forks, worst, float(np.median(slopes)), seconds])
    return rows


def sgd_rows(n_steps: int) -> list[list[Any]]:
    """Return medians of the distance from stationary points along SGD, for several powers of decay."""
    rows = []
    for n, d, m, beta in ((10, 3, 6, 0.5), (20, 5, 10, 0.5)):
        given, start = problem(n, d, beta, 0), he(d, m, n_networks=20)
        settings = {"n_steps": n_steps, "step_size": 0.03}
        near, exact = StationarityResidual(kink_tol=1e-3), StationarityResidual(name="exact")
        constant = simulate(
            MiniBatches(given, 2),
            start,
            record=[near, exact],
            n_records=21,
            spacing="log",
            **settings,
        )
        paths = {0.0: (constant.times, constant[near.name], constant["exact"])}
        for power in (0.6, 0.75, 1.0):
            found = sgd_limit(given, start, power=power, batch_size=2, **settings)
            paths[power] = (found.steps, found.distances, found.exact_distances)
        for power, (steps, distances, exact_distances) in paths.items():
            middle = int(np.searchsorted(steps, n_steps // 100))
            medians = [float(np.median(distances[k])) for k in (0, middle, -1)]
            rows.append([n, d, m, beta, power, *medians, float(np.median(exact_distances[-1]))])
    return rows


def main() -> None:
    """Print the tables and write the figures."""
    parser = arguments(__doc__, "simulators")
    parser.add_argument("--quick", action="store_true", help="fewer steps and seeds")
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    tables: tuple[tuple[str, tuple[str, ...], Callable[[], list[list[Any]]]], ...] = (
        (
            "batch",
            ("n", "d", "m", "batch, us a step", "one, us a step", "batch / one", "loop / batch"),
            lambda: [batch_row(*size, *((100, 3) if options.quick else (400, 7))) for size in SIZES],
        ),
        (
            "flow",
            ("n", "d", "m", "beta", "crossings", "slides", "not unique", "conservation", "order", "seconds"),
            lambda: flow_rows(2 if options.quick else 10),
        ),
        (
            "sgd",
            ("n", "d", "m", "beta", "power", "start", "1 % of steps", "end", "end, without tolerance"),
            lambda: sgd_rows(5_000 if options.quick else 200_000),
        ),
    )
    for name, header, rows in tables:
        figures[name] = [dict(zip(header, row, strict=True)) for row in rows()]
        print(f"\n{name}\n")
        print_table(header, [list(row.values()) for row in figures[name]])
    write_json(options.out, figures)


if __name__ == "__main__":
    main()
