"""The hinge loss, exact and smoothed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn.losses.offsets import root_of_steps
from cvxnn.losses.separable import BEYOND, MarginLoss
from cvxnn.validation import Array, as_number


@dataclass(frozen=True)
class HingeLoss(MarginLoss):
    """Hinge loss ``max(0, 1 - y f)`` with y in {-1, +1}, no factor; outputs are summed.

    The conjugate is ``-sum a`` with ``a = -y g`` in [0, 1], infinite elsewhere. The loss has a kink at margin 1, where
    the subgradient 0 is taken.

    Notes
    -----
    Newton weights are ``1 / (2 |1 - y f|)``, whose quadratic majorises the loss, infinite at the kink.

    References
    ----------
    C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 1995, section 3. Newton weights: D. R. Hunter
    and K. Lange, "Quantile regression via an MM algorithm", J. Comput. Graph. Statist. 2000, as the hinge is
    half of ``|1 - y f|`` plus a linear function.

    Examples
    --------
    >>> import numpy as np
    >>> HingeLoss().terms(np.array([-1.0, 0.5, 2.0]), np.ones(3))
    array([2. , 0.5, 0. ])
    """

    name: str = field(default="hinge", init=False, repr=False)

    @property
    def curvature(self) -> float:
        """Return infinity: the loss has a kink."""
        return np.inf

    def smoothed(self, width: float) -> SmoothedHingeLoss:
        """Return the `SmoothedHingeLoss` of that width."""
        return SmoothedHingeLoss(width)

    @property
    def _slopes(self) -> tuple[float, float]:
        return -1.0, 0.0

    def _phi(self, z: Array) -> Array:
        return np.maximum(1.0 - z, 0.0)

    def _slope(self, z: Array) -> Array:
        return np.where(z < 1.0, -1.0, 0.0)

    def _phi_conjugate(self, s: Array) -> Array:
        return s

    def _model_curvature(self, z: Array) -> Array:
        return np.divide(0.5, np.abs(1.0 - z), out=np.full_like(z, np.inf), where=z != 1.0)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        return cp.pos(1.0 - z)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        return s

    def _best_offset(self, f: Array, y: Array, w: Array) -> float:
        # Margin 1 is at b = y - f: there samples of +1 stop pulling up, and those of -1 start to push down.
        return root_of_steps(y - f, w, -float(np.sum(w[y > 0])))


@dataclass(frozen=True)
class SmoothedHingeLoss(MarginLoss):
    """Hinge loss less at most ``width``: with a = clip((1 - y f) / (2 width), 0, 1), ``a (1 - y f) - width a^2``.

    It is the Moreau envelope of `HingeLoss` with parameter 2 width: zero from margin 1 on, quadratic between margins
    1 - 2 width and 1, the hinge less ``width`` below; nowhere larger than the hinge. Outputs are summed. The conjugate
    is ``sum width a^2 - a`` with ``a = -y g`` in [0, 1], infinite elsewhere; the curvature is 1 / (2 width).

    Parameters
    ----------
    width : float, default 0.5
        Largest difference from the hinge of a sample and output, > 0.

    Raises
    ------
    ValueError
        If ``width`` is not a finite number > 0.

    Notes
    -----
    Newton weights are 1 / (2 width) where the loss is quadratic, 0 from margin 1 on, and ``0.05 / (1 - y f)`` where it
    is linear.

    References
    ----------
    Y. Nesterov, "Smooth minimization of non-smooth functions", Math. Program. 2005, section 2, eqs. (2.5)-(2.7); at
    width 1/2, J. D. M. Rennie and N. Srebro, "Loss functions for preference levels", 2005 (smooth hinge).

    Examples
    --------
    >>> import numpy as np
    >>> SmoothedHingeLoss(width=0.5).terms(np.array([-1.0, 0.5, 2.0]), np.ones(3))
    array([1.5  , 0.125, 0.   ])
    """

    width: float = 0.5
    name: str = field(default="smoothed_hinge", init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", as_number(self.width, "width", positive=True))

    @property
    def curvature(self) -> float:
        """Return ``1 / (2 width)``."""
        return 0.5 / self.width

    @property
    def _slopes(self) -> tuple[float, float]:
        return -1.0, 0.0

    def _phi(self, z: Array) -> Array:
        a = -self._slope(z)
        return a * ((1.0 - z) - self.width * a)

    def _slope(self, z: Array) -> Array:
        return np.clip((z - 1.0) * self.curvature, -1.0, 0.0)

    def _phi_conjugate(self, s: Array) -> Array:
        return s * (1.0 + self.width * s)

    def _model_curvature(self, z: Array) -> Array:
        missing = 1.0 - z
        beyond = missing > 2.0 * self.width
        weights = np.divide(-self._slope(z), missing, out=np.zeros_like(z), where=missing > 0)
        return np.where(beyond, BEYOND * weights, weights)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        # cp.huber(x, M) is x^2 up to M and 2 M x - M^2 beyond.
        return cp.huber(cp.pos(1.0 - z), 2.0 * self.width) / (4.0 * self.width)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        import cvxpy as cp

        return s + self.width * cp.square(s)
