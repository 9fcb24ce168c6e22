"""Norms of many small matrices, their factors, and the proximal map of the nuclear norm with a Jacobian."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import lengths_and_units
from cvxnn.validation import Array


def frobenius_norms(matrices: Array) -> Array:
    """Return the Frobenius norms of matrices (k, p, q), shape (k,)."""
    return np.asarray(np.linalg.norm(matrices, axis=(1, 2)))


def spectral_norms(matrices: Array, floor: float) -> Array:
    """Return upper bounds on spectral norms, exact where they exceed ``floor``.

    The Frobenius norm is such a bound: only matrices where it exceeds ``floor`` are decomposed.
    """
    norms = frobenius_norms(matrices)
    large = np.flatnonzero(norms > floor)
    if large.size and min(matrices.shape[1:]) > 1:
        exact = np.linalg.svd(matrices[large], compute_uv=False)[:, 0]
        norms[large] = np.maximum(exact, floor)
    return norms


def shrink(matrices: Array, threshold: float) -> Array:
    """Return the matrices with every singular value lowered by ``threshold``, or zero.

    It is ``argmin_Z 1/2 ||Z - V||_F^2 + threshold ||Z||_*``.

    References
    ----------
    J.-F. Cai, E. Candes, Z. Shen, "A singular value thresholding algorithm for matrix completion", SIAM J. Optim.
    2010, Theorem 2.1.
    """
    out = np.zeros_like(matrices)
    norms = frobenius_norms(matrices)
    large = np.flatnonzero(norms > threshold)
    if min(matrices.shape[1:]) == 1:
        out[large] = matrices[large] * (1.0 - threshold / norms[large])[:, None, None]
        return out
    left, values, right = np.linalg.svd(matrices[large], full_matrices=False)
    out[large] = (left * np.maximum(values - threshold, 0.0)[:, None, :]) @ right
    return out


def balanced_factors(matrices: Array) -> tuple[NDArray[np.intp], Array, Array]:
    """Return matrices (k, p, q) as sums of balanced terms of rank one, ``Z = sum_j l_j r_j^T``, ``||l_j|| = ||r_j||``.

    Their norms ``||l_j|| ||r_j||`` are the singular values.

    Returns
    -------
    owners : int ndarray of shape (m,)
        The matrix of each term, not falling; zero matrices have none.
    left, right : ndarrays of shapes (m, p), (m, q)
        The terms. Those of matrices of one row have l_j > 0.
    """
    if matrices.shape[1] == 1:
        values, units = lengths_and_units(matrices[:, 0])
        owners = np.flatnonzero(values)
        roots = np.sqrt(values[owners])[:, None]
        return owners, roots, roots * units[owners]
    left, values, right = np.linalg.svd(matrices, full_matrices=False)
    # Beyond the rank, singular values are rounding.
    owners, ranks = np.nonzero(values > 1e-15 * np.max(values, axis=1, keepdims=True))
    roots = np.sqrt(values[owners, ranks])[:, None]
    return owners, roots * left[owners, :, ranks], roots * right[owners, ranks]


@dataclass(frozen=True, eq=False)
class ShrinkJacobian:
    """A generalised Jacobian of `shrink` at matrices V, symmetric with eigenvalues in [0, 1].

    With ``V = U diag(s) Q^T`` and ``a = (s - threshold)_+`` it multiplies, in the coordinates ``U^T H Q``, the
    symmetric part of entries i, j by ``(a_i - a_j) / (s_i - s_j)``, 1 where both are positive, the skew part by
    ``(a_i + a_j) / (s_i + s_j)``, and what is left outside the smaller dimension by ``a_i / s_i``. Matrices that
    shrink to zero have a zero Jacobian and are left out.

    Parameters
    ----------
    used : int ndarray of shape (k,)
        The matrices whose Jacobian is not zero.
    left, right : ndarrays of shapes (k, p, p), (k, q, q)
        U and Q^T, both complete.
    weights : ndarray of shape (k, p, q)
        The eigenvalues. With r = min(p, q) and i < j < r, entry (i, j) is that of ``(u_i q_j^T + u_j q_i^T) /
        sqrt(2)``, entry (j, i) that of ``(u_i q_j^T - u_j q_i^T) / sqrt(2)``; other entries (i, j) are those of
        ``u_i q_j^T``.

    References
    ----------
    K. Jiang, D. Sun, K.-C. Toh, "Solving nuclear norm regularized and semidefinite matrix least squares problems with
    linear equality constraints", Fields Inst. Commun. 2013, section 3.
    """

    used: NDArray[np.intp]
    left: Array
    right: Array
    weights: Array

    @classmethod
    def at(cls, matrices: Array, threshold: float) -> ShrinkJacobian:
        """Return the Jacobian at matrices of shape (k, p, q)."""
        norms = frobenius_norms(matrices)
        used = np.flatnonzero(norms > threshold)
        left, values, right = np.linalg.svd(matrices[used], full_matrices=True)
        kept = values[:, 0] > threshold
        used, left, values, right = used[kept], left[kept], values[kept], right[kept]
        return cls(used, left, right, _eigenvalues(values, threshold, matrices.shape[1:]))

    def eigenvectors(self) -> tuple[NDArray[np.intp], Array, Array]:
        """Return the eigenvectors of non-zero eigenvalues.

        Returns
        -------
        owners : int ndarray of shape (m,)
            The matrix of each, not falling.
        vectors : ndarray of shape (m, p, q)
            Orthonormal.
        values : ndarray of shape (m,)
            The eigenvalues.
        """
        k, i, j = np.nonzero(self.weights)
        rank = min(self.weights.shape[1:])
        paired = (i != j) & (i < rank) & (j < rank)
        low, high = np.where(paired, np.minimum(i, j), i), np.where(paired, np.maximum(i, j), j)
        vectors = self.left[k, :, low][:, :, None] * self.right[k, high][:, None, :]
        turned = self.left[k, :, high % rank][:, :, None] * self.right[k, low % rank][:, None, :]
        signs = np.where(paired, np.where(i < j, 1.0, -1.0), 0.0)[:, None, None]
        size = np.where(paired, np.sqrt(0.5), 1.0)[:, None, None]
        return self.used[k], size * (vectors + signs * turned), self.weights[k, i, j]

    def times(self, H: Array) -> Array:
        """Return the Jacobian's product with directions of the matrices in use, shape (k, p, q)."""
        rank = min(self.weights.shape[1:])
        turned = self.left.mT @ H @ self.right.mT
        out = self.weights * turned
        upper = np.triu(self.weights[:, :rank, :rank], 1)
        lower = np.tril(self.weights[:, :rank, :rank], -1)
        plus, minus = upper + upper.mT, lower + lower.mT
        square = turned[:, :rank, :rank]
        mixed = 0.5 * ((plus + minus) * square + (plus - minus) * square.mT)
        diagonal = np.eye(rank, dtype=np.bool_)
        out[:, :rank, :rank] = np.where(diagonal, out[:, :rank, :rank], mixed)
        return np.asarray(self.left @ out @ self.right)


def _eigenvalues(values: Array, threshold: float, shape: tuple[int, ...]) -> Array:
    """Return the eigenvalues of the Jacobian for singular values (k, r), shape (k, p, q)."""
    rank = values.shape[1]
    above = np.maximum(values - threshold, 0.0)
    rates = above / np.where(values > 0, values, 1.0)
    weights = np.zeros((len(values), *shape))
    weights[:, :rank, rank:] = rates[:, :, None]
    weights[:, rank:, :rank] = rates[:, None, :]
    for i in range(rank):
        weights[:, i, i] = above[:, i] > 0
        for j in range(i + 1, rank):
            both = above[:, j] > 0
            # Where only the larger one is above, the difference is at least what it is above by.
            spread = np.where(both | (above[:, i] == 0), 1.0, values[:, i] - values[:, j])
            weights[:, i, j] = np.where(both, 1.0, above[:, i] / spread)
            total = values[:, i] + values[:, j]
            weights[:, j, i] = (above[:, i] + above[:, j]) / np.where(total > 0, total, 1.0)
    return weights
