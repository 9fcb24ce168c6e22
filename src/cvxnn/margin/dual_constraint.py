"""The dual constraint of max margin: the largest |q^T (Xu)_+| over unit vectors, and the bound it proves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvxnn.certificates import Oracle, RowSpace, exact_oracle, relaxed_upper_bound, search
from cvxnn.seeds import Seed, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class DualNorm:
    """The largest ``|q^T (Xu)_+|`` over unit vectors u, for one q.

    Parameters
    ----------
    value : float
        The largest value attained by a direction.
    upper : float
        A proven upper bound.
    directions : ndarray of shape (d, k)
        Unit vectors, best first.
    signs : ndarray of shape (k,)
        The signs of ``q^T (Xu)_+``.
    is_exact : bool
        Whether ``upper`` is ``value``, up to rounding.
    """

    value: float
    upper: float
    directions: Array  # (d, k)
    signs: Array  # (k,)
    is_exact: bool


@short_repr
@dataclass(frozen=True, eq=False)
class DualConstraint:
    """Evaluates the dual constraint on one data set: exactly where that is affordable, else by search and relaxation.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search, used where no exact oracle is affordable.
    """

    X: Array
    random_state: Seed = 0
    oracle: Oracle | None = field(init=False)

    def __post_init__(self) -> None:
        require_seed(self.random_state)
        object.__setattr__(self, "oracle", exact_oracle(self.X))

    def evaluate(self, q: Array) -> DualNorm:
        """Return the largest ``|q^T (Xu)_+|``; q is ``diag(y) lam`` for the multipliers lam of the margins."""
        if self.oracle is not None:
            found = self.oracle.maximise(q)
            return DualNorm(found.value, found.upper, found.directions, found.signs, True)
        result = search(self.X, q, random_state=self.random_state)
        space = RowSpace(self.X)
        upper = max(relaxed_upper_bound(space, q), relaxed_upper_bound(space, -q), result.value)
        return DualNorm(result.value, upper, result.directions, result.signs, False)

    def violated_by(self, q: Array, tol: float, max_seconds: float | None = None) -> tuple[Array, Array]:
        """Return directions (d, k) and signs with ``|q^T (Xu)_+| > 1 + tol``, best first; none where there are none.

        A search, of at most ``max_seconds``, answers where it finds one; the exact oracle, where there is one, is asked
        only if it does not.
        """
        if self.oracle is None or not self.oracle.is_cheap:
            result = search(self.X, q, random_state=self.random_state, max_seconds=max_seconds)
            directions, signs, values = result.directions, result.signs, result.values
            if self.oracle is None or result.value > 1.0 + tol:
                return directions[:, values > 1.0 + tol], signs[values > 1.0 + tol]
        exact = self.oracle.maximise(q)
        violated = exact.values > 1.0 + tol
        return exact.directions[:, violated], exact.signs[violated]

    def lower_bound(self, y: Array, lam: Array) -> float:
        """Return ``sum_i lam_i / upper``, proven to be at most ``1/2 ||theta||^2`` for every network of margin one.

        For lam >= 0 and a balanced network of that margin,
        ``sum lam_i <= sum lam_i y_i f(x_i) = sum_j a_j q^T (X u_j)_+ <= upper sum_j |a_j| ||u_j||``.
        """
        upper = self.evaluate(y * lam).upper
        return float(np.sum(lam)) / upper if upper > 0 else 0.0
