"""The signed measure of a network's particles on the unit sphere, and how far two of them are apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array
from scipy.spatial.distance import cdist

from cvxnn.dynamics.starts.weights import Weights
from cvxnn.networks import ReLUNetwork
from cvxnn.validation import (
    Array,
    PrecisionError,
    as_finite_array,
    as_number,
    exponent,
    read_only,
    times_power,
    within_float64,
)


@dataclass(frozen=True, eq=False)
class SphereMeasure:
    """Signed measure ``mu = sum_j c_j delta_{v_j}`` on the unit sphere, for the network ``int (x^T v)_+ dmu(v)``.

    Parameters
    ----------
    directions : array_like of shape (s, d)
        Unit vectors ``v_j``, one a row; they are divided by their norms. s may be 0.
    masses : array_like of shape (s,)
        ``c_j``, of either sign.

    Raises
    ------
    ValueError
        If a shape is wrong, a direction is zero, or a number is not finite.

    Examples
    --------
    >>> mu = SphereMeasure([[3.0, 4.0], [0.0, 1.0]], [2.0, -1.0])
    >>> mu.variation, mu.directions[0]
    (3.0, array([0.6, 0.8]))
    """

    directions: Array  # (s, d)
    masses: Array  # (s,)

    def __init__(self, directions: Any, masses: Any) -> None:
        rows, masses = np.asarray(directions, dtype=float), np.asarray(masses, dtype=float)
        if rows.ndim != 2 or masses.shape != (len(rows),):
            raise ValueError(
                f"directions and masses must have shapes (s, d) and (s,); got {rows.shape} and {masses.shape}"
            )
        if len(rows):
            as_finite_array(rows, "directions", (2,))
            as_finite_array(masses, "masses", (1,))
        norms = np.linalg.norm(rows, axis=1)
        if np.any(norms == 0):
            raise ValueError(
                f"directions must not be zero; found {np.count_nonzero(norms == 0)} of {len(norms)}"
            )
        object.__setattr__(self, "directions", read_only(rows / norms[:, None]))
        object.__setattr__(self, "masses", read_only(masses))

    @classmethod
    def of(cls, network: ReLUNetwork) -> SphereMeasure:
        """Return the measure of a network of one output: mass ``a_j ||u_j||`` at ``u_j / ||u_j||``.

        Raises
        ------
        ValueError
            If the network has several outputs or an output offset.
        """
        weights = Weights.of(network)
        norms = np.linalg.norm(weights.hidden[0], axis=0)
        masses = norms * weights.output[0]
        kept = masses != 0
        return cls(weights.hidden[0].T[kept], masses[kept])

    @property
    def variation(self) -> float:
        """Return ``|mu| = sum_j |c_j|``, an upper bound of the variation norm of the network."""
        return float(np.sum(np.abs(self.masses)))

    def predict(self, X: Any) -> Array:
        """Return ``int (x^T v)_+ dmu(v)`` for each row, shape (n,)."""
        X = as_finite_array(X, "X", (2,))
        return np.asarray(np.maximum(X @ self.directions.T, 0.0) @ self.masses)

    def merged(self, angle: float) -> SphereMeasure:
        """Return the measure with directions of one sign that are close put together.

        Single linkage: two of them are together if a chain leads from one to the other with no step longer than the
        angle. Each group becomes its mass at the direction of ``sum_j c_j v_j``; the function changes by at most
        ``||x|| sum_j |c_j| ||v_j - v||``.

        Parameters
        ----------
        angle : float
            In radians.
        """
        chord = 2.0 * np.sin(min(as_number(angle, "angle"), np.pi) / 2.0)
        groups: list[tuple[Array, float]] = []
        for sign in (1, -1):
            mine = np.sign(self.masses) == sign
            groups += _clusters(self.directions[mine], self.masses[mine], chord)
        groups.sort(key=lambda group: -abs(group[1]))
        d = self.directions.shape[1]
        return SphereMeasure(
            np.array([v for v, _ in groups]).reshape(-1, d), np.array([c for _, c in groups])
        )

    def mass_near(self, directions: Any, angle: float) -> Array:
        """Return the mass within an angle of each of some directions, shape (k,)."""
        targets = as_finite_array(directions, "directions", (2,))
        targets = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        close = targets @ self.directions.T >= np.cos(as_number(angle, "angle"))
        return np.asarray(close @ self.masses)

    def __repr__(self) -> str:
        s, d = self.directions.shape
        return f"SphereMeasure({s} directions in R^{d}, |mu| = {self.variation:.6g})"


def _clusters(directions: Array, masses: Array, chord: float) -> list[tuple[Array, float]]:
    if len(masses) == 0:
        return []
    labels = np.ones(1, dtype=int) if len(masses) == 1 else _labels(directions, chord)
    found = []
    for label in np.unique(labels):
        mine = labels == label
        mean = np.sum(np.abs(masses[mine])[:, None] * directions[mine], axis=0)
        # a chain around the whole sphere may have no mean
        best = mean if np.linalg.norm(mean) > 0 else directions[mine][0]
        found.append((best, float(np.sum(masses[mine]))))
    return found


def _labels(directions: Array, chord: float) -> Array:
    return np.asarray(fcluster(linkage(directions, "single"), chord, criterion="distance"))


def measure_distance(first: SphereMeasure, second: SphereMeasure) -> float:
    """Return the flat distance of two measures: unbalanced transport with Euclidean costs.

    ``max int phi d(mu - nu)`` over functions on the sphere with ``|phi| <= 1`` and
    ``|phi(v) - phi(v')| <= ||v - v'||``; equally, the least cost of carrying mass at its distance and of making or
    destroying mass at 1 a unit. As ``v -> (x^T v)_+ / ||x||`` is such a function, ``|f_mu(x) - f_nu(x)| <= ||x||``
    times the distance. It is at most ``|mu| + |nu|``.

    Parameters
    ----------
    first, second : SphereMeasure
        Measures on one sphere.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    A linear program in the masses carried from the positive to the negative part of ``mu - nu``: merge particles
    (`SphereMeasure.merged`) before comparing wide networks.

    References
    ----------
    B. Piccoli and F. Rossi, "Generalized Wasserstein distance and its application to transport equations with source",
    Archive for Rational Mechanics and Analysis 2014; for signed measures, B. Piccoli, F. Rossi, M. Tournus, "A
    Wasserstein norm for signed measures, with application to non-local transport equation with source term", 2023.

    Examples
    --------
    >>> east, north = SphereMeasure([[1.0, 0.0]], [2.0]), SphereMeasure([[0.0, 1.0]], [1.5])
    >>> distance = measure_distance(east, north)  # 1.5 goes sqrt(2) far, 0.5 is destroyed
    >>> bool(np.isclose(distance, 1.5 * np.sqrt(2.0) + 0.5))
    True
    """
    if first.directions.shape[1] != second.directions.shape[1]:
        raise ValueError(f"second must have directions like first's; got {first!r} and {second!r}")
    directions = np.vstack([first.directions, second.directions])
    masses = np.concatenate([first.masses, -second.masses])
    with within_float64("masses"):
        own = exponent(masses)
        masses = np.ldexp(masses, -own)
        return times_power(_transported(directions, masses, masses > 0, masses < 0), own)


def _transported(directions: Array, masses: Array, gain: NDArray[np.bool_], loss: NDArray[np.bool_]) -> float:
    """Return what it costs to carry, make and destroy masses of either sign, the largest between one and two."""
    supply, demand = masses[gain], -masses[loss]
    total = float(supply.sum() + demand.sum())
    if supply.size == 0 or demand.size == 0:
        return total
    # what is carried a distance c saves 2 - c of making and destroying
    saved = (2.0 - cdist(directions[gain], directions[loss])).ravel()
    result = linprog(
        -saved,
        A_ub=_marginals(supply.size, demand.size),
        b_ub=np.concatenate([supply, demand]),
        method="highs",
    )
    if not result.success:
        raise PrecisionError(
            f"masses must be of sizes that a linear program can compare; got {np.min(np.abs(masses)):.3g} to "
            f"{np.max(np.abs(masses)):.3g}: leave out particles without mass"
        )
    return max(0.0, total + float(result.fun))


def _marginals(n_rows: int, n_columns: int) -> csr_array:
    """Return the matrix that takes plans (n_rows, n_columns), flat, to their row sums and column sums."""
    cells = np.arange(n_rows * n_columns)
    rows = np.concatenate([cells // n_columns, n_rows + cells % n_columns])
    ones = np.ones(2 * cells.size)
    return coo_array((ones, (rows, np.tile(cells, 2))), shape=(n_rows + n_columns, cells.size)).tocsr()
