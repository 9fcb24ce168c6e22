"""Losses that are one convex function of one number, summed over samples and outputs."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np

from cvxnn.losses.base import Loss, as_column, sum_outputs, sum_outputs_to_cvxpy
from cvxnn.losses.offsets import root_of_increasing
from cvxnn.validation import Array

# Where a loss is linear, Newton weights are this part of those whose quadratic majorises it: a few outer steps of
# proximal Newton, where majorising takes forty and more to a gap of 1e-6.
BEYOND = 0.05
# Of the size of the domain: a product with a weight and a division by it leave 2, a few more steps as many more.
_EDGE = 16 * float(np.finfo(np.float64).eps)


class SeparableLoss(Loss):
    """A loss ``sum_ic w_i phi(z_ic)`` with phi convex and ``z_ic`` a number made of ``f_ic`` and ``y_ic``.

    A member says what phi is: its value, slope, the interval that its slopes fill, its conjugate on that interval,
    and a curvature for Newton's method. Offset, balance and domain follow. NumPy arrays only.
    """

    @abstractmethod
    def _argument(self, f: Any, y: Array) -> Any:
        """Return z, of the shape of f, an array or a CVXPY expression."""

    @abstractmethod
    def _turned(self, g: Any, y: Array) -> Any:
        """Return ``g dz/df``: slopes of phi from gradients, and gradients from slopes, as ``dz/df`` is 1 or -1."""

    @abstractmethod
    def _shifted(self, g: Any, y: Array) -> Any:
        """Return ``<g, f>`` at z = 0, entry by entry, or 0.0: what the conjugate is beyond that of phi."""

    @property
    @abstractmethod
    def _slopes(self) -> tuple[float, float]:
        """Return the ends of the domain of phi's conjugate, the first at most 0, the second at least 0."""

    @abstractmethod
    def _phi(self, z: Array) -> Array:
        """Return ``phi(z)``."""

    @abstractmethod
    def _slope(self, z: Array) -> Array:
        """Return ``phi'(z)``."""

    @abstractmethod
    def _phi_conjugate(self, s: Array) -> Array:
        """Return ``sup_z s z - phi(z)`` for s between the ends of the domain."""

    @abstractmethod
    def _model_curvature(self, z: Array) -> Array:
        """Return the second derivative of phi, raised as `newton_weights` says."""

    @abstractmethod
    def _phi_to_cvxpy(self, z: Any) -> Any:
        """State ``phi(z)`` to CVXPY, entry by entry."""

    @abstractmethod
    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        """State the conjugate of phi to CVXPY, entry by entry, where it is finite."""

    def terms(self, f: Any, y: Any) -> Any:
        """Return ``sum_c phi(z_ic)``."""
        return sum_outputs(self._phi(self._argument(f, y)))

    def gradient(self, f: Any, y: Any) -> Any:
        """Return ``phi'(z) dz/df``; at a kink some subgradient."""
        return self._turned(self._slope(self._argument(f, y)), y)

    def newton_weights(self, f: Array, y: Array) -> Array:
        """Return the model curvature of every sample and output, the shape of f."""
        return self._model_curvature(self._argument(f, y))

    def conjugate_terms(self, g: Array, y: Array) -> Array:
        """Return the conjugate of every term; infinity outside a box, see the class."""
        low, high = self._slopes
        slopes = self._turned(g, y)
        inside = np.clip(slopes, low, high)
        outside = np.abs(slopes - inside) > self._edge
        entries = self._phi_conjugate(inside) + self._shifted(g, y)
        return np.asarray(sum_outputs(np.where(outside, np.inf, entries)))

    def terms_to_cvxpy(self, f: Any, y: Array) -> Any:
        """State ``sum_c phi(z_ic)`` to CVXPY."""
        return sum_outputs_to_cvxpy(self._phi_to_cvxpy(self._argument(f, y)))

    def conjugate_terms_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State the conjugate inside its domain to CVXPY."""
        return sum_outputs_to_cvxpy(self._phi_conjugate_to_cvxpy(self._turned(g, y)) + self._shifted(g, y))

    def conjugate_domain_to_cvxpy(self, g: Any, y: Array, weights: Array | None = None) -> list[Any]:
        """State the box of the domain to CVXPY; weights must be positive."""
        low, high = self._box(y, weights)
        slopes = self._turned(g, y)
        above = [slopes >= low] if np.isfinite(self._slopes[0]) else []
        return above + ([slopes <= high] if np.isfinite(self._slopes[1]) else [])

    def largest_dual_scale(self, lam: Array, y: Array, weights: Array | None = None) -> float:
        """Return the largest t with ``-t lam`` in the box of the domain."""
        low, high = self._box(y, weights)
        slopes = self._turned(-lam, y)
        moved = slopes != 0
        # An end at zero is meant to rounding too, or a wrong sign of rounding size would allow t = 0 only.
        slack = 0.5 * self._edge * (1.0 if weights is None else as_column(weights, y))
        ends = np.where(slopes > 0, np.maximum(high, slack), np.minimum(low, -slack))
        with np.errstate(over="ignore"):  # infinity is the answer
            return float(np.min(ends[moved] / slopes[moved], initial=np.inf))

    def into_domain(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return ``lam`` clipped to the box of the domain."""
        return np.asarray(-self._turned(np.clip(self._turned(-lam, y), *self._box(y, weights)), y))

    @property
    def _edge(self) -> float:
        """Return how far outside of the domain a slope may be that counts as inside."""
        low, high = self._slopes
        # A domain that is a half line has an edge at 0 only, which factors leave where it is.
        return _EDGE * (high - low) if np.isfinite(high - low) else 0.0

    def _box(self, y: Array, weights: Array | None) -> tuple[Array, Array]:
        """Return the least and the largest slope times weight, entry by entry: 0 where the weight is."""
        sizes = np.ones(y.shape) if weights is None else np.broadcast_to(as_column(weights, y), y.shape)
        used = sizes > 0
        low, high = (np.multiply(sizes, end, out=np.zeros(y.shape), where=used) for end in self._slopes)
        return low, high

    def best_offset(self, f: Array, y: Array, weights: Array | None = None) -> Array:
        """Return the offset of each output: a root of the weighted sum of slopes, which only rises.

        Raises
        ------
        ValueError
            If an output has no best offset: a class is missing from y among samples of positive weight.
        """
        w = np.ones(len(y)) if weights is None else weights
        used = w > 0
        outputs = (used.sum(), -1)
        columns = zip(f[used].reshape(outputs).T, y[used].reshape(outputs).T, strict=True)
        return np.array([self._best_offset(*_merged(f_c, y_c, w[used])) for f_c, y_c in columns])

    def _best_offset(self, f: Array, y: Array, w: Array) -> float:
        """Return the best offset of one output, all arrays (n,), all weights positive."""
        low, high = self._offset_bracket(f, y, w)
        return root_of_increasing(lambda b: float(w @ self.gradient(f + b, y)), low, high)

    def _offset_bracket(self, f: Array, y: Array, w: Array) -> tuple[float, float]:
        """Return two numbers with a best offset between them.

        Where every term is least or rises (falls) at ``b = y - f``, all slopes have one sign beyond the last of these.
        """
        return float(np.min(y - f)), float(np.max(y - f))

    def balance(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return ``lam`` with its positive or its negative entries, whichever sum to more, shrunk by one factor.

        The domain is a box that contains zero: no factor below 1 leaves it, not even from its edge.
        """
        up, down = np.sum(np.maximum(lam, 0.0), axis=0), np.sum(np.maximum(-lam, 0.0), axis=0)
        least = np.minimum(up, down)
        factors = [np.divide(least, side, out=np.ones_like(side), where=side > 0) for side in (up, down)]
        return np.asarray(np.where(lam > 0, lam * factors[0], lam * factors[1]))


class ResidualLoss(SeparableLoss):
    """A separable loss of ``z = f - y``, least at z = 0; targets are any numbers.

    With phi* that of phi, the conjugate is ``sum_c y_c g_c + phi*(g_c)``.
    """

    @property
    def is_shift_equivariant(self) -> bool:
        """Return True."""
        return True

    def _argument(self, f: Any, y: Array) -> Any:
        return f - y

    def _turned(self, g: Any, y: Array) -> Any:
        return g

    def _shifted(self, g: Any, y: Array) -> Any:
        if isinstance(g, np.ndarray):
            return y * g
        import cvxpy as cp

        return cp.multiply(y, g)


class MarginLoss(SeparableLoss):
    """A separable loss of ``z = y f`` with y in {-1, +1}, never rising in z; several outputs each have their own y.

    With phi* that of phi, the conjugate is ``sum_c phi*(y_c g_c)``.
    """

    @property
    def is_classification(self) -> bool:
        """Return True."""
        return True

    def check_targets(self, y: Array) -> None:
        """Raise ``ValueError`` unless every entry of y is -1 or +1."""
        wrong = np.unique(y[np.abs(y) != 1.0])
        if wrong.size:
            shown = ", ".join(f"{value:g}" for value in wrong[:3]) + (", ..." if wrong.size > 3 else "")
            raise ValueError(f"y must hold -1 and +1 only for the loss {self.name!r}; found {shown}")

    def _argument(self, f: Any, y: Array) -> Any:
        if isinstance(f, np.ndarray):
            return y * f
        import cvxpy as cp

        return cp.multiply(y, f)

    def _turned(self, g: Any, y: Array) -> Any:
        return self._argument(g, y)

    def _shifted(self, g: Any, y: Array) -> Any:
        return 0.0


def _merged(f: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Return samples of one prediction, as without neurons, with equal targets made one; others as they are."""
    if not np.all(f == f[0]):
        return f, y, w
    y, which = np.unique(y, return_inverse=True)
    return np.full(len(y), f[0]), y, np.bincount(which, w).astype(np.float64)
