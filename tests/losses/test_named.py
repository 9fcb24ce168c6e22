"""Losses by name, and bad names."""

from __future__ import annotations

import pytest

from cvxnn import Loss, SquaredLoss
from cvxnn.losses import LOSSES, HuberLoss, LogisticLoss, get_loss
from cvxnn.testing import members


def test_every_named_loss_is_a_member_of_the_family():
    assert set(LOSSES.values()) <= set(members(Loss))
    assert all(cls().name == name for name, cls in LOSSES.items())


def test_every_loss_has_a_name_but_what_is_made_of_others():
    unnamed = {cls.__name__ for cls in members(Loss)} - {cls.__name__ for cls in LOSSES.values()}
    assert unnamed == {"SmoothedHingeLoss", "SmoothedQuantileLoss"}


def test_get_loss_takes_names_and_objects():
    loss = HuberLoss(delta=2.0)
    assert get_loss(loss) is loss
    assert get_loss("squared") == SquaredLoss()
    assert get_loss("logistic") == LogisticLoss()


@pytest.mark.parametrize("wrong", ["hinged", None, 3, SquaredLoss, ["squared"]])
def test_an_unknown_loss_is_refused_by_name(wrong):
    with pytest.raises(ValueError, match=r"loss must be one of .*'squared'.* or a Loss object; got"):
        get_loss(wrong)
