"""Seconds and peak memory of enumerating every activation pattern, against Cover's count."""

from __future__ import annotations

import resource
import time

import numpy as np

from cvxnn import count_bound, enumerate_patterns


def main() -> None:
    """Print the table."""
    print(
        "| n | d | patterns | count formula | seconds | peak MiB of the process so far |\n"
        + "| --- " * 6
        + "|"
    )
    for n, d in [(12, 12), (20_000, 2), (40, 5), (100, 4), (1000, 3)]:
        X = np.random.default_rng(0).standard_normal((n, d))
        started = time.perf_counter()
        patterns = enumerate_patterns(X)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"| {n} | {d} | {len(patterns)} | {count_bound(n, d)} | {seconds:.1f} | {peak:.0f} |", flush=True
        )


if __name__ == "__main__":
    main()
