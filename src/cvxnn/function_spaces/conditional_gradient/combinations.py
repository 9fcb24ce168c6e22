"""Convex combinations of unit neurons of one size: the points that conditional gradient visits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cvxnn.certificates import Maximisers
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_features
from cvxnn.validation import Array

# Unit vectors this close, entry by entry, are one neuron.
_SAME = 1e-13


@dataclass(frozen=True, eq=False)
class Combination:
    """``f = sum_j w_j delta s_j (X v_j)_+^k`` with ``w_j >= 0`` and ``sum_j w_j + rest = 1``.

    Parameters
    ----------
    directions : ndarray of shape (d, m)
        Unit vectors v_j.
    signs : ndarray of shape (m,)
        s_j.
    columns : ndarray of shape (n, m)
        ``delta s_j (X v_j)_+^k``.
    weights : ndarray of shape (m,)
        w_j.
    rest : float
        The weight of zero.
    delta : float
        The radius of the ball.
    degree : int
        k.
    """

    directions: Array  # (d, m)
    signs: Array  # (m,)
    columns: Array  # (n, m)
    weights: Array  # (m,)
    rest: float
    delta: float
    degree: int

    @classmethod
    def of(cls, network: UnitNetwork, X: Array, delta: float) -> Combination:
        """Return a network of total variation at most delta as a combination."""
        signs = np.where(network.weights < 0, -1.0, 1.0)
        columns = delta * signs * unit_features(X, network.directions, network.degree)
        weights = np.abs(network.weights) / delta
        rest = max(1.0 - float(np.sum(weights)), 0.0)
        return cls(network.directions, signs, columns, weights, rest, delta, network.degree)

    @property
    def values(self) -> Array:
        """Return f, shape (n,)."""
        return np.asarray(self.columns @ self.weights)

    @property
    def n_neurons(self) -> int:
        """Return the number of neurons of positive weight."""
        return int(np.count_nonzero(self.weights))

    def network(self) -> UnitNetwork:
        """Return the neurons of positive weight as a network."""
        used = self.weights > 0
        weights = self.delta * self.signs[used] * self.weights[used]
        return UnitNetwork(self.directions[:, used], weights, self.degree)

    def join(self, X: Array, found: Maximisers, index: int = 0) -> tuple[Combination, int]:
        """Return the combination with a found neuron at weight zero, and its place; where it is there, that."""
        v, sign = found.directions[:, index], float(found.signs[index])
        same = (np.max(np.abs(self.directions - v[:, None]), axis=0, initial=0.0) <= _SAME) & (
            self.signs == sign
        )
        if np.any(same):
            return self, int(np.flatnonzero(same)[0])
        column = self.delta * sign * unit_features(X, v[:, None], self.degree)
        joined = replace(
            self,
            directions=np.column_stack([self.directions, v]),
            signs=np.append(self.signs, sign),
            columns=np.column_stack([self.columns, column]),
            weights=np.append(self.weights, 0.0),
        )
        return joined, len(self.signs)

    def towards(self, place: int | None, rho: float) -> Combination:
        """Return ``(1 - rho) f + rho fbar`` with fbar the neuron in a place, or zero for None; rho may be negative."""
        weights = (1.0 - rho) * self.weights
        rest = (1.0 - rho) * self.rest
        if place is None:
            rest += rho
        else:
            weights[place] += rho
        return replace(self, weights=np.maximum(weights, 0.0), rest=max(rest, 0.0))

    def with_weights(self, weights: Array) -> Combination:
        """Return the combination with other weights, that of zero first, shape (1 + m,)."""
        return replace(self, weights=weights[1:], rest=float(weights[0]))

    def used(self) -> Combination:
        """Return the combination without the neurons of weight zero."""
        kept = self.weights > 0
        if np.all(kept):
            return self
        return replace(
            self,
            directions=self.directions[:, kept],
            signs=self.signs[kept],
            columns=self.columns[:, kept],
            weights=self.weights[kept],
        )
