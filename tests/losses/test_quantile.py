"""The quantile loss by hand, and its best offset against weighted quantiles."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.losses import QuantileLoss
from cvxnn.losses.quantile import SmoothedQuantileLoss


def test_quantile_loss_by_hand():
    loss, f, y = QuantileLoss(level=0.75), np.array([-2.0, 2.0, 0.0]), np.zeros(3)
    assert loss.terms(f, y).tolist() == [1.5, 0.5, 0.0]
    assert loss.gradient(f, y).tolist() == [-0.75, 0.25, 0.0]
    assert loss.newton_weights(f, y).tolist() == [0.25, 0.25, np.inf]
    assert loss.conjugate(np.array([0.25, -0.75, 0.0]), np.array([4.0, 4.0, 9.0])) == -2.0
    assert loss.conjugate(np.array([0.26, 0.0, 0.0]), y) == np.inf
    assert not loss.is_smooth


def test_the_best_offset_is_the_weighted_quantile():
    y, w = np.array([5.0, 1.0, 3.0]), np.array([1.0, 1.0, 4.0])
    assert QuantileLoss(0.5).best_offset(np.zeros(3), y, w).tolist() == [3.0]
    assert QuantileLoss(0.1).best_offset(np.zeros(3), y, w).tolist() == [1.0]
    assert QuantileLoss(0.5).best_offset(np.zeros(3), y, np.array([1.0, 1.0, 0.0])).tolist() == [
        3.0
    ]  # middle
    assert QuantileLoss(0.5).best_offset(np.zeros((3, 1)), y[:, None]).tolist() == [3.0]


def test_smoothed_quantile_loss_by_hand():
    loss = QuantileLoss(level=0.75).smoothed(0.28125)  # mu = 1
    assert loss == SmoothedQuantileLoss(0.75, 0.28125)
    assert (loss.mu, loss.curvature) == (1.0, 1.0)
    f, y = np.array([-2.0, 2.0, 0.1]), np.zeros(3)
    exact = [1.5 - 0.28125, 0.5 - 0.03125, 0.005]  # less 1/2 (3/4)^2 and 1/2 (1/4)^2
    assert loss.terms(f, y) == pytest.approx(exact)
    assert loss.gradient(f, y).tolist() == [-0.75, 0.25, 0.1]
    assert loss.newton_weights(f, y).tolist() == [0.05 * 0.375, 0.05 * 0.125, 1.0]


@pytest.mark.parametrize("level", [0.0, 1.0, 1.5, np.nan, "0.5"])
def test_a_bad_level_is_refused(level):
    for cls in (QuantileLoss, SmoothedQuantileLoss):
        with pytest.raises(ValueError, match="level must be a"):
            cls(level)


def test_a_bad_width_is_refused():
    with pytest.raises(ValueError, match="width must be a finite number > 0; got 0"):
        QuantileLoss().smoothed(0)
