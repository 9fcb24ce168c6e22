"""Gates that show given patterns: the way back from 0/1 columns to vectors."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from cvxnn.cones import least_distance
from cvxnn.patterns.activation import BoolArray, activation_patterns
from cvxnn.patterns.packing import PackedArray, first_occurrences
from cvxnn.patterns.pattern_set import ActivationPatterns
from cvxnn.patterns.realisability import as_columns
from cvxnn.patterns.reduction import reduce_rows
from cvxnn.patterns.witnesses import widest_point
from cvxnn.validation import Array, as_finite_array

# Entries of unit gates.
_ROUNDING = 1e-13


def patterns_with_gates(X: ArrayLike, patterns: ArrayLike | ActivationPatterns) -> ActivationPatterns:
    """Return given patterns with a gate for each: the most interior point of its cell.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.
    patterns : array_like of shape (n, P), or ActivationPatterns
        Distinct columns, entries bool, or numbers that are 0 or 1; P >= 1. `ActivationPatterns` are returned as they
        are.

    Returns
    -------
    ActivationPatterns
        In the same order; column j is ``1[X g_j >= 0]`` in floating point, not up to ties.

    Raises
    ------
    ValueError
        If the shape or the entries are wrong, a column is repeated, or for some column no gate is found: the first is
        named. Open cells have gates; a pattern of a boundary has one only if rounding keeps ``x^T g >= 0`` there.

    Examples
    --------
    >>> patterns_with_gates([[1.0, 0.0], [0.0, 1.0]], [[1, 1], [1, 0]]).gates.round(3)
    array([[ 0.707,  0.707],
           [ 0.707, -0.707]])
    """
    if isinstance(patterns, ActivationPatterns):
        return patterns
    data = as_finite_array(X, "X", (2,))
    columns = as_columns(patterns, data.shape[0], "patterns", dimensions=(2,))
    if columns.shape[1] == 0:
        raise ValueError(f"patterns must have at least one column, found shape {columns.shape}")
    packed = np.packbits(columns, axis=0).T
    _require_distinct(packed)
    arrangement = reduce_rows(data)
    nonzero = arrangement.line >= 0
    ways = np.where(arrangement.orientation[nonzero], 1.0, -1.0)
    rows = ways[:, None] * arrangement.normals[arrangement.line[nonzero]]
    gates = np.zeros((data.shape[1], columns.shape[1]))
    for j, column in enumerate(columns.T):
        for gate in _gates(arrangement.gate_map, _points(rows, column[nonzero])):
            gates[:, j] = gate
            if np.array_equal(activation_patterns(data, gate), column):
                break
        else:
            raise ValueError(
                f"patterns must be 1[X g >= 0] of some gate g, column by column; found none for column {j}"
            )
    return ActivationPatterns(packed, gates, data.shape[0])


def _points(rows: Array, active: BoolArray) -> list[Array]:
    """Return points to try: inside the open cell, else on its boundary, where active rows may be at a tie."""
    signed = np.where(active, 1.0, -1.0)[:, None] * rows
    inside = widest_point(signed) if len(rows) else None
    on_boundary = least_distance(signed, np.where(active, 0.0, 1.0)) if len(rows) else None
    found = [inside, None if on_boundary is None else on_boundary[0], np.zeros(rows.shape[1])]
    return [point for point in found if point is not None]


def _gates(gate_map: Array, points: list[Array]) -> Iterator[Array]:
    """Yield unit gates of points, and without the entries that are rounding of zeros, which part ties."""
    for point in points:
        gate = gate_map @ point
        length = float(np.linalg.norm(gate))
        unit = gate / length if length > 0 else gate
        yield unit
        yield np.where(np.abs(unit) > _ROUNDING, unit, 0.0)


def _require_distinct(packed: PackedArray) -> None:
    first = first_occurrences(packed)
    if len(first) == len(packed):
        return
    repeated = int(np.setdiff1d(np.arange(len(packed)), first)[0])
    original = int(np.flatnonzero((packed == packed[repeated]).all(axis=1))[0])
    raise ValueError(f"patterns must be distinct columns; found column {repeated} equal to column {original}")
