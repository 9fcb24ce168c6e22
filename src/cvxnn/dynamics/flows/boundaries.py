"""The boundaries of samples, and neurons that slide along them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.patterns import reduce_rows
from cvxnn.validation import Array

# A neuron is over a boundary by this much, relative to its size, when it counts as over it: a thousand roundings.
ON_BOUNDARY = 1e-13

Sides = NDArray[np.int8]  # (L, m): +1 on the positive side of the line's normal, -1 on the other, 0 sliding


@dataclass(frozen=True, eq=False)
class Boundaries:
    """The distinct boundaries ``e_l^T u = 0`` of samples: those on one line through the origin share one.

    Parameters
    ----------
    normals : ndarray of shape (L, d)
        Unit vectors e_l, along the line's first sample.
    line : int ndarray of shape (n,)
        The line of each sample; any, where the sample is zero.
    lengths : ndarray of shape (n,)
        ``x_i = lengths[i] e_l``.
    first : int ndarray of shape (L,)
        The first sample of each line.
    """

    normals: Array
    line: NDArray[np.intp]
    lengths: Array
    first: NDArray[np.intp]

    @classmethod
    def of(cls, X: Array) -> Boundaries:
        """Return the boundaries of data (n, d)."""
        reduced, norms = reduce_rows(X), np.linalg.norm(X, axis=1)
        lines, first = np.unique(reduced.line, return_index=True)
        first = first[lines >= 0]
        line = np.maximum(reduced.line, 0)
        along = reduced.orientation == (reduced.orientation[first][line] if len(first) else True)
        return cls(X[first] / norms[first, None], line, np.where(along, norms, -norms), first)

    def active(self, sides: Sides) -> Array:
        """Return 1 where a sample is active for a neuron and 0 elsewhere, boundaries included, shape (n, m)."""
        if len(self.first) == 0:
            return np.zeros((len(self.line), sides.shape[1]))
        return np.asarray((sides[self.line] * np.sign(self.lengths)[:, None] > 0).astype(np.float64))

    def bounds(self, r: Array) -> tuple[Array, Array]:
        """Return sums ``sum_i r_i x_i`` of the samples of each line, as multiples of e_l, shape (L,).

        First of those that are active on the negative side of the line, then of those active on its positive side.
        Times ``a_j`` they are the multipliers that stand for the two sides.
        """
        terms, n_lines = r * self.lengths, len(self.first)
        along = self.lengths > 0
        negative: Array = np.bincount(self.line[~along], terms[~along], n_lines).astype(np.float64)
        positive: Array = np.bincount(self.line[along], terms[along], n_lines).astype(np.float64)
        return negative, positive


@dataclass(frozen=True, eq=False)
class Slide:
    """A neuron that slides along some lines.

    Parameters
    ----------
    neuron : int
        Which.
    lines : int ndarray of shape (k,)
        Along which lines: along all where it rests at the origin.
    inverse : ndarray of shape (k, d)
        Pseudo-inverse of their normals transposed: from a velocity to the multipliers that keep it on the lines.
    projector : ndarray of shape (d, d)
        Onto the span of their normals.
    """

    neuron: int
    lines: NDArray[np.intp]
    inverse: Array
    projector: Array

    @classmethod
    def along(cls, neuron: int, lines: NDArray[np.intp], normals: Array) -> Slide:
        """Return the slide of a neuron along lines with normals (k, d)."""
        inverse = np.asarray(np.linalg.pinv(normals.T))
        return cls(neuron, lines, inverse, normals.T @ inverse)


def width(hidden: Array, output: Array) -> Array:
    """Return below what distances to boundaries count as zero, shape (m,); also for neurons at the origin."""
    return np.asarray(ON_BOUNDARY * (np.linalg.norm(hidden, axis=0) + np.abs(output)))
