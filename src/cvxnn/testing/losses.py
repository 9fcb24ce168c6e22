"""Laws of losses: conjugacy, derivatives, curvature, convexity, sums over samples and their weights.

Predictions f and targets y have one shape, (n,) or (n, C); `sample_targets` makes targets that a loss accepts. Every
check raises ``AssertionError`` where the law fails.
"""

from __future__ import annotations

import numpy as np

from cvxnn.losses import Loss, MultinomialLoss
from cvxnn.testing.requirements import ROUNDING, require, require_at_most, require_close
from cvxnn.validation import Array

_EPS = float(np.finfo(np.float64).eps)


def sample_targets(loss: Loss, rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Sample targets that a loss accepts, every class at least once in every output.

    Parameters
    ----------
    loss : Loss
        The loss.
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        (n,) or (n, C), with n >= 2; for the multinomial loss (n, C) with n >= C >= 2.

    Examples
    --------
    >>> from cvxnn.losses import LogisticLoss
    >>> set(sample_targets(LogisticLoss(), np.random.default_rng(0), (5,)).tolist()) == {-1.0, 1.0}
    True
    """
    if isinstance(loss, MultinomialLoss):
        n, n_classes = shape
        classes = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
        return np.asarray(np.eye(n_classes)[rng.permutation(classes)])
    if loss.is_classification:
        signs = rng.choice([-1.0, 1.0], shape)
        signs[:2] = [[1.0], [-1.0]] if len(shape) == 2 else [1.0, -1.0]
        return rng.permuted(signs, axis=0)
    return rng.standard_normal(shape) + rng.integers(-2, 3)


def weighted_gradient(loss: Loss, f: Array, y: Array, weights: Array | None = None) -> Array:
    """Return the gradient of ``value(f, y, weights)``: minus the dual variable of f."""
    gradient = np.asarray(loss.gradient(f, y))
    if weights is None:
        return gradient
    return gradient * weights.reshape(-1, *[1] * (gradient.ndim - 1))


def per_weight(g: Array, weights: Array | None) -> Array:
    """Return ``g / w``, row by row; 0 where the weight is 0."""
    if weights is None:
        return g
    sizes = np.broadcast_to(weights.reshape(-1, *[1] * (g.ndim - 1)), g.shape)
    return np.divide(g, sizes, out=np.zeros_like(g), where=sizes > 0)


def check_fenchel_young(loss: Loss, f: Array, y: Array, g: Array, weights: Array | None = None) -> None:
    """Check ``value(f) + conjugate(g) >= <g, f>``, with equality at the gradient of the value.

    Parameters
    ----------
    loss : Loss
        The loss.
    f, y, g : ndarray of one shape, (n,) or (n, C)
        Prediction, target, and a point of the dual space; where the conjugate is infinite nothing is claimed.
    weights : ndarray of shape (n,), optional
        Weights of the samples.

    Notes
    -----
    Equality at the gradient and the inequality elsewhere pin the conjugate down on the range of the gradient.

    Examples
    --------
    >>> from cvxnn.losses import SquaredLoss
    >>> check_fenchel_young(SquaredLoss(), np.array([1.0]), np.array([3.0]), np.array([0.5]))
    """
    for point, equal in ((g, False), (weighted_gradient(loss, f, y, weights), True)):
        value, conjugate = loss.value(f, y, weights), loss.conjugate(point, y, weights)
        product = float(np.sum(point * f))
        if not np.isfinite(conjugate) and not equal:
            continue
        sizes = np.abs(f) + np.abs(y) + np.abs(per_weight(point, weights))
        tolerance = ROUNDING * (abs(value) + abs(conjugate) + float(np.sum(np.abs(point) * sizes)))
        require_at_most(
            product, value + conjugate, tolerance, "<g, f> must be at most value(f) + conjugate(g)"
        )
        if equal:
            require_close(
                value + conjugate, product, tolerance, "Fenchel-Young must be tight at the gradient"
            )


def check_gradient(loss: Loss, f: Array, y: Array, direction: Array) -> None:
    """Check the gradient against a central difference of the value along a direction.

    Notes
    -----
    With a gradient of Lipschitz constant L, the difference over a step h is off by at most ``L h ||v||^2 /
    2``, plus the rounding of the values over h. A loss with kinks is piecewise linear: entries that cross a kink are
    left where they are, and for the others the difference is exact.
    """
    gradient = np.asarray(loss.gradient(f, y))
    require(gradient.shape == f.shape, f"gradient must have the shape of f, {f.shape}; got {gradient.shape}")
    h = 1e-5 * (1.0 + float(np.linalg.norm(f - y))) / max(float(np.linalg.norm(direction)), 1e-300)
    truncation = 0.5 * loss.curvature * h * float(np.sum(direction**2)) if loss.is_smooth else 0.0
    if not loss.is_smooth:
        sides = [np.asarray(loss.gradient(f + side * h * direction, y)) for side in (1, -1)]
        direction = np.where(sides[0] == sides[1], direction, 0.0)
    ahead, behind = loss.value(f + h * direction, y), loss.value(f - h * direction, y)
    # f + h v is rounded at eps |f|, and the values at eps times themselves.
    moved = _EPS * float(np.sum(np.abs(gradient) * (np.abs(f) + np.abs(y))))
    rounding = 4.0 * (_EPS * (abs(ahead) + abs(behind)) + moved) / h
    slope = float(np.sum(gradient * direction))
    require_close(slope, (ahead - behind) / (2 * h), truncation + rounding, "gradient must match differences")


def check_curvature(loss: Loss, f: Array, g: Array, y: Array) -> None:
    """Check that ``curvature`` bounds the Hessian: ``<grad f - grad g, f - g> <= curvature ||f - g||^2``.

    Of a loss with kinks, whose curvature is infinite, nothing is claimed.
    """
    require(loss.is_smooth == (loss.curvature < np.inf), "is_smooth must say whether curvature is finite")
    if not loss.is_smooth:
        return
    change = np.asarray(loss.gradient(f, y)) - np.asarray(loss.gradient(g, y))
    along = float(np.sum(change * (f - g)))
    bound = loss.curvature * float(np.sum((f - g) ** 2))
    sizes = np.abs(loss.gradient(f, y)) + np.abs(loss.gradient(g, y))
    tolerance = ROUNDING * (bound + float(np.sum(sizes * np.abs(f - g))))
    require_at_most(along, bound, tolerance, "curvature must bound difference quotients of the gradient")


def newton_quadratic(loss: Loss, f: Array, y: Array, step: Array) -> Array:
    """Return ``<s_i, H_i s_i>`` of every sample, (n,), with the Newton weights H at f; 0 times infinity is 0."""
    weights, step = loss.newton_weights(f, y), np.asarray(step)
    if weights.ndim == 3:
        return np.asarray(np.einsum("nc,ncd,nd->n", step, weights, step))
    entries = np.multiply(weights, step * step, out=np.zeros_like(step), where=step != 0)
    return np.asarray(np.sum(entries.reshape(len(f), -1), axis=1))


def check_newton_weights(loss: Loss, f: Array, y: Array, direction: Array) -> None:
    """Check that Newton weights are non-negative, positive along a gradient that is not zero, and bound the Hessian.

    The Hessian's bound is checked along a direction, sample by sample, by differences of the gradient of a smooth loss
    over steps of 1e-6; that of a loss with kinks is zero or infinite.
    """
    weights = loss.newton_weights(f, y)
    shapes = (f.shape, (*f.shape, *f.shape[1:]))
    require(weights.shape in shapes, f"newton_weights must have a shape of {shapes}; got {weights.shape}")
    along = newton_quadratic(loss, f, y, direction)
    largest_entries = np.max(np.reshape(np.abs(weights), (len(f), -1)), axis=1)
    sizes = np.sum(np.reshape(np.abs(direction), (len(f), -1)), axis=1) ** 2
    negative = along < -ROUNDING * np.multiply(largest_entries, sizes, out=sizes, where=sizes > 0)
    require(not np.any(negative), "newton_weights must be non-negative")
    gradient = np.reshape(loss.gradient(f, y), (len(f), -1))
    # The smallest positive number: a gradient that is tiny is not zero.
    units = gradient / np.maximum(np.max(np.abs(gradient), axis=1, keepdims=True), 5e-324)
    positive = newton_quadratic(loss, f, y, units.reshape(f.shape)) > 0
    steep = np.any(gradient != 0, axis=1)
    require(bool(np.all(positive[steep])), "newton_weights must be positive along the gradient")
    if not loss.is_smooth:
        return
    ahead, behind = f + 1e-6 * direction, f - 1e-6 * direction
    ends = [np.reshape(loss.gradient(end, y), (len(f), -1)) for end in (ahead, behind)]
    moved = np.reshape(ahead - behind, (len(f), -1))
    found = np.sum(moved * (ends[0] - ends[1]), axis=1)
    largest = np.max([newton_quadratic(loss, at, y, ahead - behind) for at in (behind, f, ahead)], axis=0)
    sizes = np.reshape(np.abs(f) + np.abs(y), moved.shape) + np.abs(ends[0])
    # A thousandth for what the curvature changes within the step.
    excess = found - 1.001 * largest - ROUNDING * np.sum(sizes * np.abs(moved), axis=1)
    require(bool(np.all(excess <= 0)), "newton_weights must bound the second derivative")


def check_convexity(loss: Loss, f: Array, g: Array, y: Array, t: float) -> None:
    """Check ``value((1 - t) f + t g) <= (1 - t) value(f) + t value(g)``, and the same of the conjugate.

    The conjugate is checked between the gradients at f and g, which lie in its domain.

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
    duals = np.asarray(loss.gradient(f, y)), np.asarray(loss.gradient(g, y))
    for name, function, (a, b) in (("value", loss.value, (f, g)), ("conjugate", loss.conjugate, duals)):
        middle, chord = function((1 - t) * a + t * b, y), (1 - t) * function(a, y) + t * function(b, y)
        size = float(np.sum((np.abs(a) + np.abs(b)) * (np.abs(a) + np.abs(b) + np.abs(y))))
        require_at_most(middle, chord, ROUNDING * (abs(chord) + size), f"{name} must be convex")


def check_non_negative(loss: Loss, f: Array, y: Array) -> None:
    """Check ``terms >= 0``: proofs start from the bound 0."""
    terms = np.asarray(loss.terms(f, y))
    require(terms.shape == (len(f),), f"terms must have shape {(len(f),)}; got {terms.shape}")
    require(bool(np.all(terms >= 0.0)), f"terms must be non-negative; got {np.min(terms)!r}")
    require(loss.value(f, y) >= 0.0, f"value must be non-negative; got {loss.value(f, y)!r}")


def check_summed_over_samples(loss: Loss, f: Array, y: Array) -> None:
    """Check that value, gradient and conjugate are sums over samples, not means: parts add up."""
    half = f.shape[0] // 2
    first, second = slice(None, half), slice(half, None)
    dual = np.asarray(loss.gradient(f[::-1], y[::-1]))[::-1]
    for name, function, point in (("value", loss.value, f), ("conjugate", loss.conjugate, dual)):
        parts = [function(point[rows], y[rows]) for rows in (first, second)]
        size = float(np.sum((np.abs(point) + np.abs(y)) * np.abs(point))) + sum(map(abs, parts))
        require_close(function(point, y), sum(parts), ROUNDING * size, f"{name} must be a sum over samples")
    gradients = np.concatenate([np.asarray(loss.gradient(f[rows], y[rows])) for rows in (first, second)])
    size = float(np.max(np.abs(gradients), initial=0.0))
    require_close(loss.gradient(f, y), gradients, ROUNDING * size, "gradient must act sample by sample")


def check_units(loss: Loss, f: Array, y: Array, size: float) -> None:
    """Check that in other units the loss is a multiple: ``value(size f, size y) = factor value'(f, y)``.

    Of a loss without units, ``in_units`` None, nothing is claimed.

    Parameters
    ----------
    loss : Loss
        The loss.
    f, y : ndarray of one shape
        Prediction and target.
    size : float
        Such that squares of ``size f`` are neither zero nor infinite.
    """
    scaled = loss.in_units(size)
    if scaled is None:
        return
    other, factor = scaled
    value, expected = loss.value(size * f, size * y), factor * other.value(f, y)
    tolerance = ROUNDING * max(value, expected)
    require_close(value, expected, tolerance, "in_units must give the loss of other units")
    gradients = np.asarray(loss.gradient(size * f, size * y)), factor / size * other.gradient(f, y)
    tolerance = ROUNDING * float(np.max(np.abs(gradients), initial=0.0))
    require_close(*gradients, tolerance, "in_units must give the gradient of other units")


def check_weights(loss: Loss, f: Array, y: Array, counts: Array) -> None:
    """Check that whole weights are repeated samples, and that a sample of weight 0 is left out.

    Value, conjugate, and the value at the best offset are compared.

    Parameters
    ----------
    loss : Loss
        The loss.
    f, y : ndarray of one shape
        Prediction and target.
    counts : ndarray of shape (n,)
        Whole numbers >= 0, as floats.
    """
    rows = np.repeat(np.arange(len(f)), counts.astype(int))
    gradient = np.asarray(loss.gradient(f, y))
    dual = weighted_gradient(loss, f, y, counts)
    size = float(np.sum(np.abs(dual) * (np.abs(f) + np.abs(y))))
    for name, weighted, repeated in (
        ("value", loss.value(f, y, counts), loss.value(f[rows], y[rows])),
        ("conjugate", loss.conjugate(dual, y, counts), loss.conjugate(gradient[rows], y[rows])),
    ):
        tolerance = ROUNDING * (size + abs(repeated))
        require_close(weighted, repeated, tolerance, f"{name}: whole weights must be repeated samples")
    used = counts > 0
    dual[~used] = 1.0
    require(
        bool(np.all(used)) or loss.conjugate(dual, y, counts) == np.inf,
        "conjugate: a sample of weight 0 must ask for g = 0",
    )
    best = loss.value(f + loss.best_offset(f, y, counts), y, counts)
    repeated = loss.value(f[rows] + loss.best_offset(f[rows], y[rows]), y[rows])
    tolerance = ROUNDING * (size + float(np.sum(counts)) + abs(best))
    require_close(best, repeated, tolerance, "best_offset: whole weights must be repeated samples")
