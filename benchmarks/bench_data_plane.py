"""Walks over rows: time against the bare matrix product, and bytes moved.

A walk's bare products are those it cannot do without: X U for predictions and for the masked map, X^T Z for its
adjoint, both for value and gradients; on one BLAS thread, with their outputs allocated beforehand. Bytes are those an
unchunked walk would move through memory: X, and each pass's arrays of n x m numbers, read or written. What exceeds the
memory's bandwidth stayed in cache. The columns "1 thread" and "2 threads" are times in units of the bare products' (on
one BLAS thread): CPU seconds with one thread, which other processes disturb least, wall seconds with two.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

import numpy as np
from threadpoolctl import threadpool_limits

from cvxnn.linear_maps import MaskedMap, relu_forward, relu_value_and_gradients
from cvxnn.threads import single_threaded_blas
from reporting import arguments, print_table, write_json

SIZES = [(1030, 9), (17379, 17), (200000, 20)]
NEURONS = 200
# Passes over n x m numbers: (of floats, of booleans). Forward: product, maximum (read and write), product. Value and
# gradients: product, comparison, cast, multiplication (two reads, one write), product, product. Masked: cast, product.
PASSES = {
    "forward": (4, 0),
    "value and gradients": (8, 2),
    "masked forward": (2, 1),
    "masked adjoint": (2, 1),
}


def walks(
    n: int, d: int, dtype: type
) -> tuple[dict[str, Callable[[], object]], dict[str, Callable[[], object]]]:
    """Return the walks at one size, and the bare products of each."""
    rng = np.random.default_rng(0)
    X, U = rng.standard_normal((n, d)).astype(dtype), rng.standard_normal((d, NEURONS)).astype(dtype)
    a, y = rng.standard_normal(NEURONS).astype(dtype), rng.standard_normal(n).astype(dtype)
    masked = MaskedMap(X, rng.random((n, NEURONS)) < 0.5, np.ones(NEURONS, dtype=dtype))
    Z, G = np.empty((n, NEURONS), dtype=dtype), np.empty((d, NEURONS), dtype=dtype)
    np.matmul(X, U, out=Z)

    def across() -> object:
        return np.matmul(X, U, out=Z)

    def back() -> object:
        return np.matmul(X.T, Z, out=G)

    run = {
        "forward": lambda: relu_forward(X, U, a),
        "value and gradients": lambda: relu_value_and_gradients(X, U, a, lambda f, rows: f - y[rows]),
        "masked forward": lambda: masked.forward(U),
        "masked adjoint": lambda: masked.adjoint(y),
    }
    bare = {
        "forward": across,
        "value and gradients": lambda: (across(), back()),
        "masked forward": across,
        "masked adjoint": back,
    }
    return run, bare


def medians(runs: list[Callable[[], object]], seconds: float, clock: Callable[[], float]) -> list[float]:
    """Return each run's median seconds; they take turns, so that a busy moment hits all of them."""
    times: list[list[float]] = [[] for _ in runs]
    end = time.perf_counter() + seconds
    while len(times[0]) < 5 or time.perf_counter() < end:
        for run, found in zip(runs, times, strict=True):
            started = clock()
            run()
            found.append(clock() - started)
    return [median(found[1:]) for found in times]


def gigabytes(name: str, n: int, d: int, dtype: type) -> float:
    """Return the bytes of a walk's passes over memory without chunks."""
    floats, booleans = PASSES[name]
    size = np.dtype(dtype).itemsize
    rows_read = 2 if name == "value and gradients" else 1
    return n * (rows_read * d * size + NEURONS * (floats * size + booleans)) / 1e9


def on_one_thread(run: Callable[[], object]) -> Callable[[], object]:
    """Return a run during which BLAS has one thread."""

    def limited() -> None:
        with single_threaded_blas:
            run()

    return limited


def measure(n: int, d: int, dtype: type, seconds: float) -> list[dict[str, object]]:
    """Return a record for each walk at one size."""
    run, bare = walks(n, d, dtype)
    records = []
    for name, walk in run.items():
        with threadpool_limits(limits=1, user_api="blas"):
            product, one = medians([bare[name], walk], seconds, time.process_time)
        with threadpool_limits(limits=2, user_api="blas"):
            whole, two = medians([on_one_thread(bare[name]), walk], seconds, time.perf_counter)
        moved = gigabytes(name, n, d, dtype)
        record = {"data": f"{n} x {d}", "dtype": np.dtype(dtype).name, "walk": name, "bare ms": 1e3 * product}
        record |= {"1 thread": one / product, "2 threads": two / whole}
        records.append(record | {"GB/s, 1": moved / one, "GB/s, 2": moved / two})
    return records


def main() -> None:
    """Measure, print and write."""
    parser = arguments(__doc__, "data_plane")
    parser.add_argument(
        "--seconds", type=float, default=1.0, help="time for each pair of a walk and its products"
    )
    options = parser.parse_args()
    records = [
        record
        for n, d in SIZES
        for dtype in (np.float64, np.float32)
        for record in measure(n, d, dtype, options.seconds)
    ]
    print_table(list(records[0]), [list(record.values()) for record in records])
    write_json(options.out, {"neurons": NEURONS, "walks": records})


if __name__ == "__main__":
    main()
