"""The two-sided polar set of the rectified ellipsoid: every dual variable that training with beta = 1 accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import Maximisers, Oracle, exact_oracle
from cvxnn.function_spaces import variation_norm
from cvxnn.function_spaces.unit_norm.rounds import uninterrupted
from cvxnn.margin.ellipsoids import as_directions, as_ellipsoid_data
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import count_bound, enumerate_patterns, reduce_rows
from cvxnn.seeds import Seed, as_generator
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_number

# Of the matrix of patterns, in float64 a sixteenth of a gigabyte; its products take seconds.
_MOST_ENTRIES = 8_000_000


@short_repr
@dataclass(frozen=True, eq=False)
class PolarSet:
    """The set ``{lam : |lam^T (X u)_+| <= 1 for all ||u|| <= 1}``, the polar of the hull of Q and -Q.

    The dual variables that are feasible for training with weight decay beta are beta times it.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero, of a size at which the oracle is exact: rank at most 2, or few cells.

    Raises
    ------
    ValueError
        If X is not as above.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022. T. Ergen and M. Pilanci, "Convex
    geometry and duality of over-parameterized neural networks", JMLR 22 (2021).

    Examples
    --------
    >>> polar = PolarSet([[1.0, 0.0], [0.0, 1.0]])
    >>> round(polar.gauge([3.0, 4.0]), 12), polar.contains([0.6, 0.8]), polar.contains([0.9, 0.8])
    (5.0, True, False)
    >>> polar.contains([1.0, -1.0])  # no neuron adds the two
    True
    """

    X: Array  # (n, d)
    oracle: Oracle

    def __init__(self, X: Any) -> None:
        data = as_ellipsoid_data(X)
        oracle = exact_oracle(data)
        if oracle is None:
            raise ValueError(f"X must be small enough for an exact oracle; got shape {data.shape}")
        object.__setattr__(self, "X", data)
        object.__setattr__(self, "oracle", oracle)

    def contacts(self, lam: Any) -> Maximisers:
        """Return the unit neurons of largest ``|lam^T (X u)_+|``, with the value and a proven upper bound.

        On the boundary of the set the best of them are its supporting points: an optimal network whose dual variable
        is lam has no other neurons.

        Parameters
        ----------
        lam : array_like of shape (n,)
            Dual variable.
        """
        return self.oracle.maximise(as_directions(lam, "lam", len(self.X)).reshape(len(self.X)))

    def gauge(self, lam: Any) -> float:
        """Return ``Phi(lam)``, by a proven upper bound that is tight to rounding: at most 1 exactly on the set.

        It is 0 along the lines that the set contains, where no neuron tells lam from zero.

        Parameters
        ----------
        lam : array_like of shape (n,)
            Dual variable.
        """
        return self.contacts(lam).upper

    def contains(self, lam: Any, *, tol: float = 1e-9) -> bool:
        """Return whether a dual variable's gauge is at most ``1 + tol``.

        Parameters
        ----------
        lam : array_like of shape (n,)
            Dual variable.
        tol : float, default 1e-9
            How far outside still counts as inside, as a share of the set.
        """
        return self.gauge(lam) <= 1 + as_number(tol, "tol")

    def lines(self) -> Array:
        """Return an orthonormal basis, shape (n, k), of the directions in which the set is unbounded.

        They are orthogonal to every ``D_i X``, the span of Q. With k = 0 every target can be interpolated.
        """
        unit, norms = _unit_rows(self.X)
        lines = reduce_rows(self.X)
        cells = count_bound(lines.n_lines, lines.rank)
        if cells * len(unit) > _MOST_ENTRIES:
            raise ValueError(
                f"X must have at most {_MOST_ENTRIES // len(unit):,} activation patterns for {len(unit)} rows; it has "
                f"up to {cells:,}"
            )
        masks = np.asarray(enumerate_patterns(unit))
        gram = (masks.astype(np.float64) @ masks.T) * (unit @ unit.T)
        values, vectors = np.linalg.eigh(gram)  # gram = sum_i D_i X X^T D_i, of rows at unit length
        rounding = 8 * len(gram) * np.finfo(np.float64).eps * values[-1]
        basis: Array = np.linalg.qr(vectors[:, values <= rounding] / norms[:, None]).Q
        return basis

    @on_one_blas_thread
    def sample_boundary(self, k: int, *, random_state: Seed = 0) -> Array:
        """Return points of the boundary in random directions, members by proof.

        Parameters
        ----------
        k : int
            How many.
        random_state : int, Generator, RandomState or None, default 0
            Source of the directions: standard normal, without their parts along the set's lines.

        Returns
        -------
        ndarray of shape (n, k)
        """
        directions = as_generator(random_state).standard_normal((len(self.X), as_count(k, "k")))
        lines = self.lines()
        directions -= lines @ (lines.T @ directions)
        gauges = np.array([self.gauge(direction) for direction in directions.T])
        points: Array = directions / gauges
        return points


@short_repr
@dataclass(frozen=True, eq=False)
class PolarSupport:
    """The support function of the polar set at z, beside the least penalty of networks that interpolate z.

    Parameters
    ----------
    value : Comparison
        ``lam^T z`` at the best dual variable found, feasible by proof; and ``sum_j ||u_j|| |a_j|`` of a network.
    lam : ndarray of shape (n,)
        That dual variable.
    network : ReLUNetwork
        The network, balanced; ``network.predict(X)`` is z to the solver's tolerance.
    residual : float
        ``||network.predict(X) - z|| / ||z||``.
    """

    value: Comparison
    lam: Array  # (n,)
    network: ReLUNetwork
    residual: float


def polar_support(X: Any, z: Any, *, tol: float = 1e-6) -> PolarSupport:
    """Compare the support function of the polar set with the variation norm of the values it is taken at.

    Statement. The polar's support function is the gauge of what it is the polar of, the hull of Q and -Q::

        max {lam^T z : lam in the polar set} = min {sum_j ||u_j|| |a_j| : sum_j (X u_j)_+ a_j = z},

    the penalty of a network of least norm that takes the values z on the samples (minimum-norm interpolation).

    Hypotheses. z is in the span of Q (the polar set is bounded in its direction), and X allows an exact oracle.

    Guarantee. Equality (tight). The left side is evaluated at a dual variable that an exact oracle proves feasible, so
    that it is a lower bound whatever the solver does; the right side is `variation_norm`.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, not zero.
    z : array_like of shape (n,)
        Values on the samples, not zero.
    tol : float, default 1e-6
        Tolerance of the comparison; neurons are added until both sides are within a thousandth of it.

    Returns
    -------
    PolarSupport

    Raises
    ------
    HypothesisError
        If no network takes these values, or X allows no exact oracle.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020; T. Ergen and M. Pilanci, JMLR 22
    (2021); for the polarity of gauge and support function, R. T. Rockafellar, "Convex analysis", 1970, Theorem 14.5.

    Examples
    --------
    >>> result = polar_support([[1.0, 0.0], [0.0, 1.0]], [3.0, -4.0])
    >>> round(result.value.measured, 6), round(result.value.predicted, 6)  # two neurons: no one gives both signs
    (7.0, 7.0)
    """
    data = as_ellipsoid_data(X)
    values = as_directions(z, "z", len(data)).reshape(len(data))
    if not values.any():
        raise ValueError("z must not be zero; its support value is 0, attained everywhere")
    try:
        polar = PolarSet(data)
    except ValueError as error:
        raise HypothesisError(str(error)) from None
    lines = polar.lines()
    along = float(np.linalg.norm(lines.T @ values) / np.linalg.norm(values))
    if along > 1e-9:
        raise HypothesisError(
            "no network takes the values z: z must be orthogonal to the lines of the polar set; the part of it along "
            f"them is {along:.3g}"
        )
    least = uninterrupted(variation_norm(data, values, tol=1e-3 * tol))
    lam = least.lam / polar.gauge(least.lam)
    network = least.network.balanced()
    residual = float(np.linalg.norm(network.predict(data) - values) / np.linalg.norm(values))
    return PolarSupport(
        Comparison(float(lam @ values), network.path_norm, "equal", tol), lam, network, residual
    )


def _unit_rows(X: Array) -> tuple[Array, Array]:
    """Return the rows at unit length, zero ones as they are, and their lengths (n,), 1 for zero rows."""
    norms = np.linalg.norm(X, axis=1)
    norms = np.where(norms > 0, norms, 1.0)
    return X / norms[:, None], norms
