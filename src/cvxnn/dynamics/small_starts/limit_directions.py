"""The finitely many directions that small neurons can tend to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.cones import cone_multipliers
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array

# Multipliers and cosines of unit data this small are rounding of a non-negative least squares solution.
_ROUNDING = 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class CriticalDirection:
    """A direction that neurons of one sign tend to while the network is small.

    Parameters
    ----------
    direction : ndarray of shape (d,)
        Unit vector u.
    sign : int
        Sign s of the output weight.
    value : float
        ``s r^T (X u)_+ > 0``: the rate at which such neurons grow.
    is_consistent : bool
        Whether u is parallel to ``s X^T D(u) r``, D with strict ``> 0``; otherwise it lies on kinks.
    """

    direction: Array  # (d,)
    sign: int
    value: float
    is_consistent: bool


def critical_directions(
    X: Any, residual: Any, *, max_patterns: int | None = 100_000
) -> tuple[CriticalDirection, ...]:
    """List the directions that attract small neurons: rest points of ``s r^T (X u)_+`` climbed on the sphere.

    In a cell of pattern D the function is linear, with the pull ``g = s X^T D r``. Its only rest point is
    ``g / ||g||`` if g lies in the cell; or else one on the cell's boundary, the projection of g to the closed cell,
    provided that the kinks that stop it push back from their other sides too. The largest value, over both signs, is
    the critical beta of the loss whose residual it is.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data; all its patterns are listed.
    residual : array_like of shape (n,)
        ``r = -grad loss(0)``.
    max_patterns : int or None, default 100_000
        As of `enumerate_patterns`.

    Returns
    -------
    tuple of CriticalDirection
        By falling value; at most one for each pattern and sign.

    Raises
    ------
    ValueError
        If a shape is wrong or there are too many patterns.

    References
    ----------
    H. Maennel, O. Bousquet, S. Gelly, "Gradient descent quantizes ReLU network features", 2018, section 3 (extremal
    vectors).

    Examples
    --------
    >>> found = critical_directions([[1.0, 0.0], [1.0, 1.0]], [1.0, -1.0])
    >>> [(each.direction.round(3) + 0.0, each.sign, round(each.value, 3), each.is_consistent) for each in found]
    [(array([0., 1.]), -1, 1.0, False), (array([ 0.707, -0.707]), 1, 0.707, False)]
    """
    X, residual = as_finite_array(X, "X", (2,)), as_finite_array(residual, "residual", (1,))
    if residual.shape != X.shape[:1]:
        raise ValueError(f"residual must have shape {X.shape[:1]}; got {residual.shape}")
    scale = float(np.max(np.linalg.norm(X, axis=1) * np.abs(residual)))
    if scale == 0.0:
        return ()
    if max_patterns is not None:
        require_few_patterns(X, max_patterns, remedy="raise max_patterns, or take fewer rows or columns")
    masks = np.asarray(enumerate_patterns(X, max_patterns=None), dtype=bool)
    found: list[CriticalDirection] = []
    for mask in masks.T:
        for sign in (1, -1):
            one = _of_cell(X, sign * residual / scale, mask, sign, scale)
            if one is not None and not any(_same(one, other) for other in found):
                found.append(one)
    return tuple(sorted(found, key=lambda each: -each.value))


def _of_cell(X: Array, weights: Array, mask: Array, sign: int, scale: float) -> CriticalDirection | None:
    """Return the rest point of the closed cell of a pattern, if it has one that attracts."""
    pull = X.T @ (weights * mask)
    normals = np.where(mask, 1.0, -1.0)[:, None] * X
    multipliers = cone_multipliers(normals, pull)
    projected = pull + normals.T @ multipliers
    value = float(np.linalg.norm(projected))
    if value <= _ROUNDING:
        return None
    # The kink's other side pulls back: its gate, 1 - multiplier / |weight| seen from the active side, is in [0, 1].
    used = multipliers > _ROUNDING
    if np.any(multipliers[used] > -weights[used] + _ROUNDING):
        return None
    u = projected / value
    strict = X @ u > _ROUNDING * np.linalg.norm(X, axis=1)
    own = X.T @ (weights * strict)
    is_consistent = bool(np.linalg.norm(own - value * u) <= _ROUNDING * max(1.0, value))
    return CriticalDirection(u, sign, value * scale, is_consistent)


def _same(one: CriticalDirection, other: CriticalDirection) -> bool:
    return one.sign == other.sign and bool(np.linalg.norm(one.direction - other.direction) < 1e-7)
