"""Scaling of data before training, and folding it back into the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.certificates import beta_max
from cvxnn.losses import Loss
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Standardisation:
    """Affine maps ``x -> (x - mean) / scale`` of columns and target, and whether a hidden bias is added.

    Parameters
    ----------
    x_mean, x_scale : ndarray of shape (d,)
        Of the columns of X.
    y_mean, y_scale : float
        Of the target.
    bias : bool
        Whether a column of ones is appended to X and the network has an output offset.
    """

    x_mean: Array  # (d,)
    x_scale: Array  # (d,)
    y_mean: float
    y_scale: float
    bias: bool

    @classmethod
    def of(cls, X: Array, y: Array, *, centre: bool, scale: bool) -> Standardisation:
        """Return the standardisation of data.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Data.
        y : ndarray of shape (n,)
            Targets.
        centre : bool
            Whether there is a bias that can absorb means; with ``scale`` columns are then centred, and otherwise
            scaled about zero.
        scale : bool
            Whether to scale at all; without it the data stay as they are.
        """
        d = X.shape[1]
        if not scale:
            return cls(np.zeros(d), np.ones(d), 0.0, 1.0, centre)
        x_mean = _means(X) if centre else np.zeros(d)
        y_mean = float(_means(y)) if centre else 0.0
        return cls(x_mean, _scales(X, x_mean), y_mean, float(_scales(y, np.asarray(y_mean))), centre)

    def inputs(self, X: Array) -> Array:
        """Return standardised inputs, with the column of ones last where there is a bias."""
        Z = (X - self.x_mean) / self.x_scale
        return np.hstack([Z, np.ones((Z.shape[0], 1))]) if self.bias else Z

    def problem(
        self, X: Array, y: Array, *, beta: float | str, beta_ratio: float, loss: str | Loss
    ) -> Problem:
        """Return the standardised training problem; ``beta="auto"`` is ``beta_ratio`` times the critical beta.

        Where every beta gives the constant network (a constant target), "auto" gives ``beta_ratio``.
        """
        target = (np.asarray(y, dtype=np.float64) - self.y_mean) / self.y_scale
        problem = Problem(
            self.inputs(X), target, 0.0 if beta == "auto" else beta, loss, output_offset=self.bias
        )
        if beta != "auto":
            return problem
        return problem.with_beta(beta_ratio * beta_max(problem) or beta_ratio)

    def to_raw_units(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return the network that takes raw columns (then ones, where there is a bias) and gives raw targets."""
        d = len(self.x_scale)
        hidden = np.array(network.hidden)
        hidden[:d] /= self.x_scale[:, None]
        if self.bias:
            hidden[d] -= self.x_mean @ hidden[:d]
        offset = network.offset * self.y_scale + self.y_mean
        # Half of the target's scale goes to each layer, so that the network stays as balanced as it was.
        root = np.sqrt(self.y_scale)
        return ReLUNetwork(hidden * root, network.output * root, offset)


def _means(values: Array) -> Array:
    """Return means over samples; of constant columns exactly their value, so that centring leaves exactly zero."""
    means = np.asarray(np.mean(values, axis=0))
    constant = np.all(values == values[0], axis=0)
    return np.where(constant, values[0], means)


def _scales(values: Array, means: Any) -> Array:
    """Return root mean squares about the means; 1 for columns that are constant up to rounding."""
    largest = np.max(np.abs(values), axis=0)
    # Divide by the largest entry first: squares of 1e200 overflow.
    unit = np.where(largest > 0, largest, 1.0)
    deviation = np.sqrt(np.mean(((values - means) / unit) ** 2, axis=0))
    constant = deviation <= 10 * np.finfo(np.float64).eps * values.shape[0] ** 0.5
    return np.where(constant, 1.0, deviation * unit)
