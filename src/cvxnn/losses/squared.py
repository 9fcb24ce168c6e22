"""The squared loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.losses.base import Loss, as_column, sum_outputs, sum_outputs_to_cvxpy
from cvxnn.validation import Array


@dataclass(frozen=True)
class SquaredLoss(Loss):
    """Squared loss ``1/2 ||f - y||^2``.

    Its conjugate is ``1/2 ||g||^2 + <g, y>``, its curvature 1, and the dual variable of a prediction is the
    residual ``y - f``.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredLoss().value(np.array([1.0, 3.0]), np.array([0.0, 1.0]))
    2.5
    """

    name: str = "squared"

    def terms(self, f: Any, y: Any) -> Any:
        """Return ``1/2 ||f_i - y_i||^2``."""
        return 0.5 * sum_outputs((f - y) ** 2)

    def gradient(self, f: Any, y: Any) -> Any:
        """Return ``f - y``."""
        return f - y

    def conjugate_terms(self, g: Any, y: Any) -> Any:
        """Return ``1/2 ||g_i||^2 + <g_i, y_i>``."""
        return sum_outputs(g * (0.5 * g + y))

    @property
    def curvature(self) -> float:
        """Return 1, the Hessian's only eigenvalue."""
        return 1.0

    def newton_weights(self, f: Array, y: Array) -> Array:
        """Return ones."""
        return np.ones_like(f)

    @property
    def is_shift_equivariant(self) -> bool:
        """Return True."""
        return True

    def in_units(self, size: float) -> tuple[Loss, float]:
        """Return the loss itself and ``size^2``."""
        return self, size * size

    def terms_to_cvxpy(self, f: Any, y: Array) -> Any:
        """State ``1/2 ||f_i - y_i||^2`` to CVXPY."""
        import cvxpy as cp

        return 0.5 * sum_outputs_to_cvxpy(cp.square(f - y))

    def conjugate_terms_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State ``1/2 ||g_i||^2 + <g_i, y_i>`` to CVXPY."""
        import cvxpy as cp

        return sum_outputs_to_cvxpy(0.5 * cp.square(g) + cp.multiply(g, y))

    def best_offset(self, f: Array, y: Array, weights: Array | None = None) -> Array:
        """Return the weighted mean residual of each output."""
        mean = np.average(y - f, axis=0, weights=weights)
        # The second pass takes away the first one's rounding, so that constant residuals leave exactly zero.
        return np.atleast_1d(mean + np.average(y - f - mean, axis=0, weights=weights))

    def balance(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return ``lam`` less its sum, spread over the samples in proportion to their weights."""
        if weights is None:
            return np.asarray(lam - np.mean(lam, axis=0))
        total = np.sum(lam, axis=0) / np.sum(weights)
        return np.asarray(lam - as_column(weights, lam) * total)

    def best_dual_scale(self, lam: Array, y: Array, largest: float, weights: Array | None = None) -> float:
        """Return ``clip(<lam, y> / sum_i ||lam_i||^2 / w_i, 0, largest)``, the exact maximiser."""
        squares = lam * lam
        if weights is not None:
            safe = np.where(weights > 0, weights, 1.0)
            squares = squares / as_column(safe, lam)
        squared_norm = float(np.sum(squares))
        if squared_norm == 0.0:
            return 0.0
        return min(max(float(np.sum(lam * y)) / squared_norm, 0.0), largest)
