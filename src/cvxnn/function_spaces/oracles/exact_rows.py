"""Rank, lines and cells of the rows of a matrix of floats, in integer arithmetic: no tolerance decides anything."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.validation import Array

Row = tuple[int, ...]

# Integer operations that a count may take, of some 5 microseconds each.
_MOST_STEPS = 100_000
_BITS = 40


def integer_rows(X: Array) -> list[Row]:
    """Return positive multiples of the rows of X, in coprime integers; a row of zeros stays one."""
    return [_coprime([Fraction(x) for x in row]) for row in X.tolist()]


def _coprime(row: list[Fraction]) -> Row:
    scale = math.lcm(*(x.denominator for x in row))
    return _reduced([int(x * scale) for x in row])


def _reduced(row: list[int]) -> Row:
    divisor = math.gcd(*row)
    return tuple(x // divisor for x in row) if divisor > 1 else tuple(row)


def as_line(row: Row) -> tuple[Row, bool]:
    """Return the one of a row and its opposite whose first non-zero entry is positive, and whether that is the row."""
    lead = next((x for x in row if x != 0), 0)
    return (row, True) if lead >= 0 else (tuple(-x for x in row), False)


def independent_columns(rows: list[Row], most: int) -> NDArray[np.intp] | None:
    """Return columns, as many as the rank, in which the rows have full rank; None if that is larger than ``most``."""
    d = len(rows[0])
    pivots: list[int] = []
    basis: list[Row] = []
    for row in rows:
        if len(pivots) == d:
            break
        for pivot, other in zip(pivots, basis, strict=True):
            if row[pivot]:
                row = _eliminate(row, other, pivot)
        if any(row):
            pivots.append(next(j for j, x in enumerate(row) if x))
            basis.append(row)
        if len(pivots) > most:
            return None
    return np.array(pivots, dtype=np.intp)


def _eliminate(row: Row, other: Row, pivot: int) -> Row:
    """Return a multiple of the row plus one of the other that is zero at the pivot."""
    a, b = other[pivot], row[pivot]
    return _reduced([a * x - b * y for x, y in zip(row, other, strict=True)])


def count_cells(lines: list[Row]) -> int | None:
    """Return how many open cells the hyperplanes of distinct lines make; None where counting takes too long.

    By deletion and restriction: a hyperplane adds to the cells of those before it as many as these make on it, where
    a line stands for its class modulo the new one.
    """
    budget = [_MOST_STEPS]
    count = _count(lines, budget)
    return count if budget[0] >= 0 else None


def _count(lines: list[Row], budget: list[int]) -> int:
    if not lines:
        return 1
    if len(lines[0]) <= 2:
        return 2 * len(lines)
    total = 1
    for k, line in enumerate(lines):
        budget[0] -= k + 1
        if budget[0] < 0:
            return 0
        pivot = next(j for j, x in enumerate(line) if x)
        rest = (_eliminate(other, line, pivot) for other in lines[:k])
        classes = {as_line(row[:pivot] + row[pivot + 1 :])[0] for row in rest}
        total += _count(list(classes), budget)
    return total


def null_vector(rows: list[Row], columns: NDArray[np.intp]) -> Row:
    """Return a vector at right angles to all rows, which have rank at most 2, that of the columns, and more columns."""
    d = len(rows[0])
    vector = [0] * d
    free = next(j for j in range(d) if j not in columns)
    if len(columns) == 0:
        vector[free] = 1
    elif len(columns) == 1:
        a = int(columns[0])
        row = next(row for row in rows if row[a])
        vector[a], vector[free] = row[free], -row[a]
    else:
        a, b = (int(j) for j in columns)
        p = next(row for row in rows if row[a] or row[b])
        q = next(row for row in rows if p[a] * row[b] != p[b] * row[a])
        vector[a] = p[b] * q[free] - p[free] * q[b]
        vector[b] = p[free] * q[a] - p[a] * q[free]
        vector[free] = p[a] * q[b] - p[b] * q[a]
    return _reduced(vector)


def unit_vector(row: Row) -> Array:
    """Return a vector along integers, of length one to 1e-12, whose products with small integers are without rounding.

    The factor has 40 bits: products with rows of the same size are exact for entries below 64.
    """
    largest = max(abs(x) for x in row)
    entries: Any = np.array([x / largest for x in row] if largest >= 1 << 13 else row, dtype=np.float64)
    mantissa, exponent = math.frexp(1.0 / float(np.linalg.norm(entries)))
    return np.asarray(entries * math.ldexp(round(math.ldexp(mantissa, _BITS)), exponent - _BITS))
