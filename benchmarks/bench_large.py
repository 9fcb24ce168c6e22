"""Tables that are large for training in memory: bike (17,379 rows) and kin40k (40,000), time and peak memory.

Each table is trained in a process of its own, whose peak resident memory the operating system reports. Seconds are set
against those of training's own first descent in the same run: everything else should cost a few times that.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from typing import Any

from cvxnn import train
from reporting import arguments, print_table, table_problem, write_json
from training_parts import first, recorded_steps

TABLES = ["bike", "kin40k"]


def peak_mebibytes() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


def measure(name: str, ratio: float, tol: float, max_seconds: float | None) -> dict[str, Any]:
    """Train on a table in this process and return the figures."""
    problem = table_problem(name, ratio)
    before = peak_mebibytes()  # imports, reading, and the search for the critical beta
    started = time.perf_counter()
    with recorded_steps() as calls:
        result = train(problem, tol=tol, max_seconds=max_seconds)
    seconds = time.perf_counter() - started
    descent = first(calls["descend"], "descend")
    return {
        "table": name,
        "n": problem.n_samples,
        "d": problem.n_features,
        "beta": problem.beta,
        "train s": seconds,
        "descend s": descent.seconds,
        "train / descend": seconds / descent.seconds,
        "train objective": result.certificate.objective,
        "descend objective": problem.objective(descent.result),
        "proven gap": result.certificate.relative_gap,
        "violation": result.certificate.search_violation,
        "neurons": result.network.n_neurons,
        "status": result.status.name,
        "peak MiB before": before,
        "peak MiB": peak_mebibytes(),
    }


def main() -> None:
    """Start a process for each table, print and write what they say."""
    parser = arguments(__doc__, "large")
    parser.add_argument("--tables", nargs="*", default=TABLES)
    parser.add_argument("--ratio", type=float, default=1e-2, help="beta over its critical value")
    parser.add_argument("--tol", type=float, default=1e-3)
    parser.add_argument(
        "--max-seconds", type=float, help="train for as long as that; by default training decides"
    )
    parser.add_argument("--here", help="train on this one table in this process and print JSON")
    options = parser.parse_args()
    settings = {"ratio": options.ratio, "tol": options.tol, "max_seconds": options.max_seconds}
    if options.here:
        print(json.dumps(measure(options.here, **settings)))
        return
    if not os.environ.get("CVXNN_DATA"):
        print("The environment variable CVXNN_DATA names no folder of tables: nothing to run.")
        return
    rows = []
    for name in options.tables:
        given = {key: value for key, value in settings.items() if value is not None}
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in given.items()]
        command = [sys.executable, __file__, "--here", name, *flags]
        rows.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
        write_json(options.out, {"rows": rows})
    print_table(list(rows[0]), [list(row.values()) for row in rows])


if __name__ == "__main__":
    main()
