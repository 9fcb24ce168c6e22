"""What an oracle of unit neurons is, and what it returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cvxnn.function_spaces.unit_norm.unit_networks import unit_features
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array, exponent, times_power, within_float64

# Upper bounds of exact methods exceed the value attained by what rounding may cost, not by more.
_ROUNDING = 1e-7
MOST_NEURONS = 64


@short_repr
@dataclass(frozen=True, eq=False)
class NeuronsFound:
    """Unit neurons of large ``s lam^T (X v)_+^k``, and what is proved of all others.

    Parameters
    ----------
    value : float
        The largest value of a direction here; 0, by no neuron at all, where there is none.
    upper : float
        A proven upper bound on ``max over ||v|| = 1 of |lam^T (X v)_+^k|``, at least ``value``.
    directions : ndarray of shape (d, m)
        Unit vectors, by decreasing value; m may be 0.
    signs : ndarray of shape (m,)
        s, +1 or -1.
    values : ndarray of shape (m,)
        ``s lam^T (X v)_+^k`` of each, all positive.
    method : str
        How they were found: the name of an exact method, or "search".
    rounding : float, default 0.0
        What rounding alone may put between ``value`` and ``upper``.
    """

    value: float
    upper: float
    directions: Array  # (d, m)
    signs: Array  # (m,)
    values: Array  # (m,)
    method: str
    rounding: float = 0.0

    @property
    def is_exact(self) -> bool:
        """Return whether the value is the maximum, to rounding, and proved to be."""
        slack = max(_ROUNDING * self.upper, self.rounding)
        return self.method != "search" and self.upper - self.value <= slack

    def times_power(self, power: int) -> NeuronsFound:
        """Return what they are for X and lam in other units: values times ``2^power``.

        Raises
        ------
        OverflowError
            If the largest value is beyond the range of float64.
        """
        if power == 0:
            return self
        return replace(
            self,
            value=times_power(self.value, power),
            upper=times_power(self.upper, power),
            values=np.ldexp(self.values, power),
            rounding=float(np.ldexp(self.rounding, power)),
        )


class NeuronOracle(ABC):
    """Maximises ``|lam^T (X v)_+^k|`` over unit vectors v, exactly or by search; built once per X."""

    @property
    @abstractmethod
    def degree(self) -> int:
        """Return k."""

    @abstractmethod
    def maximise(self, lam: Array, *, starts: Array | None = None) -> NeuronsFound:
        """Return the best neurons of either sign.

        Parameters
        ----------
        lam : ndarray of shape (n,)
            The dual variable, ``-grad J(f)``.
        starts : ndarray of shape (d, m), optional
            Directions that a search starts from, besides its own; exact methods need none.

        Raises
        ------
        ValueError
            If lam is not a finite vector with one entry a sample.
        """


def as_dual(lam: Any, n: int) -> Array:
    """Return a dual variable as an array.

    Raises
    ------
    ValueError
        If it is not a finite vector of length n.
    """
    found = as_finite_array(lam, "lam", (1,))
    if len(found) != n:
        raise ValueError(f"lam must have shape ({n},), one entry a sample; got {found.shape}")
    return found


def maximise_in_units(lam: Array, power: int, maximise: Callable[[Array], NeuronsFound]) -> NeuronsFound:
    """Return the neurons of a dual variable, found for the variable in units of its size.

    Parameters
    ----------
    lam : ndarray of shape (n,)
        The dual variable.
    power : int
        ``2^power`` is by how much the oracle's own units of X make values smaller.
    maximise : callable
        The oracle, in its own units.

    Raises
    ------
    ValueError
        If a value is beyond the range of float64.
    """
    own = exponent(lam)
    with within_float64("X and lam"):
        return maximise(np.ldexp(lam, -own)).times_power(own + power)


def rank_neurons(
    X: Array,
    lam: Array,
    directions: Array,
    degree: int,
    upper: float,
    method: str,
    *,
    rounding: float = 0.0,
    limit: int = MOST_NEURONS,
) -> NeuronsFound:
    """Return candidate directions, each with its better sign, by decreasing value, repeats left out."""
    products = lam @ unit_features(X, directions, degree)
    order = np.argsort(-np.abs(products), kind="stable")
    order = order[np.abs(products[order]) > 0][:limit]
    _, first = np.unique(np.round(directions[:, order], 12), axis=1, return_index=True)
    order = order[np.sort(first)]
    values = np.abs(products[order])
    value = float(values[0]) if len(values) else 0.0
    return NeuronsFound(
        value, max(upper, value), directions[:, order], np.sign(products[order]), values, method, rounding
    )
