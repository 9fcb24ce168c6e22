"""The quantile loss, exact and smoothed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvxnn.losses.offsets import root_of_steps
from cvxnn.losses.separable import BEYOND, ResidualLoss
from cvxnn.validation import Array, as_number


@dataclass(frozen=True)
class QuantileLoss(ResidualLoss):
    """Quantile (pinball) loss: with r = f - y, ``max(-level r, (1 - level) r)``; at level 1/2, ``1/2 |r|``.

    Outputs are summed. The conjugate is ``<g, y>`` where ``-level <= g <= 1 - level`` in every entry, infinite
    elsewhere. The loss has a kink at r = 0, where the subgradient 0 is taken.

    Parameters
    ----------
    level : float, default 0.5
        The quantile to predict, in (0, 1).

    Raises
    ------
    ValueError
        If ``level`` is not a number in (0, 1).

    Notes
    -----
    Newton weights are ``1 / (2 |r|)``, whose quadratic majorises the loss, infinite at the kink.

    References
    ----------
    R. Koenker and G. Bassett, "Regression quantiles", Econometrica 1978. Newton weights: D. R. Hunter and K. Lange,
    "Quantile regression via an MM algorithm", J. Comput. Graph. Statist. 2000.

    Examples
    --------
    >>> import numpy as np
    >>> QuantileLoss(level=0.75).terms(np.array([-2.0, 2.0]), np.zeros(2))
    array([1.5, 0.5])
    >>> QuantileLoss(level=0.75).best_offset(np.zeros(5), np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    array([4.])
    """

    level: float = 0.5
    name: str = field(default="quantile", init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", _as_level(self.level))

    @property
    def curvature(self) -> float:
        """Return infinity: the loss has a kink."""
        return np.inf

    def smoothed(self, width: float) -> SmoothedQuantileLoss:
        """Return the `SmoothedQuantileLoss` of that width and the same level."""
        return SmoothedQuantileLoss(self.level, width)

    def in_units(self, size: float) -> tuple[QuantileLoss, float]:
        """Return the loss itself and ``size``."""
        return self, size

    @property
    def _slopes(self) -> tuple[float, float]:
        return -self.level, 1.0 - self.level

    def _phi(self, z: Array) -> Array:
        low, high = self._slopes
        return np.maximum(low * z, high * z)

    def _slope(self, z: Array) -> Array:
        low, high = self._slopes
        return np.where(z > 0, high, np.where(z < 0, low, 0.0))

    def _phi_conjugate(self, s: Array) -> Array:
        return np.zeros_like(s)

    def _model_curvature(self, z: Array) -> Array:
        return np.divide(0.5, np.abs(z), out=np.full_like(z, np.inf), where=z != 0)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        low, high = self._slopes
        return cp.maximum(low * z, high * z)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        return 0.0 * s

    def _best_offset(self, f: Array, y: Array, w: Array) -> float:
        return root_of_steps(y - f, w, -self.level * float(np.sum(w)))


@dataclass(frozen=True)
class SmoothedQuantileLoss(ResidualLoss):
    """Quantile loss less at most ``width``: with r = f - y and s = clip(r / mu, -level, 1 - level), ``s r - mu/2 s^2``.

    It is the Moreau envelope of `QuantileLoss` with ``mu = 2 width / max(level, 1 - level)^2``: quadratic for
    ``-level mu <= r <= (1 - level) mu``, nowhere larger than the exact loss, and smaller by at most ``width`` a sample
    and output. The conjugate is ``<g, y> + mu/2 ||g||^2`` on the domain of the exact one; the curvature 1 / mu.

    Parameters
    ----------
    level : float, default 0.5
        The quantile to predict, in (0, 1).
    width : float, default 0.01
        Largest difference from the exact loss, > 0, in the units of y.

    Raises
    ------
    ValueError
        If ``level`` is not a number in (0, 1), or ``width`` not a finite number > 0.

    Notes
    -----
    Newton weights are 1 / mu where the loss is quadratic and ``0.05 s / r`` where it is linear.

    References
    ----------
    Y. Nesterov, "Smooth minimization of non-smooth functions", Math. Program. 2005, section 2, eqs. (2.5)-(2.7).

    Examples
    --------
    >>> import numpy as np
    >>> loss = SmoothedQuantileLoss(level=0.5, width=0.25)  # mu = 2
    >>> loss.terms(np.array([0.0, 1.0, 5.0]), np.zeros(3))
    array([0.  , 0.25, 2.25])
    """

    level: float = 0.5
    width: float = 0.01
    name: str = field(default="smoothed_quantile", init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", _as_level(self.level))
        object.__setattr__(self, "width", as_number(self.width, "width", positive=True))

    @property
    def mu(self) -> float:
        """Return mu, the reciprocal of the curvature."""
        return 2.0 * self.width / max(self.level, 1.0 - self.level) ** 2

    @property
    def curvature(self) -> float:
        """Return 1 / mu."""
        return 1.0 / self.mu

    def in_units(self, size: float) -> tuple[SmoothedQuantileLoss, float]:
        """Return the loss of ``width / size``, and ``size``."""
        return SmoothedQuantileLoss(self.level, self.width / size), size

    @property
    def _slopes(self) -> tuple[float, float]:
        return -self.level, 1.0 - self.level

    def _phi(self, z: Array) -> Array:
        s = self._slope(z)
        return s * (z - 0.5 * self.mu * s)

    def _slope(self, z: Array) -> Array:
        return np.clip(z / self.mu, *self._slopes)

    def _phi_conjugate(self, s: Array) -> Array:
        return 0.5 * self.mu * s * s

    def _model_curvature(self, z: Array) -> Array:
        slope = self._slope(z)
        weights = np.divide(slope, z, out=np.full_like(z, self.curvature), where=z != 0)
        return np.where(np.abs(slope * self.mu - z) <= 1e-12 * np.abs(z), weights, BEYOND * weights)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        low, high = self._slopes
        # cp.huber(x, M) is x^2 up to M and 2 M x - M^2 beyond.
        above, below = cp.huber(cp.pos(z), high * self.mu), cp.huber(cp.pos(-z), -low * self.mu)
        return (above + below) / (2.0 * self.mu)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        import cvxpy as cp

        return 0.5 * self.mu * cp.square(s)


def _as_level(level: Any) -> float:
    number = as_number(level, "level", positive=True)
    if number >= 1.0:
        raise ValueError(f"level must be a number in (0, 1); got {level!r}")
    return number
