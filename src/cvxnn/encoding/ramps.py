"""Clipped ramps of columns: 0 up to one number, 1 from another one on, linear between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, read_only


@short_repr
@dataclass(frozen=True, eq=False)
class Ramps:
    """The functions ``x -> min(max((x_c - a) / (b - a), 0), 1)`` of rows x, one for each interval [a, b] of a column c.

    Parameters
    ----------
    columns : ndarray of shape (R,), int
        Which column each ramp looks at.
    starts, ends : ndarray of shape (R,)
        The ends of its interval, a < b.
    """

    columns: NDArray[np.intp]  # (R,)
    starts: Array  # (R,)
    ends: Array  # (R,)

    @classmethod
    def between(cls, knots: Sequence[Array]) -> Ramps:
        """Return the ramps between consecutive knots, column by column; a column without knots has none."""
        columns = [np.full(max(len(ends) - 1, 0), c, dtype=np.intp) for c, ends in enumerate(knots)]
        return cls(
            np.concatenate([np.empty(0, dtype=np.intp), *columns]),
            read_only(np.concatenate([np.empty(0), *(ends[:-1] for ends in knots)])),
            read_only(np.concatenate([np.empty(0), *(ends[1:] for ends in knots)])),
        )

    def __len__(self) -> int:
        return len(self.columns)

    def beside(self, X: Array) -> Array:
        """Return the columns of X and, after them, the ramps, shape (n, d + R)."""
        d = X.shape[1]
        encoded = np.empty((X.shape[0], d + len(self)))
        encoded[:, :d] = X
        with np.errstate(over="ignore"):  # what is infinitely far beyond an end is clipped
            widths = self.ends - self.starts
            # Of intervals that are longer than the largest number, all in halves.
            half = np.where(np.isfinite(widths), 1.0, 0.5)
            starts, widths = self.starts * half, self.ends * half - self.starts * half
            np.divide(X[:, self.columns] * half - starts, widths, out=encoded[:, d:])
        np.clip(encoded[:, d:], 0.0, 1.0, out=encoded[:, d:])
        return encoded
