"""Every loss of the package obeys the laws of losses: one output and several, with weights and without."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.losses import (
    HingeLoss,
    HuberLoss,
    LogisticLoss,
    Loss,
    MultinomialLoss,
    QuantileLoss,
    SquaredHingeLoss,
    SquaredLoss,
)
from cvxnn.losses.hinge import SmoothedHingeLoss
from cvxnn.losses.quantile import SmoothedQuantileLoss
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
    members,
)
from cvxnn.testing.losses import sample_targets, weighted_gradient

LOSSES = [
    *(cls() for cls in members(Loss)),
    HuberLoss(delta=0.1),
    QuantileLoss(level=0.9),
    SmoothedQuantileLoss(level=0.8, width=1e-3),
    SmoothedHingeLoss(width=1e-3),
]
every_loss = pytest.mark.parametrize("loss", LOSSES, ids=repr)
seeds = st.integers(0, 2**32 - 1)
shapes = st.one_of(st.tuples(st.integers(3, 9)), st.tuples(st.integers(3, 9), st.integers(1, 3)))
scales = st.sampled_from([1e-8, 1e-3, 1.0, 1e3, 1e8])


def sample(loss, seed, shape, scale, count):
    """Points off the origin, all of one scale, and targets: of that scale too, where they are numbers."""
    rng = np.random.default_rng(seed)
    if isinstance(loss, MultinomialLoss):
        shape = (shape[0], max(2, shape[-1] if len(shape) == 2 else 2))
    y = sample_targets(loss, rng, shape) * (1.0 if loss.is_classification else scale)
    points = [scale * (rng.standard_normal(shape) + rng.integers(-2, 3)) for _ in range(count)]
    return y, *points


def sample_weights(seed, n, weighted):
    """Weights from 1e-3 to 1e3, or none."""
    return 10.0 ** np.random.default_rng(seed + 1).uniform(-3, 3, n) if weighted else None


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_samples_are_accepted(loss, seed, shape, scale):
    loss.check_targets(sample(loss, seed, shape, scale, 0)[0])


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, weighted=st.booleans())
def test_fenchel_young(loss, seed, shape, scale, weighted):
    y, f, other, outside = sample(loss, seed, shape, scale, 3)
    weights = sample_weights(seed, len(y), weighted)
    check_fenchel_young(loss, f, y, weighted_gradient(loss, other, y, weights), weights)
    check_fenchel_young(loss, f, y, outside, weights)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_gradient_matches_finite_differences(loss, seed, shape, scale):
    y, f, direction = sample(loss, seed, shape, scale, 2)
    check_gradient(loss, f, y, direction / scale)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_curvature_bounds_the_hessian(loss, seed, shape, scale):
    y, f, g = sample(loss, seed, shape, scale, 2)
    check_curvature(loss, f, g, y)


@every_loss
@given(seed=seeds, shape=shapes, size=st.sampled_from([1e-150, 1e-9, 0.3, 1e9, 1e150]))
def test_in_units(loss, seed, shape, size):
    y, f = sample(loss, seed, shape, 1.0, 1)
    check_units(loss, f, y, size)


@every_loss
@given(seed=seeds, shape=shapes, scale=st.sampled_from([1e-3, 1.0, 10.0, 1e3]))
def test_newton_weights_bound_the_second_derivative(loss, seed, shape, scale):
    y, f, direction = sample(loss, seed, shape, scale, 2)
    check_newton_weights(loss, f, y, direction / scale)


MAJORISED = [loss for loss in LOSSES if isinstance(loss, SquaredLoss | QuantileLoss | HingeLoss)]


@pytest.mark.parametrize("loss", MAJORISED, ids=repr)
@given(seed=seeds, shape=shapes, scale=scales)
def test_the_newton_model_majorises(loss, seed, shape, scale):
    y, f, step = sample(loss, seed, shape, scale, 2)
    check_majorised_by_newton_model(loss, f, step, y)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, t=st.floats(0, 1))
def test_convex_on_random_lines(loss, seed, shape, scale, t):
    y, f, g = sample(loss, seed, shape, scale, 2)
    check_convexity(loss, f, g, y, t)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_non_negative(loss, seed, shape, scale):
    y, f = sample(loss, seed, shape, scale, 1)
    check_non_negative(loss, f, y)
    check_non_negative(loss, y, y)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_summed_over_samples(loss, seed, shape, scale):
    y, f = sample(loss, seed, shape, scale, 1)
    check_summed_over_samples(loss, f, y)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_whole_weights_are_repeated_samples(loss, seed, shape, scale):
    y, f = sample(loss, seed, shape, scale, 1)
    counts = np.random.default_rng(seed).integers(1, 4, len(y)).astype(float)
    check_weights(loss, f, y, counts)
    # Doubled, no class is missing when one half of the samples has weight 0.
    counts = np.concatenate([np.zeros(len(y)), counts])
    check_weights(loss, np.concatenate([f, f]), np.concatenate([y, y]), counts)


@every_loss
@settings(max_examples=20)
@given(seed=seeds, shape=shapes, weighted=st.booleans())
def test_statements_agree_with_value_and_conjugate(loss, seed, shape, weighted):
    y, f, g = sample(loss, seed, shape, 1.0, 2)
    check_statements(loss, f, y, g, sample_weights(seed, len(y), weighted))


@every_loss
@pytest.mark.parametrize("shape", [(4,), (4, 2)])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_conjugate_is_the_supremum(loss, shape, weighted):
    y, f, outside = sample(loss, 5, shape, 1.0, 2)
    weights = np.linspace(0.5, 2.0, len(y)) if weighted else None
    check_conjugate_by_cvxpy(loss, 0.9 * weighted_gradient(loss, f, y, weights), y, weights)
    check_conjugate_by_cvxpy(loss, 5.0 * outside, y, weights)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, weighted=st.booleans())
def test_best_offset_is_stationary(loss, seed, shape, scale, weighted):
    y, f = sample(loss, seed, shape, scale, 1)
    check_best_offset(loss, f, y, sample_weights(seed, len(y), weighted))


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, weighted=st.booleans())
def test_balance_of_the_dual_with_and_without_its_best_offset(loss, seed, shape, scale, weighted):
    y, f = sample(loss, seed, shape, scale, 1)
    weights = sample_weights(seed, len(y), weighted)
    for offset in (loss.best_offset(f, y, weights), 0.0):
        check_dual_balance(loss, -weighted_gradient(loss, f + offset, y, weights), y, weights)


@every_loss
@given(seed=seeds, shape=shapes, weighted=st.booleans())
def test_balance_at_the_edge_of_the_domain(loss, seed, shape, weighted):
    y, f = sample(loss, seed, shape, 1e8, 1)
    weights = sample_weights(seed, len(y), weighted)
    if weights is not None:
        weights[:1] = 0.0
    check_dual_balance(loss, -weighted_gradient(loss, f, y, weights), y, weights)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, weighted=st.booleans())
def test_into_domain(loss, seed, shape, scale, weighted):
    y, lam, f = sample(loss, seed, shape, scale, 2)
    weights = sample_weights(seed, len(y), weighted)
    check_into_domain(loss, lam, y, weights)
    dual = -weighted_gradient(loss, f, y, weights)
    # A few roundings of the domain's size, which is a multiple of the weight, and of the dual variable's.
    size = np.max(np.abs(dual)) + (1.0 if weights is None else np.max(weights))
    assert np.max(np.abs(loss.into_domain(dual, y, weights) - dual)) <= 1e-14 * size


@every_loss
@given(
    seed=seeds,
    shape=shapes,
    scale=scales,
    weighted=st.booleans(),
    largest=st.sampled_from([0.0, 1e-6, 0.3, 1.0, 1e6]),
)
def test_best_dual_scale_maximises_on_its_interval(loss, seed, shape, scale, weighted, largest):
    y, lam, f = sample(loss, seed, shape, scale, 2)
    weights = sample_weights(seed, len(y), weighted)
    check_best_dual_scale(loss, loss.into_domain(lam, y, weights), y, largest, weights)
    check_best_dual_scale(loss, -weighted_gradient(loss, f, y, weights), y, largest, weights)
    check_best_dual_scale(loss, np.zeros_like(lam), y, largest, weights)


@every_loss
@given(seed=seeds, shape=shapes, weighted=st.booleans())
def test_largest_dual_scale_is_the_end_of_the_domain(loss, seed, shape, weighted):
    y, f = sample(loss, seed, shape, 1.0, 1)
    weights = sample_weights(seed, len(y), weighted)
    check_largest_dual_scale(loss, -0.3 * weighted_gradient(loss, f, y, weights), y, weights)
    check_largest_dual_scale(loss, np.zeros_like(f), y, weights)


@every_loss
@given(
    seed=seeds,
    shape=shapes,
    scale=scales,
    weighted=st.booleans(),
    width=st.sampled_from([1e-6, 1e-2, 1.0, 1e3]),
)
def test_smoothed(loss, seed, shape, scale, weighted, width):
    y, f = sample(loss, seed, shape, scale, 1)
    check_smoothed(loss, width, f, y, sample_weights(seed, len(y), weighted))


def test_a_dual_variable_of_the_wrong_sign_has_no_scale_but_zero():
    y, lam = np.array([1.0, -1.0]), np.array([0.5, 0.5])
    for loss in (HingeLoss(), SmoothedHingeLoss(), SquaredHingeLoss(), LogisticLoss()):
        # Of 1e-15 over 1/2, which is rounding, there is one.
        assert loss.largest_dual_scale(lam, y) <= 1e-14
        assert loss.best_dual_scale(lam, y, 1.0) <= 1e-14
    assert MultinomialLoss().largest_dual_scale(np.array([[-0.5, 0.5]]), np.array([[1.0, 0.0]])) <= 1e-14


@given(seed=seeds, scale=scales, largest=st.sampled_from([1e-6, 0.3, 1.0]))
def test_the_search_that_losses_inherit_maximises_too(seed, scale, largest):
    class WithoutClosedForm(SquaredLoss):
        best_dual_scale = Loss.best_dual_scale

    # The target decides where the maximum lies: with y = lam at t = 1, beyond the interval or at its end.
    y, lam = sample(SquaredLoss(), seed, (5,), scale, 1)
    check_best_dual_scale(WithoutClosedForm(), lam, y, largest)
    check_best_dual_scale(WithoutClosedForm(), lam, lam, largest)


def test_of_one_class_only_hinges_have_a_best_offset():
    f = np.array([0.5, -3.0, 2.0])
    for loss in (HingeLoss(), SquaredHingeLoss(), SmoothedHingeLoss()):
        for sign in (-1.0, 1.0):
            check_best_offset(loss, f, np.full(3, sign))
            assert loss.value(f + loss.best_offset(f, np.full(3, sign)), np.full(3, sign)) == 0.0
