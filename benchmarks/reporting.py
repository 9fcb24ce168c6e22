"""What every benchmark shares: timing, tables on the screen, figures as JSON, problems from real tables."""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np

from cvxnn import Problem, beta_max
from cvxnn.datasets import load_planted, load_uci

Result = TypeVar("Result")


def arguments(description: str | None, name: str) -> argparse.ArgumentParser:
    """Return a parser with the options all benchmarks have: where to write the JSON."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--out", type=Path, default=Path(f"out/benchmarks/{name}.json"))
    return parser


def timed(run: Callable[[], Result], repeats: int = 1) -> tuple[Result, float]:
    """Return the result of the last of several runs, and the median of their seconds."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - started)
    return result, median(seconds)


def print_table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a Markdown table; floats with six digits."""
    print("| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
    for row in rows:
        print(
            "| " + " | ".join(f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row) + " |"
        )


def write_json(path: Path, figures: Mapping[str, Any]) -> None:
    """Write figures, with the machine's core count."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cores": os.cpu_count(), **figures}, indent=1))


def planted_problem(n: int = 200, d: int = 10, beta: float = 0.5, seed: int | None = None) -> Problem:
    """Return a planted problem: five teacher neurons, Gaussian inputs and a bias column, noise 0.1, unit targets.

    Without a seed, the stored one of n = 200, d = 10 where the data folder has it.
    """
    if seed is None and (n, d) == (200, 10) and os.environ.get("CVXNN_DATA"):
        data = load_planted()
        return Problem(data.X, data.y, beta)
    rng = np.random.default_rng(seed or 0)
    X = np.hstack([rng.standard_normal((n, d - 1)), np.ones((n, 1))])
    y = np.maximum(X @ rng.standard_normal((d, 5)), 0.0) @ rng.standard_normal(5)
    y += 0.1 * rng.standard_normal(n)
    return Problem(X, (y - y.mean()) / y.std(), beta)


def table_problem(name: str, ratio: float) -> Problem:
    """Return the training problem of a UCI table: standardised columns and targets, a bias column.

    beta is ``ratio`` times the critical beta (exact in low rank, otherwise the largest value found).
    """
    data = load_uci(name)
    X = (data.X - data.X.mean(axis=0)) / np.where(data.X.std(axis=0) > 0, data.X.std(axis=0), 1.0)
    problem = Problem(np.hstack([X, np.ones((len(X), 1))]), (data.y - data.y.mean()) / data.y.std(), beta=1.0)
    return problem.with_beta(ratio * beta_max(problem))
