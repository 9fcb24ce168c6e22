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
# Rows of exact arithmetic: what scaling to length one leaves of their difference.
_ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class DistinctRows:
    """Unit rows and values with near-equal ones as one, by their means, and the way back for dual variables.

    Parameters
    ----------
    X : ndarray of shape (p, d)
        Rows of length one.
    f : ndarray of shape (p,)
        Values, of size one.
    labels : ndarray of shape (n,)
        Which of them each sample is.
    distances : ndarray of shape (n,)
        How far each sample's unit row is from its own here.
    """

    X: Array  # (p, d)
    f: Array  # (p,)
    labels: NDArray[np.intp]  # (n,)
    distances: Array  # (n,)

    @classmethod
    def of(cls, units: Array, values: Array, rows: NDArray[np.intp]) -> DistinctRows:
        """Return the distinct ones of unit rows (n, d) with values (n,), of size one.

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
        return cls(X, f / counts, labels, np.linalg.norm(units - X[labels], axis=1))

    def dual(self, lam: Array, degree: int) -> Array:
        """Return a dual variable of all samples, (n,), from one of the distinct ones, (p,), feasible as that is.

        Samples that are one share theirs; ``|(u^T v)_+^k - (x^T v)_+^k| <= k ||u - x||`` for unit rows u and x, so
        that dividing by one and the sum of these makes up for the rows' differences.
        """
        shared = lam[self.labels] / np.bincount(self.labels)[self.labels]
        return np.asarray(shared / (1.0 + degree * float(np.abs(shared) @ self.distances)))


def _groups(units: Array, values: Array, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return labels (n,) of samples, the same for those that are one."""
    pairs = cKDTree(units).query_pairs(SAME_ROW, output_type="ndarray")
    apart = np.abs(values[pairs[:, 0]] - values[pairs[:, 1]])
    equal = np.linalg.norm(units[pairs[:, 0]] - units[pairs[:, 1]], axis=1) <= _ROUNDING
    torn = np.flatnonzero(equal & (apart > SAME_ROW))
    if len(torn):
        i, j = rows[np.sort(pairs[torn[0]])]
        raise HypothesisError(
            f"values must be those of a network: their variation norm is infinite; rows {i} and {j} of X (counted from "
            "0) have one direction, and their values are not in proportion to powers of their lengths"
        )
    one = pairs[apart <= SAME_ROW]
    graph = csr_array((np.ones(len(one)), (one[:, 0], one[:, 1])), shape=(len(units), len(units)))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")  # the samples' order, whatever the components' numbers
    return np.asarray(np.argsort(order, kind="stable")[inverse], dtype=np.intp)
