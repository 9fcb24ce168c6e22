"""One fit of an estimator in a process of its own: it can be killed, and its memory and first call are its own.

Seconds are the wall's, of ``fit`` alone; CPU seconds, of all threads, tell what other processes took from it. Where a
reference is asked for, the reference descent runs afterwards, on the problem that the estimator solved, for as many
seconds as the estimator's limit.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median
from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from baselines import CLOCKS, Budget, objective_by, reference_descent
from cvxnn import ReLUClassifier, ReLURegressor, ReLURegressorCV
from data_splits import data_split


def estimator(kind: str, classes: bool, max_seconds: float | None) -> Any:
    """Return an estimator with default settings but for its limit: "cvxnn", "cvxnn cv" or "mlp"."""
    if kind == "mlp":
        model = (MLPClassifier if classes else MLPRegressor)(random_state=0)
        scaled = make_pipeline(StandardScaler(), model)
        return scaled if classes else TransformedTargetRegressor(scaled, transformer=StandardScaler())
    if kind == "cvxnn cv":
        return ReLURegressorCV(max_seconds=max_seconds)
    return (ReLUClassifier if classes else ReLURegressor)(max_seconds=max_seconds)


def allowed_seconds(limit: float) -> float:
    """Return the seconds that a fit with a limit may take: 15 % or half a second more, whichever is more."""
    return max(1.15 * limit, limit + 0.5)


def _forget_peak() -> None:
    """Count the largest resident memory from here, where the system can: reading the data may have taken more."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_mebibytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


def fit_here(
    data: str,
    kind: str = "cvxnn",
    *,
    max_seconds: float | None = None,
    repeats: int = 1,
    reference: bool = False,
) -> dict[str, Any]:
    """Fit in this process; return median seconds, test score, and for an estimator of ours what it found."""
    split = data_split(data)
    n, d = split.X.shape
    _forget_peak()
    seconds, cpu_seconds, before = [], [], _peak_mebibytes()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(repeats):
            model = estimator(kind, split.has_classes, max_seconds)
            started, cpu_started = time.perf_counter(), time.process_time()
            model.fit(split.X, split.y)
            seconds.append(time.perf_counter() - started)
            cpu_seconds.append(time.process_time() - cpu_started)
    found: dict[str, Any] = {
        "load": os.getloadavg()[0],
        "n": n,
        "d": d,
        "seconds": median(seconds),
        "CPU seconds": median(cpu_seconds),
        "score": float(model.score(split.X_test, split.y_test)),
        "MiB": _peak_mebibytes() - before,
        "data MiB": split.X.nbytes / 2**20,
        "warnings": sorted({warning.category.__name__ for warning in caught}),
    }
    if kind == "mlp":
        return found
    objective = model.problem_.objective(model.result_.network)
    found |= {
        "neurons": model.network_.n_neurons,
        "status": model.result_.status.name,
        "beta": model.beta_,
        "objective": objective,
        "lower bound": model.lower_bound_,
    }
    if reference and max_seconds is not None:
        curve = reference_descent(model.problem_, Budget(max_seconds, CLOCKS["wall"]), 0)
        found["ratio"] = objective / objective_by(curve, max_seconds)
        found["ratio at its end"] = objective / objective_by(curve, min(median(seconds), max_seconds))
    return found


def fit_apart(patience: float, data: str, kind: str = "cvxnn", **settings: Any) -> dict[str, Any]:
    """Return what `fit_here` returns in a new process, or ``{"failed": why}`` where that ends otherwise.

    It is killed ``patience`` seconds after its start.
    """
    given = json.dumps({"data": data, "kind": kind, **settings})
    try:
        run = subprocess.run(
            [sys.executable, __file__, given], capture_output=True, text=True, timeout=patience, check=False
        )
    except subprocess.TimeoutExpired:
        return {"failed": f"killed after {patience:g} s"}
    if run.returncode:
        last = (run.stderr.strip() or f"exit status {run.returncode}").splitlines()[-1]
        return {"failed": last}
    return dict(json.loads(run.stdout))


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """Keep so many other processes busy meanwhile."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


if __name__ == "__main__":
    print(json.dumps(fit_here(**json.loads(sys.argv[1]))))
