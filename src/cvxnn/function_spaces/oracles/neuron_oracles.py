"""The unit neuron that correlates most with a dual variable, for activations ``(z)_+^k`` with k = 0, 1, 2."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnn.certificates import (
    Maximisers,
    Oracle,
    RowSpace,
    exact_oracle,
    norm_bound,
    relaxed_upper_bound,
    search,
)
from cvxnn.certificates.bounds.relaxation import relaxation_is_affordable
from cvxnn.deadlines import as_limit
from cvxnn.function_spaces.oracles.quadratic_oracle import QuadraticOracle
from cvxnn.function_spaces.oracles.ranking import NeuronOracle, as_dual, maximise_in_units
from cvxnn.function_spaces.oracles.threshold_oracle import ThresholdOracle
from cvxnn.function_spaces.unit_norm.unit_networks import as_degree
from cvxnn.seeds import Seed, require_seed
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_finite_array, exponent

# Of the relaxation: at n = 200, d = 10 within 2 % of what 200 iterations prove, in a quarter of their time.
_ITERATIONS = 30


@short_repr
@dataclass(frozen=True, eq=False)
class ReLUOracle(NeuronOracle):
    """The engine's oracle, k = 1: exact where a call is affordable, else a search beside a proven upper bound.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data.
    max_seconds : float or None, default 0.5
        Longest time that a call of an exact method may be expected to take; None for no limit, 0 asks for the search.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the search.

    Examples
    --------
    >>> import numpy as np
    >>> found = ReLUOracle(np.eye(2)).maximise(np.array([3.0, 4.0]))
    >>> round(found.value, 12), found.is_exact, found.directions[:, 0].round(12)
    (5.0, True, array([0.6, 0.8]))
    """

    space: RowSpace  # of X in units of its size
    power: int
    exact: Oracle | None
    random_state: Seed

    @on_one_blas_thread
    def __init__(self, X: Array, *, max_seconds: float | None = 0.5, random_state: Seed = 0) -> None:
        require_seed(random_state)
        object.__setattr__(self, "power", exponent(X))
        X = np.ldexp(X, -self.power)
        exact = exact_oracle(X, max_seconds=max_seconds) if as_limit(max_seconds) > 0 else None
        object.__setattr__(self, "space", RowSpace(X))
        object.__setattr__(self, "exact", exact)
        object.__setattr__(self, "random_state", random_state)

    @property
    def degree(self) -> int:
        """Return 1."""
        return 1

    @on_one_blas_thread
    def maximise(self, lam: Array, *, starts: Array | None = None) -> Maximisers:
        """Return the best neurons; see `NeuronOracle.maximise`."""
        lam = as_dual(lam, len(self.space.X))
        return maximise_in_units(lam, self.power, lambda own: self._maximise(own, starts))

    def _maximise(self, lam: Array, starts: Array | None) -> Maximisers:
        if self.exact is not None:
            found = self.exact.maximise(lam)
            return replace(found, rounding=2 * self.space.allowance(lam))
        met = search(self.space.X, lam, starts=starts, n_random=64, random_state=self.random_state)
        upper = max(self._upper(lam), self._upper(-lam), met.value)
        return replace(met, upper=upper)

    def _upper(self, lam: Array) -> float:
        bound = norm_bound(self.space, lam)
        if not relaxation_is_affordable(self.space):
            return bound
        return min(bound, relaxed_upper_bound(self.space, lam, max_iterations=_ITERATIONS))


@on_one_blas_thread
def neuron_oracle(
    X: Any, activation: Any = "relu", *, max_seconds: float | None = 0.5, random_state: Seed = 0
) -> NeuronOracle:
    """Return the oracle of an activation on data.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    max_seconds : float or None, default 0.5
        About the longest time that a call of an exact method may take; None for no limit, 0 asks for a search.
    random_state : int, Generator, RandomState or None, default 0
        Seed of searches.

    Returns
    -------
    NeuronOracle
        `ReLUOracle` for k = 1, `ThresholdOracle` for k = 0, `QuadraticOracle` for k = 2.

    Raises
    ------
    ValueError
        If X is not a finite matrix, the activation is another, or the time is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> oracle = neuron_oracle([[1.0, 0.0], [0.0, 1.0]], "step")
    >>> oracle.maximise(np.array([3.0, -4.0])).value
    4.0
    """
    data, degree = as_finite_array(X, "X", (2,)), as_degree(activation)
    as_limit(max_seconds)
    if degree == 1:
        return ReLUOracle(data, max_seconds=max_seconds, random_state=random_state)
    kind = ThresholdOracle if degree == 0 else QuadraticOracle
    return kind(data, max_seconds=max_seconds, random_state=random_state)
