"""Oracles: the largest correlation of a dual variable with a unit neuron, with a proof."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.linear_maps import row_chunks
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

# Directions an oracle names: training adds them all at once, and more than this crowds a round.
MAX_DIRECTIONS = 256
# Unit vectors with a cosine above 1 minus this, 0.26 degrees apart, are one direction.
SAME_DIRECTION = 1e-5


@short_repr
@dataclass(frozen=True, eq=False)
class OracleValue:
    """What an oracle found for one dual variable lam.

    Parameters
    ----------
    upper : float
        A proven upper bound on ``Phi(lam) = max over ||u|| <= 1 of ||lam^T (X u)_+||``: of one output the absolute
        value, of several the Euclidean norm, or the largest entry where output weights are penalised by their l1
        norm.
    value : float
        The largest value attained by a direction; 0, by u = 0, where ``directions`` is empty.
    directions : ndarray of shape (d, k)
        Unit vectors, by decreasing value.
    signs : ndarray of shape (k,) or (k, C)
        Signs s, +1 or -1, for lam of shape (n,); else unit directions of the output weights.
    values : ndarray of shape (k,)
        ``s^T lam^T (X u)_+`` of each direction, all positive.
    method : str
        The name of the proof.
    """

    upper: float
    value: float
    directions: Array  # (d, k)
    signs: Array  # (k,) or (k, C)
    values: Array  # (k,)
    method: str


class Oracle(ABC):
    """Maximises ``||lam^T (X u)_+||`` over unit vectors u, exactly; built once per X."""

    @property
    @abstractmethod
    def is_cheap(self) -> bool:
        """Return whether a call costs about as little as a sort of the rows."""

    @abstractmethod
    def maximise(self, lam: Array, *, threshold: float = 0.0) -> OracleValue:
        """Return the maximum for one dual variable.

        Parameters
        ----------
        lam : ndarray of shape (n,) or (n, C)
            The dual variable.
        threshold : float, default 0.0
            Values up to this need not be told apart: ``upper`` may then be as large as ``threshold``. Set it
            to beta where only violated directions matter.
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
    products = correlations(X, lam, U)
    peaks = np.max(np.abs(products), axis=0, initial=0.0)
    products = products / np.where(peaks > 0, peaks, 1.0)  # squares of 1e-170 vanish
    lengths = np.linalg.norm(products, axis=0)
    unit: Array = (products / np.where(lengths > 0, lengths, 1.0)).T
    return unit


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
    outputs = np.atleast_2d(signs.T).T[order]
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
    products = signs.T * correlations(X, lam, U)
    values = products if products.ndim == 1 else np.sum(products, axis=0)
    order = np.argsort(-values, kind="stable")[:limit]
    order = distinct(U, signs, order[values[order] > floor])
    return U[:, order], signs[order], values[order]


def oracle_value(X: Array, lam: Array, U: Array, signs: Array, upper: float, method: str) -> OracleValue:
    """Return the oracle's value for candidate directions of an exact method."""
    U, signs, values = ranked(X, lam, U, signs, limit=MAX_DIRECTIONS)
    value = float(values[0]) if len(values) else 0.0
    return OracleValue(max(upper, value), value, U, signs, values, method)
