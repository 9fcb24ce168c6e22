"""Scaling of data before training, and folding it back into the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from cvxnn.losses import Loss
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.problem import Problem, relative_weights
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

# Columns with the same smallest and largest value from which they are taken for readings of one instrument.
_ONE_UNIT = 16


@short_repr
@dataclass(frozen=True, eq=False)
class Standardisation:
    """Affine maps ``x -> (x - mean) / scale`` of columns and targets, and whether a hidden bias is added.

    Columns are scaled one by one, but by one number where most of them, sixteen at least, have the same smallest and
    the same largest value, as the pixels of images have, and not 0 and 1: these share a unit.

    Parameters
    ----------
    x_mean, x_scale : ndarray of shape (d,)
        Of the columns of X.
    y_mean, y_scale : float or ndarray of shape (C,)
        Of the target, or of each column of targets of shape (n, C).
    bias : bool
        Whether a column of ones is appended to X and the network has an output offset.
    """

    x_mean: Array  # (d,)
    x_scale: Array  # (d,)
    y_mean: float | Array  # or (C,)
    y_scale: float | Array  # or (C,)
    bias: bool

    @classmethod
    def of(
        cls,
        X: Array,
        y: Array,
        *,
        centre: bool,
        scale: bool,
        sample_weight: Array | None = None,
        scale_target: bool = True,
        unscaled: NDArray[np.bool_] | None = None,
    ) -> Standardisation:
        """Return the standardisation of data.

        Parameters
        ----------
        X : ndarray of shape (n, d)
            Data.
        y : ndarray of shape (n,) or (n, C)
            Targets.
        centre : bool
            Whether there is a bias that can absorb means; with ``scale`` columns are then centred, and otherwise
            scaled about zero.
        scale : bool
            Whether to scale at all; without it the data stay as they are.
        sample_weight : ndarray of shape (n,), optional
            Weights of the means and variances, > 0.
        scale_target : bool, default True
            False leaves the targets as they are: classes are not numbers.
        unscaled : bool ndarray of shape (d,), optional
            Columns that stay as they are, such as the zeros and ones of categories.
        """
        d = X.shape[1]
        if not scale:
            return cls(np.zeros(d), np.ones(d), 0.0, 1.0, centre)
        if sample_weight is not None:
            sample_weight = relative_weights(sample_weight)
        x_mean = _means(X, sample_weight) if centre else np.zeros(d)
        x_scale = _scales(X, x_mean, sample_weight)
        if np.any(together := _of_one_unit(X)):
            x_scale[together] = np.sqrt(np.mean(x_scale[together] ** 2))
        if unscaled is not None:
            x_mean, x_scale = np.where(unscaled, 0.0, x_mean), np.where(unscaled, 1.0, x_scale)
        if not scale_target:
            return cls(x_mean, x_scale, 0.0, 1.0, centre)
        y_mean = _means(y, sample_weight) if centre else np.zeros(y.shape[1:])
        y_scale = _scales(y, y_mean, sample_weight)
        return cls(x_mean, x_scale, np.asarray(y_mean)[()], np.asarray(y_scale)[()], centre)

    def inputs(self, X: Array) -> Array:
        """Return standardised inputs, with the column of ones last where there is a bias."""
        Z = (X - self.x_mean) / self.x_scale
        return np.hstack([Z, np.ones((Z.shape[0], 1))]) if self.bias else Z

    def problem(
        self,
        X: Array,
        y: Array,
        *,
        loss: str | Loss,
        beta: float = 0.0,
        sample_weight: Array | None = None,
    ) -> Problem:
        """Return the standardised training problem."""
        target = (np.asarray(y, dtype=np.float64) - self.y_mean) / self.y_scale
        return Problem(
            self.inputs(X), target, beta, loss, output_offset=self.bias, sample_weight=sample_weight
        )

    @overload
    def to_raw_units(self, network: ReLUNetwork) -> ReLUNetwork: ...

    @overload
    def to_raw_units(self, network: GatedReLUNetwork) -> GatedReLUNetwork: ...

    def to_raw_units(self, network: ReLUNetwork | GatedReLUNetwork) -> ReLUNetwork | GatedReLUNetwork:
        """Return the network that takes raw columns (then ones, where there is a bias) and gives raw targets."""
        offset = network.offset * self.y_scale + self.y_mean
        # Half of the targets' scale goes to each layer, so that the network stays as balanced as it was.
        root = np.sqrt(np.exp(np.mean(np.log(self.y_scale))))
        hidden, output = self._for_raw_columns(network.hidden) * root, network.output * (self.y_scale / root)
        if isinstance(network, GatedReLUNetwork):
            return GatedReLUNetwork(self._for_raw_columns(network.gates), hidden, output, offset)
        return ReLUNetwork(hidden, output, offset)

    def _for_raw_columns(self, directions: Array) -> Array:
        """Return vectors (d, m) with the same products with raw inputs as the given ones with standardised inputs."""
        d = len(self.x_scale)
        raw = np.array(directions)
        raw[:d] /= self.x_scale[:, None]
        if self.bias:
            raw[d] -= self.x_mean @ raw[:d]
        return raw


def _of_one_unit(X: Array) -> NDArray[np.bool_]:
    """Return which columns are readings of one instrument, as the pixels of images are: none, or most.

    They are told by the smallest and the largest value that most columns have in common, and lie between these. Scaled
    one by one, a pixel that is black in all images but three would count as much as any other. Columns from 0 to 1 may
    be shares, ramps or scaled already, and those that hold two values alone say nothing about units.
    """
    low, high = np.min(X, axis=0), np.max(X, axis=0)
    varying = high > low
    ends, counts = np.unique(np.stack([low, high])[:, varying], axis=1, return_counts=True)
    none = np.zeros(X.shape[1], dtype=np.bool_)
    if np.max(counts, initial=0) < _ONE_UNIT or 2 * np.max(counts) <= np.sum(varying):
        return none
    common_low, common_high = ends[:, np.argmax(counts)]
    between = (X > common_low) & (X < common_high)
    if (common_low, common_high) == (0.0, 1.0) or not np.any(
        between[:, (low == common_low) & (high == common_high)]
    ):
        return none
    return np.asarray(varying & (low >= common_low) & (high <= common_high))


def _means(values: Array, weights: Array | None) -> Array:
    """Return means over samples; of constant columns exactly their value, so that centring leaves exactly zero."""
    means = np.asarray(np.average(values, axis=0, weights=weights))
    constant = np.all(values == values[0], axis=0)
    return np.where(constant, values[0], means)


def _scales(values: Array, means: Any, weights: Array | None) -> Array:
    """Return root mean squares about the means; 1 for columns that are constant up to rounding."""
    largest = np.max(np.abs(values), axis=0)
    # Divide by the largest entry first: squares of 1e200 overflow.
    unit = np.where(largest > 0, largest, 1.0)
    deviation = np.sqrt(np.average(((values - means) / unit) ** 2, axis=0, weights=weights))
    constant = deviation <= 10 * np.finfo(np.float64).eps * values.shape[0] ** 0.5
    return np.where(constant, 1.0, deviation * unit)
