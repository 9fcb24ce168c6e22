"""Which labelled data some two-layer ReLU network classifies correctly: an exact test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linprog

from cvxnn.patterns import ReducedArrangement, reduce_rows
from cvxnn.problem import as_labelled
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import HypothesisError
from cvxnn.validation import Array, PrecisionError

# The linear program's largest multiplier is 1 where there is a conflict and 0, to the solver's 1e-7 times the
# conditioning of the unit rows, where there is none.
_CONFLICT = 0.5


@short_repr
@dataclass(frozen=True, eq=False)
class Separability:
    """Whether labelled data can be separated by a two-layer ReLU network, with the reason where it cannot.

    Parameters
    ----------
    conflict : ndarray of shape (n,)
        Zero where the data is separable. Else ``lam >= 0``, not zero, with ``sum_i lam_i y_i (x_i^T u)_+ = 0`` for
        every u: then ``sum_i lam_i y_i f(x_i) = 0`` for every network, and not all ``y_i f(x_i)`` are positive.
    reason : str
        The violated hypothesis in words; empty where the data is separable.
    """

    conflict: Array  # (n,)
    reason: str

    @property
    def is_separable(self) -> bool:
        """Return whether some network of some width has ``y_i f(x_i) > 0`` for all i."""
        return not self.reason


def separability(X: Any, y: Any) -> Separability:
    """Tell whether a two-layer ReLU network separates labelled data, by one linear program.

    Statement
        A network without output offset separates the data if and only if there is no ``lam >= 0``, ``lam != 0``, with
        ``sum_i lam_i y_i x_i = 0`` and, for every line through the origin, ``sum lam_i y_i ||x_i|| = 0`` over the
        samples on it.
    Hypotheses
        None. No two rows on one line: always separable.
    Guarantee
        Tight. (By Gordan's alternative, separation fails exactly if ``g(u) = sum_i lam_i y_i (x_i^T u)_+`` vanishes
        for some such lam. As ``(t)_+ = (t + |t|)/2``, g is a linear function and, for each line, a multiple of
        ``|x^T u|``; absolute values of different lines are linearly independent, of linear functions too.)

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data. A zero row has ``f(x) = 0`` and is never separable.
    y : array_like of shape (n,)
        Labels, -1 and +1.

    Returns
    -------
    Separability

    References
    ----------
    P. Gordan 1873 (the alternative); Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022 (the
    problem).

    Examples
    --------
    >>> separability([[1.0], [-1.0]], [1.0, -1.0]).is_separable
    True
    >>> separability([[1.0], [2.0]], [1.0, -1.0]).reason
    'no two rows of X may be positive multiples of each other with opposite labels; rows 0 and 1 are'
    """
    X, y = as_labelled(X, y)
    norms = np.linalg.norm(X, axis=1)
    zero = np.flatnonzero(norms == 0.0)
    if zero.size:
        conflict = np.zeros(len(y))
        conflict[zero[0]] = 1.0
        return Separability(conflict, f"no row of X may be zero; row {zero[0]} is")
    lines = reduce_rows(X)
    pair = _opposed_pair(lines, y)
    if pair is not None:
        conflict = np.zeros(len(y))
        conflict[list(pair)] = 1.0 / norms[list(pair)]
        return Separability(
            conflict,
            "no two rows of X may be positive multiples of each other with opposite labels; rows "
            f"{pair[0]} and {pair[1]} are",
        )
    weights = _cancelling_weights(X / norms[:, None], y, lines)
    if weights is None:
        return Separability(np.zeros(len(y)), "")
    return Separability(
        weights / norms,
        "no positive combination of y_i (x_i^T u)_+ may vanish for all u; one of rows "
        f"{', '.join(map(str, np.flatnonzero(weights > 1e-6)))} does",
    )


def require_separable(X: Any, y: Any) -> None:
    """Raise `HypothesisError`, with the reason, unless a two-layer ReLU network separates the data."""
    found = separability(X, y)
    if not found.is_separable:
        raise HypothesisError(f"X and y must be separable by a ReLU network: {found.reason}")


def _opposed_pair(lines: ReducedArrangement, y: Array) -> tuple[int, int] | None:
    """Return the first two samples on one ray with opposite labels."""
    rays = 2 * lines.line + lines.orientation
    for ray in np.unique(rays):
        rows = np.flatnonzero(rays == ray)
        other = rows[y[rows] != y[rows[0]]]
        if other.size:
            return int(rows[0]), int(other[0])
    return None


def _cancelling_weights(units: Array, y: Array, lines: ReducedArrangement) -> Array | None:
    """Return ``0 <= mu <= 1``, for unit rows, whose combination vanishes; None where only zero does."""
    crowded = np.flatnonzero(np.bincount(lines.line)[lines.line] > 1)
    if crowded.size == 0:
        return None  # alone on its line a sample's multiplier must be zero
    on_line = (lines.line[crowded] == np.unique(lines.line[crowded])[:, None]).astype(np.float64)
    equations = np.vstack([units[crowded].T, on_line]) * y[crowded]
    found = linprog(-np.ones(crowded.size), A_eq=equations, b_eq=np.zeros(len(equations)), bounds=(0.0, 1.0))
    if found.status != 0:
        raise PrecisionError(f"the linear program of separability was not solved: {found.message}")
    if np.max(found.x) < _CONFLICT:
        return None
    weights = np.zeros(len(y))
    weights[crowded] = found.x
    return weights
