"""The lifted cone: moments of (1, u, h) with h = (X u)_+, relaxed by all products of two rows' constraints.

A unit neuron is the vector ``v = (1, u, h)``, and a network is a sum of matrices ``M = sum_j c_j v_j v_j^T``. With
``g = h - X u = (-X u)_+``, every such M lies in

    M PSD,   trace M_uu <= M_11,   and for all rows i, j:
    M(h_i h_j), M(h_i g_j), M(g_i g_j) >= 0,   M(h_i g_i) = 0,
    ||M(u h_i)|| <= M(1 h_i),   ||M(u g_i)|| <= M(1 g_i),

where M(a b) is the entry, or the combination of entries, that stands for a product. The last line multiplies
``||u|| <= 1`` with a row's constraint. All but the first condition are about the products that `RowProducts`
forms, and one projection away there.

Coordinates are scaled so that entries are of order one: u by sqrt(r), and h_i by sqrt(r) / ||x_i||.

References
----------
A. Sahiner, T. Ergen, J. Pauly and M. Pilanci, "Vector-output ReLU neural network problems are copositive
programs", ICLR 2021 (the completely positive program that this relaxes); S. Burer and K. Anstreicher,
"Second-order-cone constraints for extended trust-region subproblems", SIAM J. Optim. 23 (2013) (products with
the ball).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates.row_space import RowSpace
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Products:
    """One number for each product of constraints of two rows.

    Parameters
    ----------
    ball : ndarray of shape (1 + r, 1 + r)
        Products of (1, u) with itself.
    rays : ndarray of shape (2, 1 + r, n)
        Products of (1, u) with h and with g.
    pairs : ndarray of shape (3, n, n)
        Products h h, h g (the row's index is that of h) and g g.
    """

    ball: Array  # (1 + r, 1 + r)
    rays: Array  # (2, 1 + r, n)
    pairs: Array  # (3, n, n)

    @classmethod
    def zero(cls, n: int, r: int) -> Products:
        """Return zeros."""
        return cls(np.zeros((1 + r, 1 + r)), np.zeros((2, 1 + r, n)), np.zeros((3, n, n)))

    @property
    def parts(self) -> tuple[Array, Array, Array]:
        """Return the three arrays."""
        return self.ball, self.rays, self.pairs

    def plus(self, factor: float, other: Products) -> Products:
        """Return the sum with a multiple of another."""
        return Products(*(a + factor * b for a, b in zip(self.parts, other.parts, strict=True)))

    def times(self, factor: float) -> Products:
        """Return a multiple."""
        return Products(*(factor * a for a in self.parts))

    def norm(self) -> float:
        """Return the Frobenius norm of the symmetric matrix of all products."""
        ball, rays, (hh, hg, gg) = self.parts
        squares = (np.vdot(a, a) for a in (ball, rays, hh, hg, gg))
        return float(np.sqrt(np.dot([1.0, 2.0, 1.0, 2.0, 1.0], list(squares))))


@dataclass(frozen=True, eq=False)
class RowProducts:
    """The map from moment matrices of (1, u, h), order N = 1 + r + n, to products of the rows' constraints.

    It is ``M -> G M G^T`` with ``G v = (1, u, h, g)``, never formed: all its parts cost O(n^2 r).

    Parameters
    ----------
    space : RowSpace
        The data.

    Attributes
    ----------
    rows : ndarray of shape (n, r)
        Unit rows; zero where X's are.
    scale : float
        sqrt(r), the length of scaled u.
    """

    rows: Array  # (n, r)
    scale: float
    spread: float  # an upper bound on ||rows||_2^2
    _basis: Array  # (N, k): eigenvectors of G^T G to other eigenvalues than 2
    _levels: Array  # (k,)

    def __init__(self, space: RowSpace) -> None:
        norms = np.where(space.row_norms > 0, space.row_norms, 1.0)
        rows = space.coordinates / norms[:, None]
        n, r = rows.shape
        left, singular, right = np.linalg.svd(rows, full_matrices=False)
        # On span{(v, 0), (0, w)} for singular vectors v, w: G^T G = [[1 + s^2, -s], [-s, 2]]; the first
        # coordinate is an eigenvector to 1, and all other h to 2.
        basis, levels = np.zeros((1 + r + n, 1 + 2 * len(singular))), np.ones(1 + 2 * len(singular))
        basis[0, 0] = 1.0
        for k, s in enumerate(singular):
            pair, mix = np.linalg.eigh(np.array([[1 + s * s, -s], [-s, 2.0]]))
            levels[1 + 2 * k : 3 + 2 * k] = pair
            basis[1 : 1 + r, 1 + 2 * k : 3 + 2 * k] = right[k][:, None] * mix[0]
            basis[1 + r :, 1 + 2 * k : 3 + 2 * k] = left[:, k][:, None] * mix[1]
        object.__setattr__(self, "rows", rows)
        object.__setattr__(self, "scale", float(np.sqrt(r)))
        object.__setattr__(self, "spread", float(singular[0] ** 2) * (1 + 1e-9))
        object.__setattr__(self, "_basis", basis)
        object.__setattr__(self, "_levels", levels)

    @property
    def shape(self) -> tuple[int, int]:
        """Return n and r."""
        return self.rows.shape[0], self.rows.shape[1]

    def forward(self, M: Array) -> Products:
        """Return the products of a symmetric moment matrix."""
        k = 1 + self.shape[1]
        ball, with_h, hh = M[:k, :k], M[:k, k:], M[k:, k:]
        with_g = with_h - ball[:, 1:] @ self.rows.T
        hg = hh - (self.rows @ with_h[1:]).T
        gg = hg - self.rows @ with_g[1:]
        gg = 0.5 * (gg + gg.T)  # the asymmetry of rounding would grow from step to step
        return Products(ball, np.stack([with_h, with_g]), np.stack([hh, hg, gg]))

    def adjoint(self, P: Products) -> Array:
        """Return ``G^T P G``, of order N, of the symmetric matrix P of all products."""
        n, r = self.shape
        k = 1 + r
        (with_h, with_g), (hh, hg, gg) = P.rays, P.pairs
        through_g = with_g - np.vstack([np.zeros(n), self.rows.T @ gg])
        M = np.empty((k + n, k + n))
        M[:k, :k] = P.ball
        M[:k, 1:k] -= through_g @ self.rows
        M[1:k, :k] -= self.rows.T @ with_g.T
        M[:k, k:] = with_h + through_g
        M[1:k, k:] -= self.rows.T @ hg.T
        M[k:, :k] = M[:k, k:].T
        M[k:, k:] = hh + hg + hg.T + gg
        M[:k, :k] = 0.5 * (M[:k, :k] + M[:k, :k].T)
        return M

    def solve(self, R: Array, weight: float) -> Array:
        """Return the solution M of ``M + weight adjoint(forward(M)) = R``."""
        B, levels = self._basis, self._levels
        rest = 1 / (1 + 4 * weight)
        one = 1 / (1 + 2 * weight * levels)
        both = 1 / (1 + weight * np.outer(levels, levels)) - one[:, None] - one + rest
        coefficients = B.T @ R
        half = ((one - rest)[:, None] * coefficients + 0.5 * (both * (coefficients @ B)) @ B.T).T @ B.T
        return rest * R + half + half.T

    def border_inverse(self, weight: float) -> Array:
        """Return the h-part, (n, n), of what `solve` does to matrices ``e_1 v^T + v e_1^T``."""
        n, r = self.shape
        B, rest = self._basis[1 + r :], 1 / (1 + 2 * weight)
        inverse: Array = rest * np.eye(n) + (B * (1 / (1 + weight * self._levels) - rest)) @ B.T
        return inverse

    def project(self, P: Products) -> Products:
        """Return the projection on the products that unit neurons, and sums of them, can have."""
        r = self.shape[1]
        ball, rays, pairs = P.ball.copy(), P.rays, np.maximum(P.pairs, 0.0)
        np.fill_diagonal(pairs[1], 0.0)
        excess = np.trace(ball[1:, 1:]) - r * ball[0, 0]
        if excess > 0:
            step = excess / (r + r * r)
            ball[0, 0] += r * step
            ball[np.arange(1, r + 1), np.arange(1, r + 1)] -= step
        return Products(ball, _project_on_cone(rays, self.scale), pairs)

    def project_multipliers(self, Z: Products) -> Products:
        """Return multipliers in the dual cone: any such Z has ``<Z, P> >= 0`` for the products P of a neuron."""
        r = self.shape[1]
        ball = np.zeros_like(Z.ball)
        trace = max(0.0, float(np.mean(np.append(-np.diag(Z.ball)[1:], Z.ball[0, 0] / r))))
        ball[np.arange(r + 1), np.arange(r + 1)] = np.append(r * trace, np.full(r, -trace))
        pairs = np.maximum(Z.pairs, 0.0)
        np.fill_diagonal(pairs[1], np.diag(Z.pairs[1]))
        return Products(ball, _project_on_cone(Z.rays, 1 / self.scale), pairs)


def _project_on_cone(rays: Array, slope: float) -> Array:
    """Return the projection of the columns (t, u), shape (2, 1 + r, n), on ``||u|| <= slope t``."""
    t, u = rays[:, :1], rays[:, 1:]
    lengths = np.linalg.norm(u, axis=1, keepdims=True)
    new = np.maximum((t + slope * lengths) / (1 + slope * slope), 0.0)
    inside = lengths <= slope * t
    shrink = np.where(inside, 1.0, slope * new / np.where(lengths > 0, lengths, 1.0))
    projected: Array = np.concatenate([np.where(inside, t, new), shrink * u], axis=1)
    return projected
