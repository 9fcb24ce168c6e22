"""Reduce the arrangement of the data's rows to distinct lines that span their own row space."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns.activation import BoolArray
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, PrecisionError

_EPS = float(np.finfo(np.float64).eps)

# Columns of unit rows below this fraction of the largest count as rounding of zeros; a column of ones beside
# features of the order of 1e14 is still kept.
_NEGLIGIBLE_COLUMN = 1e-15

# Directions of the row space, after columns are scaled, below this fraction of the largest count as rounding.
_NEGLIGIBLE_DIRECTION = 1e-12

# Determinants of unit normals below this count as zero: some hundred roundings, for rows that are
# combinations of others up to rounding. The 1.7e8 triples of 1,000 random rows of rank 3 have a smaller one
# with odds of 3e-5.
_LEAST_TOLERANCE = 1e-13

# Beyond this uncertainty of a unit normal the arrangement of the rows cannot be told from float64 data.
_WORST_TOLERANCE = 1e-4

# Rounds of whitening and renormalising. Three bring badly scaled normals close to an isotropic position; more
# gain nothing that the determinants below would notice.
_WHITENING_ROUNDS = 3


@final
@short_repr
@dataclass(frozen=True, eq=False)
class ReducedArrangement:
    """Hold k pairwise non-parallel unit normals that span R^r, and the way back to the n rows of X.

    Row i of X is zero, or a positive or a negative multiple of one normal in the coordinates of the row
    space. A point w of R^r with ``normals @ w`` of given signs maps to the gate ``gate_map @ w`` in the row
    space of X.

    Parameters
    ----------
    normals : ndarray of shape (k, r)
        Unit rows in near isotropic position: ``normals.T @ normals`` is close to ``k / r`` times the
        identity.
    gate_map : ndarray of shape (d, r)
        Takes w to a gate in the row space of X.
    line : ndarray of shape (n,), intp
        The normal that row i is parallel to; -1 for a zero row.
    orientation : ndarray of shape (n,), bool
        Whether row i points the same way as its normal.
    tolerance : float
        Bound on the rounding error of the normals: smaller determinants count as zero.
    """

    normals: Array  # (k, r)
    gate_map: Array  # (d, r)
    line: NDArray[np.intp]  # (n,)
    orientation: BoolArray  # (n,)
    tolerance: float

    @property
    def rank(self) -> int:
        """Rank of X."""
        return int(self.normals.shape[1])

    @property
    def n_lines(self) -> int:
        """Number of distinct hyperplanes, k."""
        return int(self.normals.shape[0])

    def lift(self, signs: BoolArray) -> BoolArray:
        """Expand signs on the normals to patterns on the rows of X.

        Parameters
        ----------
        signs : ndarray of shape (m, k), bool
            ``normals @ w > 0``, one point a row.

        Returns
        -------
        ndarray of shape (m, n), bool
            One pattern a row; zero rows are active.
        """
        patterns: BoolArray = signs[:, self.line] == self.orientation
        patterns[:, self.line < 0] = True
        return patterns


def reduce_rows(X: Array) -> ReducedArrangement:
    """Find the distinct hyperplanes of the rows of X, in coordinates of the row space.

    Scaling a row by a positive number changes nothing, so rows are normalised; an invertible linear map of
    the coordinates changes no pattern either, so columns are scaled and the row space is whitened, which
    makes nearly parallel rows (a large common offset, say) as distinct as they can be. Columns below 1e-15 of
    the largest, and then singular values below 1e-12 of the largest, count as zero; rows are parallel when
    they agree to within the rounding error of the computation.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Finite.

    Returns
    -------
    ReducedArrangement
        Of rank 0 when X = 0.

    Raises
    ------
    PrecisionError
        If X is so ill-conditioned that rounding hides which of its rows are dependent.

    Examples
    --------
    >>> reduced = reduce_rows(np.array([[3.0, 3.0], [-2.0, -2.0], [1.0, 0.0], [0.0, 0.0]]))
    >>> reduced.rank, reduced.line, reduced.orientation
    (2, array([ 0,  0,  1, -1]), array([ True, False,  True, False]))
    """
    units, nonzero = _unit_rows(X)
    gate_map = _row_space_map(units)
    coordinates, lengths = _normalised(units @ gate_map)
    tolerance = _rounding(units, gate_map, lengths)
    members, same_way, first = merge_parallel(coordinates, 4 * tolerance)
    line = np.full(X.shape[0], -1, dtype=np.intp)
    orientation = np.zeros(X.shape[0], dtype=np.bool_)
    line[nonzero], orientation[nonzero] = members, same_way
    gate_map = gate_map @ _isotropic_map(coordinates[first])
    normals, lengths = _normalised(units[first] @ gate_map)
    tolerance = _rounding(units[first], gate_map, lengths)
    if tolerance > _WORST_TOLERANCE:
        raise PrecisionError(
            "X is too ill-conditioned: after scaling, rounding errors reach "
            f"{tolerance:.1e} of a row, so its activation patterns cannot be told apart; "
            "centre or rescale the columns of X, or drop nearly dependent ones"
        )
    return ReducedArrangement(normals, gate_map, line, orientation, tolerance)


def _unit_rows(X: Array) -> tuple[Array, BoolArray]:
    """Return the non-zero rows at unit length, and which rows they are."""
    # Dividing by the peak first keeps the squares in the norm from overflowing or vanishing.
    peaks = np.abs(X).max(axis=1)
    nonzero = peaks > 0
    scaled = X[nonzero] / peaks[nonzero, None]
    return _normalised(scaled)[0], nonzero


def _row_space_map(units: Array) -> Array:
    """Map (d, r) onto the row space that makes the rows of ``units @ map`` orthonormal by columns."""
    columns = np.linalg.norm(units, axis=0)
    kept = columns > _NEGLIGIBLE_COLUMN * columns.max(initial=0.0)
    _, singular, right = np.linalg.svd(units[:, kept] / columns[kept], full_matrices=False)
    negligible = max(_NEGLIGIBLE_DIRECTION, max(units.shape) * _EPS) * singular.max(initial=0.0)
    basis = right[singular > negligible].T
    row_space = np.linalg.qr(columns[kept, None] * basis).Q
    whitening = basis / singular[: basis.shape[1]] / columns[kept, None]
    gate_map = np.zeros((units.shape[1], basis.shape[1]))
    gate_map[kept] = row_space @ (row_space.T @ whitening)
    return gate_map


def _normalised(rows: Array) -> tuple[Array, Array]:
    lengths = np.linalg.norm(rows, axis=1)
    return rows / lengths[:, None], lengths


def _rounding(units: Array, gate_map: Array, lengths: Array) -> float:
    """Bound the relative error of the rows of ``units @ gate_map``, with slack for determinants."""
    magnitudes = np.linalg.norm(np.abs(units) @ np.abs(gate_map), axis=1)
    amplification = float((magnitudes / lengths).max(initial=1.0))
    return max(_LEAST_TOLERANCE, 4 * sum(gate_map.shape) * _EPS * amplification)


def _isotropic_map(normals: Array) -> Array:
    """Compose whitening maps (r, r): cells become rounder, determinants larger, degenerate ones stay zero."""
    total = np.eye(normals.shape[1])
    for _ in range(_WHITENING_ROUNDS):
        _, singular, right = np.linalg.svd(_normalised(normals @ total)[0], full_matrices=False)
        total = total @ (right.T / singular)
    return total


def merge_parallel(rows: Array, tolerance: float) -> tuple[NDArray[np.intp], BoolArray, NDArray[np.intp]]:
    """Group unit rows that are equal up to sign: class of each row, its orientation, first row of each class.

    Equal rows have equal ``|row @ probe|``, so only neighbours in that order are compared.
    """
    n, rank = rows.shape
    leader = np.arange(n)
    same_way = np.ones(n, dtype=np.bool_)
    keys = np.abs(rows @ _probe(rank))
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.diff(keys[order], prepend=-np.inf) > tolerance)
    stops = np.append(starts, n)[1:]
    for start, stop in np.column_stack([starts, stops])[stops - starts > 1]:
        _merge_run(rows, np.sort(order[start:stop]), tolerance, leader, same_way)
    first, members = np.unique(leader, return_inverse=True)
    return members.reshape(-1), same_way, first


def _merge_run(
    rows: Array, run: NDArray[np.intp], tolerance: float, leader: NDArray[np.intp], same_way: BoolArray
) -> None:
    while len(run) > 1:
        inner = rows[run] @ rows[run[0]]
        apart = np.linalg.norm(rows[run] - np.sign(inner)[:, None] * rows[run[0]], axis=1)
        parallel = apart <= tolerance
        parallel[0] = True
        leader[run[parallel]] = run[0]
        same_way[run[parallel]] = inner[parallel] > 0
        run = run[~parallel]


def _probe(rank: int) -> Array:
    """Return a fixed unit vector in no special position."""
    probe = np.random.default_rng(1).uniform(0.5, 1.0, size=rank)
    length = float(np.linalg.norm(probe))
    unit: Array = probe / length if rank else probe
    return unit
