"""Laws of what training and proofs do with a loss: offsets, balance, scaling of duals, smoothing, majorising models.

Predictions f and targets y have one shape, (n,) or (n, C). Every check raises ``AssertionError`` where the law fails.
"""

from __future__ import annotations

import numpy as np

from cvxnn.losses import Loss
from cvxnn.testing.losses import newton_quadratic, weighted_gradient
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)


def check_best_offset(loss: Loss, f: Array, y: Array, weights: Array | None = None) -> None:
    """Check that no other offset is better than ``best_offset``, and that the slopes of a smooth loss vanish there."""
    offset = np.asarray(loss.best_offset(f, y, weights))
    expected = (f[0].size,)
    require(offset.shape == expected, f"best_offset must have shape {expected}; got {offset.shape}")
    w = np.ones(len(f)) if weights is None else weights
    sizes = np.reshape(np.abs(f) + np.abs(y), (len(f), -1)) + np.abs(offset)
    best, spread = loss.value(f + offset, y, weights), float(np.max(sizes))
    slopes = np.abs(weighted_gradient(loss, f + offset, y, weights))
    # The predictions are rounded, at their size, and the values at theirs.
    tolerance = ROUNDING * (best + float(np.sum(slopes.reshape(sizes.shape) * sizes)))
    if loss.is_classification:
        # Of separable classes the minimum is 0, or would be at infinity: anything that small is as good.
        tolerance += ROUNDING**2 * float(np.sum(w))
    for output in np.eye(len(offset)):
        for step in (-1.0, -0.01, -1e-4, 1e-4, 0.01, 1.0):
            other = loss.value(f + offset + step * spread * output, y, weights)
            require_at_most(best, other, tolerance, "no other offset must be better than best_offset")
    if loss.is_smooth:
        slope = np.sum(weighted_gradient(loss, f + offset, y, weights), axis=0)
        # A few roundings of the numbers, times what the slope changes with them.
        size = loss.curvature * float(w @ np.sum(sizes, axis=1)) + float(np.sum(slopes))
        require_close(slope, np.zeros_like(slope), ROUNDING * size, "best_offset must be stationary")


def check_dual_balance(loss: Loss, lam: Array, y: Array, weights: Array | None = None) -> None:
    """Check that ``balance`` makes sums over samples zero, inside the conjugate's domain, and changes no more.

    In the l1 norm the change is the sum of what the sums were: that much is needed.

    Parameters
    ----------
    loss : Loss
        The loss.
    lam : ndarray, shape of y
        Dual variable; ``-lam`` must be in the domain.
    y : ndarray of shape (n,) or (n, C)
        Target.
    weights : ndarray of shape (n,), optional
        Weights of the samples.
    """
    require(np.isfinite(loss.conjugate(-lam, y, weights)), "lam must be in the domain, for a fair check")
    balanced = loss.balance(lam, y, weights)
    require(balanced.shape == lam.shape, f"balance must keep the shape {lam.shape}; got {balanced.shape}")
    rounding = (len(lam) + 8) * _EPS * float(np.sum(np.max(np.abs(lam), axis=0)))
    sums = np.sum(balanced, axis=0)
    require_close(sums, np.zeros_like(sums), rounding, "balance must make sums over samples zero")
    conjugate = loss.conjugate(-balanced, y, weights)
    require(np.isfinite(conjugate), "balance must stay inside the domain of the conjugate")
    needed = float(np.sum(np.abs(np.sum(lam, axis=0))))
    changed = float(np.sum(np.abs(balanced - lam)))
    require_at_most(changed, needed, lam.size * rounding, "balance must change no more than it must")


def check_into_domain(loss: Loss, lam: Array, y: Array, weights: Array | None = None) -> None:
    """Check that ``into_domain`` leads into the conjugate's domain, and leaves what is inside to rounding.

    Parameters
    ----------
    loss : Loss
        The loss.
    lam : ndarray, shape of y
        Any dual variable.
    y : ndarray of shape (n,) or (n, C)
        Target.
    weights : ndarray of shape (n,), optional
        Positive weights of the samples.
    """
    inside = loss.into_domain(lam, y, weights)
    require(np.isfinite(loss.conjugate(-inside, y, weights)), "into_domain must lead into the domain")
    again = loss.into_domain(inside, y, weights)
    size = float(np.max(np.abs(inside), initial=0.0)) + (0.0 if weights is None else float(np.max(weights)))
    require_close(again, inside, ROUNDING * size, "into_domain must leave what is inside")


def check_best_dual_scale(
    loss: Loss, lam: Array, y: Array, largest: float, weights: Array | None = None
) -> None:
    """Check that ``best_dual_scale`` lies in [0, largest] and maximises ``-conjugate(-t lam)`` there.

    Parameters
    ----------
    loss : Loss
        The loss.
    lam, y : ndarray of one shape
        Dual variable and target.
    largest : float
        End of the interval.
    weights : ndarray of shape (n,), optional
        Weights of the samples.
    """
    t = loss.best_dual_scale(lam, y, largest, weights)
    require(0.0 <= t <= largest, f"best_dual_scale must lie in [0, {largest!r}]; got {t!r}")
    best = -loss.conjugate(-t * lam, y, weights)
    # The maximum may lie in a small domain inside a large interval: on a grid that is fine near zero, too.
    grid = largest * np.concatenate([np.linspace(0.0, 1.0, 51), np.logspace(-8, 0, 33)])
    others = [-loss.conjugate(-s * lam, y, weights) for s in grid]
    # 1e-9 relative: an inexact maximiser costs tightness only, but no more than a certificate's last digits.
    tolerance = 1e-9 * (abs(best) + abs(max(others)))
    require_at_most(max(others), best, tolerance, "best_dual_scale must maximise the dual objective")


def check_largest_dual_scale(loss: Loss, lam: Array, y: Array, weights: Array | None = None) -> None:
    """Check that ``-t lam`` is in the domain for t up to ``largest_dual_scale``, and outside beyond it."""
    largest = loss.largest_dual_scale(lam, y, weights)
    require(largest >= 0.0, f"largest_dual_scale must be non-negative; got {largest!r}")
    for part in (0.0, 0.5, 1.0):
        t = part * min(largest, 1e6)
        require(np.isfinite(loss.conjugate(-t * lam, y, weights)), f"{t!r} must be a scale inside the domain")
    if np.isfinite(largest):
        beyond = loss.conjugate(-(1.001 * largest + 1e-9) * lam, y, weights)
        require(beyond == np.inf, "largest_dual_scale must be the end of the domain")


def check_smoothed(loss: Loss, width: float, f: Array, y: Array, weights: Array | None = None) -> None:
    """Check ``loss - width C <= loss.smoothed(width) <= loss`` for every sample, and that its duals serve the loss.

    C is the number of outputs. A smooth loss must return itself.
    """
    smooth = loss.smoothed(width)
    require(smooth.is_smooth, "smoothed must be smooth")
    require(
        smooth.name == loss.name or not loss.is_smooth, "smoothed must be the loss itself where it is smooth"
    )
    exact, below = loss.terms(f, y), smooth.terms(f, y)
    slopes = np.reshape(np.abs(loss.gradient(f, y)), (len(f), -1))
    rounding = ROUNDING * (exact + np.sum(slopes * np.reshape(np.abs(f) + np.abs(y), slopes.shape), axis=1))
    require(bool(np.all(below <= exact + rounding)), "smoothed must be nowhere larger")
    allowed = width * slopes.shape[1] * (1.0 + ROUNDING)
    require(bool(np.all(below >= exact - allowed - rounding)), "smoothed must be smaller by width at most")
    dual = weighted_gradient(smooth, f, y, weights)
    require(
        np.isfinite(loss.conjugate(dual, y, weights)), "gradients of smoothed must lie in the exact domain"
    )


def check_majorised_by_newton_model(loss: Loss, f: Array, step: Array, y: Array) -> None:
    """Check ``terms(f + step) <= terms(f) + <gradient, step> + 1/2 <step, H step>``, H the Newton weights.

    Not every loss promises it: the exact quantile and hinge losses do (infinite at their kinks), and the squared one
    with equality.
    """
    n = len(f)
    slopes = np.reshape(loss.gradient(f, y), (n, -1))
    moves, sizes = np.reshape(step, (n, -1)), np.reshape(np.abs(f) + np.abs(y) + np.abs(step), (n, -1))
    model = loss.terms(f, y) + np.sum(slopes * moves, axis=1) + 0.5 * newton_quadratic(loss, f, y, step)
    found = loss.terms(f + step, y)
    ends = np.abs(np.reshape(loss.gradient(f + step, y), (n, -1))) + np.abs(slopes)
    rounding = ROUNDING * (found + loss.terms(f, y) + np.sum(ends * sizes, axis=1))
    require(bool(np.all(found <= model + rounding)), "the Newton model must majorise the loss")
