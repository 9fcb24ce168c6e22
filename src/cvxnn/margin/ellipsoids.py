"""The ellipsoid of the data and its rectification: what unit neurons can say about the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import RowSpace
from cvxnn.cones import least_norm, lengths_and_units
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.programs import WorkingSets
from cvxnn.programs.cones import project_blocks
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array, as_number, read_only

# Numbers in the masks of a batch of projections: small enough for their temporaries to stay in cache.
_BATCH_ENTRIES = 1 << 18
_DEFAULT_CELLS = 100_000
# Values up to this fraction of sum_i |lam_i| ||x_i|| are rounding: no neuron stands behind them.
_NEGLIGIBLE = 1e-12


def as_directions(value: Any, name: str, n: int) -> Array:
    """Return an array of shape (n,) or (n, k), finite."""
    array = as_finite_array(value, name, (1, 2))
    if len(array) != n:
        raise ValueError(f"{name} must have {n} entries, or {n} rows, one for each sample; got {array.shape}")
    return array


def as_ellipsoid_data(X: Any) -> Array:
    """Return data of shape (n, d) that is not zero everywhere."""
    data = as_finite_array(X, "X", (2,))
    if not np.any(data):
        raise ValueError("X must have a row that is not zero; found none: its ellipsoid is a single point")
    return read_only(data)


@short_repr
@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """The ellipsoid ``E = {X u : ||u|| <= 1}`` in R^n: what linear unit neurons say about the samples.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero. E has the dimension of X's rank.

    References
    ----------
    T. Ergen and M. Pilanci, "Convex geometry and duality of over-parameterized neural networks", JMLR 22 (2021).

    Examples
    --------
    >>> ellipsoid = Ellipsoid([[2.0, 0.0], [0.0, 1.0]])
    >>> ellipsoid.support([3.0, 8.0]), ellipsoid.gauge([2.0, 0.0])
    (10.0, 1.0)
    """

    X: Array  # (n, d)

    def __init__(self, X: Any) -> None:
        object.__setattr__(self, "X", as_ellipsoid_data(X))

    def support(self, lam: Any) -> float | Array:
        """Return ``max over z in E of lam^T z = ||X^T lam||``.

        Parameters
        ----------
        lam : array_like of shape (n,) or (n, k)
            One direction, or one in each column.

        Returns
        -------
        float, or ndarray of shape (k,)
        """
        values = np.linalg.norm(self.X.T @ as_directions(lam, "lam", len(self.X)), axis=0)
        return float(values) if values.ndim == 0 else values

    def gauge(self, z: Any) -> float:
        """Return ``min ||u||`` subject to ``X u = z``: at most 1 exactly on E, infinity off the range of X.

        Parameters
        ----------
        z : array_like of shape (n,)
            A point; off the range when the least-squares residual exceeds 1e-9 of its norm.
        """
        point = as_directions(z, "z", len(self.X)).reshape(len(self.X))
        return float(np.linalg.norm(least_norm(self.X, point)))

    def contains(self, z: Any, *, tol: float = 1e-9) -> bool:
        """Return whether a point's gauge is at most ``1 + tol``.

        Parameters
        ----------
        z : array_like of shape (n,)
            As of `gauge`.
        tol : float, default 1e-9
            How far outside still counts as inside, as a share of the set.
        """
        return self.gauge(z) <= 1 + as_number(tol, "tol")


@short_repr
@dataclass(frozen=True, eq=False)
class ExtremePoint:
    """A point of the rectified ellipsoid that is farthest in one direction.

    Parameters
    ----------
    value : float
        ``lam^T z``.
    point : ndarray of shape (n,)
        ``z = (X u)_+``.
    neuron : ndarray of shape (d,)
        The unit vector u; zero where no neuron has a positive value.
    """

    value: float
    point: Array  # (n,)
    neuron: Array  # (d,)


@short_repr
@dataclass(frozen=True, eq=False)
class RectifiedEllipsoid:
    """The rectified ellipsoid ``Q = {(X u)_+ : ||u|| <= 1}`` in R^n: what unit neurons say about the samples.

    Q is star-shaped about 0, and not convex in general. Its support function is the one-sided oracle ``phi``; that of
    the hull of Q and -Q is ``Phi = max(phi(lam), phi(-lam))``, the dual constraint of training.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero.
    max_cells : int, default 100,000
        Refuse data that can have more activation patterns: every one of them is looked at.

    Raises
    ------
    ValueError
        If X is not as above, or has too many patterns.

    References
    ----------
    T. Ergen and M. Pilanci, "Convex geometry and duality of over-parameterized neural networks", JMLR 22 (2021):
    rectified ellipsoid, polar set, spikes. Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022.

    Examples
    --------
    >>> rectified = RectifiedEllipsoid([[1.0, 0.0], [0.0, 1.0]])
    >>> rectified.support([3.0, 4.0]), rectified.support([3.0, -4.0]), rectified.support([-3.0, -4.0])
    (5.0, 3.0, 0.0)
    """

    X: Array  # (n, d)
    masks: NDArray[np.bool_]  # (n, P)
    _space: RowSpace
    _unit: Array  # (n, r): rows in coordinates of the row space, at unit length

    def __init__(self, X: Any, *, max_cells: int = _DEFAULT_CELLS) -> None:
        data = as_ellipsoid_data(X)
        space = RowSpace(data)
        object.__setattr__(self, "X", data)
        require_few_patterns(data, max_cells, remedy="raise max_cells, or take fewer rows or columns")
        object.__setattr__(self, "masks", np.asarray(enumerate_patterns(data, max_patterns=None)))
        object.__setattr__(self, "_space", space)
        object.__setattr__(self, "_unit", lengths_and_units(space.coordinates)[1])

    def support(self, lam: Any) -> float | Array:
        """Return ``phi(lam) = max over ||u|| <= 1 of lam^T (X u)_+``, exact to rounding, by all cells.

        On the cell of pattern D the maximum is the norm of the projection of ``X^T D lam`` on the cell's cone.

        Parameters
        ----------
        lam : array_like of shape (n,) or (n, k)
            One direction, or one in each column.

        Returns
        -------
        float, or ndarray of shape (k,)

        References
        ----------
        M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, Theorem 1 and its dual.
        """
        directions = as_directions(lam, "lam", len(self.X))
        values = self._best(directions.reshape(len(directions), -1))[0]
        return float(values[0]) if directions.ndim == 1 else values

    def two_sided_support(self, lam: Any) -> float | Array:
        """Return ``Phi(lam) = max over ||u|| <= 1 of |lam^T (X u)_+|``, the support of the hull of Q and -Q."""
        directions = as_directions(lam, "lam", len(self.X))
        upper = np.maximum(self.support(directions), self.support(-directions))
        return float(upper) if directions.ndim == 1 else np.asarray(upper)

    def extreme_point(self, lam: Any) -> ExtremePoint:
        """Return a point of Q farthest in a direction: an exposed point of its hull where it is the only one.

        Parameters
        ----------
        lam : array_like of shape (n,)
            The direction.
        """
        direction = as_directions(lam, "lam", len(self.X)).reshape(len(self.X), 1)
        values, best = self._best(direction)
        rounding = _NEGLIGIBLE * float(np.abs(direction[:, 0]) @ np.linalg.norm(self.X, axis=1))
        if values[0] <= rounding:
            return ExtremePoint(0.0, np.zeros(len(self.X)), np.zeros(self.X.shape[1]))
        neuron = self._space.lift(best)[:, 0]
        return ExtremePoint(float(values[0]), np.maximum(self.X @ neuron, 0.0), neuron)

    def gauge(self, z: Any) -> float:
        """Return ``min ||u||`` subject to ``(X u)_+ = z``: at most 1 exactly on Q, infinity where no u exists.

        Q is star-shaped, so this is the factor by which Q must grow to reach z; it is not convex in z.

        Parameters
        ----------
        z : array_like of shape (n,)
            A point; entries that, over the norm of their row, are below 1e-12 of the largest count as zero.
        """
        norms = np.linalg.norm(self.X, axis=1)
        norms = np.where(norms > 0, norms, 1.0)
        rows, point = self.X / norms[:, None], as_directions(z, "z", len(self.X)).reshape(len(self.X)) / norms
        floor = 1e-12 * float(np.max(np.abs(point)))
        if np.any(point < -floor):
            return float("inf")
        on = point > floor
        if not on.any():
            return 0.0
        return float(np.linalg.norm(least_norm(rows[on], point[on], rows[~on])))

    def contains(self, z: Any, *, tol: float = 1e-9) -> bool:
        """Return whether a point's gauge is at most ``1 + tol``.

        Parameters
        ----------
        z : array_like of shape (n,)
            As of `gauge`.
        tol : float, default 1e-9
            How far outside still counts as inside, as a share of the set.
        """
        return self.gauge(z) <= 1 + as_number(tol, "tol")

    def _best(self, directions: Array) -> tuple[Array, Array]:
        """Return the largest value (k,) and its maximiser in coordinates (r, k), zero where the value is."""
        n_cells = self.masks.shape[1]
        values, best = np.zeros(directions.shape[1]), np.zeros((self._space.rank, directions.shape[1]))
        size = max(1, _BATCH_ENTRIES // self.masks.size)
        for start in range(0, len(values), size):
            part = slice(start, start + size)
            points = self._project(directions[:, part]).reshape(self._space.rank, -1, n_cells)
            norms = np.linalg.norm(points, axis=0)
            chosen = np.argmax(norms, axis=1)
            rows = np.arange(len(chosen))
            values[part], best[:, part] = norms[rows, chosen], points[:, rows, chosen]
        return values, best

    def _project(self, directions: Array) -> Array:
        """Return the projections of ``X^T D lam`` on the cones, (r, k P), the P cells of a direction together."""
        masked = directions.T[:, None, :] * self.masks.T
        points = (masked.reshape(-1, len(self.X)) @ self._space.coordinates).T
        sides = np.tile(np.where(self.masks.T, np.int8(1), np.int8(-1)), (directions.shape[1], 1))
        blocks = np.arange(points.shape[1])
        return project_blocks(self._unit, sides, points, WorkingSets.empty(len(blocks)), blocks)
