"""The logistic loss."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import expit, xlog1py, xlogy

from cvxnn.losses.separable import MarginLoss
from cvxnn.validation import Array


@dataclass(frozen=True)
class LogisticLoss(MarginLoss):
    """Logistic loss ``log(1 + exp(-y f))`` with y in {-1, +1}, no factor; outputs are summed.

    The conjugate is ``sum a log a + (1 - a) log(1 - a)`` with ``a = -y g`` in [0, 1], infinite elsewhere; the
    curvature is 1/4.

    Notes
    -----
    Newton weights are the second derivative, but at least ``|gradient| / 4``: where a sample is far on the wrong side,
    the second derivative is tiny and its step would overshoot by as much as it should go; steps are 4 at most.

    References
    ----------
    S. Boyd and L. Vandenberghe, "Convex Optimization", 2004, section 7.1.1 (the loss); S. Shalev-Shwartz and T. Zhang,
    "Stochastic dual coordinate ascent methods for regularized loss minimization", JMLR 2013 (the conjugate).

    Examples
    --------
    >>> import numpy as np
    >>> LogisticLoss().terms(np.array([0.0, 1000.0]), np.array([1.0, -1.0])).round(6)
    array([6.93147e-01, 1.00000e+03])
    """

    name: str = field(default="logistic", init=False, repr=False)

    @property
    def curvature(self) -> float:
        """Return 1/4, the second derivative at f = 0."""
        return 0.25

    @property
    def _slopes(self) -> tuple[float, float]:
        return -1.0, 0.0

    def _phi(self, z: Array) -> Array:
        return np.logaddexp(0.0, -z)

    def _slope(self, z: Array) -> Array:
        return np.asarray(-expit(-z))

    def _phi_conjugate(self, s: Array) -> Array:
        # log1p keeps the digits of log(1 - a) where a is small.
        return np.asarray(xlogy(-s, -s) + xlog1py(1.0 + s, s))

    def _model_curvature(self, z: Array) -> Array:
        right, wrong = expit(z), expit(-z)
        return np.asarray(np.maximum(right, 0.25) * wrong)

    def _phi_to_cvxpy(self, z: Any) -> Any:
        import cvxpy as cp

        return cp.logistic(-z)

    def _phi_conjugate_to_cvxpy(self, s: Any) -> Any:
        import cvxpy as cp

        return -cp.entr(-s) - cp.entr(1.0 + s)

    def conjugate_domain_to_cvxpy(self, g: Any, y: Array, weights: Array | None = None) -> list[Any]:
        """Return nothing: entropies are infinite outside."""
        return []

    def _offset_bracket(self, f: Array, y: Array, w: Array) -> tuple[float, float]:
        """Return the log odds of the classes less the largest and the smallest prediction.

        Where all ``f + b`` are below the log odds, each sample's probability of +1 is below the share of +1, and the
        slopes sum to at most 0.
        """
        positive, negative = float(np.sum(w[y > 0])), float(np.sum(w[y < 0]))
        if positive == 0.0 or negative == 0.0:
            raise ValueError(
                f"y must hold both -1 and +1 in every output, among samples of positive weight, for an offset with "
                f"the loss {self.name!r}; found {'+1' if positive else '-1'} only"
            )
        log_odds = float(np.log(positive) - np.log(negative))
        return log_odds - float(np.max(f)), log_odds - float(np.min(f))
