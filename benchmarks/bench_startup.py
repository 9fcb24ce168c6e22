"""Seconds until the command line answers, and until the package is imported, beside an empty Python."""

from __future__ import annotations

import subprocess
import sys
import time

from reporting import arguments, print_table, write_json

HEADER = ["what", "seconds, the least of several"]
PROGRAM = "from cvxnn.cli import main; main()"
CASES = {
    "python -c pass": ("pass",),
    "import cvxnn": ("import cvxnn",),
    "cvxnn --version": (PROGRAM, "--version"),
    "cvxnn fit --help": (PROGRAM, "fit", "--help"),
    "cvxnn fit nowhere.csv": (PROGRAM, "fit", "nowhere.csv", "--target", "y"),
    "from cvxnn import train": ("from cvxnn import train",),
    "from cvxnn import ReLURegressor": ("from cvxnn import ReLURegressor",),
}


def seconds_of(command: tuple[str, ...], repeats: int) -> float:
    """Return the least wall time of a fresh interpreter: whatever else the machine does only adds to it."""
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", *command], capture_output=True, check=False)
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "startup")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = [[name, seconds_of(command, options.repeats)] for name, command in CASES.items()]
    print_table(HEADER, rows)
    write_json(options.out, {"rows": [dict(zip(HEADER, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
