"""The squared hinge loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn.losses.separable import MarginLoss
from cvxnn.validation import Array


@dataclass(frozen=True)
class SquaredHingeLoss(MarginLoss):
    """Squared hinge loss ``1/2 max(0, 1 - y f)^2`` with y in {-1, +1}; outputs are summed.

    The conjugate is ``sum 1/2 a^2 - a`` with ``a = -y g >= 0``, infinite elsewhere; the curvature is 1. Newton weights
    are 1 where the margin is below 1, else 0.

    References
    ----------
    C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 1995, section 3 (errors to the power 2).

    Examples
    --------
    >>> import numpy as np
    >>> SquaredHingeLoss().terms(np.array([-1.0, 0.5, 2.0]), np.ones(3))
    array([2.   , 0.125, 0.   ])
    """

    name: str = field(default="squared_hinge", init=False, repr=False)

    @property
    def curvature(self) -> float:
        """Return 1."""
        return 1.0

    @property
    def _slopes(self) -> tuple[float, float]:
        return -np.inf, 0.0

    def _phi(self, z: Array) -> Array:
        missing = np.maximum(1.0 - z, 0.0)
        return 0.5 * missing * missing

    def _slope(self, z: Array) -> Array:
        return np.minimum(z - 1.0, 0.0)

    def _phi_conjugate(self, s: Array) -> Array:
        return s * (1.0 + 0.5 * s)

    def _model_curvature(self, z: Array) -> Array:
        return np.where(z < 1.0, 1.0, 0.0)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        return 0.5 * cp.square(cp.pos(1.0 - z))

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        import cvxpy as cp

        return s + 0.5 * cp.square(s)
