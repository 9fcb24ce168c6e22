"""Losses of the margin: functions of ``y f`` with y in {-1, +1}."""

from __future__ import annotations

from typing import Any

import numpy as np

from cvxnn.losses.separable import SeparableLoss
from cvxnn.validation import Array


class MarginLoss(SeparableLoss):
    """A separable loss of ``z = y f`` with y in {-1, +1}, never rising in z; several outputs each have their own y.

    With phi* that of phi, the conjugate is ``sum_c phi*(y_c g_c)``.
    """

    @property
    def is_classification(self) -> bool:
        """Return True."""
        return True

    def check_targets(self, y: Array) -> None:
        """Raise ``ValueError`` unless every entry of y is -1 or +1."""
        wrong = np.unique(y[np.abs(y) != 1.0])
        if wrong.size:
            shown = ", ".join(f"{value:g}" for value in wrong[:3]) + (", ..." if wrong.size > 3 else "")
            raise ValueError(f"y must hold -1 and +1 only for the loss {self.name!r}; found {shown}")

    def _argument(self, f: Any, y: Array) -> Any:
        if isinstance(f, np.ndarray):
            return y * f
        import cvxpy as cp

        return cp.multiply(y, f)

    def _turned(self, g: Any, y: Array) -> Any:
        return self._argument(g, y)

    def _shifted(self, g: Any, y: Array) -> Any:
        return 0.0
