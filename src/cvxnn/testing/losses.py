"""Laws of losses: conjugacy, derivatives, curvature, convexity, sums over samples, and what proofs use.

Predictions f and targets y have one shape, (n,) or (n, C). Every function raises ``AssertionError`` where the
law fails.
"""

from __future__ import annotations

import cvxpy as cp
import numpy as np

from cvxnn.losses import Loss
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array


def check_fenchel_young(loss: Loss, f: Array, y: Array, g: Array) -> None:
    """Check ``value(f) + conjugate(g) >= <g, f>``, with equality at ``g = gradient(f)``.

    Parameters
    ----------
    loss : Loss
        The loss.
    f, y, g : ndarray of one shape, (n,) or (n, C)
        Prediction, target, and a point of the dual space; where the conjugate is infinite nothing is claimed.

    Notes
    -----
    Equality at the gradient and the inequality elsewhere pin the conjugate down on the range of the gradient.

    Examples
    --------
    >>> from cvxnn.losses import SquaredLoss
    >>> check_fenchel_young(SquaredLoss(), np.array([1.0]), np.array([3.0]), np.array([0.5]))
    """
    for point, equal in ((g, False), (np.asarray(loss.gradient(f, y)), True)):
        value, conjugate, product = loss.value(f, y), loss.conjugate(point, y), float(np.sum(point * f))
        if not np.isfinite(conjugate) and not equal:
            continue
        tolerance = ROUNDING * (abs(value) + _product_size(point, f) + _product_size(point, y))
        require_at_most(
            product, value + conjugate, tolerance, "<g, f> must be at most value(f) + conjugate(g)"
        )
        if equal:
            require_close(
                value + conjugate, product, tolerance, "Fenchel-Young must be tight at the gradient"
            )


def _product_size(a: Array, b: Array) -> float:
    return float(np.sum(np.abs(a) * (np.abs(a) + np.abs(b))))


def check_gradient(loss: Loss, f: Array, y: Array, direction: Array) -> None:
    """Check the gradient against a central difference of the value along a direction.

    Notes
    -----
    With a gradient of Lipschitz constant L, the difference over a step h is off by at most ``L h ||v||^2 /
    2``, plus the rounding of the values over h.
    """
    gradient = np.asarray(loss.gradient(f, y))
    require(gradient.shape == f.shape, f"gradient must have the shape of f, {f.shape}; got {gradient.shape}")
    h = 1e-5 * (1.0 + float(np.linalg.norm(f - y))) / max(float(np.linalg.norm(direction)), 1e-300)
    ahead, behind = loss.value(f + h * direction, y), loss.value(f - h * direction, y)
    truncation = 0.5 * loss.curvature * h * float(np.sum(direction**2))
    # f + h v is rounded at eps |f|, and the values at eps times themselves.
    moved = np.finfo(np.float64).eps * float(np.sum(np.abs(gradient) * (np.abs(f) + np.abs(y))))
    rounding = 4.0 * (np.finfo(np.float64).eps * (abs(ahead) + abs(behind)) + moved) / h
    slope = float(np.sum(gradient * direction))
    require_close(slope, (ahead - behind) / (2 * h), truncation + rounding, "gradient must match differences")


def check_curvature(loss: Loss, f: Array, g: Array, y: Array) -> None:
    """Check that ``curvature`` bounds the Hessian: ``<grad f - grad g, f - g> <= curvature ||f - g||^2``."""
    change = np.asarray(loss.gradient(f, y)) - np.asarray(loss.gradient(g, y))
    along = float(np.sum(change * (f - g)))
    bound = loss.curvature * float(np.sum((f - g) ** 2))
    sizes = np.abs(loss.gradient(f, y)) + np.abs(loss.gradient(g, y))
    tolerance = ROUNDING * (bound + float(np.sum(sizes * np.abs(f - g))))
    require_at_most(along, bound, tolerance, "curvature must bound difference quotients of the gradient")


def check_convexity(loss: Loss, f: Array, g: Array, y: Array, t: float) -> None:
    """Check ``value((1 - t) f + t g) <= (1 - t) value(f) + t value(g)``, and the same of the conjugate.

    Parameters
    ----------
    loss : Loss
        The loss.
    f, g : ndarray of one shape
        Ends of the segment.
    y : ndarray of the same shape
        Target.
    t : float
        Place on the segment, in [0, 1].
    """
    for name, function in (("value", loss.value), ("conjugate", loss.conjugate)):
        middle, chord = function((1 - t) * f + t * g, y), (1 - t) * function(f, y) + t * function(g, y)
        size = float(np.sum((np.abs(f) + np.abs(g) + np.abs(y)) ** 2))
        require_at_most(middle, chord, ROUNDING * (abs(chord) + size), f"{name} must be convex")


def check_non_negative(loss: Loss, f: Array, y: Array) -> None:
    """Check ``value >= 0``: proofs start from the bound 0."""
    require(loss.value(f, y) >= 0.0, f"value must be non-negative; got {loss.value(f, y)!r}")


def check_summed_over_samples(loss: Loss, f: Array, y: Array) -> None:
    """Check that value, gradient and conjugate are sums over samples, not means: parts add up."""
    half = f.shape[0] // 2
    first, second = slice(None, half), slice(half, None)
    for name, function in (("value", loss.value), ("conjugate", loss.conjugate)):
        if not np.isfinite(function(f, y)):
            continue
        parts = [function(f[rows], y[rows]) for rows in (first, second)]
        size = float(np.sum((np.abs(f) + np.abs(y)) ** 2)) + sum(map(abs, parts))
        require_close(function(f, y), sum(parts), ROUNDING * size, f"{name} must be a sum over samples")
    gradients = np.concatenate([np.asarray(loss.gradient(f[rows], y[rows])) for rows in (first, second)])
    size = float(np.max(np.abs(gradients), initial=0.0))
    require_close(loss.gradient(f, y), gradients, ROUNDING * size, "gradient must act sample by sample")


def check_statements(loss: Loss, f: Array, y: Array) -> None:
    """Check that ``to_cvxpy`` and ``conjugate_to_cvxpy`` say what ``value`` and ``conjugate`` compute.

    The conjugate is compared at the gradient, which lies in its domain. Both statements must be convex by
    CVXPY's rules.
    """
    g = np.asarray(loss.gradient(f, y))
    statements = (
        ("to_cvxpy", loss.to_cvxpy, loss.value, f),
        ("conjugate_to_cvxpy", loss.conjugate_to_cvxpy, loss.conjugate, g),
    )
    for name, state, function, point in statements:
        variable = cp.Variable(point.shape)
        expression = state(variable, y)
        require(expression.is_convex(), f"{name} must be convex by CVXPY's rules")
        variable.value = point
        size = abs(function(point, y)) + _product_size(point, y)
        # CVXPY's atoms may evaluate by other formulas: 1e-9 leaves them a thousandfold of our own rounding.
        require_close(float(expression.value), function(point, y), 1e-9 * size, f"{name} must agree in value")


def check_best_offset(loss: Loss, f: Array, y: Array) -> None:
    """Check that the gradient, summed over samples, vanishes at ``f + best_offset(f, y)``."""
    offset = np.asarray(loss.best_offset(f, y))
    expected = (1,) if f.ndim == 1 else (f.shape[1],)
    require(offset.shape == expected, f"best_offset must have shape {expected}; got {offset.shape}")
    shifted = f + offset
    slope = np.sum(np.asarray(loss.gradient(shifted, y)), axis=0)
    # 1e-9 of the gradient's change over the size of the numbers: an iterative offset is within its tolerance.
    size = loss.curvature * float(np.sum(np.abs(f)) + np.sum(np.abs(y)))
    require_close(slope, np.zeros_like(slope), 1e-9 * size, "best_offset must be stationary")


def check_best_dual_scale(loss: Loss, lam: Array, y: Array, largest: float) -> None:
    """Check that ``best_dual_scale`` lies in [0, largest] and maximises ``-conjugate(-t lam)`` there.

    Parameters
    ----------
    loss : Loss
        The loss.
    lam, y : ndarray of one shape
        Dual variable and target.
    largest : float
        End of the interval.
    """
    t = loss.best_dual_scale(lam, y, largest)
    require(0.0 <= t <= largest, f"best_dual_scale must lie in [0, {largest!r}]; got {t!r}")
    best = -loss.conjugate(-t * lam, y)
    others = [-loss.conjugate(-s * lam, y) for s in np.linspace(0.0, largest, 101)]
    # 1e-9 relative: an inexact maximiser costs tightness only, but no more than a certificate's last digits.
    tolerance = 1e-9 * (abs(best) + abs(max(others)))
    require_at_most(max(others), best, tolerance, "best_dual_scale must maximise the dual objective")
