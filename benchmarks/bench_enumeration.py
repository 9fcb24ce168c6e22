"""Seconds and peak memory of enumerating every activation pattern, against Cover's count."""

from __future__ import annotations

import resource

import numpy as np

from cvxnn import count_bound, enumerate_patterns
from reporting import arguments, print_table, timed, write_json

SIZES = [(12, 12), (20_000, 2), (40, 5), (100, 4), (1000, 3)]
HEADER = ["n", "d", "patterns", "count formula", "seconds", "peak MiB of the process so far"]


def main() -> None:
    """Run, print, write."""
    parser = arguments(__doc__, "enumeration")
    parser.add_argument("--largest", type=int, default=20_000, help="leave out larger n")
    options = parser.parse_args()
    rows = []
    for n, d in SIZES:
        if n > options.largest:
            continue
        X = np.random.default_rng(0).standard_normal((n, d))
        patterns, seconds = timed(lambda X=X: enumerate_patterns(X))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append([n, d, len(patterns), count_bound(n, d), seconds, peak])
    print_table(HEADER, rows)
    write_json(options.out, {"rows": [dict(zip(HEADER, row, strict=True)) for row in rows]})


if __name__ == "__main__":
    main()
