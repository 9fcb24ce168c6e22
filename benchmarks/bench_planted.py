"""Objective against time on a planted problem: cvxnn, plain L-BFGS, and the convex program on random patterns.

Five teacher neurons, Gaussian inputs, noise 0.1, a bias column: the problem that CVXNN_DATA/planted.npz holds, or a
fresh one of the same kind. Objectives are those of the training problem, loss summed over samples.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from cvxnn import Problem, ReLUProgram, sample_patterns, solve, train
from cvxnn.datasets import load_planted
from cvxnn.training.descend import descend, small_random_network


def planted(n: int = 200, d: int = 10, seed: int = 0) -> Problem:
    """Return a planted problem: beta 0.5, targets of variance one."""
    rng = np.random.default_rng(seed)
    X = np.hstack([rng.standard_normal((n, d - 1)), np.ones((n, 1))])
    y = np.maximum(X @ rng.standard_normal((d, 5)), 0.0) @ rng.standard_normal(5) + 0.1 * rng.standard_normal(
        n
    )
    return Problem(X, (y - y.mean()) / y.std(), 0.5)


def timed(run) -> tuple[float, float, int]:
    """Return objective, seconds and neurons of a run."""
    started = time.perf_counter()
    objective, neurons = run()
    return objective, time.perf_counter() - started, neurons


def main() -> None:
    """Print the table and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("out/bench_planted.json"))
    out = parser.parse_args().out
    if os.environ.get("CVXNN_DATA"):
        data = load_planted()
        problem = Problem(data.X, data.y, 0.5)
    else:
        problem = planted()
    rng = np.random.default_rng(0)
    result = train(problem)

    def trained(tol: float):
        found = train(problem, tol=tol)
        return found.certificate.objective, found.network.n_neurons

    def descended(m: int, iterations: int):
        network = descend(problem, small_random_network(problem, m, 0.3, rng), max_iterations=iterations)
        return problem.objective(network), network.n_neurons

    def sampled(n_patterns: int):
        solution = solve(
            ReLUProgram(problem, sample_patterns(problem.X, n_patterns)), tol=1e-6, max_seconds=60
        )
        return solution.objective, solution.network.n_neurons

    runs = {
        "cvxnn, tol 1e-2": lambda: trained(1e-2),
        "cvxnn, tol 1e-3": lambda: trained(1e-3),
        "L-BFGS, 50 neurons, 300 iterations": lambda: descended(50, 300),
        "L-BFGS, 200 neurons, 1000 iterations": lambda: descended(200, 1000),
        "L-BFGS, 200 neurons, 10000 iterations": lambda: descended(200, 10_000),
        "convex program, 200 random patterns": lambda: sampled(200),
        "convex program, 500 random patterns": lambda: sampled(500),
    }
    print(problem)
    print(
        f"proven lower bound {result.certificate.lower_bound:.4f} by {result.certificate.method}; "
        f"largest violation found {result.certificate.search_violation:.1e}"
    )
    print("| method | objective | seconds | neurons |\n| --- | --- | --- | --- |")
    table = {}
    with threadpool_limits(1):
        for name, run in runs.items():
            objective, seconds, neurons = table[name] = timed(run)
            print(f"| {name} | {objective:.6f} | {seconds:.2f} | {neurons} |", flush=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
