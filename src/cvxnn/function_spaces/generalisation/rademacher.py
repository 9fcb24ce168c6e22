"""The empirical Rademacher complexity of the ball of F_1: the oracle's value at random signs; curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import RowSpace
from cvxnn.function_spaces.generalisation.inputs import InputDistribution, draw_inputs
from cvxnn.function_spaces.generalisation.sizes import as_sizes
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.seeds import Seed, as_random_state
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import Slope, log_log_slope
from cvxnn.theorems import Comparison
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, as_number


@short_repr
@dataclass(frozen=True, eq=False)
class RademacherCurve:
    """Rademacher complexities at k sizes (n, d), for R repetitions with fresh inputs each.

    Parameters
    ----------
    samples, dimensions : ndarrays of shape (k,)
        n and d.
    lower, upper : ndarrays of shape (k, R)
        Means over signs of values attained and of proven upper bounds.
    bounds : ndarray of shape (k, R)
        What theory says of each; see `rademacher_complexity`.
    """

    samples: NDArray[np.int64]  # (k,)
    dimensions: NDArray[np.int64]  # (k,)
    lower: Array  # (k, R)
    upper: Array  # (k, R)
    bounds: Array  # (k, R)

    def slope(
        self, against: Literal["samples", "dimensions"], side: Literal["lower", "upper"] = "lower"
    ) -> Slope:
        """Return the exponent in n or in d of the lower or upper values, with its standard error.

        Raises
        ------
        ValueError
            If an argument is none of these, or the sizes are all equal.
        """
        if against not in ("samples", "dimensions"):
            raise ValueError(f"against must be 'samples' or 'dimensions'; got {against!r}")
        if side not in ("lower", "upper"):
            raise ValueError(f"side must be 'lower' or 'upper'; got {side!r}")
        sizes = self.samples if against == "samples" else self.dimensions
        return log_log_slope(sizes, self.lower if side == "lower" else self.upper)


@on_one_blas_thread
def rademacher_curve(
    *,
    samples: Any,
    dimensions: Any,
    activation: Any = "relu",
    n_repetitions: int = 20,
    n_signs: int = 5,
    distribution: InputDistribution = "sphere",
    oracle_seconds: float = 0.1,
    random_state: Seed = 0,
) -> RademacherCurve:
    """Return the complexities of the unit ball of F_1 on random inputs of radius 1, without a bias.

    Parameters
    ----------
    samples, dimensions : int or sequence of int
        n and d: both of k entries, or one of them a number.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    n_repetitions : int, default 20
        R, samples of inputs at each size.
    n_signs : int, default 5
        Sign vectors for each sample of inputs.
    distribution : {"gaussian", "sphere", "ball"}, default "sphere"
        Of the inputs, of radius 1; see `draw_inputs`.
    oracle_seconds : float, default 0.1
        As of `rademacher_complexity`.
    random_state : int, Generator, RandomState or None, default 0
        Seed.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.

    Examples
    --------
    >>> curve = rademacher_curve(samples=[8, 32], dimensions=2, n_repetitions=3)
    >>> bool(np.all(curve.upper <= curve.bounds)), curve.lower.shape
    (True, (2, 3))
    """
    n, d = as_sizes(samples, dimensions)
    R, n_signs = as_count(n_repetitions, "n_repetitions", 1), as_count(n_signs, "n_signs", 1)
    seeds = as_random_state(random_state).randint(2**31, size=(len(n), R))
    values = np.empty((len(n), R, 3))
    for k, r in np.ndindex(len(n), R):
        size, seed = (int(n[k]), int(d[k])), int(seeds[k, r])
        X = draw_inputs(*size, distribution=distribution, radius=1.0, random_state=seed)
        found = rademacher_complexity(
            X,
            activation,
            n_signs=n_signs,
            oracle_seconds=oracle_seconds,
            # not the seed of the inputs: signs must not depend on them
            random_state=seed ^ 1,
        )
        values[k, r] = *found.interval, found.bound
    return RademacherCurve(n, d, values[:, :, 0], values[:, :, 1], values[:, :, 2])


# All sign vectors are 2^(n-1), one of each two opposite ones.
_MOST_SAMPLES_FOR_ALL = 16


@short_repr
@dataclass(frozen=True, eq=False)
class RademacherComplexity:
    """``R_n = E_eps sup over gamma_1(f) <= delta of 1/n sum_i eps_i f(x_i)``, bracketed.

    Parameters
    ----------
    lower, upper : ndarrays of shape (s,)
        For each sign vector a value attained, and a proven upper bound on the supremum. The same up to rounding where
        the oracle is exact.
    bound : float
        What theory says of the expectation, see `rademacher_complexity`.
    all_signs : bool
        Whether the sign vectors are all there are, so that means are expectations.
    """

    lower: Array  # (s,)
    upper: Array  # (s,)
    bound: float
    all_signs: bool

    @property
    def interval(self) -> tuple[float, float]:
        """Return the means of lower and upper values: R_n lies between, up to `standard_error`."""
        return float(np.mean(self.lower)), float(np.mean(self.upper))

    @property
    def standard_error(self) -> float:
        """Return the standard error of the lower mean over random signs; 0 where they are all."""
        s = len(self.lower)
        if self.all_signs:
            return 0.0
        return float(np.std(self.lower, ddof=1) / np.sqrt(s)) if s > 1 else float("nan")

    @property
    def comparison(self) -> Comparison:
        """Return the lower mean beside the bound: at most. A theorem of the expectation, so sure with all signs."""
        return Comparison(self.interval[0], self.bound, "at most")


@on_one_blas_thread
def rademacher_complexity(
    X: Any,
    activation: Any = "relu",
    *,
    delta: float = 1.0,
    n_signs: int | None = 100,
    oracle_seconds: float = 0.1,
    random_state: Seed = 0,
) -> RademacherComplexity:
    """Return the empirical Rademacher complexity of ``{f : gamma_1(f) <= delta}`` on data.

    The ball is the closed convex hull of ``+-delta (v^T x)_+^k`` over unit v, so that its supremum is the oracle's
    value: ``sup_f 1/n sum_i eps_i f(x_i) = delta/n max_v |eps^T (X v)_+^k|``.

    Statement: with ``L_1 = 1`` and ``L_2 = 2 max_i ||x_i||``, ``R_n <= 2 L_k delta ||X||_F / n``, for rows of length at
    most r no more than ``2 L_k delta r / sqrt(n)``; and for k = 0, ``R_n <= delta sqrt(2 log(2 P) / n)`` with ``P =
    sum_{i <= r} C(n, i)`` for X of rank r.
    Hypotheses: none on the data.
    Guarantee: upper. For k = 1, 2 by contraction: ``(z)_+^k`` is 0 at 0 and L_k-Lipschitz on ``|z| <= r``, which costs
    2 L_k with the absolute value, and ``E ||X^T eps|| <= ||X||_F``. For k = 0 by the maximum over finitely many sums:
    half-spaces of r dimensions have the Vapnik-Chervonenkis dimension r, and so, samples on their boundary included, no
    more than P patterns on n samples.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data, a bias as a column.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    delta : float, default 1.0
        The radius of the ball, >= 0.
    n_signs : int or None, default 100
        Random sign vectors; None takes all of them, for n up to 16.
    oracle_seconds : float, default 0.1
        About the longest time that one call of an exact oracle may take; else a search and a proven bound are made.
    random_state : int, Generator, RandomState or None, default 0
        Seed of signs and searches.

    Raises
    ------
    ValueError
        If an argument is not what is accepted, or all signs are asked for of more than 16 samples.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 5.1.
    M. Ledoux and M. Talagrand, "Probability in Banach spaces", 1991, Theorem 4.12 (contraction). P. Massart, "Some
    applications of concentration inequalities to statistics", 2000, Lemma 5.2. N. Sauer, "On the density of families
    of sets", 1972.

    Examples
    --------
    >>> complexity = rademacher_complexity([[1.0], [-1.0]], n_signs=None)
    >>> np.round(complexity.interval, 9), complexity.comparison.holds
    (array([0.5, 0.5]), True)
    """
    X, delta = as_finite_array(X, "X", (2,)), as_number(delta, "delta")
    signs = _signs(len(X), n_signs, random_state)
    oracle_seconds = as_number(oracle_seconds, "oracle_seconds")
    oracle = neuron_oracle(X, activation, max_seconds=oracle_seconds, random_state=random_state)
    found = [oracle.maximise(eps) for eps in signs]
    scale = delta / len(X)
    return RademacherComplexity(
        scale * np.array([one.value for one in found]),
        scale * np.array([one.upper for one in found]),
        delta * _bound(X, oracle.degree),
        n_signs is None,
    )


def _signs(n: int, n_signs: int | None, random_state: Seed) -> Array:
    """Return sign vectors in rows: random ones, or one of each two opposite ones of all."""
    if n_signs is not None:
        shape = (as_count(n_signs, "n_signs", 1), n)
        return np.asarray(as_random_state(random_state).choice([-1.0, 1.0], shape))
    if n > _MOST_SAMPLES_FOR_ALL:
        raise ValueError(
            f"n_signs = None takes up to {_MOST_SAMPLES_FOR_ALL} samples; got {n}: give a number"
        )
    bits: NDArray[np.int64] = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
    return np.asarray(2 * bits - 1, dtype=np.float64)


def _bound(X: Array, degree: int) -> float:
    """Return the bound on R_n for delta = 1."""
    n = len(X)
    if degree == 0:
        patterns = sum(math.comb(n, i) for i in range(RowSpace(X).rank + 1))
        return math.sqrt(2 * math.log(2 * patterns) / n)
    lipschitz = 1.0 if degree == 1 else 2 * float(np.max(np.linalg.norm(X, axis=1)))
    return 2 * lipschitz * float(np.linalg.norm(X)) / n
