"""Losses of the margin by hand, and targets that they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.losses import HingeLoss, LogisticLoss, SquaredHingeLoss
from cvxnn.losses.hinge import SmoothedHingeLoss

MARGIN_LOSSES = [HingeLoss(), SmoothedHingeLoss(), SquaredHingeLoss(), LogisticLoss()]
f, y = np.array([3.0, 0.5, 2.0, 1.0]), np.array([-1.0, 1.0, 1.0, 1.0])  # margins -3, 0.5, 2, 1


def test_hinge_by_hand():
    loss = HingeLoss()
    assert loss.terms(f, y).tolist() == [4.0, 0.5, 0.0, 0.0]
    assert loss.gradient(f, y).tolist() == [1.0, -1.0, 0.0, 0.0]
    assert loss.newton_weights(f, y).tolist() == [0.125, 1.0, 0.5, np.inf]
    assert loss.conjugate(np.array([1.0, -0.5, 0.0, 0.0]), y) == -1.5
    assert loss.conjugate(np.array([-0.1, 0.0, 0.0, 0.0]), y) == np.inf
    assert loss.conjugate(np.array([1.1, 0.0, 0.0, 0.0]), y) == np.inf
    assert not loss.is_smooth


def test_smoothed_hinge_by_hand():
    loss = HingeLoss().smoothed(0.5)
    assert loss == SmoothedHingeLoss(0.5)
    assert loss.terms(f, y).tolist() == [3.5, 0.125, 0.0, 0.0]
    assert loss.gradient(f, y).tolist() == [1.0, -0.5, 0.0, 0.0]
    assert loss.newton_weights(f, y).tolist() == [0.05 * 0.25, 1.0, 0.0, 0.0]
    assert loss.conjugate(np.array([1.0, -0.5, 0.0, 0.0]), y) == -0.875  # 0.5 - 1 + 0.125 - 0.5


def test_squared_hinge_by_hand():
    loss = SquaredHingeLoss()
    assert loss.terms(f, y).tolist() == [8.0, 0.125, 0.0, 0.0]
    assert loss.gradient(f, y).tolist() == [4.0, -0.5, 0.0, 0.0]
    assert loss.newton_weights(f, y).tolist() == [1.0, 1.0, 0.0, 0.0]
    assert loss.conjugate(np.array([4.0, -0.5, 0.0, 0.0]), y) == 3.625  # 8 - 4 + 0.125 - 0.5
    assert loss.conjugate(np.array([-1e-3, 0.0, 0.0, 0.0]), y) == np.inf
    assert loss.largest_dual_scale(np.array([-4.0, 0.5, 0.0, 0.0]), y) == np.inf


def test_logistic_by_hand():
    loss, zero = LogisticLoss(), np.zeros(2)
    assert loss.value(zero, y[:2]) == pytest.approx(2 * np.log(2.0), rel=1e-15)
    assert loss.gradient(zero, y[:2]).tolist() == [0.5, -0.5]
    assert loss.newton_weights(zero, y[:2]).tolist() == [0.25, 0.25]
    assert loss.conjugate(np.array([0.5, -0.5]), y[:2]) == pytest.approx(-2 * np.log(2.0), rel=1e-15)
    assert loss.conjugate(np.array([1.0, 0.0]), y[:2]) == 0.0
    # Without weights the best offset of a constant is the log odds.
    assert loss.best_offset(np.ones(4), y) == pytest.approx(np.log(3.0) - 1.0, rel=1e-14)


def test_logistic_far_out_neither_overflows_nor_loses_digits():
    loss, far, one = LogisticLoss(), np.array([-1e300, -800.0, 40.0, 800.0]), np.ones(4)
    assert loss.terms(far, one) == pytest.approx([1e300, 800.0, np.exp(-40.0), 0.0], rel=1e-15)
    assert loss.gradient(far, one) == pytest.approx([-1.0, -1.0, -np.exp(-40.0), 0.0], rel=1e-15)
    # Steps of gradient / weight are at most 4.
    assert loss.newton_weights(far, one)[:2].tolist() == [0.25, 0.25]


@pytest.mark.parametrize("loss", MARGIN_LOSSES, ids=repr)
def test_other_targets_are_refused(loss):
    assert loss.is_classification
    loss.check_targets(np.array([[1.0], [-1.0]]))
    with pytest.raises(
        ValueError, match=rf"y must hold -1 and \+1 only for the loss '{loss.name}'; found 0, 2"
    ):
        loss.check_targets(np.array([0.0, 1.0, 2.0, 2.0]))
    with pytest.raises(ValueError, match=r"found 0, 0.25, 0.5, \.\.\."):
        loss.check_targets(np.linspace(0.0, 1.0, 5))


def test_without_one_class_the_logistic_loss_has_no_best_offset():
    for outputs, found in ((np.ones(3), r"\+1"), (np.array([[1.0, -1.0], [-1.0, -1.0]]), "-1")):
        with pytest.raises(ValueError, match=f"y must hold both -1 and .* found {found} only"):
            LogisticLoss().best_offset(np.zeros(outputs.shape), outputs)
    with pytest.raises(ValueError, match=r"positive weight.* found -1 only"):
        LogisticLoss().best_offset(np.zeros(2), np.array([1.0, -1.0]), np.array([0.0, 1.0]))


@pytest.mark.parametrize("width", [0.0, -1.0, np.inf, None])
def test_a_bad_width_is_refused(width):
    with pytest.raises(ValueError, match="width must be a finite number > 0; got"):
        HingeLoss().smoothed(width)


def test_the_best_offset_of_equal_predictions_merges_equal_targets():
    rng = np.random.default_rng(0)
    y, w = rng.choice([-1.0, 1.0], 50), rng.uniform(0.5, 2.0, 50)
    loss = LogisticLoss()
    alike = loss.best_offset(np.full(50, 0.3), y, w)
    nearly = loss.best_offset(np.full(50, 0.3) + 1e-15 * np.arange(50), y, w)
    np.testing.assert_allclose(alike, nearly, rtol=1e-12)
    assert abs(w @ loss.gradient(0.3 + alike, y)) < 1e-12 * np.sum(w)
