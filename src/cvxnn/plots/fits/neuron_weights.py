"""Picture of a network's neurons by weight, with what each of them looks at."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.plots.canvas import SIGN_COLOURS, axes_or_new, draw_legend_above, frame, literal
from cvxnn.problem import as_network
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FEATURES_SHOWN = 3
_NAME_LENGTH = 24
_SIGN_WORDS = {1: "adds to the output (a > 0)", -1: "subtracts from it (a < 0)", 0: "output weight a vector"}


@short_repr
@dataclass(frozen=True, eq=False)
class NeuronWeights:
    """The heaviest neurons of a network. The weight of neuron j is ``||u_j|| ||a_j||``.

    Parameters
    ----------
    indices : ndarray of shape (k,)
        Which neurons, heaviest first; neurons of weight zero are left out.
    weights : ndarray of shape (k,)
        Their weights, descending.
    shares : ndarray of shape (k,)
        Their weights as shares of the path norm, the sum over all neurons.
    directions : ndarray of shape (d, k)
        Their hidden weights at norm 1.
    signs : ndarray of shape (k,)
        Signs of their output weights, +1 or -1; 0 for a network of several outputs.
    labels : tuple of str
        For each, the features with the largest entries in its direction.
    n_neurons : int
        Neurons of the network with a weight that is not zero.
    """

    indices: NDArray[np.int64]  # (k,)
    weights: Array  # (k,)
    shares: Array  # (k,)
    directions: Array  # (d, k)
    signs: NDArray[np.int64]  # (k,)
    labels: tuple[str, ...]  # k
    n_neurons: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a bar for each neuron, with its share of the path norm, heaviest on top.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure, as high as the bars need, by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (8.5, 1.9 + 0.34 * max(len(self.weights), 3)))
        frame(ax, grid="x")
        ax.set_xlabel("weight ‖u‖·‖a‖ (and % of all neurons)")
        ax.set_ylabel("direction u/‖u‖, largest entries")
        if len(self.weights) == 0:
            ax.set(xticks=[], yticks=[])
            ax.text(0.5, 0.5, "no neurons: a constant", transform=ax.transAxes, ha="center", va="center")
            return ax
        self._draw_bars(ax)
        draw_legend_above(ax, title=self._title())
        return ax

    def _title(self) -> str:
        shown, share = len(self.weights), 100 * float(self.shares.sum())
        if shown == self.n_neurons:
            return "all neurons" if shown > 1 else "the only neuron"
        return f"the {shown} heaviest of {self.n_neurons} neurons: {share:.0f} % of the weight"

    def _draw_bars(self, ax: Axes) -> None:
        rows = np.arange(len(self.weights))
        for sign in (1, -1, 0):
            mine = self.signs == sign
            if mine.any():
                ax.barh(rows[mine], self.weights[mine], color=SIGN_COLOURS[sign], label=_SIGN_WORDS[sign])
        for row, weight, share in zip(rows.tolist(), self.weights, self.shares, strict=True):
            ax.text(
                weight + 0.01 * self.weights[0], row, f"{100 * share:.1f} %", va="center", fontsize="small"
            )
        ax.set_yticks(rows, [literal(label) for label in self.labels], fontsize="small")
        ax.tick_params(axis="y", length=0)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(0, 1.12 * self.weights[0])  # room for the share of the longest bar


def neurons(
    network: ReLUNetwork | GatedReLUNetwork, feature_names: Sequence[str] | None = None, *, top: int = 12
) -> NeuronWeights:
    """Compute the heaviest neurons of a network and the features they look at.

    Which features are largest depends on the features' scales: names are most telling on standardised data.

    Parameters
    ----------
    network : ReLUNetwork, GatedReLUNetwork or TrainingResult
        The network, or a result that holds it.
    feature_names : sequence of str, optional
        Names of the d features; d - 1 names when the last feature is the hidden bias, which is then called
        "bias". By default x0, x1, ...
    top : int, default 12
        How many neurons to show; >= 1.

    Returns
    -------
    NeuronWeights
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If `network` is no network, the names do not fit its features, or `top` is not a positive integer.

    Examples
    --------
    >>> from cvxnn.networks import ReLUNetwork
    >>> shown = neurons(ReLUNetwork([[3.0, 0.0], [4.0, 1.0]], [-1.0, 15.0]), ["age", "height"])
    >>> shown.weights, shown.labels
    (array([15.,  5.]), ('+1.00 height', '+0.80 height  +0.60 age'))
    """
    network = as_network(network, kinds=(ReLUNetwork, GatedReLUNetwork))
    names = _as_names(feature_names, network.n_features)
    output = network.output.reshape(network.n_neurons, network.n_outputs)
    norms = np.linalg.norm(network.hidden, axis=0)
    weights = norms * np.linalg.norm(output, axis=1)
    order = np.argsort(-weights, kind="stable")[: np.count_nonzero(weights)]
    indices = order[: _as_top(top)]
    directions = network.hidden[:, indices] / norms[indices]
    scalar = network.n_outputs == 1
    return NeuronWeights(
        indices=indices.astype(np.int64),
        weights=weights[indices],
        shares=weights[indices] / weights.sum(),
        directions=directions,
        signs=np.sign(output[indices, 0] if scalar else np.zeros(len(indices))).astype(np.int64),
        labels=tuple(_label(direction, names) for direction in directions.T),
        n_neurons=len(order),
    )


def _as_names(feature_names: Sequence[str] | None, n_features: int) -> list[str]:
    if feature_names is None:
        return [f"x{k}" for k in range(n_features)]
    names = [str(name) for name in feature_names]
    if isinstance(feature_names, str) or len(names) not in (n_features, n_features - 1):
        raise ValueError(
            f"feature_names must be {n_features} names, or {n_features - 1} with the hidden bias left out; "
            f"got {feature_names!r}"
        )
    return names if len(names) == n_features else [*names, "bias"]


def _as_top(top: int) -> int:
    try:
        number = operator.index(top)
    except TypeError:
        number = 0
    if number < 1:
        raise ValueError(f"top must be an integer >= 1; got {top!r}")
    return number


def _label(direction: Array, names: list[str]) -> str:
    """Return the largest entries of a direction with their names; only the first may round to 0."""
    first, *others = np.argsort(-np.abs(direction), kind="stable")[:_FEATURES_SHOWN]
    shown = [first, *(k for k in others if abs(direction[k]) >= 0.005)]
    numbers = [f"{direction[k]:+.2f}".replace("-", "−") for k in shown]
    return "  ".join(f"{number} {_shortened(names[k])}" for number, k in zip(numbers, shown, strict=True))


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
