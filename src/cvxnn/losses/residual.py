"""Losses of the residual: functions of ``f - y``."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.losses.separable import SeparableLoss
from cvxnn.validation import Array


class ResidualLoss(SeparableLoss):
    """A separable loss of ``z = f - y``, least at z = 0; targets are any numbers.

    With phi* that of phi, the conjugate is ``sum_c y_c g_c + phi*(g_c)``.
    """

    @property
    def is_shift_equivariant(self) -> bool:
        """Return True."""
        return True

    def _argument(self, f: Any, y: Array) -> Any:
        return f - y

    def _turned(self, g: Any, y: Array) -> Any:
        return g

    def _shifted(self, g: Any, y: Array) -> Any:
        if isinstance(g, np.ndarray):
            return y * g
        import cvxpy as cp

        return cp.multiply(y, g)
