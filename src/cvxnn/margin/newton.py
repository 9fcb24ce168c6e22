"""Newton's method on the optimality system of max margin, once the active constraints are known: the last digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from cvxnn.cones import null_space
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.validation import Array

# An interior-point method's directions are off by some 1e-7, its multipliers of slack margins by 1e-9 of the others.
_TIE, _POSITIVE = 1e-6, 1e-6
_STEPS = 4
# Where the optimum is not unique the system is singular: the step leaves the free directions alone.
_SINGULAR = 1e-8


@dataclass(frozen=True, eq=False)
class ActiveSystem:
    """The optimality system of blocks on their faces, with the margins of positive multipliers tight.

    ``z_b / ||z_b|| = B_b^T lam`` and ``sum_b B_b z_b = 1`` with ``B_b = diag(y) D_b X N_b s_b`` on the tight rows;
    N_b is an orthonormal basis of the directions that keep block b's ties, ``w_b = N_b z_b``.

    Parameters
    ----------
    bases : list of ndarrays of shape (d, r_b)
        N_b.
    images : list of ndarrays of shape (k, r_b)
        B_b.
    tight : int ndarray of shape (k,)
        The samples with a positive multiplier.
    """

    bases: list[Array]
    images: list[Array]
    tight: NDArray[np.intp]

    @classmethod
    def of(cls, X: Array, y: Array, W: Array, signs: Array, lam: Array) -> ActiveSystem:
        """Return the system at blocks W (d, K), none of them zero, with their signs and multipliers."""
        tight = np.flatnonzero(lam > _POSITIVE * np.max(lam))
        norms = np.linalg.norm(X, axis=1)
        bases, images = [], []
        for w, sign in zip(W.T, signs, strict=True):
            z = X @ (w / np.linalg.norm(w))
            tied = np.abs(z) <= _TIE * norms
            basis = null_space(X[tied], _TIE)
            active = ((z > 0) & ~tied)[tight]
            bases.append(basis)
            images.append((sign * y[tight] * active)[:, None] * (X[tight] @ basis))
        return cls(bases, images, tight)

    def refine(self, W: Array, lam: Array, deadline: Deadline = NEVER) -> tuple[Array, Array]:
        """Return blocks and multipliers after some steps, each the least-squares solution of the linearised system.

        No step starts after the deadline.
        """
        z = [basis.T @ w for basis, w in zip(self.bases, W.T, strict=True)]
        tight = lam[self.tight]
        A = np.hstack(self.images)
        for _ in range(_STEPS):
            sizes = [np.linalg.norm(part) for part in z]
            if min(sizes) == 0.0 or deadline.is_over:
                break
            units = [part / size for part, size in zip(z, sizes, strict=True)]
            bends = [(np.eye(len(u)) - np.outer(u, u)) / size for u, size in zip(units, sizes, strict=True)]
            matrix = np.block([[block_diag(*bends), -A.T], [A, np.zeros((len(tight), len(tight)))]])
            left = np.concatenate([A.T @ tight - np.concatenate(units), 1.0 - A @ np.concatenate(z)])
            step = np.linalg.lstsq(matrix, left, rcond=_SINGULAR)[0]
            ends = np.cumsum([len(part) for part in z])
            z = [part + move for part, move in zip(z, np.split(step[: ends[-1]], ends[:-1]), strict=True)]
            tight = tight + step[ends[-1] :]
        refined = np.zeros_like(lam)
        refined[self.tight] = tight
        return np.stack([basis @ part for basis, part in zip(self.bases, z, strict=True)], axis=1), refined
