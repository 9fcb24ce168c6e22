"""Rows of data as lengths and unit vectors, at any scale."""

from __future__ import annotations

import numpy as np

from cvxnn.validation import Array


def lengths_and_units(X: Array) -> tuple[Array, Array]:
    """Return the lengths of rows and the rows over them; a zero row stays. No length over- or underflows."""
    largest = np.max(np.abs(X), axis=1, keepdims=True)
    units = X / np.where(largest > 0, largest, 1.0)
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    return (largest * lengths)[:, 0], units / np.where(lengths > 0, lengths, 1.0)
