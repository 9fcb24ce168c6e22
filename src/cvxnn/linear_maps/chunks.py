"""How rows are cut into chunks and segments, and the buffers that chunks are worked on in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from cvxnn.threads import run_tasks, single_threaded_blas

Rows = tuple[slice, ...]

# Entries of a chunk's temporary: two of 512 kB (float64) fit a 1 MiB L2 cache, and products this small take OpenBLAS's
# kernel for small matrices. On 1030 x 9 rows and 200 neurons value and gradients took 1.41 times the bare products with
# 2^16, 1.49 with 2^15, 1.66 with all rows at once; twice 2^16 was slower still on wider data.
_CHUNK_ENTRIES = 1 << 16
# Rows of a chunk at least, however wide: what is done once a chunk costs d entries a column.
_FEWEST_ROWS = 32
# Chunks that are summed up one after the other make a segment. Segments are cut by shape alone, never by the number
# of threads, and their sums are added in order: so are the roundings of the result.
_MOST_SEGMENTS = 32
# Entries of temporaries that make a thread worth its start, which costs up to 0.1 ms.
_ENTRIES_PER_THREAD = 1 << 18


def row_chunks(n_rows: int, width: int, *, fewest: int = 1) -> Iterator[slice]:
    """Yield slices of rows, alike in size, of at most 2^16 entries each where ``fewest`` rows are not more."""
    n_chunks = ceil(n_rows / max(fewest, _CHUNK_ENTRIES // max(1, width)))
    for k in range(n_chunks):
        yield slice(k * n_rows // n_chunks, (k + 1) * n_rows // n_chunks)


def all_rows(n_rows: int, width: int) -> Rows:
    """Return the chunks, one of no rows where there are none: what concatenates their results needs one."""
    return tuple(row_chunks(n_rows, width)) or (slice(0, 0),)


@lru_cache(maxsize=256)
def row_segments(n_rows: int, width: int, n_features: int) -> tuple[Rows, ...]:
    """Return the chunks, grouped into segments of rows.

    A segment has a sum of ``n_features x width`` numbers of its own, so it has at least four times as many rows.
    """
    chunks = tuple(row_chunks(n_rows, width, fewest=_FEWEST_ROWS))
    n_segments = max(1, min(len(chunks), _MOST_SEGMENTS, n_rows // (4 * max(1, n_features))))
    cuts = [k * len(chunks) // n_segments for k in range(n_segments + 1)]
    return tuple(chunks[a:b] for a, b in pairwise(cuts))


class Scratch:
    """Buffers by name that grow as needed and are used again from call to call."""

    def __init__(self) -> None:
        self._buffers: dict[tuple[str, Any], NDArray[Any]] = {}

    def take(self, name: str, shape: tuple[int, int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an array of a shape, with whatever it holds."""
        size = shape[0] * shape[1]
        buffer = self._buffers.get((name, dtype))
        if buffer is None or buffer.size < size:
            buffer = self._buffers[name, dtype] = _aligned(size, np.dtype(dtype))
        return buffer[:size].reshape(shape)


def _aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    # On cache lines: loads of 64 bytes that straddle two lines cost 5 % of a walk.
    raw = np.empty(size * dtype.itemsize + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + size * dtype.itemsize].view(dtype)


_free: deque[Scratch] = deque()


@contextmanager
def scratch() -> Iterator[Scratch]:
    """Lend buffers to a segment; the next one, in whatever thread, gets them again.

    A walk that starts inside another one gets others. As many are kept as were ever used at once.
    """
    try:
        mine = _free.pop()
    except IndexError:
        mine = Scratch()
    yield mine
    _free.append(mine)  # not after an error: its traceback may hold views of the buffers


def walk(run: Callable[[int, Rows, Scratch], None], segments: tuple[Rows, ...], n_entries: int) -> None:
    """Call ``run(k, chunks, buffers)`` for the k-th segment, on threads where that pays.

    Parameters
    ----------
    run : callable
        May write to rows of its chunks and to place k of an array, nowhere else.
    segments : tuple of tuples of slices
        From `row_segments`.
    n_entries : int
        Size of the temporaries of all chunks: the work to share out.
    """

    def task(segment: tuple[int, Rows]) -> None:
        with scratch() as buffers:
            run(*segment, buffers)

    with single_threaded_blas as allowed:
        n_threads = min(allowed, len(segments), n_entries // _ENTRIES_PER_THREAD)
        run_tasks(task, enumerate(segments), n_threads)


def chunk_of(X: NDArray[Any], rows: slice, dtype: np.dtype[Any], buffers: Scratch) -> NDArray[Any]:
    """Return rows of X in the walk's dtype: a view, or a copy in a buffer."""
    chunk = X[rows]
    if X.dtype == dtype:
        return chunk
    copy = buffers.take("X", chunk.shape, dtype)
    np.copyto(copy, chunk)
    return copy
