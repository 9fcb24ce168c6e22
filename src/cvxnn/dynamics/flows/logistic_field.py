"""The vector field of gradient flow on the logistic loss, in a clock that never slows down."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.special import expit, logsumexp

from cvxnn.validation import Array

# Above this margin log(1 + exp(-m)) is exp(-m) to rounding.
_LARGE_MARGIN = 36.0
# Weights of this size would have lost all digits of the differences of margins that shares depend on.
_ABSURD = 1e30
# Parts of a step in which the logarithm of the clock's rate is taken as linear.
_PARTS = 32
# A change below which it counts as constant.
_FLAT = 1e-12


@dataclass(frozen=True, eq=False)
class LogisticField:
    """Gradient flow of balanced neurons on ``L = sum_i log(1 + exp(-y_i f(x_i)))``, divided by ``r = sum_i |l_i'|``.

    ``du_j/ds = s_j ||u_j|| sum_i p_i y_i g_ij x_i``, with ``a_j = s_j ||u_j||`` (flow keeps ``||u_j||^2 - a_j^2``
    as it is), ``p_i = |l_i'| / r`` and ``g_ij = 1`` where ``x_i^T u_j > 0``, 0 where it is negative. Dividing by r
    > 0 changes the clock, ``ds = r dt``, and not the curve: where the loss is small t grows like ``exp(||u||^2)``,
    s like its logarithm.

    On a kink flow moves by the element of least norm of Clarke's subdifferential. Where both sides push a neuron
    back to the kink it slides along it, with the g_ij in (0, 1) that keeps ``x_i^T u_j = 0``. That is the limit of
    ``g = clip(1/2 + x_i^T u_j / (2 width ||x_i|| ||u_j||), 0, 1)`` for a small width, which is what is integrated.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Data, no zero row.
    y : ndarray of shape (n,)
        Labels, -1 and +1.
    signs : ndarray of shape (m,)
        Signs s_j of the output weights, which flow keeps.
    width : float
        Half the width of kinks, as a cosine.
    """

    X: Array  # (n, d)
    y: Array  # (n,)
    signs: Array  # (m,)
    width: float
    _signed: Array = field(init=False, repr=False)  # (n, d), y_i x_i
    _norms: Array = field(init=False, repr=False)  # (n, 1)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_signed", self.y[:, None] * self.X)
        object.__setattr__(self, "_norms", np.linalg.norm(self.X, axis=1)[:, None])

    def hidden(self, state: Array) -> Array:
        """Return the hidden weights (d, m) of a state."""
        return state.reshape(self.X.shape[1], -1)

    def margins(self, state: Array) -> Array:
        """Return ``y_i f(x_i)``, shape (n,)."""
        U = self.hidden(state)
        f = np.maximum(self.X @ U, 0.0) @ (self.signs * np.linalg.norm(U, axis=0))
        return np.asarray(self.y * f)

    def velocity(self, _: float, state: Array) -> Array:
        """Return ``du/ds``, flattened; not a number at absurd weights, which tells an integrator to step back."""
        if not np.max(np.abs(state)) < _ABSURD:
            return np.full_like(state, np.nan)
        U = self.hidden(state)
        p = shares(self.margins(state))
        pull = self._signed.T @ (p[:, None] * self._gates(U))
        return np.asarray((pull * (self.signs * np.linalg.norm(U, axis=0))).ravel())

    def log_rates(self, states: Array) -> Array:
        """Return ``log r`` of states (k, d m), the logarithms of what the clock runs by, ``ds = r dt``, shape (k,)."""
        U = states.reshape(len(states), self.X.shape[1], -1)
        f = np.sum(np.maximum(self.X @ U, 0.0) * (self.signs * np.linalg.norm(U, axis=1))[:, None], axis=2)
        return np.asarray(logsumexp(-np.logaddexp(0.0, self.y * f), axis=1))

    def growth(self, state: Array) -> float:
        """Return ``||du/ds|| / ||u||``."""
        return float(np.linalg.norm(self.velocity(0.0, state)) / np.linalg.norm(state))

    def _gates(self, U: Array) -> Array:
        scale = 2.0 * self.width * self._norms * np.linalg.norm(U, axis=0)
        return np.asarray(np.clip(0.5 + (self.X @ U) / scale, 0.0, 1.0))

    def jacobian(self, _: float, state: Array) -> Array:
        """Return the derivative of `velocity`; at widened kinks without the change of ``||u_j||`` in their width."""
        if not np.max(np.abs(state)) < _ABSURD:
            return np.zeros((state.size, state.size))  # the velocity there is refused
        U = self.hidden(state)
        (d, m), n = U.shape, len(self.y)
        norms, Z, gates = np.linalg.norm(U, axis=0), self.X @ U, self._gates(U)
        margins = self.margins(state)
        p, units, neurons = shares(margins), U / norms, np.arange(m)
        pull = self._signed.T @ (p[:, None] * gates)
        # Through the shares p: a product of thin factors.
        slopes = units * np.maximum(Z, 0.0)[:, None, :] + norms * (Z > 0)[:, None, :] * self.X[:, :, None]
        slopes = (self.y[:, None, None] * self.signs * slopes).reshape(n, d * m)
        weighted = p * expit(margins)
        left = (self._signed.T[:, None, :] * gates.T * (self.signs * norms)[:, None]).reshape(d * m, n)
        jacobian: Array = -left @ (weighted[:, None] * slopes - np.outer(p, weighted @ slopes))
        # Through the neuron itself: its norm, and its gates on widened kinks.
        inside = np.abs(Z) < self.width * self._norms * norms
        steep = (p * self.y / (2.0 * self.width * self._norms[:, 0]))[:, None] * inside
        own = np.einsum("j,aj,bj->jab", self.signs, pull, units)
        own += np.einsum("ij,ia,ib->jab", steep * self.signs, self.X, self.X)
        blocks = jacobian.reshape(d, m, d, m)
        blocks[:, neurons, :, neurons] += own
        return jacobian


def log_times(flow: LogisticField, clock: Array, states: Array) -> Array:
    """Return ``log t`` of ``t = integral of ds / r`` along states (k, d m) at times (k,) of the clock; -inf first.

    In between states are cubics of the field's slopes there, and ``log(1/r)`` is taken as linear on parts of a step:
    relative errors of t are some ``(change of log(1/r) in a step)^2 / (8 parts^2)`` and below.
    """
    rates = np.array([flow.velocity(0.0, state) for state in states])
    logs, found = -np.inf, [-np.inf]
    for k in range(len(clock) - 1):
        piece = CubicHermiteSpline(clock[k : k + 2], states[k : k + 2], rates[k : k + 2])
        at = np.linspace(clock[k], clock[k + 1], _PARTS + 1)
        slow = -flow.log_rates(piece(at))
        rise = np.abs(np.diff(slow))
        # log of the integral of exp over [0, 1] of a line: its larger end, and (1 - exp(-rise)) / rise
        means = np.maximum(slow[1:], slow[:-1]) + np.log(
            -np.expm1(-np.maximum(rise, _FLAT)) / np.maximum(rise, _FLAT)
        )
        logs = np.logaddexp(logs, logsumexp(means) + np.log(at[1] - at[0]))
        found.append(float(logs))
    return np.array(found)


def shares(margins: Array) -> Array:
    """Return ``|l'(m_i)| / sum_k |l'(m_k)|`` of the logistic loss: a soft choice of the smallest margins."""
    logs = -np.logaddexp(0.0, margins)
    return np.asarray(np.exp(logs - logsumexp(logs)))


def log_loss(margins: Array) -> float:
    """Return ``log sum_i log(1 + exp(-m_i))``, also where the sum is far below the smallest number."""
    near = np.log(np.logaddexp(0.0, -np.minimum(margins, _LARGE_MARGIN)))
    return float(logsumexp(np.where(margins > _LARGE_MARGIN, -margins, near)))


def smoothed_margin(log_losses: Array) -> Array:
    """Return ``l^{-1}(L) = -log(exp(L) - 1)``: the margin that one sample of this loss would have."""
    large = -np.log(np.expm1(np.exp(np.maximum(log_losses, -_LARGE_MARGIN))))
    return np.asarray(np.where(log_losses > -_LARGE_MARGIN, large, -log_losses))
