"""Every activation pattern of a data set: the open cells of the arrangement of its rows."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from cvxnn.patterns.activation import BoolArray
from cvxnn.patterns.angular_sweep import sweep_plane
from cvxnn.patterns.broken_circuits import cells_by_broken_circuits
from cvxnn.patterns.counting import count_bound
from cvxnn.patterns.packing import PackedArray, first_occurrences, pattern_chunks
from cvxnn.patterns.pattern_set import ActivationPatterns
from cvxnn.patterns.reduction import ReducedArrangement, reduce_rows
from cvxnn.patterns.witnesses import widest_point
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, PrecisionError, as_finite_array

_MOST_PATTERNS = 10_000_000
_EPS = float(np.finfo(np.float64).eps)


@on_one_blas_thread
def enumerate_patterns(X: ArrayLike, *, max_patterns: int | None = _MOST_PATTERNS) -> ActivationPatterns:
    """List the pattern of every open cell of the hyperplanes ``{u : x_i^T u = 0}``.

    The rows are first reduced to distinct lines that span the row space: row scale, duplicated, opposite and
    zero rows, and rank deficiency change nothing (a zero row is active in every pattern). Rank 2 is an
    angular sweep, higher ranks are listed by sets without broken circuit, which is exact for rows in any
    position. Data of rank r in general position has ``count_bound(n, r)`` patterns; ``X = 0`` has one, all
    active.

    "Exact" means: r rows are taken as dependent when their determinant is zero up to the rounding error of
    its computation, at least 1e-13 for unit rows in isotropic position; the rank counts singular values above
    1e-12 of the largest, once rows and columns have unit length. Every gate lies inside its cell by more than
    rounding, which is checked on X itself.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data. A hidden bias is a column of ones.
    max_patterns : int or None, default 10_000_000
        Refuse data whose rank and number of distinct lines allow more patterns than this; None never refuses.
        The result takes ``n / 8 + 8 d`` bytes a pattern, and the work some three times that; time grows as n
        times the number of patterns.

    Returns
    -------
    ActivationPatterns
        Complete, closed under complement on the non-zero rows, in an order fixed by X.

    Raises
    ------
    ValueError
        If `X` is not a finite non-empty matrix, or more than `max_patterns` patterns are possible.
    PrecisionError
        If a cell is too thin for a float64 gate to name it, or X too ill-conditioned.

    References
    ----------
    T. Zaslavsky, "Facing up to arrangements", Memoirs AMS 154 (1975). T. M. Cover, IEEE Trans. Electronic
    Computers 14 (1965).

    Examples
    --------
    >>> patterns = enumerate_patterns([[3, 3], [2, 2], [1, 0]])
    >>> patterns
    ActivationPatterns(4 patterns of 3 samples, gates in R^2, complete)
    >>> sorted(np.asarray(patterns).T.astype(int).tolist())
    [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]
    """
    data = as_finite_array(X, "X", (2,))
    arrangement = reduce_rows(data)
    _refuse_too_many(arrangement, max_patterns)
    if arrangement.rank == 0:
        return ActivationPatterns.from_gates(data, np.ones((data.shape[1], 1)), complete=True)
    halves = list(_half_of_cells(data, arrangement))
    packed = np.concatenate([bits for bits, _ in halves])
    gates = np.concatenate([columns for _, columns in halves], axis=1)
    del halves
    nonzero = arrangement.line >= 0
    opposite = np.packbits(nonzero)
    _require_distinct(packed, opposite, int(np.argmax(nonzero)))
    return ActivationPatterns(
        np.concatenate([packed, packed ^ opposite]),
        np.concatenate([gates, -gates], axis=1),
        data.shape[0],
        complete=True,
    )


def require_few_patterns(
    X: ArrayLike, most: int = _MOST_PATTERNS, *, name: str = "X", remedy: str = "take fewer rows or columns"
) -> None:
    """Raise ``ValueError`` where data can have more patterns than a function lists that has no such argument.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.
    most : int, default 10_000_000
        Patterns that it lists.
    name : str, default "X"
        What the function's user calls the data.
    remedy : str, default "take fewer rows or columns"
        What that user can do.

    Examples
    --------
    >>> require_few_patterns([[3, 3], [2, 2], [1, 0]], 4)
    """
    arrangement = reduce_rows(as_finite_array(X, name, (2,)))
    bound = count_bound(arrangement.n_lines, arrangement.rank)
    if bound > most:
        raise ValueError(
            f"{name} must have at most {most:,} activation patterns; {arrangement.n_lines:,} distinct lines of rank "
            f"{arrangement.rank}, as here, can have {bound:,}: {remedy}"
        )


def _refuse_too_many(arrangement: ReducedArrangement, max_patterns: int | None) -> None:
    bound = count_bound(arrangement.n_lines, arrangement.rank)
    if max_patterns is not None and bound > max_patterns:
        raise ValueError(
            f"max_patterns = {max_patterns:,} is less than the {bound:,} patterns that "
            f"{arrangement.n_lines:,} distinct lines of rank {arrangement.rank} can have; raise max_patterns "
            "(None for no limit), or draw some of the patterns with sample_patterns"
        )


def _half_of_cells(X: Array, arrangement: ReducedArrangement) -> Iterator[tuple[PackedArray, Array]]:
    """Yield the packed patterns (m, b) and verified unit gates (d, m) of one of each two opposite cells."""
    if arrangement.rank == 2:
        cells = sweep_plane(arrangement.normals)
    else:
        cells = cells_by_broken_circuits(arrangement.normals, arrangement.tolerance)
    safe_margins = _safe_margins(X)
    for points, signs in cells:
        for chunk in pattern_chunks(X.shape[0], len(points)):
            patterns = arrangement.lift(signs[chunk])
            gates = _unit_gates(arrangement, points[chunk])
            weak = ~_regenerate(X, gates, patterns, safe_margins)
            if weak.any():
                gates[weak] = _widest_gates(arrangement, signs[chunk][weak])
                _require_regenerated(X, gates[weak], patterns[weak], safe_margins)
            yield np.packbits(patterns, axis=1), gates.T


def _unit_gates(arrangement: ReducedArrangement, points: Array) -> Array:
    gates = points @ arrangement.gate_map.T
    unit: Array = gates / np.linalg.norm(gates, axis=1, keepdims=True)
    return unit


def _safe_margins(X: Array) -> Array:
    """Bound the rounding error of ``x_i @ gate`` for unit gates; zero rows get -1, below any margin."""
    peaks = np.abs(X).max(axis=1)
    return np.where(peaks > 0, _unit_rounding(X) * np.sqrt(X.shape[1]) * peaks, -1.0)


def _unit_rounding(X: Array) -> float:
    return 2 * _EPS * (1 + int(X.shape[1]))


def _regenerate(X: Array, gates: Array, patterns: BoolArray, safe_margins: Array) -> BoolArray:
    """Tell which unit gates (m, d) lie in their cell by more than the rounding error of ``X @ gate``.

    Then the gate makes its pattern in whatever order the products are added up, and its negative the
    complement.
    """
    margins = gates @ X.T
    np.negative(margins, out=margins, where=~patterns)
    inside = np.asarray((margins > safe_margins).all(axis=1))
    # The bound by the largest entry is cheap and nearly always enough; large offsets need that by |X| |gate|.
    close = np.flatnonzero(~inside)
    rounding = _unit_rounding(X) * (np.abs(gates[close]) @ np.abs(X.T))
    inside[close] = (margins[close] > np.where(safe_margins < 0, -1.0, rounding)).all(axis=1)
    return inside


def _require_regenerated(X: Array, gates: Array, patterns: BoolArray, safe_margins: Array) -> None:
    n_lost = int((~_regenerate(X, gates, patterns, safe_margins)).sum())
    if n_lost:
        raise PrecisionError(_too_thin(n_lost))


def _widest_gates(arrangement: ReducedArrangement, signs: BoolArray) -> Array:
    points = np.empty((len(signs), arrangement.rank))
    for j, sign in enumerate(signs):
        point = widest_point(np.where(sign[:, None], arrangement.normals, -arrangement.normals))
        if point is None:
            raise PrecisionError(_too_thin(1))
        points[j] = point
    return _unit_gates(arrangement, points)


def _too_thin(n_cells: int) -> str:
    return (
        f"{n_cells} cell(s) of X are too thin: no float64 gate makes the pattern reliably. Rows of X are "
        "dependent up to little more than rounding; make them exactly dependent, or rescale or drop columns"
    )


def _require_distinct(packed: PackedArray, opposite: PackedArray, first_row: int) -> None:
    """Check that all cells and their opposites differ: with Zaslavsky's count, that none is missing."""
    active = np.bitwise_and(packed[:, first_row // 8], 128 >> first_row % 8) != 0
    n_distinct = len(first_occurrences(np.where(active[:, None], packed, packed ^ opposite)))
    if n_distinct != len(packed):
        raise PrecisionError(
            f"rounding made {len(packed) - n_distinct} cells of X coincide: some of its rows are dependent "
            "up to little more than rounding; make them exactly dependent, or rescale or drop columns"
        )
