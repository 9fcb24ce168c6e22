"""Spikes: where the rectified ellipsoid reaches along the axes, and whether it sticks out of the ellipsoid."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import project_on_cone
from cvxnn.margin.ellipsoids import Ellipsoid, as_ellipsoid_data
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError, Relation
from cvxnn.validation import Array

# Projections shorter than this fraction of their row are zero: no neuron activates that sample alone.
_NEGLIGIBLE = 1e-9
# Gauges above 1 by more than this stick out: rounding of a projection and a least-squares problem stays far below.
_OUTSIDE = 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class Spikes:
    """The ends of the rectified ellipsoid on the coordinate axes, one for each sample.

    Sample i's is ``t_i e_i`` with ``t_i = max {x_i^T u : x_j^T u <= 0 for j != i, ||u|| <= 1}``, the most that a unit
    neuron can give to one sample alone. Each with ``t_i > 0`` is a vertex of the hull of Q: an axis is an extreme ray
    of the orthant that holds Q, and every direction lam with ``lam_i > 0`` and the other entries negative enough has
    its maximum over Q there. A *spike* is one that lies outside the ellipsoid E.

    Parameters
    ----------
    heights : ndarray of shape (n,)
        t_i; 0 where no neuron activates sample i alone.
    neurons : ndarray of shape (d, n)
        The unit vectors that attain them, zero where the height is.
    gauges : ndarray of shape (n,)
        The ellipsoid's gauge of ``t_i e_i``; infinite where e_i is not in the range of X, 0 where the height is.
    """

    heights: Array  # (n,)
    neurons: Array  # (d, n)
    gauges: Array  # (n,)

    @property
    def points(self) -> Array:
        """Return the ends that are not the origin, shape (n, k), in the order of the samples."""
        points: Array = np.diag(self.heights)[:, self.heights > 0]
        return points

    @property
    def outside(self) -> NDArray[np.bool_]:
        """Return which samples have a spike: an end outside the ellipsoid, shape (n,)."""
        return np.asarray(self.gauges > 1 + _OUTSIDE)


def spikes(X: Any) -> Spikes:
    """Compute the ends of the rectified ellipsoid on the axes: for each sample one projection on a cone.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero.

    Returns
    -------
    Spikes

    References
    ----------
    T. Ergen and M. Pilanci, "Convex geometry and duality of over-parameterized neural networks", JMLR 22 (2021). Y.
    Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022.

    Examples
    --------
    >>> spikes([[1.0, 0.0], [-1.0, 1.0]]).heights.round(6)  # by the neurons (1, 0) and (-1, 1) / sqrt 2
    array([1.      , 1.414214])
    """
    data = as_ellipsoid_data(X)
    ellipsoid = Ellipsoid(data)
    norms = np.linalg.norm(data, axis=1)
    neurons, heights, gauges = np.zeros(data.T.shape), np.zeros(len(data)), np.zeros(len(data))
    for i, row in enumerate(data):
        others = np.arange(len(data)) != i
        w = project_on_cone(-data[others], row, norms[others])[0]
        height = float(np.linalg.norm(w))
        if height > _NEGLIGIBLE * norms[i]:
            heights[i], neurons[:, i] = height, w / height
            gauges[i] = height * ellipsoid.gauge(np.eye(len(data))[i])
    return Spikes(heights, neurons, gauges)


@short_repr
@dataclass(frozen=True)
class SpikeFreeness:
    """Whether the rectified ellipsoid stays inside the ellipsoid, measured on it and predicted from X X^T.

    Parameters
    ----------
    largest_gauge : Comparison
        The ellipsoid's largest gauge over the ends on the axes, and ``1 / sqrt(1 - rho^2)``.
    rho : float
        The largest entry off the diagonal of ``H = (X X^T)^{-1}``, scaled by its diagonal: ``h_ij / sqrt(h_ii h_jj)``;
        0 if none is positive. It is the most negative partial correlation of two samples, with its sign turned.
    """

    largest_gauge: Comparison
    rho: float

    @property
    def is_spike_free(self) -> bool:
        """Return whether ``Q = {X u : ||u|| <= 1, X u >= 0}``."""
        return self.largest_gauge.measured <= 1 + _OUTSIDE


def spike_freeness(X: Any, *, tol: float = 1e-6) -> SpikeFreeness:
    """Compare the size of the largest spike with what the inverse Gram matrix of the samples says.

    Statement. Let the rows of X be linearly independent and ``H = (X X^T)^{-1}``. Then Q lies in E, so that it is E's
    part in the non-negative orthant, exactly when no entry of H off the diagonal is positive (H is an M-matrix);
    orthonormal rows are the simplest case. Otherwise some end on an axis lies outside, and the largest gauge is at
    least ``1 / sqrt(1 - rho^2)``.

    Derivation. With z = X u, ``||u||^2 >= z^T H z``, and ``z^T H z - z_+^T H z_+ = z_-^T H z_- - 2 z_-^T H z_+``. If
    no entry off the diagonal is positive this is non-negative, so z_+ has a gauge of at most that of z. If h_ij > 0,
    ``z = e_i - (h_ij / h_jj) e_j`` has ``z^T H z = h_ii (1 - rho_ij^2)`` while ``z_+ = e_i`` has ``h_ii``.

    Hypotheses. The rows of X are linearly independent (n <= d).

    Guarantee. Tight where rho = 0, and for n = 2; else a lower bound of the largest gauge.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    tol : float, default 1e-6
        Tolerance of the comparison; H is computed in float64 from X X^T.

    Returns
    -------
    SpikeFreeness

    Raises
    ------
    HypothesisError
        If the rows are linearly dependent.

    References
    ----------
    T. Ergen and M. Pilanci, "Convex geometry and duality of over-parameterized neural networks", JMLR 22 (2021), for
    the definition of spike-free data; the criterion by H is derived here.

    Examples
    --------
    >>> spike_freeness([[1.0, 0.0], [1.0, 1.0]]).is_spike_free
    True
    >>> result = spike_freeness([[1.0, 0.0], [-1.0, 1.0]])
    >>> round(result.largest_gauge.measured, 6), round(result.largest_gauge.predicted, 6)
    (1.414214, 1.414214)
    """
    data = as_ellipsoid_data(X)
    if np.linalg.matrix_rank(data) < len(data):
        raise HypothesisError(
            f"the rows of X must be linearly independent; {len(data)} rows have a smaller rank"
        )
    H = np.linalg.inv(data @ data.T)
    scale = np.sqrt(np.diag(H))
    ratios = H / np.outer(scale, scale)
    np.fill_diagonal(ratios, 0.0)
    rho = float(np.max(ratios))
    rho = rho if rho > _NEGLIGIBLE else 0.0
    measured = float(np.max(spikes(data).gauges))
    relation: Relation = "equal" if rho == 0.0 or len(data) == 2 else "at least"
    return SpikeFreeness(Comparison(measured, 1 / math.sqrt(1 - rho**2), relation, tol), rho)
