"""Zonotopes of the rows with positive and with negative weights: the oracle as their Hausdorff distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import exact_oracle
from cvxnn.cones import least_norm_in_box
from cvxnn.margin.ellipsoids import RectifiedEllipsoid, as_directions, as_ellipsoid_data
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.validation import Array, as_finite_array, read_only

_MAX_VERTICES = 100_000


@short_repr
@dataclass(frozen=True, eq=False)
class Zonotope:
    """The zonotope ``Z = {sum_i b_i g_i : 0 <= b_i <= 1}``, a sum of segments from the origin.

    Its support function is ``h(u) = sum_i (g_i^T u)_+``: a layer of ReLU neurons, read as a function of u.

    Parameters
    ----------
    generators : array_like of shape (k, d)
        The far ends g_i of the segments; with k = 0 the zonotope is the origin.

    Examples
    --------
    >>> square = Zonotope([[1.0, 0.0], [0.0, 1.0]])
    >>> len(square.vertices()), square.distance([2.0, 2.0])
    (4, 1.4142135623730951)
    """

    generators: Array  # (k, d)

    def __init__(self, generators: Any) -> None:
        none = isinstance(generators, np.ndarray) and generators.ndim == 2 and len(generators) == 0
        rows = generators if none else as_finite_array(generators, "generators", (2,))
        object.__setattr__(self, "generators", read_only(rows))

    def vertices(self) -> Array:
        """Return the vertices, shape (v, d): for each cell of the generators' arrangement, the sum of those active.

        Raises
        ------
        ValueError
            If there can be more than 100,000.
        """
        if not np.any(self.generators):
            return np.zeros((1, self.generators.shape[1]))
        require_few_patterns(self.generators, _MAX_VERTICES, name="generators", remedy="take fewer of them")
        masks = np.asarray(enumerate_patterns(self.generators))
        vertices: Array = masks.T.astype(np.float64) @ self.generators
        return vertices

    def support(self, u: Any) -> float:
        """Return ``max over z in Z of u^T z = sum_i (g_i^T u)_+`` for u of shape (d,)."""
        direction = as_finite_array(u, "u", (1,))
        return float(np.sum(np.maximum(self.generators @ direction, 0.0)))

    def nearest(self, point: Any) -> Array:
        """Return the point of Z nearest to a point, both of shape (d,): least squares in a box."""
        target = as_finite_array(point, "point", (1,))
        if not np.any(self.generators):
            return np.zeros_like(target)
        lower, upper = np.zeros(len(self.generators)), np.ones(len(self.generators))
        nearest: Array = least_norm_in_box(self.generators, -target, lower, upper) @ self.generators
        return nearest

    def distance(self, point: Any) -> float:
        """Return the Euclidean distance of a point of shape (d,) from Z."""
        target = as_finite_array(point, "point", (1,))
        return float(np.linalg.norm(target - self.nearest(target)))


@short_repr
@dataclass(frozen=True, eq=False)
class Excess:
    """How far one convex body sticks out of another: the largest distance of its points from the other.

    Parameters
    ----------
    distance : float
        The excess, attained at a vertex since the distance from a convex body is convex.
    farthest : ndarray of shape (d,)
        That vertex.
    nearest : ndarray of shape (d,)
        The point of the other body nearest to it.
    """

    distance: float
    farthest: Array  # (d,)
    nearest: Array  # (d,)


def excess(first: Zonotope, second: Zonotope) -> Excess:
    """Return how far the first zonotope sticks out of the second, by the first one's vertices.

    Parameters
    ----------
    first, second : Zonotope
        Zonotopes in one space.

    Returns
    -------
    Excess

    Examples
    --------
    >>> long, short = Zonotope([[3.0, 0.0]]), Zonotope([[1.0, 0.0]])
    >>> excess(long, short).distance, excess(short, long).distance
    (2.0, 0.0)
    """
    vertices = first.vertices()
    nearest = np.array([second.nearest(vertex) for vertex in vertices])
    distances = np.linalg.norm(vertices - nearest, axis=1)
    best = int(np.argmax(distances))
    return Excess(float(distances[best]), vertices[best], nearest[best])


def hausdorff_distance(first: Zonotope, second: Zonotope) -> float:
    """Return the Hausdorff distance: the larger of the two excesses."""
    return max(excess(first, second).distance, excess(second, first).distance)


def dual_zonotopes(X: Any, lam: Any) -> tuple[Zonotope, Zonotope]:
    """Return the zonotopes of the rows ``|lam_i| x_i`` with positive and with negative lam_i.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    lam : array_like of shape (n,)
        Dual variable.

    Returns
    -------
    positive, negative : Zonotope
        In R^d; the origin where no lam_i has the sign.
    """
    data = as_ellipsoid_data(X)
    weights = as_directions(lam, "lam", len(data)).reshape(len(data))
    rows = np.abs(weights)[:, None] * data
    return Zonotope(rows[weights > 0]), Zonotope(rows[weights < 0])


@short_repr
@dataclass(frozen=True, eq=False)
class OracleAsHausdorffDistance:
    """Both sides of the geometric reading of the ReLU oracle.

    Parameters
    ----------
    oracle : Comparison
        ``Phi(lam)``, by the exact oracle, and the Hausdorff distance of the two zonotopes, by their vertices.
    positive : Comparison
        ``phi(lam)``, by cells, and the excess of the positive zonotope over the negative one.
    negative : Comparison
        ``phi(-lam)`` and the excess of the negative zonotope over the positive one.
    neuron : Comparison
        ``|lam^T (X u)_+|`` at the unit vector u from the nearest to the farthest point, and the Hausdorff distance.
    direction : ndarray of shape (d,)
        That u; zero where the zonotopes coincide.
    """

    oracle: Comparison
    positive: Comparison
    negative: Comparison
    neuron: Comparison
    direction: Array  # (d,)

    @property
    def holds(self) -> bool:
        """Return whether all four comparisons hold."""
        return all(part.holds for part in (self.oracle, self.positive, self.negative, self.neuron))


def oracle_as_hausdorff_distance(X: Any, lam: Any, *, tol: float = 1e-9) -> OracleAsHausdorffDistance:
    """Compare the ReLU oracle with the Hausdorff distance of two zonotopes.

    Statement. Let Z+ and Z- be the zonotopes of the segments ``[0, |lam_i| x_i]`` with lam_i > 0 and with lam_i < 0.
    Since ``(x_i^T u)_+`` is the support function of [0, x_i], ``lam^T (X u)_+ = h_+(u) - h_-(u)``,
    and for convex bodies the largest difference of support functions over the unit ball is the excess of the one over
    the other::

        phi(lam)  = max over ||u|| <= 1 of lam^T (X u)_+   = max over z in Z+ of dist(z, Z-)
        Phi(lam)  = max over ||u|| <= 1 of |lam^T (X u)_+| = d_H(Z+, Z-)

    Hypotheses. An exact oracle is affordable for X, and X has at most 100,000 activation patterns.

    Guarantee. Equalities (tight). The neuron is ``(z - Pi(z)) / ||z - Pi(z)||`` at the farthest vertex z.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero.
    lam : array_like of shape (n,)
        Dual variable.
    tol : float, default 1e-9
        Tolerance of the comparisons as a fraction of ``sum_i |lam_i| ||x_i||``, the zonotopes' size: rounding of sums
        of vertices, and of least squares in a box, stay some digits below.

    Returns
    -------
    OracleAsHausdorffDistance

    Raises
    ------
    HypothesisError
        If X allows no exact oracle.
    ValueError
        If X has too many patterns.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017): the conditional
    gradient's step for the ReLU. R. Schneider, "Convex bodies: the Brunn-Minkowski theory", 2014, Lemma 1.8.14.

    Examples
    --------
    >>> result = oracle_as_hausdorff_distance([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [2.0, 1.0, -1.0])
    >>> round(result.oracle.measured, 9), round(result.oracle.predicted, 9), result.holds
    (1.414213562, 1.414213562, True)
    """
    data = as_ellipsoid_data(X)
    weights = as_directions(lam, "lam", len(data)).reshape(len(data))
    oracle = exact_oracle(data)
    if oracle is None:
        raise HypothesisError(
            f"X must allow an exact oracle; its shape {data.shape} is too large for its rank"
        )
    require_few_patterns(data, _MAX_VERTICES)
    rectified = RectifiedEllipsoid(data, max_cells=_MAX_VERTICES)
    over, under = _excesses(data, weights)
    longer = max(over, under, key=lambda part: part.distance)
    direction = (longer.farthest - longer.nearest) / (longer.distance or 1.0)
    attained = abs(float(weights @ np.maximum(data @ direction, 0.0)))
    slack = tol * float(np.abs(weights) @ np.linalg.norm(data, axis=1))
    return OracleAsHausdorffDistance(
        oracle=_compare(oracle.maximise(weights).value, longer.distance, slack),
        positive=_compare(rectified.extreme_point(weights).value, over.distance, slack),
        negative=_compare(rectified.extreme_point(-weights).value, under.distance, slack),
        neuron=_compare(attained, longer.distance, slack),
        direction=direction,
    )


def _compare(measured: float, predicted: float, slack: float) -> Comparison:
    """Return a comparison that holds to an absolute slack."""
    return Comparison(measured, predicted, tol=slack / max(1.0, measured, predicted))


def _excesses(X: Array, lam: Array) -> tuple[Excess, Excess]:
    positive, negative = dual_zonotopes(X, lam)
    return excess(positive, negative), excess(negative, positive)
