"""Which 0/1 columns are patterns of a non-zero vector: a theorem of the alternative for each."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog

from cvxnn.cones import cone_multipliers
from cvxnn.patterns.activation import BoolArray, activation_patterns
from cvxnn.patterns.packing import pattern_chunks
from cvxnn.patterns.pattern_set import ActivationPatterns
from cvxnn.patterns.reduction import ReducedArrangement, reduce_rows
from cvxnn.validation import Array, PrecisionError, as_finite_array

# A direction may violate a unit row (in whitened coordinates) by this much and still count as inside the
# cone.
_CONE_TOLERANCE = 1e-9

# The residual of the alternative is zero or at least the smallest eigenvalue of N^T N, about k / r >= 1, for
# the k normals N in R^r; anything well between 1 and rounding separates the two.
_RESIDUAL_GAP = 1e-3

# With multipliers up to this, directions that violate rows by no more than the tolerance leave the gap
# closed.
_LARGEST_MULTIPLIER = 1e5


def is_realisable(X: ArrayLike, patterns: ArrayLike | ActivationPatterns) -> BoolArray:
    """Tell which patterns have a closed cone ``{u : (2D - I) X u >= 0}`` that holds some u with ``X u != 0``.

    The closed cone: a pattern that no open cell has is realisable when a direction on a boundary fits it.
    When the rank of X is below d, null vectors of X lie in every cone and say nothing, hence ``X u != 0`` in
    place of ``u != 0``. A zero row allows both bits. For ``X = 0`` there is nothing to fit and every pattern
    is realisable.

    By Stiemke's theorem, for signed rows A = (2D - I) X, either some u has ``A u >= 0`` and ``A u != 0``, or
    some z > 0 has ``A^T z = 0``. The residual of ``min ||A^T z||, z >= 1`` decides: it is 0, or itself such a
    u.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.
    patterns : array_like of shape (n, P) or (n,), or ActivationPatterns
        Entries bool, or numbers that are 0 or 1.

    Returns
    -------
    ndarray of shape (P,) or (), bool
        One answer a column. Exact up to rounding: a direction that violates a row by an angle of 1e-9, in
        coordinates that whiten the rows, is accepted.

    Raises
    ------
    ValueError
        If `X` is not a finite non-empty matrix, or `patterns` has the wrong shape or other entries.

    References
    ----------
    E. Stiemke, "Über positive Lösungen homogener linearer Gleichungen", Math. Annalen 76 (1915), 340-342.

    Examples
    --------
    >>> is_realisable([[1.0], [2.0]], [[1, 0, 1], [1, 0, 0]])
    array([ True,  True, False])
    """
    data = as_finite_array(X, "X", (2,))
    if isinstance(patterns, ActivationPatterns):
        return _is_realisable_set(data, patterns)
    columns = as_columns(patterns, data.shape[0], "patterns", dimensions=(1, 2))
    answers = _decide(reduce_rows(data), columns.reshape(data.shape[0], -1))
    return answers.reshape(columns.shape[1:])


def require_realisable(
    X: ArrayLike, patterns: ArrayLike | ActivationPatterns, name: str = "patterns"
) -> BoolArray:
    """Return patterns as an (n, P) bool array, or say which of them no vector can realise.

    Parameters
    ----------
    X : array_like of shape (n, d)
        The data.
    patterns : array_like of shape (n, P), or ActivationPatterns
        Entries bool, or numbers that are 0 or 1; P >= 1.
    name : str, default "patterns"
        What to call the argument in an error message.

    Returns
    -------
    ndarray of shape (n, P), bool
        The patterns.

    Raises
    ------
    ValueError
        If the shape or the entries are wrong, or a column is not realisable (see :func:`is_realisable`); the
        first such column is named.

    Examples
    --------
    >>> require_realisable([[1.0], [2.0]], [[1, 0], [1, 0]]).astype(int)
    array([[1, 0],
           [1, 0]])
    """
    data = as_finite_array(X, "X", (2,))
    columns = as_columns(np.asarray(patterns), data.shape[0], name, dimensions=(2,))
    if columns.shape[1] == 0:
        raise ValueError(f"{name} must have at least one column, found shape {columns.shape}")
    answers = is_realisable(data, patterns if isinstance(patterns, ActivationPatterns) else columns)
    if not answers.all():
        raise ValueError(
            f"{name} must be realisable, column by column, as 1[X u >= 0] up to ties; "
            f"found column {int(np.argmin(answers))} that no vector u with X u != 0 fits"
        )
    return columns


def _is_realisable_set(X: Array, patterns: ActivationPatterns) -> BoolArray:
    """Accept what the gates show, and decide the rest (gates of other data, say) as plain columns."""
    if patterns.n_samples != X.shape[0] or patterns.gates.shape[0] != X.shape[1]:
        raise ValueError(
            f"patterns must be patterns of X, of shape {X.shape}; "
            f"found (n, d) = {(patterns.n_samples, patterns.gates.shape[0])}"
        )
    arrangement = reduce_rows(X)
    answers = np.empty(len(patterns), dtype=np.bool_)
    for chunk in pattern_chunks(X.shape[0], len(patterns)):
        columns, gates = patterns.columns(chunk.start, chunk.stop), patterns.gates[:, chunk]
        shown = (activation_patterns(X, gates) == columns).all(axis=0) & (X @ gates != 0).any(axis=0)
        shown[~shown] = _decide(arrangement, columns[:, ~shown])
        answers[chunk] = shown
    return answers


def as_columns(patterns: ArrayLike, n_samples: int, name: str, *, dimensions: tuple[int, ...]) -> BoolArray:
    """Return patterns as a bool array, or raise ``ValueError`` for other shapes and entries."""
    array = np.asarray(patterns)
    if array.ndim not in dimensions or array.shape[0] != n_samples:
        raise ValueError(
            f"{name} must have shape (n, P) with n = {n_samples}, the rows of X; found {array.shape}"
        )
    if array.dtype.kind not in "biuf" or not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name} must have entries bool, or 0 and 1; found others, of dtype {array.dtype}")
    return array.astype(np.bool_)


def _decide(arrangement: ReducedArrangement, columns: BoolArray) -> BoolArray:
    answers = np.ones(columns.shape[1], dtype=np.bool_)
    if arrangement.rank == 0:
        return answers
    for chunk in pattern_chunks(arrangement.n_lines, columns.shape[1]):
        wants_positive, wants_negative = _demands(arrangement, columns[:, chunk])
        fits = _fits_least_squares(arrangement.normals, wants_positive, wants_negative)
        for j in np.flatnonzero(~fits):
            rows = [arrangement.normals[wants_positive[j]], -arrangement.normals[wants_negative[j]]]
            fits[j] = _has_nonzero_point(np.concatenate(rows))
        answers[chunk] = fits
    return answers


def _demands(arrangement: ReducedArrangement, columns: BoolArray) -> tuple[BoolArray, BoolArray]:
    """Tell for each of m patterns and k normals whether some row asks for its positive, or negative, side.

    Parallel rows may ask for both, which confines the cone to the hyperplane.
    """
    nonzero = arrangement.line >= 0
    line = arrangement.line[nonzero]
    positive = columns[nonzero] == arrangement.orientation[nonzero, None]
    order = np.argsort(line, kind="stable")
    starts = np.searchsorted(line[order], np.arange(arrangement.n_lines))
    wants_positive = np.logical_or.reduceat(positive[order], starts, axis=0)
    wants_negative = np.logical_or.reduceat(~positive[order], starts, axis=0)
    return wants_positive.T, wants_negative.T


def _fits_least_squares(normals: Array, positive: BoolArray, negative: BoolArray) -> BoolArray:
    """Accept, many at a time, the patterns of which a linear regression of the signs is a witness."""
    signs = positive.astype(np.float64) - negative
    points = np.linalg.lstsq(normals, signs.T, rcond=None)[0]
    agrees: BoolArray = (normals @ points) * signs.T > 0
    return np.asarray(agrees.all(axis=0))


def _has_nonzero_point(rows: Array) -> bool:
    """Decide Stiemke's alternative for unit rows A: is there u with ``A u >= 0`` and ``A u != 0``."""
    total = rows.sum(axis=0)
    extra = cone_multipliers(rows, total)
    point = total + rows.T @ extra
    length = float(np.linalg.norm(point))
    if length > _RESIDUAL_GAP and (rows @ point >= -_CONE_TOLERANCE * length).all():
        return True
    if length <= _RESIDUAL_GAP and extra.max() <= _LARGEST_MULTIPLIER:
        return False
    return _has_nearby_point(rows)


def _has_nearby_point(rows: Array) -> bool:
    """Decide the same by a linear program, which may violate each row by the tolerance.

    Huge multipliers mean that moving the rows by rounding decides the answer: three coplanar rows whose only
    common direction is the normal of their plane, say. Alone it would do for all patterns, at several times
    the cost.
    """
    result = linprog(
        -rows.sum(axis=0),
        A_ub=-rows,
        b_ub=np.zeros(len(rows)),
        bounds=(-1.0, 1.0),
        method="highs",
        options={"primal_feasibility_tolerance": _CONE_TOLERANCE},
    )
    if result.status != 0:
        raise PrecisionError(f"the linear program of a pattern's cone was not solved: {result.message}")
    best: float = rows.sum(axis=0) @ result.x
    return best > _RESIDUAL_GAP
