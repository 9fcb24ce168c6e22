"""Which targets a ReLU network can take on given rows, and the rows that decide it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns.reduction import merge_parallel
from cvxnn.validation import Array

# Directions that differ by less are one: a network that tells them apart has a norm of 1e7 times what it fits there.
_SAME_RAY = 1e-7
# Of the largest target: what rows of one direction may miss, which differ by `_SAME_RAY`.
_MISSED = 1e-6
# Of the longest row of a ray: others of its length say nothing more about the offset.
_SAME_LENGTH = 1e-6


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows that decide which network fits, and where they come from.

    Parameters
    ----------
    X : ndarray of shape (k, d)
        The rows, exactly parallel where they nearly are.
    index : int ndarray of shape (k,)
        Theirs in the data.
    """

    X: Array
    index: NDArray[np.intp]


def admissible_rows(X: Array, y: Array, *, output_offset: bool) -> tuple[Rows, Array]:
    """Return the rows that decide which network takes given values, and their values, made consistent.

    On the two rays of a line a network without hidden bias is ``t -> |t| e + t v^T d``, d a unit vector along the
    line: e is any number of its own, v one vector for all lines, since ``(z)_+ = (|z| + z) / 2``. So the values a
    network can take are the image of a linear map of (e, v, offset), and the nearest ones are those of least squares.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, of order one.
    y : ndarray of shape (n,)
        Values; less their mean where there is an offset.
    output_offset : bool
        Whether networks have an offset.

    Raises
    ------
    ValueError
        If no network takes these values to 1e-6 of the largest.
    """
    lengths = np.linalg.norm(X, axis=1)
    line, signed, snapped = _lines(X, lengths)
    columns = [np.abs(signed)[:, None] * (line[:, None] == np.arange(np.max(line, initial=-1) + 1)), snapped]
    if output_offset:
        columns.append(np.ones((len(X), 1)))
    design = np.hstack(columns)
    nearest = design @ np.linalg.lstsq(design, y)[0]
    size = float(np.max(np.abs(y)))
    if np.max(np.abs(y - nearest)) > _MISSED * size:
        raise ValueError(_why_not(X, y, line, signed, output_offset, _MISSED * size))
    kept = _deciding(line, signed, output_offset)
    return Rows(snapped[kept], kept), nearest[kept]


def _lines(X: Array, lengths: Array) -> tuple[NDArray[np.intp], Array, Array]:
    """Return each row's line (-1 for a zero row), its signed length along it, and the rows exactly on their lines."""
    line, signed = np.full(len(X), -1, dtype=np.intp), np.zeros(len(X))
    snapped = np.zeros_like(X)
    used = np.flatnonzero(lengths > 0)
    if used.size:
        units = X[used] / lengths[used, None]
        line[used], same_way, first = merge_parallel(units, _SAME_RAY)
        signed[used] = np.where(same_way, lengths[used], -lengths[used])
        snapped[used] = signed[used, None] * units[first][line[used]]
    return line, signed, snapped


def _deciding(line: NDArray[np.intp], signed: Array, output_offset: bool) -> NDArray[np.intp]:
    """Return the longest row of each ray; with an offset the shortest too, which sets it, and one zero row."""
    kept: list[int] = []
    rays = np.where(signed > 0, 2 * line, np.where(signed < 0, 2 * line + 1, -1))
    for ray in np.unique(rays):
        members = np.flatnonzero(rays == ray)
        sizes = np.abs(signed[members])
        longest, shortest = members[np.argmax(sizes)], members[np.argmin(sizes)]
        if ray >= 0 or output_offset:
            kept.append(int(longest))
        if output_offset and np.min(sizes) < (1.0 - _SAME_LENGTH) * np.max(sizes):
            kept.append(int(shortest))
    # Without an offset zero rows decide nothing; where there are no others, one stays, so that there are data.
    return np.sort(np.array(kept or [0], dtype=np.intp))


def _why_not(
    X: Array, y: Array, line: NDArray[np.intp], signed: Array, output_offset: bool, slack: float
) -> str:
    """Return why no network takes these values, with the rows that tell."""
    start = "y must be values that some ReLU network takes on X"
    if not output_offset:
        zero = np.flatnonzero((line < 0) & (np.abs(y) > slack))
        if zero.size:
            return (
                f"{start}: row {zero[0]} of X is zero, where every network without output offset is 0, and its target "
                "is not"
            )
        for i in range(len(X)):
            along = (line == line[i]) & (signed * signed[i] > 0)
            off = np.abs(y - y[i] * signed / signed[i]) * along if signed[i] else np.zeros(len(X))
            j = int(np.argmax(off))
            if off[j] > slack:
                return (
                    f"{start}: rows {min(i, j)} and {max(i, j)} of X point in one direction, along which a network "
                    "without biases is linear, and their targets are not; a column of ones in X frees them"
                )
    return (
        f"{start}: along each ray from the origin a network without hidden bias is linear, and f(x) - f(-x) is linear "
        "in x; a column of ones in X, the hidden bias, frees it"
    )
