"""What training and proofs need of a loss: value, gradient, curvature, conjugate, offset, dual balance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy.optimize import minimize_scalar

from cvxnn.validation import Array, n_columns


class Loss(ABC):
    """A convex loss ``ell(f, y) = sum_i w_i ell_i(f_i, y_i)``, summed over samples, never averaged.

    Conventions: ``f`` and ``y`` share a shape, (n,) or (n, C); ``ell_i`` sees one row; weights ``w_i >= 0``, shape
    (n,), are 1 where none are given. The dual variable of a prediction is ``lam = -w gradient(f, y)``;
    ``conjugate(g, y) = sup_f <g, f> - value(f, y)``, infinite outside its domain. Every loss is bounded below by
    zero, so the conjugate's domain contains zero.

    Notes
    -----
    A domain with an edge is meant to rounding: what is outside by at most 16 machine epsilons of the domain's size
    counts as on the edge, so that ``gradient`` times a weight and divided by it again is never judged outside.
    """

    name: str

    @abstractmethod
    def terms(self, f: Any, y: Any) -> Any:
        """Return ``ell_i(f_i, y_i)`` of each sample, shape (n,), without weights."""

    @abstractmethod
    def gradient(self, f: Any, y: Any) -> Any:
        """Return the gradient of every term, of the shape of ``f``, without weights.

        Where the loss has a kink, some subgradient.
        """

    @abstractmethod
    def conjugate_terms(self, g: Array, y: Array) -> Array:
        """Return ``sup_f <g_i, f> - ell_i(f, y_i)`` of each sample, shape (n,); infinity outside the domain."""

    @property
    @abstractmethod
    def curvature(self) -> float:
        """Return an upper bound on the largest eigenvalue of any term's Hessian; infinity where there is a kink."""

    @abstractmethod
    def newton_weights(self, f: Array, y: Array) -> Array:
        """Return the curvature of the model that a Newton step minimises: of the shape of ``f``, or (n, C, C).

        The model of a term is ``<gradient_i, s> + 1/2 <s, H_i s>``; where a term's outputs do not interact, H_i is
        diagonal and its diagonal is returned. H_i is the Hessian at f, raised where a step of ``H_i^-1 gradient_i``
        would go far beyond where the loss looks as it does at f. It may be zero where the gradient is, and is infinite
        at a kink.
        """

    @abstractmethod
    def terms_to_cvxpy(self, f: Any, y: Array) -> Any:
        """State the terms at a CVXPY expression ``f``: a convex expression of shape (n,)."""

    @abstractmethod
    def conjugate_terms_to_cvxpy(self, g: Any, y: Array) -> Any:
        """State the conjugate's terms at a CVXPY expression ``g``: a convex expression of shape (n,).

        It agrees with ``conjugate_terms`` inside the domain. Outside it need not be infinite: what CVXPY's atoms do
        not imply is stated by `conjugate_domain_to_cvxpy`.
        """

    def conjugate_domain_to_cvxpy(self, g: Any, y: Array, weights: Array | None = None) -> list[Any]:
        """State what g must satisfy beyond what `conjugate_terms_to_cvxpy` implies, as CVXPY constraints.

        Weights must be positive.
        """
        return []

    @abstractmethod
    def best_offset(self, f: Array, y: Array, weights: Array | None = None) -> Array:
        """Return an offset b, shape (C,), that minimises ``value(f + b, y, weights)``.

        Raises
        ------
        ValueError
            If there is none: a class that the loss must see is missing from y among samples of positive weight.
        """

    @abstractmethod
    def balance(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return a dual variable near ``lam`` with ``1^T lam = 0`` (every output), inside the conjugate's domain.

        ``-lam`` must be in the domain, and ``lam`` nearly balanced: that of a prediction with its best offset. The
        sums are zero to rounding: at most n machine epsilons of the largest entry.
        """

    def into_domain(self, lam: Array, y: Array, weights: Array | None = None) -> Array:
        """Return a point near ``lam`` whose negative is in the conjugate's domain.

        For a dual variable that a solver left outside by its tolerance; inside, ``lam`` changes by rounding at most.
        """
        return lam

    def check_targets(self, y: Array) -> None:
        """Raise ``ValueError`` unless y, of shape (n,) or (n, C), holds targets that the loss accepts."""
        return

    @property
    def is_classification(self) -> bool:
        """Return whether targets are classes, coded as `check_targets` asks, rather than numbers."""
        return False

    @property
    def is_shift_equivariant(self) -> bool:
        """Return whether the loss depends on ``f - y`` only, so that an offset can take up the mean of y."""
        return False

    @property
    def is_smooth(self) -> bool:
        """Return whether the gradient is continuous."""
        return bool(np.isfinite(self.curvature))

    def in_units(self, size: float) -> tuple[Loss, float] | None:
        """Return a loss and a factor with ``ell(size f, size y) = factor loss(f, y)`` of every term, for size > 0.

        None where there is none, as where targets are labels.
        """
        return None

    def smoothed(self, width: float) -> Loss:
        """Return a smooth loss that is nowhere larger; itself if smooth.

        Of each sample and output it is smaller by ``width`` at most. Gradients of the smooth loss lie in the domain
        of this one's conjugate, so its dual variables prove bounds for this one.
        """
        return self

    def value(self, f: Any, y: Any, weights: Array | None = None) -> float:
        """Return the weighted sum of the terms."""
        terms = self.terms(f, y) if weights is None else weights * self.terms(f, y)
        return float(terms.sum() if isinstance(terms, np.ndarray) else array_namespace(terms).sum(terms))

    def conjugate(self, g: Array, y: Array, weights: Array | None = None) -> float:
        """Return the convex conjugate ``sup_f <g, f> - value(f, y, weights)``; infinity outside its domain.

        That of ``w ell`` is ``w ell*(g / w)``; a sample of weight 0 asks for ``g = 0``.
        """
        if weights is None:
            terms = self.conjugate_terms(g, y)
            return float(array_namespace(terms).sum(terms))
        used = weights > 0
        if np.any(g[~used]):
            return np.inf
        w = weights[used]
        return float(np.sum(w * self.conjugate_terms(g[used] / as_column(w, g), y[used])))

    def to_cvxpy(self, f: Any, y: Array, weights: Array | None = None) -> Any:
        """State the weighted sum of the terms at a CVXPY expression ``f`` of the shape of y."""
        import cvxpy as cp

        terms = self.terms_to_cvxpy(f, y)
        return cp.sum(terms if weights is None else cp.multiply(weights, terms))

    def conjugate_to_cvxpy(self, g: Any, y: Array, weights: Array | None = None) -> Any:
        """State the conjugate at a CVXPY expression ``g``, without its domain; weights must be positive."""
        import cvxpy as cp

        if weights is None:
            return cp.sum(self.conjugate_terms_to_cvxpy(g, y))
        scaled = cp.multiply(np.broadcast_to(1.0 / as_column(weights, y), y.shape), g)
        return cp.sum(cp.multiply(weights, self.conjugate_terms_to_cvxpy(scaled, y)))

    def largest_dual_scale(self, lam: Array, y: Array, weights: Array | None = None) -> float:
        """Return the largest t with ``-t lam`` in the domain of the conjugate; infinity where all are."""
        return np.inf

    def best_dual_scale(self, lam: Array, y: Array, largest: float, weights: Array | None = None) -> float:
        """Return t in [0, largest] that maximises ``-conjugate(-t lam, y, weights)``, a concave function of t.

        Any t in the interval gives a valid lower bound, so an inexact maximiser costs tightness, never truth.
        ``largest`` must be finite.
        """
        top = min(largest, self.largest_dual_scale(lam, y, weights))
        if top == 0.0:
            return 0.0

        def bounded(t: float) -> float:
            return min(self.conjugate(-t * lam, y, weights), np.finfo(np.float64).max)

        result = minimize_scalar(bounded, bounds=(0.0, top), method="bounded", options={"xatol": 1e-12 * top})
        # The search never tries the ends; t = 1, the dual variable as it came, is most often best.
        return min([0.0, float(result.x), min(1.0, top), top], key=bounded)


def as_column(weights: Array, like: Array) -> Array:
    """Return weights (n,) in a shape that multiplies rows of an array (n,) or (n, C)."""
    return weights.reshape(-1, *[1] * (np.ndim(like) - 1))


def sum_outputs(entries: Any) -> Any:
    """Return the sums over outputs of an array (n,) or (n, C), shape (n,)."""
    if isinstance(entries, np.ndarray):  # to ask for the namespace takes as long as a sum of a hundred rows
        return entries if entries.ndim == 1 else entries.sum(axis=1)
    xp = array_namespace(entries)
    return xp.sum(xp.reshape(entries, (entries.shape[0], n_columns(entries.shape))), axis=1)


def sum_outputs_to_cvxpy(entries: Any) -> Any:
    """Return the sums over outputs of a CVXPY expression of shape (n,) or (n, C), shape (n,)."""
    import cvxpy as cp

    columns = (entries.shape[0], n_columns(entries.shape))
    return cp.sum(cp.reshape(entries, columns, order="C"), axis=1)
