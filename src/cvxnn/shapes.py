"""One output as a vector (n,) or as a matrix (n, 1): what both are read as, once, at the door."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cvxnn.validation import Array


def n_columns(shape: tuple[int, ...]) -> int:
    """Return C of a shape (n, C), 1 of a shape (n,)."""
    return math.prod(shape[1:])


def as_columns(array: Any) -> Any:
    """Return an array (n,) or (n, C) as (n, C), without a copy where it is contiguous.

    Examples
    --------
    >>> as_columns(np.zeros(3)).shape, as_columns(np.zeros((3, 2))).shape
    ((3, 1), (3, 2))
    """
    return array.reshape(array.shape[0], n_columns(array.shape))


def one_column(array: Array, name: str) -> Array:
    """Return an array (n,) or (n, 1) as (n,), without a look at its values.

    Raises
    ------
    ValueError
        If it has several columns.
    """
    columns = as_columns(array)
    if columns.shape[1] != 1:
        raise ValueError(f"{name} must have one column; got shape {array.shape}")
    return np.asarray(columns[:, 0])


def are_matrices(roots: Array) -> bool:
    """Return whether rows of predictions are scaled by matrices, roots of shape (n, C, C), not entry by entry."""
    return roots.ndim == 3


def row_norms(array: Array) -> Array:
    """Return the Euclidean norms of the rows of an array (m,) or (m, C), shape (m,).

    Of one column the absolute values: squares would lose what is below 1e-154.
    """
    columns = as_columns(array)
    norms: Array = np.abs(columns[:, 0]) if columns.shape[1] == 1 else np.linalg.norm(columns, axis=1)
    return norms
