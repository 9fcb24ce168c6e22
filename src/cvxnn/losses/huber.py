"""The Huber loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn.losses.separable import BEYOND, ResidualLoss
from cvxnn.validation import Array, as_number


@dataclass(frozen=True)
class HuberLoss(ResidualLoss):
    """Huber loss: with r = f - y, ``1/2 r^2`` where ``|r| <= delta``, ``delta |r| - 1/2 delta^2`` beyond.

    Outputs are summed. The conjugate is ``1/2 ||g||^2 + <g, y>`` where ``|g| <= delta`` in every entry, infinite
    elsewhere; the curvature is 1.

    Parameters
    ----------
    delta : float, default 1.0
        Where the loss turns linear, > 0, in the units of y.

    Raises
    ------
    ValueError
        If ``delta`` is not a finite number > 0.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 1964. Newton weights beyond
    delta are a small part of those in P. J. Huber, "Robust Statistics", 1981, section 7.8 (the modified weights, whose
    quadratic majorises the loss).

    Examples
    --------
    >>> import numpy as np
    >>> HuberLoss(delta=2.0).terms(np.array([1.0, 5.0]), np.zeros(2))
    array([0.5, 8. ])
    """

    delta: float = 1.0
    name: str = field(default="huber", init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", as_number(self.delta, "delta", positive=True))

    @property
    def curvature(self) -> float:
        """Return 1."""
        return 1.0

    def in_units(self, size: float) -> tuple[HuberLoss, float]:
        """Return the loss of ``delta / size``, and ``size^2``."""
        return HuberLoss(self.delta / size), size * size

    @property
    def _slopes(self) -> tuple[float, float]:
        return -self.delta, self.delta

    def _phi(self, z: Array) -> Array:
        # 1/2 a^2 + delta (|z| - a) with a = min(|z|, delta): no square that overflows and is then not used.
        inner = np.minimum(np.abs(z), self.delta)
        return 0.5 * inner * inner + self.delta * (np.abs(z) - inner)

    def _slope(self, z: Array) -> Array:
        return np.clip(z, -self.delta, self.delta)

    def _phi_conjugate(self, s: Array) -> Array:
        return 0.5 * s * s

    def _model_curvature(self, z: Array) -> Array:
        beyond = np.abs(z) > self.delta
        return np.where(beyond, BEYOND * self.delta / np.maximum(np.abs(z), self.delta), 1.0)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.huber(z, self.delta)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.square(s)
