"""Numbers of samples and dimensions, one of them perhaps the same for all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.validation import as_count


def as_sizes(samples: Any, dimensions: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return n and d as arrays of one length, one of them repeated where it is a number."""
    sizes = []
    for name, value in (("samples", samples), ("dimensions", dimensions)):
        entries = np.atleast_1d(np.asarray(value))
        if entries.ndim != 1 or entries.size == 0:
            raise ValueError(f"{name} must be an integer or a sequence of integers; got {value!r}")
        sizes.append(np.array([as_count(entry, name, 1) for entry in entries.tolist()], dtype=np.int64))
    n, d = sizes
    if len(n) != len(d) and min(len(n), len(d)) > 1:
        raise ValueError(f"samples and dimensions must have as many entries; got {len(n)} and {len(d)}")
    n, d = np.broadcast_arrays(n, d)
    return n.copy(), d.copy()
