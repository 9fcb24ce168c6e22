"""Losses by name."""

from __future__ import annotations

from cvxnn.losses.base import Loss
from cvxnn.losses.hinge import HingeLoss
from cvxnn.losses.huber import HuberLoss
from cvxnn.losses.logistic import LogisticLoss
from cvxnn.losses.multinomial import MultinomialLoss
from cvxnn.losses.quantile import QuantileLoss
from cvxnn.losses.squared import SquaredLoss
from cvxnn.losses.squared_hinge import SquaredHingeLoss

LOSSES: dict[str, type[Loss]] = {
    "squared": SquaredLoss,
    "huber": HuberLoss,
    "quantile": QuantileLoss,
    "logistic": LogisticLoss,
    "squared_hinge": SquaredHingeLoss,
    "hinge": HingeLoss,
    "multinomial": MultinomialLoss,
}


def get_loss(loss: str | Loss) -> Loss:
    """Return the loss of that name with its default parameters, or the loss object itself.

    Raises
    ------
    ValueError
        If ``loss`` is neither a known name nor a `Loss`.
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss in LOSSES:
        return LOSSES[loss]()
    raise ValueError(f"loss must be one of {sorted(LOSSES)} or a Loss object; got {loss!r}")
