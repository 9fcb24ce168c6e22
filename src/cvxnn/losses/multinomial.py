"""Multinomial cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import xlog1py, xlogy

from cvxnn.losses.base import Loss, as_column
from cvxnn.losses.offsets import best_softmax_offset, softmax
from cvxnn.validation import Array

# Per class: rounding of a probability that was weighted, and divided by its weight again.
_EDGE = 16 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class MultinomialLoss(Loss):
    """Cross-entropy of the softmax, ``log(sum_c exp(f_c)) - <y, f>``, no factor; y is one-hot, (n, C) with C >= 2.

    With ``p = g + y``, the conjugate is ``sum_c p_c log p_c`` where p is a probability vector, infinite elsewhere.
    The gradient is softmax(f) - y: every row of it sums to zero. The curvature is 1/2.

    Notes
    -----
    The Hessian ``diag(p) - p p^T`` has absolute row sums ``2 p_c (1 - p_c) <= 1/2``, which bound its eigenvalues by
    Gershgorin's theorem. With t the class of the sample and q the probabilities of the others given that it is not t,
    it is ``p_t (1 - p_t) v v^T + (1 - p_t) (diag(q) - q q^T)`` with v = e_t - q, and the gradient is
    ``-(1 - p_t) v``: as for the logistic loss, Newton weights have ``max(p_t, 1/4)`` for the first p_t, so that steps
    along v are 4 at most.

    The loss does not change when one number is added to all outputs; ``best_offset`` has mean zero.

    References
    ----------
    S. Boyd and L. Vandenberghe, "Convex Optimization", 2004, example 3.25 (the conjugate of log-sum-exp). D. Bohning,
    "Multinomial logistic regression algorithm", Ann. Inst. Statist. Math. 1992 (the curvature).

    Examples
    --------
    >>> import numpy as np
    >>> loss, f, y = MultinomialLoss(), np.zeros((2, 2)), np.eye(2)
    >>> loss.terms(f, y).round(6)
    array([0.693147, 0.693147])
    >>> loss.gradient(f, y)
    array([[-0.5,  0.5],
           [ 0.5, -0.5]])
    """

    name: str = field(default="multinomial", init=False, repr=False)

    def terms(self, f: Any, y: Any) -> Any:
        """Return ``log(sum_c exp(f_c - <y, f>))``, with the digits of a tiny loss kept."""
        above = f - np.sum(y * f, axis=1, keepdims=True)
        top = np.max(above, axis=1, keepdims=True)
        others = np.exp(above - top)
        np.put_along_axis(others, np.argmax(above, axis=1)[:, None], 0.0, axis=1)
        return np.asarray(top[:, 0] + np.log1p(np.sum(others, axis=1)))

    def gradient(self, f: Any, y: Any) -> Any:
        """Return ``softmax(f) - y``; where y is 1, minus the sum of the others, so that rows sum to zero."""
        others = softmax(f) * (1.0 - y)
        return others - y * np.sum(others, axis=1, keepdims=True)

    def conjugate_terms(self, g: Array, y: Array) -> Array:
        """Return ``sum_c p_c log p_c`` with ``p = g + y``; infinity unless p is a probability vector."""
        p = g + y
        edge = _EDGE * y.shape[1]
        outside = np.any(p < -edge, axis=1) | (np.abs(np.sum(g, axis=1)) > edge)
        p = np.clip(p, 0.0, 1.0)
        # log1p keeps the digits of log p where p is near 1.
        entries = np.where(y > 0, xlog1py(p, np.clip(g, -1.0, 0.0)), xlogy(p, p))
        return np.where(outside, np.inf, np.sum(entries, axis=1))

    @property
    def curvature(self) -> float:
        """Return 1/2."""
        return 0.5

    def newton_weights(self, f: Array, y: Array) -> Array:
        """Return ``diag(p) - p p^T``, raised where the probability of the sample's class is below 1/4, (n, C, C)."""
        p, g = softmax(f), self.gradient(f, y)
        products = p[:, :, None] * p[:, None, :] * (1.0 - np.eye(p.shape[1]))
        # p_c (1 - p_c) as a sum: the matrix stays positive semidefinite where a p_c is 1 to rounding.
        hessians = np.sum(products, axis=2)[:, :, None] * np.eye(p.shape[1]) - products
        right = np.sum(y * p, axis=1)
        raised = np.maximum(0.25 - right, 0.0) / np.maximum(1.0 - right, 0.75)
        return np.asarray(hessians + raised[:, None, None] * g[:, :, None] * g[:, None, :])

    @property
    def is_classification(self) -> bool:
        """Return True."""
        return True

    def check_targets(self, y: Array) -> None:
        """Raise ``ValueError`` unless y has shape (n, C), C >= 2, with one 1 in every row and 0 elsewhere."""
        accepted = f"y must be one-hot of shape (n, C), C >= 2, for the loss {self.name!r}"
        if y.ndim != 2 or y.shape[1] < 2:
            raise ValueError(f"{accepted}; got shape {y.shape}")
        wrong = np.any((y != 0.0) & (y != 1.0), axis=1) | (np.sum(y, axis=1) != 1.0)
        if np.any(wrong):
            first = int(np.argmax(wrong))
            raise ValueError(f"{accepted}; row {first} is {y[first].tolist()}")

    def terms_to_cvxpy(self, f: Any, y: Array) -> Any:
        """State ``log(sum_c exp(f_c)) - <y, f>`` to CVXPY."""
        import cvxpy as cp

        return cp.log_sum_exp(f, axis=1) - cp.sum(cp.multiply(y, f), axis=1)

    def conjugate_terms_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State ``sum_c p_c log p_c`` with ``p = g + y`` to CVXPY, infinite where p has a negative entry."""
        import cvxpy as cp

        return -cp.sum(cp.entr(g + y), axis=1)

    def conjugate_domain_to_cvxpy(self, g: Any, y: Array, weights: Array | None = None) -> list[Any]:
        """State that rows of g sum to zero."""
        import cvxpy as cp

        return [cp.sum(g, axis=1) == 0]

    def largest_dual_scale(self, lam: Array, y: Array, weights: Array | None = None) -> float:
        """Return the largest t with ``y - t lam / w >= 0``."""
        # A mass of zero is meant to rounding, or a wrong sign of rounding size would allow t = 0 only.
        sizes = np.maximum(y, 0.5 * _EDGE * y.shape[1])
        sizes = sizes if weights is None else sizes * as_column(weights, y)
        falling = lam > 0
        with np.errstate(over="ignore"):  # infinity is the answer
            return float(np.min(sizes[falling] / lam[falling], initial=np.inf))

    def into_domain(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return ``lam`` with the masses ``w y - lam`` made non-negative, and their rows' sums made the weights."""
        sizes = y if weights is None else y * as_column(weights, y)
        masses = np.maximum(sizes - lam, 0.0)
        sums = np.sum(masses, axis=1, keepdims=True)
        factors = np.divide(
            np.sum(sizes, axis=1, keepdims=True), sums, out=np.zeros_like(sums), where=sums > 0
        )
        others = (1.0 - y) * masses * factors
        return np.asarray(y * np.sum(others, axis=1, keepdims=True) - others)

    def best_offset(self, f: Array, y: Array, weights: Array | None = None) -> Array:
        """Return the best offset with mean zero, shape (C,).

        Raises
        ------
        ValueError
            If a class is missing from y among samples of positive weight: its offset would be minus infinity.
        """
        w = np.ones(len(y)) if weights is None else weights
        used = w > 0
        missing = np.flatnonzero(~np.any(y[used] != 0, axis=0))
        if missing.size:
            raise ValueError(
                f"y must hold every class among samples of positive weight for an offset with the loss "
                f"{self.name!r}; class {missing[0]} (of 0 to {y.shape[1] - 1}) is missing"
            )
        return best_softmax_offset(f[used], y[used], w[used])

    def balance(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return ``lam`` with probability moved from the classes that have too much of it to those with too little.

        With masses ``w p = w y - lam``, a class whose mass sums to more than its weight gives the same share of its
        mass in every sample; the other classes take it in proportion to what they lack. Masses stay non-negative and
        rows keep their sums, also at the edge of the domain.
        """
        masses = (y if weights is None else y * as_column(weights, y)) - lam
        residual = np.sum(lam, axis=0)  # of a class: its weight less its mass
        excess, lack = np.maximum(-residual, 0.0), np.maximum(residual, 0.0)
        if not np.any(excess) or not np.any(lack):
            return lam
        given = masses * (excess / np.where(excess > 0, np.sum(masses, axis=0), 1.0))
        return np.asarray(lam + given - np.sum(given, axis=1, keepdims=True) * (lack / np.sum(lack)))
