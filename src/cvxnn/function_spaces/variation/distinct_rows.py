"""Samples that are one to rounding: rows of X in one direction, to 1e-7, with values that agree as well."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from cvxnn.theorems import HypothesisError
from cvxnn.validation import Array

# Unit rows, and values in units of the largest, that differ by less are one: linear programs are solved to 1e-10, and
# networks that tell such rows apart have weights 1e7 times as large.
SAME_ROW = 1e-7
# Rows of exact arithmetic: what scaling to length one leaves of their difference, and of products of their entries.
_ROUNDING, _RELATIVE = 1e-15, 2e-15


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """Unit rows and values with near-equal ones as one, and the way back for dual variables.

    Parameters
    ----------
    X : ndarray of shape (p, d)
        Rows of length one.
    f : ndarray of shape (p,)
        Values, of size one.
    labels : ndarray of shape (n,)
        Which of them each sample is.
    shares : ndarray of shape (n,)
        Of each sample in the dual variable of its row here.
    distances : ndarray of shape (n,)
        How far each sample's unit row is from its own here.
    """

    X: Array  # (p, d)
    f: Array  # (p,)
    labels: NDArray[np.intp]  # (n,)
    shares: Array  # (n,)
    distances: Array  # (n,)

    @classmethod
    def first(cls, units: Array, values: Array) -> DistinctRows:
        """Return the first of each group of unit rows (n, d) that are one to rounding, with its own value, of (n,).

        Steps need rows that are some sample's: they may be on one side of a sample and on the other of a mean.
        """
        labels = _components(_pairs_to_rounding(units), len(units))
        first = np.unique(labels, return_index=True)[1]
        shares = np.zeros(len(units))
        shares[first] = 1.0
        return cls(units[first], values[first], labels, shares, np.zeros(len(units)))

    @classmethod
    def means(cls, units: Array, values: Array, rows: NDArray[np.intp]) -> DistinctRows:
        """Return the means of near-equal ones of unit rows (n, d) with values (n,), of size one.

        ``rows`` (n,) are their numbers in the user's X, for the error message.

        Raises
        ------
        HypothesisError
            If rows in one direction have values that no network takes at both.
        """
        labels = _groups(units, values, rows)
        counts = np.bincount(labels).astype(np.float64)
        X, f = np.zeros((len(counts), units.shape[1])), np.zeros(len(counts))
        np.add.at(X, labels, units)
        np.add.at(f, labels, values)
        X /= np.linalg.norm(X, axis=1)[:, None]
        return cls(X, f / counts, labels, 1.0 / counts[labels], np.linalg.norm(units - X[labels], axis=1))

    def dual(self, lam: Array, degree: int) -> Array:
        """Return a dual variable of all samples, (n,), from one of the distinct ones, (p,), feasible as that is.

        Samples that are one share theirs, or the first has it; ``|(u^T v)_+^k - (x^T v)_+^k| <= k ||u - x||`` for unit
        rows u and x, so that dividing by one and the sum of these makes up for the rows' differences.
        """
        shared = self.shares * lam[self.labels]
        return np.asarray(shared / (1.0 + degree * float(np.abs(shared) @ self.distances)))


def torn_pair(units: Array, values: Array, most: float) -> tuple[int, int] | None:
    """Return the first two unit rows that are one to rounding, their values more than ``most`` apart, or None."""
    pairs = _pairs_to_rounding(units)
    apart = np.abs(values[pairs[:, 0]] - values[pairs[:, 1]])
    torn = np.sort(pairs[apart > most], axis=1)
    return min((int(i), int(j)) for i, j in torn) if len(torn) else None


def _pairs_to_rounding(units: Array) -> NDArray[np.intp]:
    """Return pairs of rows that rounding of their entries alone may tell apart, (p, 2).

    Entry by entry: (1e9, 1) and (1e9 + 1, 1) have directions 1e-18 apart, and yet none of their digits is in doubt.
    """
    pairs = cKDTree(units).query_pairs(_ROUNDING, output_type="ndarray")
    first, second = units[pairs[:, 0]], units[pairs[:, 1]]
    same = np.ones(len(pairs), dtype=np.bool_)
    for a in range(units.shape[1]):
        ahead, behind = first[:, a, None] * second, second[:, a, None] * first
        limits = _RELATIVE * (np.abs(ahead) + np.abs(behind))
        same &= np.all(np.abs(ahead - behind) <= limits, axis=1)
    return np.asarray(pairs[same], dtype=np.intp)


def _near_pairs(units: Array, values: Array, distance: float) -> tuple[NDArray[np.intp], Array]:
    """Return pairs of rows no farther apart, (p, 2), and how far apart their values are, (p,)."""
    pairs = cKDTree(units).query_pairs(distance, output_type="ndarray")
    return pairs, np.abs(values[pairs[:, 0]] - values[pairs[:, 1]])


def _groups(units: Array, values: Array, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return labels (n,) of samples, the same for those that are one."""
    pairs, apart = _near_pairs(units, values, SAME_ROW)
    torn = torn_pair(units, values, SAME_ROW)
    if torn is not None:
        i, j = rows[list(torn)]
        raise HypothesisError(
            f"values must be those of a network: their variation norm is infinite; rows {i} and {j} of X (counted from "
            "0) have one direction, and their values are not in proportion to powers of their lengths"
        )
    return _components(pairs[apart <= SAME_ROW], len(units))


def _components(pairs: NDArray[np.intp], n: int) -> NDArray[np.intp]:
    """Return labels (n,) of samples, in their order, the same for those that pairs (p, 2) connect."""
    graph = csr_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # the samples' order, whatever the components' numbers
    return np.asarray(np.argsort(order, kind="stable")[inverse], dtype=np.intp)
