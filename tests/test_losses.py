"""Every loss of the package obeys the laws of losses; closed forms; names and bad names."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Loss, SquaredLoss
from cvxnn.losses import LOSSES, get_loss
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
    members,
)

every_loss = pytest.mark.parametrize("loss", [cls() for cls in members(Loss)], ids=lambda loss: loss.name)
seeds = st.integers(0, 2**32 - 1)
shapes = st.one_of(st.tuples(st.integers(2, 9)), st.tuples(st.integers(2, 9), st.integers(1, 3)))
scales = st.sampled_from([1e-8, 1e-3, 1.0, 1e3, 1e8])


def sample(seed, shape, scale, count):
    """Points off the origin, all of one scale."""
    rng = np.random.default_rng(seed)
    return [scale * (rng.standard_normal(shape) + rng.integers(-2, 3)) for _ in range(count)]


def test_every_named_loss_is_a_member_of_the_family():
    assert set(LOSSES.values()) == set(members(Loss))
    assert all(cls().name == name for name, cls in LOSSES.items())


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_fenchel_young(loss, seed, shape, scale):
    f, y, g = sample(seed, shape, scale, 3)
    check_fenchel_young(loss, f, y, g)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_gradient_matches_finite_differences(loss, seed, shape, scale):
    f, y, direction = sample(seed, shape, scale, 3)
    check_gradient(loss, f, y, direction / scale)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_curvature_bounds_the_hessian(loss, seed, shape, scale):
    check_curvature(loss, *sample(seed, shape, scale, 3))


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, t=st.floats(0, 1))
def test_convex_on_random_lines(loss, seed, shape, scale, t):
    check_convexity(loss, *sample(seed, shape, scale, 3), t)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_non_negative(loss, seed, shape, scale):
    f, y = sample(seed, shape, scale, 2)
    check_non_negative(loss, f, y)
    check_non_negative(loss, y, y)


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_summed_over_samples(loss, seed, shape, scale):
    check_summed_over_samples(loss, *sample(seed, shape, scale, 2))


@every_loss
@given(seed=seeds, shape=shapes)
def test_statements_agree_with_value_and_conjugate(loss, seed, shape):
    check_statements(loss, *sample(seed, shape, 1.0, 2))


@every_loss
@given(seed=seeds, shape=shapes, scale=scales)
def test_best_offset_is_stationary(loss, seed, shape, scale):
    check_best_offset(loss, *sample(seed, shape, scale, 2))


@every_loss
@given(seed=seeds, shape=shapes, scale=scales, largest=st.sampled_from([0.0, 1e-6, 0.3, 1.0, 1e6]))
def test_best_dual_scale_maximises_on_its_interval(loss, seed, shape, scale, largest):
    lam, y = sample(seed, shape, scale, 2)
    check_best_dual_scale(loss, lam, y, largest)
    check_best_dual_scale(loss, np.zeros_like(lam), y, largest)


@given(seed=seeds, scale=scales, largest=st.sampled_from([1e-6, 0.3, 1.0]))
def test_the_search_that_losses_inherit_maximises_too(seed, scale, largest):
    class WithoutClosedForm(SquaredLoss):
        best_dual_scale = Loss.best_dual_scale

    # The target decides where the maximum lies: with y = lam at t = 1, beyond the interval or at its end.
    lam, y = sample(seed, (5,), scale, 2)
    check_best_dual_scale(WithoutClosedForm(), lam, y, largest)
    check_best_dual_scale(WithoutClosedForm(), lam, lam, largest)


def test_squared_loss_by_hand():
    loss, f, y = SquaredLoss(), np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[0.0, 2.0], [2.0, -1.0]])
    assert loss.value(f, y) == 2.5  # (1 + 4) / 2
    assert loss.gradient(f, y).tolist() == [[1.0, 0.0], [-2.0, 0.0]]
    assert loss.conjugate(f, y) == 8.0  # 1/2 (1 + 4 + 1) + (4 + 1)
    assert loss.best_offset(f, y).tolist() == [0.5, 0.0]
    assert loss.curvature == 1.0
    assert loss.best_dual_scale(np.array([2.0]), np.array([3.0]), 10.0) == 1.5
    assert loss.best_dual_scale(np.array([2.0]), np.array([3.0]), 1.0) == 1.0
    assert loss.best_dual_scale(np.array([2.0]), np.array([-3.0]), 1.0) == 0.0


def test_get_loss_takes_names_and_objects():
    loss = SquaredLoss()
    assert get_loss(loss) is loss
    assert get_loss("squared") == SquaredLoss()


@pytest.mark.parametrize("wrong", ["hinged", None, 3, SquaredLoss, ["squared"]])
def test_an_unknown_loss_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"loss must be one of .*'squared'.* or a Loss object; got"):
        get_loss(wrong)
