"""What an oracle of unit neurons is, and candidates in the order of their values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np

from cvxnn.certificates import Maximisers
from cvxnn.function_spaces.unit_norm.unit_networks import unit_features
from cvxnn.validation import Array, as_vector, exponent, within_float64

MOST_NEURONS = 64


class NeuronOracle(ABC):
    """Maximises ``|lam^T (X v)_+^k|`` over unit vectors v, exactly or by search; built once per X."""

    @property
    @abstractmethod
    def degree(self) -> int:
        """Return k."""

    @abstractmethod
    def maximise(self, lam: Array, *, starts: Array | None = None) -> Maximisers:
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
    found = as_vector(lam, "lam")
    if len(found) != n:
        raise ValueError(f"lam must have shape ({n},), one entry a sample; got {found.shape}")
    return found


def maximise_in_units(lam: Array, power: int, maximise: Callable[[Array], Maximisers]) -> Maximisers:
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
) -> Maximisers:
    """Return candidate directions, each with its better sign, by decreasing value, repeats left out."""
    products = lam @ unit_features(X, directions, degree)
    order = np.argsort(-np.abs(products), kind="stable")
    order = order[np.abs(products[order]) > 0][:limit]
    _, first = np.unique(np.round(directions[:, order], 12), axis=1, return_index=True)
    order = order[np.sort(first)]
    found, signs, values = directions[:, order], np.sign(products[order]), np.abs(products[order])
    return Maximisers.of(found, signs, values, upper=upper, method=method, rounding=rounding)
