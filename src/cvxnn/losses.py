"""Convex losses, summed over samples: value, gradient, conjugate, curvature.

A loss sees predictions ``f`` and targets ``y`` of one shape, (n,) or (n, C). It never averages, and a factor
1/2, where there is one, stands in the first line of the docstring of its class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy.optimize import minimize_scalar

from cvxnn.validation import Array


class Loss(ABC):
    """A convex loss ``ell(f, y)``, summed over samples, with what training and proofs need of it.

    Conventions: ``f`` and ``y`` share a shape, (n,) or (n, C); ``value`` is a float; the dual variable of a
    prediction is ``lam = -gradient(f, y)``; ``conjugate(g, y) = sup_f <g, f> - value(f, y)``, infinite outside
    its domain. Every loss is bounded below by zero.
    """

    name: str

    @abstractmethod
    def value(self, f: Any, y: Any) -> float:
        """Return the loss, summed over samples."""

    @abstractmethod
    def gradient(self, f: Any, y: Any) -> Any:
        """Return the gradient with respect to ``f``, of the shape of ``f``."""

    @abstractmethod
    def conjugate(self, g: Any, y: Any) -> float:
        """Return the convex conjugate ``sup_f <g, f> - value(f, y)``; infinity outside its domain."""

    @property
    @abstractmethod
    def curvature(self) -> float:
        """Return an upper bound on the largest eigenvalue of the Hessian with respect to ``f``."""

    @property
    def is_shift_equivariant(self) -> bool:
        """Return whether the loss depends on ``f - y`` only, so that an offset can take up the mean of y."""
        return False

    @abstractmethod
    def to_cvxpy(self, f: Any, y: Array) -> Any:
        """State the loss of a CVXPY expression ``f``."""

    @abstractmethod
    def conjugate_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State the conjugate at a CVXPY expression ``g``."""

    @abstractmethod
    def best_offset(self, f: Array, y: Array) -> Array:
        """Return the offset b, shape (C,), that minimises ``value(f + b, y)``."""

    def best_dual_scale(self, lam: Array, y: Array, largest: float) -> float:
        """Return t in [0, largest] that maximises ``-conjugate(-t lam, y)``, a concave function of t.

        Any t in the interval gives a valid lower bound, so an inexact maximiser costs tightness, never truth.
        """
        if largest == 0.0:
            return 0.0
        result = minimize_scalar(
            lambda t: min(self.conjugate(-t * lam, y), np.finfo(np.float64).max),
            bounds=(0.0, largest),
            method="bounded",
            options={"xatol": 1e-12 * largest},
        )
        candidates = [0.0, float(result.x), largest]
        return min(candidates, key=lambda t: self.conjugate(-t * lam, y))


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

    def value(self, f: Any, y: Any) -> float:
        """Return ``1/2 ||f - y||^2``."""
        xp = array_namespace(f, y)
        residual = f - y
        return 0.5 * float(xp.sum(residual * residual))

    def gradient(self, f: Any, y: Any) -> Any:
        """Return ``f - y``."""
        return f - y

    def conjugate(self, g: Any, y: Any) -> float:
        """Return ``1/2 ||g||^2 + <g, y>``."""
        xp = array_namespace(g, y)
        return float(xp.sum(g * (0.5 * g + y)))

    @property
    def curvature(self) -> float:
        """Return 1, the Hessian's only eigenvalue."""
        return 1.0

    @property
    def is_shift_equivariant(self) -> bool:
        """Return True."""
        return True

    def to_cvxpy(self, f: Any, y: Array) -> Any:
        """State ``1/2 ||f - y||^2`` to CVXPY."""
        import cvxpy as cp

        return 0.5 * cp.sum_squares(f - y)

    def conjugate_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State ``1/2 ||g||^2 + <g, y>`` to CVXPY."""
        import cvxpy as cp

        return 0.5 * cp.sum_squares(g) + cp.sum(cp.multiply(g, y))

    def best_offset(self, f: Array, y: Array) -> Array:
        """Return the mean residual of each output."""
        mean = np.mean(y - f, axis=0)
        # The second pass takes away the first one's rounding, so that constant residuals leave exactly zero.
        return np.atleast_1d(mean + np.mean(y - f - mean, axis=0))

    def best_dual_scale(self, lam: Array, y: Array, largest: float) -> float:
        """Return ``clip(<lam, y> / ||lam||^2, 0, largest)``, the exact maximiser."""
        squared_norm = float(np.sum(lam * lam))
        if squared_norm == 0.0:
            return 0.0
        return min(max(float(np.sum(lam * y)) / squared_norm, 0.0), largest)


LOSSES: dict[str, type[Loss]] = {"squared": SquaredLoss}


def get_loss(loss: str | Loss) -> Loss:
    """Return the loss of that name, or the loss object itself.

    Raises
    ------
    ValueError
        If ``loss`` is neither a known name nor a `Loss`.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]()
    raise ValueError(f"loss must be one of {sorted(LOSSES)} or a Loss object; got {loss!r}")
