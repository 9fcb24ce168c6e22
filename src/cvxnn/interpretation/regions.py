"""The regions of inputs on which a network is linear, as far as data visit them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.interpretation.inputs import Inputs, TwoLayerNetwork, target_names_of
from cvxnn.interpretation.wording import aligned, number_text, percent_text
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, exponent

if TYPE_CHECKING:
    import pandas as pd

    from cvxnn.encoding import PiecewiseLinearEncoder

_PRINTED = 10  # regions
_FEATURES_PRINTED = 3


@short_repr
@dataclass(frozen=True, eq=False)
class ActiveRegion:
    """One region: on it the network is ``x^T coefficients + offset``.

    Parameters
    ----------
    pattern : ndarray of shape (m,), bool
        Which neurons are active.
    samples : ndarray of shape (k,)
        Indices of the data's samples in the region, ascending.
    coefficients : ndarray of shape (d,) or (d, C)
        The gradient of the output, one column for each of several outputs.
    offset : ndarray of shape () or (C,)
        The linear model's constant, hidden bias and output offset included.
    """

    pattern: NDArray[np.bool_]  # (m,)
    samples: NDArray[np.int64]  # (k,)
    coefficients: Array  # (d,) or (d, C)
    offset: Array  # () or (C,)


@dataclass(frozen=True, eq=False)
class ActiveRegions:
    """The regions that data visit, the one with the most samples first. Made by `active_regions`.

    A sequence of `ActiveRegion`.

    Parameters
    ----------
    patterns : ndarray of shape (R, m), bool
        Which neurons are active in each region.
    counts : ndarray of shape (R,)
        Number of samples in each.
    region_of : ndarray of shape (n,)
        The region of each sample.
    coefficients : ndarray of shape (R, d) or (R, d, C)
        Of the linear model on each region.
    offsets : ndarray of shape (R,) or (R, C)
        Its constant.
    scales : ndarray of shape (d,)
        Standard deviations of the features in the data, by which features are ranked in print.
    feature_names, target_names : tuple of str
        Names of the d features, without the hidden bias, and of the C outputs.
    """

    patterns: NDArray[np.bool_]  # (R, m)
    counts: NDArray[np.int64]  # (R,)
    region_of: NDArray[np.int64]  # (n,)
    coefficients: Array  # (R, d) or (R, d, C)
    offsets: Array  # (R,) or (R, C)
    scales: Array  # (d,)
    feature_names: tuple[str, ...]  # d
    target_names: tuple[str, ...]  # C

    def __len__(self) -> int:
        return len(self.counts)

    def __getitem__(self, region: int) -> ActiveRegion:
        region = range(len(self))[region]  # IndexError past the end, which also ends iteration
        return ActiveRegion(
            pattern=self.patterns[region],
            samples=np.flatnonzero(self.region_of == region),
            coefficients=self.coefficients[region],
            offset=self.offsets[region],
        )

    def __iter__(self) -> Iterator[ActiveRegion]:
        return (self[region] for region in range(len(self)))

    @property
    def shares(self) -> Array:
        """Return the share of the samples in each region, shape (R,)."""
        return np.asarray(self.counts / self.counts.sum())

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each region: its samples, their share, its active neurons, its linear model's constant."""
        import pandas as pd

        columns: dict[str, Any] = {"samples": self.counts, "share": self.shares}
        columns["active neurons"] = self.patterns.sum(axis=1)
        offsets = self.offsets.reshape(len(self), -1)
        for c, target in enumerate(self.target_names):
            columns["offset" if len(self.target_names) == 1 else f"offset, {target}"] = offsets[:, c]
        return pd.DataFrame(columns, index=pd.RangeIndex(len(self), name="region"))

    def coefficients_frame(self) -> pd.DataFrame:
        """Return one row for each region, or region and output, and one column for each feature."""
        import pandas as pd

        regions = pd.RangeIndex(len(self), name="region")
        names, d = list(self.feature_names), len(self.feature_names)
        if len(self.target_names) == 1:
            return pd.DataFrame(self.coefficients.reshape(-1, d), index=regions, columns=names)
        index = pd.MultiIndex.from_product([regions, self.target_names], names=["region", "output"])
        rows = np.swapaxes(self.coefficients, 1, 2).reshape(-1, d)
        return pd.DataFrame(rows, index=index, columns=names)

    def __str__(self) -> str:
        rows = [["region", "samples", "share", "active neurons", "largest effects, per unit"]]
        rows += [self._row(region) for region in range(min(_PRINTED, len(self)))]
        lines = [f"{self!r}:", "", *aligned(rows, right=rows[0][:4])]
        if len(self) > _PRINTED:
            share = percent_text(float(self.shares[_PRINTED:].sum()))
            lines.append(f"and {len(self) - _PRINTED} more, with {share} of the samples")
        return "\n".join(lines)

    def __repr__(self) -> str:
        regions = f"{len(self)} region" + ("" if len(self) == 1 else "s")
        return f"ActiveRegions({regions} of {self.patterns.shape[1]} neurons, {len(self.region_of)} samples)"

    def _row(self, region: int) -> list[str]:
        row = [str(region), str(self.counts[region]), percent_text(float(self.shares[region]))]
        return [*row, str(int(self.patterns[region].sum())), self._effects(region)]

    def _effects(self, region: int) -> str:
        """Return the features that move the output most, by coefficient times spread, with their coefficients."""
        coefficients = self.coefficients[region].reshape(len(self.feature_names), -1)
        # in units: they are compared, and squares or products might overflow
        units = [np.ldexp(array, -exponent(array)) for array in (coefficients, self.scales)]
        sizes = np.linalg.norm(units[0], axis=1) * units[1]
        largest = [k for k in np.argsort(-sizes, kind="stable")[:_FEATURES_PRINTED] if sizes[k] > 0]
        if coefficients.shape[1] > 1:
            return ", ".join(self.feature_names[k] for k in largest)
        return ", ".join(
            f"{self.feature_names[k]} {number_text(float(coefficients[k, 0]), signed=True)}" for k in largest
        )


@on_one_blas_thread
def active_regions(
    network: TwoLayerNetwork,
    X: Any,
    *,
    feature_names: Sequence[str] | None = None,
    target_names: Sequence[str] | None = None,
    hidden_bias: bool | None = None,
    encoder: PiecewiseLinearEncoder | None = None,
) -> ActiveRegions:
    """Return the regions that data visit of those on which a network is linear, each with its linear model.

    The hyperplanes ``x^T u_j = 0`` of the neurons, or of a gated network's gates, cut the space into regions. Where the
    neurons of a pattern p are active, the network is ``x^T (sum_j p_j u_j a_j^T) + b``: its prediction for each sample
    of a region is that of the region's linear model. A sample on a hyperplane counts as active. Time
    O(n d m + R d m C) for R regions, memory O(n m + R (m + d C)).

    Parameters
    ----------
    network : ReLUNetwork or GatedReLUNetwork
        The network, in the units of `X`: ``network_`` of an estimator takes raw data. Neurons of output weight zero
        cut regions too; `prune_zeros` drops them.
    X : array_like of shape (n, d) or (n, d - 1)
        Data, with or without the column of ones.
    feature_names : sequence of str, optional
        d names, or d - 1 where the last feature is the hidden bias; by default the columns of `X`, or x0, x1, ...
    target_names : sequence of str, optional
        Names of the C outputs.
    hidden_bias : bool, optional
        Whether the last feature is a column of ones, which then goes into the linear models' constants. By default it
        is where d - 1 names are given or, without names, where `X` has d - 1 columns or ends in a column of ones.
    encoder : PiecewiseLinearEncoder, optional
        The map before the network, ``encoder_`` of estimators with ``knots``. `X` and `feature_names` are then those of
        its columns; coefficients are of columns and ramps, in which the network is linear on each region.

    Returns
    -------
    ActiveRegions

    Raises
    ------
    ValueError
        If names, data, encoder and hidden bias do not fit each other and the network.

    Examples
    --------
    >>> from cvxnn.networks import ReLUNetwork
    >>> network = ReLUNetwork([[1.0, -1.0], [0.0, 0.0]], [1.0, 1.0])
    >>> regions = active_regions(network, [[-3.0], [1.0], [2.0]], feature_names=["x"])
    >>> regions.coefficients_frame().join(regions.to_frame())
              x  samples     share  active neurons  offset
    region
    0       1.0        2  0.666667               1     0.0
    1      -1.0        1  0.333333               1     0.0
    """
    held = getattr(network, "network", network)
    if not isinstance(held, TwoLayerNetwork):
        raise ValueError(f"network must be a ReLUNetwork or GatedReLUNetwork; got {type(network).__name__}")
    network = held
    if X is None:
        raise ValueError("X must be an array of numbers; got None")
    inputs = Inputs.of(network.hidden.shape[0], feature_names, X, hidden_bias, encoder)
    targets = target_names_of(target_names, len(network.offset))
    patterns, counts, region_of = _largest_first(network.patterns(inputs.features))
    coefficients, offsets = _linear_models(network, patterns, inputs)
    return ActiveRegions(
        patterns=patterns,
        counts=counts,
        region_of=region_of,
        coefficients=coefficients.reshape(len(patterns), -1, *network.output.shape[1:]),
        offsets=offsets.reshape(len(patterns), *network.output.shape[1:]),
        scales=inputs.scales,
        feature_names=inputs.names,
        target_names=targets,
    )


def _largest_first(
    patterns: NDArray[np.bool_],
) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.int64]]:
    """Return distinct rows, how often each occurs, and which of them each row is; ties in order of appearance."""
    _, first, group, counts = np.unique(
        np.packbits(patterns, axis=1), axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -counts))
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return patterns[first[order]], counts[order], rank[group.reshape(-1)]


def _linear_models(
    network: TwoLayerNetwork, patterns: NDArray[np.bool_], inputs: Inputs
) -> tuple[Array, Array]:
    """Return coefficients (R, d, C) and constants (R, C)."""
    named, bias = inputs.split(network.hidden)
    output = network.output.reshape(-1, len(network.offset))
    active = patterns.astype(np.float64)
    coefficients = np.stack([(active * weights) @ named.T for weights in output.T], axis=2)
    return coefficients, active @ (bias[:, None] * output) + network.offset
