"""Unit directions in the space of inputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.validation import Array, as_finite_array, read_only

# Directions count as unit, and as orthonormal, up to this.
UNIT = 1e-8


def orthonormal(d: int, k: int, rng: np.random.RandomState) -> Array:
    """Return k uniform orthonormal directions (d, k)."""
    if k > d:
        raise ValueError(f"at most {d} directions are orthonormal in {d} dimensions; got {k}")
    Q, R = np.linalg.qr(rng.standard_normal((d, k)))
    signs: Array = np.sign(np.diag(R))  # makes the distribution uniform
    return np.asarray(Q * signs)


def as_unit_columns(directions: Any) -> Array:
    """Return directions (d, k), refusing columns whose length is not 1."""
    W = as_finite_array(directions, "directions", (2,))
    lengths = np.linalg.norm(W, axis=0)
    if np.max(np.abs(lengths - 1)) > UNIT:
        raise ValueError(f"directions must be columns of length 1; found lengths up to {lengths.max():g}")
    return read_only(W)
