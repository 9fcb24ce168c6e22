"""The variation norm gamma_1 (F_1): of a network's function an upper bound, of values on data exactly."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import lengths_and_units
from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, as_degree, unit_norm_form
from cvxnn.function_spaces.variation.distinct_rows import DistinctRows, torn_pair
from cvxnn.function_spaces.variation.rounds import MISFIT, VariationNormRounds
from cvxnn.networks import ReLUNetwork
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import (
    Array,
    PrecisionError,
    as_count,
    as_finite_array,
    as_number,
    as_vector,
    exponent,
    times_power,
    within_float64,
)

logger = logging.getLogger(__name__)

# Of the largest value: steps miss by rounding, 1e-9 or less, or by a weight.
_MISSED = 1e-6


@dataclass(frozen=True, eq=False)
class VariationNorm:
    """The variation norm of values on data, from both sides.

    Parameters
    ----------
    value : float
        ``||w||_1`` of the network: an upper bound. Infinite where it was stopped before a network took the values.
    lower_bound : float
        ``lam^T f``: no network that takes these values has a smaller one.
    network : UnitNetwork
        Takes the values, to ``misfit``, with at most n neurons if a linear program was solved.
    lam : ndarray of shape (n,)
        The dual variable, scaled so that ``|lam^T (X v)_+^k| <= 1`` for all unit v.
    misfit : float
        Largest absolute difference between the network's values and those given.
    rounds : int
        Linear programs solved.
    is_exact : bool
        Whether the oracle of the last round was: a search proves less than it finds.
    status : SolveStatus
        Why it stopped.
    """

    value: float
    lower_bound: float
    network: UnitNetwork
    lam: Array  # (n,)
    misfit: float
    rounds: int
    is_exact: bool
    status: SolveStatus

    @property
    def duality(self) -> Comparison:
        """Return the value beside its lower bound: equal, in the limit of rounds."""
        return Comparison(self.value, self.lower_bound)

    def __repr__(self) -> str:
        return (
            f"VariationNorm(value={self.value:.6g}, lower_bound={self.lower_bound:.6g}, "
            f"neurons={self.network.n_neurons}, rounds={self.rounds}, status={self.status.name})"
        )


@short_repr
@dataclass(frozen=True, eq=False)
class StrictBound:
    """A network whose weights have a larger norm than its function.

    Parameters
    ----------
    network : UnitNetwork
        Four neurons on R^2 of distinct directions.
    bound : float
        ``||w||_1``.
    norm : float
        The variation norm of the network's function, on all of R^2.
    X : ndarray of shape (2, 2)
        Two points that prove it.
    lam : ndarray of shape (2,)
        ``|lam^T (X v)_+| <= 1`` for all unit v, and ``lam^T f(X) = norm``.
    """

    network: UnitNetwork
    bound: float
    norm: float
    X: Array  # (2, 2)
    lam: Array  # (2,)


@on_one_blas_thread
def variation_norm_bound(network: ReLUNetwork | UnitNetwork, activation: Any = "relu") -> float:
    """Return ``||w||_1`` of a network's unit-norm form: an upper bound on the variation norm of its function.

    ``sum_j ||u_j||^k |a_j|``; for the ReLU, k = 1, the network's path norm. It is the total variation of one measure
    that represents the function, and gamma_1 the infimum over all of them: `strict_bound_example` has a smaller one.

    Parameters
    ----------
    network : ReLUNetwork or UnitNetwork
        One output, no offset.
    activation : str, int or Activation, default "relu"
        The network's, "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2; a `UnitNetwork` has its own.

    Raises
    ------
    ValueError
        If the network is none of these, or as `unit_norm_form`.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.1.

    Examples
    --------
    >>> variation_norm_bound(ReLUNetwork([[3.0], [4.0]], [2.0]))
    10.0
    >>> variation_norm_bound(ReLUNetwork([[3.0], [4.0]], [2.0]), "squared_relu")
    50.0
    """
    return unit_norm_form(network, activation).total_variation


def strict_bound_example() -> StrictBound:
    """Return a network whose ``||w||_1`` is 4 and whose function has the variation norm ``2 sqrt(2)``.

    ``(x_1)_+ - (-x_1)_+ + (x_2)_+ - (-x_2)_+ = x_1 + x_2 = sqrt(2) ((v^T x)_+ - (-v^T x)_+)`` with ``v = (1, 1) /
    sqrt(2)``. No less will do: at the two points v and -v, ``lam = (1, -1)`` has ``lam^T (X u)_+ = v^T u <= 1`` for all
    unit u, and ``lam^T f(X) = 2 sqrt(2)``. So a finite network need not attain the variation norm of its function, even
    with distinct directions.

    Examples
    --------
    >>> example = strict_bound_example()
    >>> example.bound, round(example.norm, 6), example.network.predict([[3.0, 5.0]])
    (4.0, 2.828427, array([8.]))
    """
    directions = np.array([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
    network = UnitNetwork(directions, [1.0, -1.0, 1.0, -1.0])
    X = np.array([[1.0, 1.0], [-1.0, -1.0]]) / math.sqrt(2.0)
    return StrictBound(network, network.total_variation, 2.0 * math.sqrt(2.0), X, np.array([1.0, -1.0]))


@on_one_blas_thread
def variation_norm(
    X: Any,
    values: Any,
    activation: Any = "relu",
    *,
    tol: float = 1e-6,
    max_rounds: int = 200,
    max_seconds: float | None = None,
    oracle_seconds: float = 0.5,
    random_state: Seed = 0,
) -> VariationNorm:
    """Return the variation norm of values on data: the smallest ``||w||_1`` of networks that take them.

    ``min ||w||_1 s.t. sum_j w_j (X v_j)_+^k = f``, over any number of unit neurons, with the dual ``max lam^T f s.t.
    |lam^T (X v)_+^k| <= 1 for all unit v``. Linear programs over the neurons found so far give lam, the oracle the
    neurons that violate its constraint most, and its upper bound scales lam to a proven lower bound.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    values : array_like of shape (n,)
        f.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    tol : float, default 1e-6
        Relative difference of the two sides to stop at: proven, or, where no more can be proved, found; below 1e-9 as
        1e-9.
    max_rounds : int, default 200
        Largest number of linear programs; the result says where the two sides are then.
    max_seconds : float, optional
        Time limit, looked at after every call of the oracle.
    oracle_seconds : float, default 0.5
        About the longest time that one call of an exact oracle may take; 0 asks for searches.
    random_state : int, Generator, RandomState or None, default 0
        Seed of searches.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.
    HypothesisError
        If no network takes these values, to 1e-9 of their length: the norm is infinite, or above about 1e9 times their
        size, which float64 does not tell apart. Where the oracle is a search: if none was found. For k >= 1 that is
        so where a row of X is zero and its value is not; for all k, where rows of one direction, to rounding, have
        values that differ by more than their lengths.
    PrecisionError
        If rounding is in the way: for finite norms from about 3e7 times the values' size on.

    Notes
    -----
    For k >= 1 rows of X in one direction, to 1e-7, count as one where their values over ``||x||^k`` agree to 1e-7 of
    the largest: the network takes their mean, and ``misfit`` says how far that is from each. Steps (k = 0) tell rows
    apart that are near, as long as their directions differ by more than rounding. The lower bound holds for the rows
    and values given.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18 (2017), section 2.1. For k = 1
    on all patterns: M. Pilanci and T. Ergen, ICML 2020, section 3.1.

    Examples
    --------
    >>> norm = variation_norm([[1.0], [-2.0]], [3.0, 1.0])
    >>> round(norm.value, 9), round(norm.lower_bound, 9)
    (3.5, 3.5)
    """
    data, f = as_finite_array(X, "X", (2,)), as_vector(values, "values")
    if len(f) != len(data):
        raise ValueError(f"values must have one entry for each of the {len(data)} rows of X; got {len(f)}")
    degree, tol = as_degree(activation), as_number(tol, "tol")
    max_rounds, deadline = as_count(max_rounds, "max_rounds", 1), Deadline.after(max_seconds)
    oracle_seconds = as_number(oracle_seconds, "oracle_seconds")
    if not np.any(f):
        nothing = UnitNetwork(np.zeros((data.shape[1], 0)), np.zeros(0), degree)
        return VariationNorm(0.0, 0.0, nothing, np.zeros(len(f)), 0.0, 0, True, SolveStatus.PROVEN)
    with within_float64("X and values"):
        samples = _Samples.of(data, f, degree)
    X1, f1 = samples.distinct.X, samples.distinct.f
    oracle = neuron_oracle(X1, degree, max_seconds=oracle_seconds, random_state=random_state)
    run = VariationNormRounds(X1, f1, oracle)
    try:
        status = run.to_the_end(tol, max_rounds, deadline)
    except KeyboardInterrupt:
        logger.info("interrupted: the best so far is returned")
        status = SolveStatus.INTERRUPTED
    with within_float64("X and values"):
        return samples.result(data, f, run, status)


def _require_one_value(units: Array, values: Array, f: Array) -> None:
    """Refuse rows of one direction, to rounding, at which steps would have to take two values."""
    torn = torn_pair(units, values, MISFIT * float(np.linalg.norm(values)))
    if torn is not None:
        i, j = torn
        are_one = "have one direction" if np.any(units[i]) else "are zero"
        raise HypothesisError(
            f"values must be those of a network: their variation norm is infinite; rows {i} and {j} of X (counted from "
            f"0) {are_one}, where every step is the same, and their values are {f[i]:.9g} and {f[j]:.9g}"
        )


def _require_taken(network: UnitNetwork, X: Array, f: Array) -> None:
    """Refuse steps that take the values at rows of length one, and by rounding not at the rows given."""
    taken = network.predict(X)
    i = int(np.argmax(np.abs(taken - f)))
    if abs(taken[i] - f[i]) > _MISSED * float(np.max(np.abs(f))):
        raise PrecisionError(
            f"values must be those of a network that float64 can evaluate; that found takes {taken[i]:.6g} at row {i} "
            f"of X (counted from 0) instead of {f[i]:.6g}: rounding decides on which side of its step the row is"
        )


@dataclass(frozen=True, eq=False)
class _Samples:
    """Data and values in units of their sizes: unit rows, the largest value one, near-equal rows as one.

    A network's values at x scale with ``||x||^k``, so that its weights are those of the units times ``size 2^power``.
    """

    degree: int
    power: int
    size: float
    kept: NDArray[np.intp]  # rows that are not zero; all for k = 0
    shares: Array  # of the kept, ||x||^k in units
    distinct: DistinctRows

    @classmethod
    def of(cls, X: Array, f: Array, degree: int) -> _Samples:
        """Return the samples in units, refusing values that no network takes at a zero row."""
        lengths, units = lengths_and_units(X)
        own, rows = exponent(f), exponent(lengths)
        zero = lengths == 0 if degree else np.zeros(len(X), dtype=bool)
        torn = np.flatnonzero(zero & (f != 0))
        if len(torn):
            raise HypothesisError(
                "values must be those of a network: their variation norm is infinite; row "
                f"{torn[0]} of X (counted from 0) is zero, where every network is 0, and its value is {f[torn[0]]:g}"
            )
        kept = np.flatnonzero(~zero)
        shares = np.ldexp(lengths[kept], -rows) ** degree
        values = np.ldexp(f[kept], -own) / shares
        size = float(np.max(np.abs(values)))
        values = values / size
        if degree == 0:  # rows that are near, by more than rounding, are told apart exactly
            _require_one_value(units, values, f)
            distinct = DistinctRows.first(units, values)
        else:
            distinct = DistinctRows.means(units[kept], values, kept)
        return cls(degree, own - degree * rows, size, kept, shares, distinct)

    def result(self, X: Array, f: Array, run: VariationNormRounds, status: SolveStatus) -> VariationNorm:
        """Return what the rounds found, for the samples as they were."""
        found, norm = run.network(), times_power(self.size, self.power)
        network = UnitNetwork(found.directions, norm * found.weights, self.degree)
        if self.degree == 0 and np.isfinite(run.value):
            _require_taken(network, X, f)
        dual = self.distinct.dual(run.lam, self.degree)
        bound = float(dual @ (np.ldexp(f[self.kept], -exponent(f)) / self.shares))
        lam = np.zeros(len(f))
        lam[self.kept] = np.ldexp(dual / self.shares, self.power - exponent(f))
        return VariationNorm(
            value=norm * run.value,
            lower_bound=float(np.ldexp(max(bound, 0.0), self.power)),
            network=network,
            lam=lam,
            misfit=float(np.max(np.abs(network.predict(X) - f))),
            rounds=run.rounds,
            is_exact=run.is_exact,
            status=status,
        )
