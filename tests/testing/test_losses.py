"""Planted faults: every law of losses rejects a loss that breaks it."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import SquaredLoss
from cvxnn.testing import (
    check_best_dual_scale,
    check_best_offset,
    check_convexity,
    check_curvature,
    check_fenchel_young,
    check_gradient,
    check_non_negative,
    check_statements,
    check_summed_over_samples,
)

f, g, y = np.array([1.0, -2.0, 0.5]), np.array([0.3, 1.0, -1.0]), np.array([2.0, 0.0, 1.0])


class LooseConjugate(SquaredLoss):
    def conjugate(self, g, y):
        return super().conjugate(g, y) + 1e-6


class LowConjugate(SquaredLoss):
    def conjugate(self, g, y):
        return super().conjugate(g, y) - 1e-6


class GradientWithoutHalf(SquaredLoss):
    def gradient(self, f, y):
        return 2 * (f - y)


class GradientOffByAPermille(SquaredLoss):
    def gradient(self, f, y):
        return 1.001 * (f - y)


class GradientOfWrongShape(SquaredLoss):
    def gradient(self, f, y):
        return (f - y)[:, None]


class LowCurvature(SquaredLoss):
    @property
    def curvature(self):
        return 0.999


class Concave(SquaredLoss):
    def value(self, f, y):
        return -super().value(f, y)


class ConcaveConjugate(SquaredLoss):
    def conjugate(self, g, y):
        return -super().conjugate(g, y)


class Negative(SquaredLoss):
    def value(self, f, y):
        return super().value(f, y) - 10.0


class MeanValue(SquaredLoss):
    def value(self, f, y):
        return super().value(f, y) / len(f)


class MeanConjugate(SquaredLoss):
    def conjugate(self, g, y):
        return super().conjugate(g, y) / len(g)


class MeanGradient(SquaredLoss):
    def gradient(self, f, y):
        return (f - y) / len(f)


class StatedWithoutHalf(SquaredLoss):
    def to_cvxpy(self, f, y):
        return cp.sum_squares(f - y)


class ConjugateStatedWithoutTarget(SquaredLoss):
    def conjugate_to_cvxpy(self, g, y):
        return 0.5 * cp.sum_squares(g)


class NotStatedConvex(SquaredLoss):
    def to_cvxpy(self, f, y):
        return cp.sum(cp.sqrt(cp.abs(f - y)))


class MedianOffset(SquaredLoss):
    def best_offset(self, f, y):
        return np.atleast_1d(np.median(y - f, axis=0))


class ScalarOffset(SquaredLoss):
    def best_offset(self, f, y):
        return np.mean(y - f)


class UnclippedScale(SquaredLoss):
    def best_dual_scale(self, lam, y, largest):
        return float(np.sum(lam * y) / np.sum(lam * lam))


class LargestScale(SquaredLoss):
    def best_dual_scale(self, lam, y, largest):
        return largest


FAULTS = [
    (check_fenchel_young, LooseConjugate(), (f, y, g), "tight"),
    (check_fenchel_young, LowConjugate(), (f, y, f - y), "at most"),
    (check_fenchel_young, GradientWithoutHalf(), (f, y, g), "tight"),
    (check_gradient, GradientWithoutHalf(), (f, y, g), "differences"),
    (check_gradient, GradientOffByAPermille(), (f, y, g), "differences"),
    (check_gradient, GradientOfWrongShape(), (f, y, g), "shape"),
    (check_curvature, LowCurvature(), (f, g, y), "curvature"),
    (check_convexity, Concave(), (f, g, y, 0.5), "value must be convex"),
    (check_convexity, ConcaveConjugate(), (f, g, y, 0.5), "conjugate must be convex"),
    (check_non_negative, Negative(), (f, y), "non-negative"),
    (check_summed_over_samples, MeanValue(), (f, y), "value must be a sum"),
    (check_summed_over_samples, MeanConjugate(), (f, y), "conjugate must be a sum"),
    (check_summed_over_samples, MeanGradient(), (f, y), "sample by sample"),
    (check_statements, StatedWithoutHalf(), (f, y), "to_cvxpy must agree"),
    (check_statements, ConjugateStatedWithoutTarget(), (f, y), "conjugate_to_cvxpy must agree"),
    (check_statements, NotStatedConvex(), (f, y), "convex by CVXPY"),
    (check_best_offset, MedianOffset(), (f, y), "stationary"),
    (check_best_offset, ScalarOffset(), (f, y), "shape"),
    (check_best_dual_scale, UnclippedScale(), (f, 5 * f, 1.0), "lie in"),
    (check_best_dual_scale, LargestScale(), (f, 0.5 * f, 1.0), "maximise"),
]


@pytest.mark.parametrize(
    ("check", "wrong", "inputs", "message"),
    FAULTS,
    ids=[f"{c.__name__}-{type(w).__name__}" for c, w, *_ in FAULTS],
)
def test_the_law_rejects(check, wrong, inputs, message):
    check(SquaredLoss(), *inputs)  # the inputs are fair: the right loss passes
    with pytest.raises(AssertionError, match=message):
        check(wrong, *inputs)
