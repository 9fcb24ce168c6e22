"""Oracles: the largest correlation of a dual variable with a unit neuron, with a proof."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import lengths_and_units
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.linear_maps import row_chunks
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_columns, times_power

# Directions an oracle names: training adds them all at once, and more than this crowds a round.
MAX_DIRECTIONS = 256
# Unit vectors with a cosine above 1 minus this, 0.26 degrees apart, are one direction.
SAME_DIRECTION = 1e-5
# The method of maximisers that nothing is proved of.
SEARCH = "search"
# Upper bounds of exact methods exceed the value attained by what rounding may cost, not by more.
_ROUNDING = 1e-7


@short_repr
@dataclass(frozen=True, eq=False, kw_only=True)
class Maximisers:
    """Unit neurons of large ``||lam^T (X u)_+||``, what an oracle or a search names; and what is proved of all others.

    The norm is the absolute value for one output, for several the Euclidean one, or the largest entry where output
    weights are penalised by their l1 norm. Activations of other degrees are ``(X u)_+^k``.

    Parameters
    ----------
    value : float
        The largest value attained by a direction here; 0, by u = 0, where there is none.
    upper : float
        A proven upper bound on the values of all unit vectors, at least ``value``; infinite where nothing was proved.
    directions : ndarray of shape (d, k)
        Unit vectors, by decreasing value; k may be 0.
    signs : ndarray of shape (k,) or (k, C)
        Signs s, +1 or -1, for lam of shape (n,); else unit directions of the output weights.
    values : ndarray of shape (k,)
        ``s^T lam^T (X u)_+`` of each direction, all positive.
    method : str
        The name of the proof, or "search".
    rounding : float, default 0.0
        What rounding alone may put between ``value`` and ``upper``.
    masks : bool ndarray of shape (n, k), optional
        The pattern of a closed cell that holds each direction, from methods that go cell by cell.
    """

    value: float
    upper: float
    directions: Array  # (d, k)
    signs: Array  # (k,) or (k, C)
    values: Array  # (k,)
    method: str = SEARCH
    rounding: float = 0.0
    masks: NDArray[np.bool_] | None = None  # (n, k)

    @classmethod
    def of(
        cls,
        directions: Array,
        signs: Array,
        values: Array,
        *,
        upper: float = np.inf,
        method: str = SEARCH,
        rounding: float = 0.0,
        masks: NDArray[np.bool_] | None = None,
    ) -> Maximisers:
        """Return directions by decreasing value with the largest of the values, which ``upper`` is at least."""
        value = float(values[0]) if len(values) else 0.0
        return cls(
            value=value,
            upper=max(upper, value),
            directions=directions,
            signs=signs,
            values=values,
            method=method,
            rounding=rounding,
            masks=masks,
        )

    @property
    def is_exact(self) -> bool:
        """Return whether the value is the maximum, to rounding, and proved to be."""
        slack = max(_ROUNDING * self.upper, self.rounding)
        return self.method != SEARCH and self.upper - self.value <= slack

    def select(self, chosen: NDArray[np.generic]) -> Maximisers:
        """Return some of them, by index or mask, in falling order of values; the bound is that of all."""
        return Maximisers.of(
            self.directions[:, chosen],
            self.signs[chosen],
            self.values[chosen],
            upper=self.upper,
            method=self.method,
            rounding=self.rounding,
            masks=None if self.masks is None else self.masks[:, chosen],
        )

    def times_power(self, power: int) -> Maximisers:
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


class Oracle(ABC):
    """Maximises ``||lam^T (X u)_+||`` over unit vectors u, exactly; built once per X."""

    @property
    @abstractmethod
    def is_cheap(self) -> bool:
        """Return whether a call costs about as little as a sort of the rows."""

    @abstractmethod
    def maximise(self, lam: Array, *, threshold: float = 0.0, deadline: Deadline = NEVER) -> Maximisers:
        """Return the maximum for one dual variable.

        Parameters
        ----------
        lam : ndarray of shape (n,) or (n, C)
            The dual variable.
        threshold : float, default 0.0
            Values up to this need not be told apart: ``upper`` may then be as large as ``threshold``. Set it
            to beta where only violated directions matter.
        deadline : Deadline, default never
            When to give up: ``upper`` is then a bound by norms, and the directions are those met so far.
        """


def correlations(X: Array, lam: Array, U: Array) -> Array:
    """Return ``lam^T (X U)_+``, shape (k,) or (C, k), for directions U (d, k), in one walk over the rows."""
    total = np.zeros((*lam.shape[1:], U.shape[1]))
    for rows in row_chunks(X.shape[0], U.shape[1]):
        Z = X[rows] @ U
        total += lam[rows].T @ np.maximum(Z, 0.0, out=Z)
    return total


def output_directions(X: Array, lam: Array, U: Array) -> Array:
    """Return the unit vectors of ``lam^T (X U)_+``, shape (k, C), for lam (n, C); zero where it is zero."""
    return lengths_and_units(correlations(X, lam, U).T)[1]


def norm_of_columns(bound: Callable[[Array], float], lam: Array) -> float:
    """Return the Euclidean norm of the values of a function of one output's dual variable, at each column of lam.

    Where it bounds what each output can be off by, or can reach, that bounds them together.
    """
    return float(np.linalg.norm([bound(column) for column in lam.reshape(len(lam), -1).T]))


def units(U: Array) -> Array:
    """Return the non-zero columns at unit length."""
    peaks = np.max(np.abs(U), axis=0, initial=0.0)
    U = U[:, peaks > 0] / peaks[peaks > 0]
    scaled: Array = U / np.linalg.norm(U, axis=0)
    return scaled


def distinct(U: Array, signs: Array, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the indices of ``order`` whose unit direction or sign, (k,) or (k, C), differs from all before it."""
    outputs = as_columns(signs)[order]
    same = (1 - U[:, order].T @ U[:, order] < SAME_DIRECTION) & (1 - outputs @ outputs.T < SAME_DIRECTION)
    kept = np.ones(len(order), dtype=np.bool_)
    for k in range(len(order)):
        if kept[k]:
            kept[k + 1 :] &= ~same[k, k + 1 :]
    return order[kept]


def ranked(
    X: Array, lam: Array, U: Array, signs: Array, *, floor: float = 0.0, limit: int | None = None
) -> tuple[Array, Array, Array]:
    """Return distinct directions of value ``s^T lam^T (X u)_+`` above a floor, signs and values, best first."""
    values = np.sum(as_columns(signs).T * correlations(X, as_columns(lam), U), axis=0)
    order = np.argsort(-values, kind="stable")[:limit]
    order = distinct(U, signs, order[values[order] > floor])
    return U[:, order], signs[order], values[order]


def proven_maximisers(X: Array, lam: Array, U: Array, signs: Array, upper: float, method: str) -> Maximisers:
    """Return the best of the candidate directions of an exact method, with its bound."""
    return Maximisers.of(*ranked(X, lam, U, signs, limit=MAX_DIRECTIONS), upper=upper, method=method)
