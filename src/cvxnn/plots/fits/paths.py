"""Picture of a regularisation path: weights, neurons, objective and score against weight decay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cvxnn.betas import as_decreasing
from cvxnn.networks import ReLUNetwork
from cvxnn.plots.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILLION,
    as_column,
    axes_or_new,
    beta_axis,
    draw_legend_above,
    frame,
    literal,
    new_figure,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from cvxnn.certificates import Certificate

_BANDS = 20  # neurons whose weights are drawn apart


class Path(Protocol):
    """What is read here of a regularisation path."""

    @property
    def betas(self) -> Array:
        """Return the weight decays, decreasing, shape (k,)."""

    @property
    def networks(self) -> Sequence[ReLUNetwork]:
        """Return the network at each."""

    @property
    def certificates(self) -> Sequence[Certificate]:
        """Return what is proved at each."""


@short_repr
@dataclass(frozen=True, eq=False)
class PathCurves:
    """Weights, neurons, objective and, where it was given, a score along a path of weight decays.

    Parameters
    ----------
    betas : ndarray of shape (k,)
        Weight decays, decreasing.
    path_norms : ndarray of shape (k,)
        ``sum_j ||u_j|| ||a_j||`` at each.
    neuron_weights : ndarray of shape (k, t)
        ``||u_j|| ||a_j||`` of the t heaviest neurons, descending in each row; zero where there are fewer. Columns are
        ranks: from one beta to the next a column need not be the same neuron.
    neurons : ndarray of shape (k,)
        Numbers of neurons of weight above zero.
    objective : ndarray of shape (k,)
        Training objective at each beta, penalty included.
    lower_bound : ndarray of shape (k,)
        Proven lower bounds on it.
    scores : ndarray of shape (k,) or None
        Score on other data.
    score_name : str
        What the score is.
    """

    betas: Array  # (k,)
    path_norms: Array  # (k,)
    neuron_weights: Array  # (k, t)
    neurons: NDArray[np.int64]  # (k,)
    objective: Array  # (k,)
    lower_bound: Array  # (k,)
    scores: Array | None  # (k,)
    score_name: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the path norm and the weights of the heaviest neurons.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, in which neurons, objective and score have panels below.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the weights.
        """
        if ax is None:
            return self._plot_panels()
        frame(ax)
        self._draw_neurons(ax)
        ax.plot(self.betas, self.path_norms, label="path norm, their sum", **_line_style(BLACK, self.betas))
        ax.set_ylabel("weight")
        ax.set_ylim(bottom=0.0)
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def _draw_neurons(self, ax: Axes) -> None:
        """Draw the weights as bands on top of each other, the heaviest neuron lowest: they fill up the path norm."""
        edges = np.cumsum(self.neuron_weights, axis=1)
        edges = np.column_stack([np.zeros(len(edges)), edges])
        for rank, (low, high) in enumerate(zip(edges.T, edges.T[1:], strict=False)):
            label = "weight ‖u‖·‖a‖ of a neuron, heaviest lowest" if rank == 0 else None
            shade = 0.55 if rank % 2 == 0 else 0.3
            ax.fill_between(self.betas, low, high, color=BLUE, alpha=shade, lw=0, label=label)
        if (self.path_norms - edges[:, -1] > 1e-9 * self.path_norms).any():
            label = f"all but the {self.neuron_weights.shape[1]} heaviest"
            ax.fill_between(
                self.betas, edges[:, -1], self.path_norms, color=GREY, alpha=0.25, lw=0, label=label
            )

    def plot_neurons(self, ax: Axes | None = None) -> Axes:
        """Draw the number of neurons; parameters and return value as for `plot`, without further panels."""
        from matplotlib.ticker import MaxNLocator

        ax = axes_or_new(ax, (7.5, 3.0))
        frame(ax)
        ax.plot(self.betas, self.neurons, **_line_style(VERMILLION, self.betas))
        ax.set_ylabel("neurons")
        ax.set_ylim(bottom=0.0, top=max(1.0, 1.08 * float(self.neurons.max())))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        beta_axis(ax, self.betas)
        return ax

    def plot_objective(self, ax: Axes | None = None) -> Axes:
        """Draw objective and proven lower bound; parameters and return value as for `plot_neurons`."""
        ax = axes_or_new(ax, (7.5, 3.0))
        frame(ax)
        ax.fill_between(
            self.betas, self.lower_bound, self.objective, color=BLUE, alpha=0.12, lw=0, label="gap"
        )
        ax.plot(self.betas, self.objective, label="training objective", **_line_style(BLUE, self.betas))
        style = _line_style(PURPLE, self.betas) | {"marker": "s", "linestyle": "--"}
        ax.plot(self.betas, self.lower_bound, label="proven lower bound", **style)
        ax.set_ylabel("objective")
        ax.set_ylim(bottom=0.0)
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def plot_scores(self, ax: Axes | None = None) -> Axes:
        """Draw the score, its highest value marked; parameters and return value as for `plot_neurons`.

        Raises
        ------
        ValueError
            If no scores were given.
        """
        if self.scores is None:
            raise ValueError("scores must be given to path(...) before they can be drawn; got None")
        ax = axes_or_new(ax, (7.5, 3.0))
        frame(ax)
        ax.plot(self.betas, self.scores, **_line_style(GREEN, self.betas))
        best = int(np.argmax(self.scores))
        label = f"highest: {self.scores[best]:.3g} at β = {self.betas[best]:.3g}"
        ax.axvline(self.betas[best], color=GREEN, linestyle=":", linewidth=1.4, label=label)
        ax.set_ylabel(literal(self.score_name))
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def _plot_panels(self) -> Axes:
        drawings = [self.plot, self.plot_neurons, self.plot_objective]
        if self.scores is not None:
            drawings.append(self.plot_scores)
        heights = [3.0, 2.0, 2.2, 2.2][: len(drawings)]
        panels = new_figure((7.5, 1.1 * sum(heights))).subplots(
            len(drawings), 1, sharex=True, height_ratios=heights
        )
        for draw, panel in zip(drawings, panels, strict=True):
            draw(panel).label_outer()
        first: Axes = panels[0]
        return first


def path(result: Path, *, scores: Any = None, score_name: str = "validation score") -> PathCurves:
    """Compute what a picture of a regularisation path shows.

    Parameters
    ----------
    result : RegularisationPath
        Has ``betas`` (k,), decreasing, and ``networks`` and ``certificates``, k of each. Weights are drawn in the units
        of these networks.
    scores : array_like of shape (k,), optional
        Score of each network on data that it was not trained on; higher is better.
    score_name : str, default "validation score"
        What the score is: "validation R²".

    Returns
    -------
    PathCurves
        Arrays, with ``.plot(ax=None)``, ``.plot_neurons``, ``.plot_objective`` and ``.plot_scores``.

    Raises
    ------
    ValueError
        If `result` is not a path, its betas are not positive and decreasing, or there are not as many networks,
        certificates or scores as betas.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from cvxnn.certificates import make_certificate
    >>> from cvxnn.networks import ReLUNetwork
    >>> options = {"tol": 1e-3, "method": "exact sweep", "scope": "network"}
    >>> result = SimpleNamespace(
    ...     betas=[2.0, 1.0],
    ...     networks=[ReLUNetwork([[0.0]], [0.0]), ReLUNetwork([[3.0, 1.0]], [2.0, 1.0])],
    ...     certificates=[make_certificate(9.0, 9.0, **options), make_certificate(8.0, 7.5, **options)],
    ... )
    >>> curves = path(result)
    >>> curves.neurons, curves.path_norms
    (array([0, 2]), array([0., 7.]))
    """
    try:
        betas, networks, certificates = result.betas, tuple(result.networks), tuple(result.certificates)
    except (AttributeError, TypeError) as error:
        raise ValueError(f"result must be a regularisation path; {error}") from None
    betas = as_decreasing(betas, "result.betas")
    for name, values in (("networks", networks), ("certificates", certificates)):
        if len(values) != len(betas):
            raise ValueError(f"result.{name} must be {len(betas)}, one for each beta; got {len(values)}")
    weights = [_neuron_weights(network) for network in networks]
    return PathCurves(
        betas=betas,
        path_norms=np.array([one.sum() for one in weights]),
        neuron_weights=_padded(weights),
        neurons=np.array([np.count_nonzero(one) for one in weights], dtype=np.int64),
        objective=np.array([one.objective for one in certificates], dtype=np.float64),
        lower_bound=np.array([one.lower_bound for one in certificates], dtype=np.float64),
        scores=None if scores is None else as_column(scores, "scores", length=len(betas), of="result.betas"),
        score_name=str(score_name),
    )


def _neuron_weights(network: ReLUNetwork) -> Array:
    """Return ``||u_j|| ||a_j||``, descending."""
    output = network.output.reshape(network.n_neurons, network.n_outputs)
    weights = np.linalg.norm(network.hidden, axis=0) * np.linalg.norm(output, axis=1)
    return np.asarray(np.sort(weights)[::-1])


def _padded(weights: list[Array]) -> Array:
    """Return the heaviest weights of each network as rows of one array, zeros at the end, no column of zeros."""
    width = min(_BANDS, max(int(np.count_nonzero(one)) for one in weights))
    rows = np.zeros((len(weights), width))
    for row, one in zip(rows, weights, strict=True):
        row[: len(one[:width])] = one[:width]
    return rows


def _line_style(colour: str, betas: Array) -> dict[str, Any]:
    few = len(betas) <= 60
    return {"color": colour, "linewidth": 1.6, "marker": "o", "markersize": 3.5 if few else 0, "zorder": 3}
