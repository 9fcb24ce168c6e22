"""Cheap proven upper bounds on the dual constraint: a few Gram matrices, at any n."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates.row_space import RowSpace
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.validation import Array, one_column

_EPS = float(np.finfo(np.float64).eps)
# n r^2 of Gram matrices that cost about as little as what is done without them.
_CHEAP = 1e6


def norm_bound(space: RowSpace, lam: Array, *, deadline: Deadline = NEVER) -> float:
    """Return a proven upper bound on ``phi(lam) = max over ||u|| <= 1 of lam^T (X u)_+``.

    Parameters
    ----------
    space : RowSpace
        The data.
    lam : ndarray of shape (n,) or (n, 1)
        Dual variable.
    deadline : Deadline, default never
        After it, where Gram matrices are not cheap, norms of all rows stand in for those of the rows that matter, in
        O(n d).

    Notes
    -----
    With ``lam = p - q``, p and q its positive and negative parts, ``-q_i (z)_+ <= -q_i a z`` for every
    ``0 <= a <= 1`` and ``(z)_+ = (z + |z|)/2``::

        phi(lam) <= ||X^T (p/2 - a q)||  + 1/2 max_{||u|| <= 1} sum_i p_i |x_i^T u|,

    and by Cauchy-Schwarz, for any weights v > 0, the last maximum is at most
    ``sqrt(sum p_i / v_i) sqrt(lambda_max(sum p_i v_i x_i x_i^T))``. The bound takes the best of a = 0, 1/2
    and of ``v_i = p_i`` and ``v_i = 1 / ||x_i||``: never more than ``||p|| ||X||_2`` or ``sum p_i ||x_i||``.
    Costs O(n d^2).

    Examples
    --------
    >>> import numpy as np
    >>> norm_bound(RowSpace(np.eye(2)), np.array([3.0, 4.0])) >= 5.0
    True
    """
    lam = one_column(lam, "lam")
    X, n = space.coordinates, len(lam)
    p, q = np.maximum(lam, 0.0), np.maximum(-lam, 0.0)
    linear = min(float(np.linalg.norm(X.T @ (0.5 * p - a * q))) for a in (0.0, 0.5))
    lengths = p * space.row_norms
    if deadline.is_over and X.size * min(X.shape) > _CHEAP:
        by_value, by_length = float(np.linalg.norm(p)) * space.spectral_norm, float(np.sum(lengths))
    else:
        by_value = float(np.linalg.norm(p)) * _spectral_norm(X * (p > 0)[:, None])
        scaled = np.sqrt(p / np.where(space.row_norms > 0, space.row_norms, 1.0))
        by_length = float(np.sqrt(np.sum(lengths))) * _spectral_norm(X * scaled[:, None])
    bound = linear + 0.5 * min(by_value, by_length)
    return float(bound * (1 + 8 * (n + X.shape[1]) * _EPS) + space.allowance(lam))


def both_signs(space: RowSpace, lam: Array, *, deadline: Deadline = NEVER) -> float:
    """Return a proven upper bound on ``Phi(lam) = max(phi(lam), phi(-lam))``, see `norm_bound`."""
    return max(norm_bound(space, sign * lam, deadline=deadline) for sign in (1.0, -1.0))


def _spectral_norm(X: Array) -> float:
    """Return an upper bound on ||X||_2: through the smaller Gram matrix, adding its rounding ``n eps ||X||_F^2``."""
    gram = X.T @ X if X.shape[0] >= X.shape[1] else X @ X.T
    if gram.size == 0:
        return 0.0
    top = max(float(np.linalg.eigvalsh(gram)[-1]), 0.0)
    return float(np.sqrt(top + 2 * (max(X.shape) + 16 * min(X.shape)) * _EPS * float(np.trace(gram))))
