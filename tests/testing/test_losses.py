"""Planted faults: every law of losses rejects a loss that breaks it."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import SquaredLoss
from cvxnn.losses import (
    HingeLoss,
    LogisticLoss,
    MultinomialLoss,
)
from cvxnn.losses.hinge import SmoothedHingeLoss
from cvxnn.testing import (
    check_best_dual_scale,
    check_best_offset,
    check_conjugate_by_cvxpy,
    check_convexity,
    check_curvature,
    check_dual_balance,
    check_fenchel_young,
    check_gradient,
    check_into_domain,
    check_largest_dual_scale,
    check_majorised_by_newton_model,
    check_newton_weights,
    check_non_negative,
    check_smoothed,
    check_statements,
    check_summed_over_samples,
    check_units,
    check_weights,
)

f, g, y = np.array([1.0, -2.0, 0.5]), np.array([0.3, 1.0, -1.0]), np.array([2.0, 0.0, 1.0])


class LooseConjugate(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return super().conjugate(g, y, weights) + 1e-6


class LowConjugate(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return super().conjugate(g, y, weights) - 1e-6


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
    def value(self, f, y, weights=None):
        return -super().value(f, y, weights)


class ConcaveConjugate(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return -super().conjugate(g, y, weights)


class Negative(SquaredLoss):
    def value(self, f, y, weights=None):
        return super().value(f, y, weights) - 10.0


class MeanValue(SquaredLoss):
    def value(self, f, y, weights=None):
        return super().value(f, y, weights) / len(f)


class MeanConjugate(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return super().conjugate(g, y, weights) / len(g)


class MeanGradient(SquaredLoss):
    def gradient(self, f, y):
        return (f - y) / len(f)


class StatedWithoutHalf(SquaredLoss):
    def to_cvxpy(self, f, y, weights=None):
        return cp.sum_squares(f - y)


class ConjugateStatedWithoutTarget(SquaredLoss):
    def conjugate_to_cvxpy(self, g, y, weights=None):
        return 0.5 * cp.sum_squares(g)


class NotStatedConvex(SquaredLoss):
    def to_cvxpy(self, f, y, weights=None):
        return cp.sum(cp.sqrt(cp.abs(f - y)))


class MedianOffset(SquaredLoss):
    def best_offset(self, f, y, weights=None):
        return np.atleast_1d(np.median(y - f, axis=0))


class SlightlyOff(SquaredLoss):
    def best_offset(self, f, y, weights=None):
        return super().best_offset(f, y, weights) + 1e-8


class ScalarOffset(SquaredLoss):
    def best_offset(self, f, y, weights=None):
        return np.mean(y - f)


class UnclippedScale(SquaredLoss):
    def best_dual_scale(self, lam, y, largest, weights=None):
        return float(np.sum(lam * y) / np.sum(lam * lam))


class LargestScale(SquaredLoss):
    def best_dual_scale(self, lam, y, largest, weights=None):
        return largest


class WeightsForgotten(SquaredLoss):
    def value(self, f, y, weights=None):
        return super().value(f, y)


class ConjugateOfWeightsNotDivided(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return float(np.sum((1.0 if weights is None else weights) * self.conjugate_terms(g, y)))


class OffsetWithoutWeights(SquaredLoss):
    def best_offset(self, f, y, weights=None):
        return super().best_offset(f, y)


class NegativeNewtonWeights(SquaredLoss):
    def newton_weights(self, f, y):
        return -np.ones_like(f)


class NoNewtonWeights(SquaredLoss):
    def newton_weights(self, f, y):
        return np.zeros_like(f)


class HalfNewtonWeights(SquaredLoss):
    def newton_weights(self, f, y):
        return np.full_like(f, 0.5)


class HingeWithSmallNewtonWeights(HingeLoss):
    def newton_weights(self, f, y):
        return 0.1 * super().newton_weights(f, y)


class HingeWithOtherSubgradients(HingeLoss):
    def gradient(self, f, y):
        return -0.5 * y


class ProjectedBalance(LogisticLoss):
    def balance(self, lam, y, weights=None):
        return lam - np.mean(lam, axis=0)


class NoBalance(LogisticLoss):
    def balance(self, lam, y, weights=None):
        return lam


class ZeroBalance(LogisticLoss):
    def balance(self, lam, y, weights=None):
        return np.zeros_like(lam)


class ColumnsBalancedOnly(MultinomialLoss):
    def balance(self, lam, y, weights=None):
        balanced = lam.copy()
        balanced[:, 0] -= np.mean(lam[:, 0])
        return balanced


class StaysOutside(HingeLoss):
    def into_domain(self, lam, y, weights=None):
        return lam


class AlwaysZeroInside(HingeLoss):
    def into_domain(self, lam, y, weights=None):
        return 0.5 * np.clip(lam, 0.0, 1.0)


class EndlessDomain(HingeLoss):
    def largest_dual_scale(self, lam, y, weights=None):
        return np.inf


class EarlyEnd(HingeLoss):
    def largest_dual_scale(self, lam, y, weights=None):
        return 0.5 * super().largest_dual_scale(lam, y, weights)


class SmoothedTwiceTooMuch(HingeLoss):
    def smoothed(self, width):
        return SmoothedHingeLoss(2.1 * width)


class SmoothedAbove(HingeLoss):
    def smoothed(self, width):
        return LogisticLoss()


class SmoothedByNothing(HingeLoss):
    def smoothed(self, width):
        return self


class DomainNotStated(HingeLoss):
    def conjugate_domain_to_cvxpy(self, g, y, weights=None):
        return []


class DomainOfHalfTheSize(HingeLoss):
    def conjugate_domain_to_cvxpy(self, g, y, weights=None):
        return [cp.multiply(y, g) <= 0, cp.multiply(y, g) >= -0.5]


class LinearUnits(SquaredLoss):
    def in_units(self, size):
        return self, size


class HalfConjugate(SquaredLoss):
    def conjugate(self, g, y, weights=None):
        return 0.5 * super().conjugate(g, y, weights)


class ConjugateWithoutDomain(HingeLoss):
    def conjugate(self, g, y, weights=None):
        return float(np.sum(y * g))


signs = np.array([1.0, -1.0, 1.0])
dual = np.array([0.5, -0.25, 1.0])  # in the domain of the hinge and logistic losses' conjugates
confident = np.array([9.0, -9.0, 0.5])  # predictions with dual variables near 0
lam = np.array([1e-4, -1e-4, 0.9])
one_hot, masses = np.eye(2)[[0, 1, 0]], np.array([[0.1, -0.1], [-0.2, 0.2], [0.3, -0.3]])
whole = np.array([2.0, 1.0, 3.0])

FAULTS = [
    (check_fenchel_young, LooseConjugate(), (f, y, g), "tight"),
    (check_fenchel_young, LowConjugate(), (f, y, f - y), "at most"),
    (check_fenchel_young, GradientWithoutHalf(), (f, y, g), "tight"),
    (check_gradient, GradientWithoutHalf(), (f, y, g), "differences"),
    (check_gradient, GradientOffByAPermille(), (f, y, g), "differences"),
    (check_gradient, GradientOfWrongShape(), (f, y, g), "shape"),
    (check_curvature, LowCurvature(), (f, g, y), "curvature"),
    (check_units, LinearUnits(), (f, y, 3.0), "other units"),
    (check_convexity, Concave(), (f, g, y, 0.5), "value must be convex"),
    (check_convexity, ConcaveConjugate(), (f, g, y, 0.5), "conjugate must be convex"),
    (check_non_negative, Negative(), (f, y), "non-negative"),
    (check_summed_over_samples, MeanValue(), (f, y), "value must be a sum"),
    (check_summed_over_samples, MeanConjugate(), (f, y), "conjugate must be a sum"),
    (check_summed_over_samples, MeanGradient(), (f, y), "sample by sample"),
    (check_statements, StatedWithoutHalf(), (f, y, g), "to_cvxpy must agree"),
    (check_statements, ConjugateStatedWithoutTarget(), (f, y, g), "conjugate_to_cvxpy must agree"),
    (check_statements, NotStatedConvex(), (f, y, g), "convex by CVXPY"),
    (check_best_offset, MedianOffset(), (f, y), "no other offset"),
    (check_best_offset, SlightlyOff(), (f, y), "stationary"),
    (check_best_offset, ScalarOffset(), (f, y), "shape"),
    (check_best_dual_scale, UnclippedScale(), (f, 5 * f, 1.0), "lie in"),
    (check_best_dual_scale, LargestScale(), (f, 0.5 * f, 1.0), "maximise"),
    (check_fenchel_young, WeightsForgotten(), (f, y, g, whole), "at most"),
    (check_fenchel_young, ConjugateOfWeightsNotDivided(), (f, y, -g, whole), "at most"),
    (check_gradient, HingeWithOtherSubgradients(), (f, signs, whole), "differences"),
    (check_weights, WeightsForgotten(), (f, y, whole), "value: whole weights"),
    (check_weights, ConjugateOfWeightsNotDivided(), (f, y, whole), "conjugate: whole weights"),
    (check_weights, ConjugateOfWeightsNotDivided(), (f, y, np.array([1.0, 0.0, 1.0])), "ask for g = 0"),
    (check_weights, OffsetWithoutWeights(), (f, y, whole), "best_offset: whole weights"),
    (check_newton_weights, NegativeNewtonWeights(), (f, y, g), "non-negative"),
    (check_newton_weights, NoNewtonWeights(), (f, y, g), "positive along the gradient"),
    (check_newton_weights, HalfNewtonWeights(), (f, y, g), "bound the second derivative"),
    (check_majorised_by_newton_model, HingeWithSmallNewtonWeights(), (f, -4 * signs, signs), "majorise"),
    (check_statements, DomainNotStated(), (f, signs, 5 * dual), "infinite where"),
    (check_statements, DomainOfHalfTheSize(), (f, signs, -signs * np.abs(dual)), "infinite where"),
    (check_conjugate_by_cvxpy, HalfConjugate(), (f, y), "supremum"),
    (check_conjugate_by_cvxpy, ConjugateWithoutDomain(), (5 * dual, signs), "supremum"),
    (check_best_offset, OffsetWithoutWeights(), (f, y, whole), "no other offset"),
    (check_dual_balance, ProjectedBalance(), (lam, signs), "inside the domain"),
    (check_dual_balance, NoBalance(), (dual, signs), "sums over samples zero"),
    (check_dual_balance, ZeroBalance(), (dual, signs), "no more than it must"),
    (check_dual_balance, ColumnsBalancedOnly(), (masses, one_hot), "sums over samples zero"),
    (check_into_domain, StaysOutside(), (3 * dual, signs), "lead into"),
    (check_into_domain, AlwaysZeroInside(), (dual, np.ones(3)), "leave what is inside"),
    (check_largest_dual_scale, EndlessDomain(), (dual, signs), "inside the domain"),
    (check_largest_dual_scale, EarlyEnd(), (dual, signs), "end of the domain"),
    (check_smoothed, SmoothedTwiceTooMuch(), (0.1, f, signs), "smaller by width"),
    (check_smoothed, SmoothedAbove(), (0.1, confident, signs), "nowhere larger"),
    (check_smoothed, SmoothedByNothing(), (0.1, f, signs), "must be smooth"),
]


@pytest.mark.parametrize(
    ("check", "wrong", "inputs", "message"),
    FAULTS,
    ids=[f"{c.__name__}-{type(w).__name__}" for c, w, *_ in FAULTS],
)
def test_the_law_rejects(check, wrong, inputs, message):
    right = next(cls for cls in type(wrong).__mro__ if cls.__module__.startswith("cvxnn."))
    check(right(), *inputs)  # the inputs are fair: the right loss passes
    with pytest.raises(AssertionError, match=message):
        check(wrong, *inputs)
