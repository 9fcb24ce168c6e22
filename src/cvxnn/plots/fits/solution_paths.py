"""Picture of a solution path: directions, neurons, kinks and fit against weight decay, with the breakpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnn.betas import as_decreasing
from cvxnn.landscape import ActiveDirection, PathPoint, SolutionPath
from cvxnn.plots.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    SIGN_COLOURS,
    VERMILLION,
    as_column,
    axes_or_new,
    beta_axis,
    draw_legend_above,
    frame,
    new_figure,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, require_kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes

# Directions of one sign at neighbouring weight decays with a larger cosine are one direction that moved.
_SAME_TRACK = 0.9
_KINDS = {"enters": GREEN, "leaves": PURPLE, "kink": GREY, "several": BLACK}
_NAMES = {
    "enters": "a direction enters",
    "leaves": "a direction leaves",
    "kink": "a kink meets or leaves a sample",
    "several": "several at once",
}
_SIGN_NAMES = {1: "output weight > 0", -1: "output weight < 0"}


@short_repr
@dataclass(frozen=True, eq=False)
class SolutionPathCurves:
    """Active directions, neurons and fit along a path of weight decays.

    Parameters
    ----------
    betas : ndarray of shape (k,)
        Weight decays, decreasing.
    weights : ndarray of shape (k, t)
        ``||u_j|| |a_j|`` along each of t directions, followed from beta to beta; NaN where it is not active, 0 where it
        is and the network does without.
    signs : ndarray of shape (t,)
        Signs of the output weights, 1 or -1.
    kinks : ndarray of shape (k, t) or None
        Where each direction bends, ``-c u_2 / u_1``, for data with one input and a constant c.
    neurons, directions : ndarrays of shape (k,)
        Numbers of neurons of the basic optimal network, and of active directions.
    losses, path_norms : ndarrays of shape (k,)
        ``ell(f)`` and ``sum_j ||u_j|| |a_j|``.
    breakpoints : ndarray of shape (b,)
        Weight decays at which the active directions change.
    kinds : tuple of str
        What happens at each: "enters", "leaves", "kink", "several".
    x : ndarray of shape (n,) or None
        The inputs, where kinks are given.
    """

    betas: Array  # (k,)
    weights: Array  # (k, t)
    signs: NDArray[np.int64]  # (t,)
    kinks: Array | None  # (k, t)
    neurons: NDArray[np.int64]  # (k,)
    directions: NDArray[np.int64]  # (k,)
    losses: Array  # (k,)
    path_norms: Array  # (k,)
    breakpoints: Array  # (b,)
    kinds: tuple[str, ...]
    x: Array | None  # (n,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the weights of the directions, and the breakpoints.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, in which numbers of neurons, loss and norm and, for one input, the
            kinks have panels below.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the weights.
        """
        if ax is None:
            return self._plot_panels()
        frame(ax)
        self._draw_breakpoints(ax, with_labels=True)
        self._draw_tracks(ax, self.weights)
        ax.set_ylabel("weight ‖u‖·|a|")
        ax.set_ylim(bottom=0.0)
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def plot_neurons(self, ax: Axes | None = None) -> Axes:
        """Draw the numbers of neurons and of active directions; as for `plot`, without further panels."""
        from matplotlib.ticker import MaxNLocator

        ax = axes_or_new(ax, (7.5, 2.8))
        frame(ax)
        self._draw_breakpoints(ax, with_labels=False)
        ax.plot(self.betas, self.directions, color=GREY, lw=1.4, ls="--", label="active directions")
        ax.plot(
            self.betas, self.neurons, color=VERMILLION, lw=1.8, label="neurons of a basic optimal network"
        )
        ax.set_ylabel("number")
        ax.set_ylim(0.0, 1.12 * max(1, int(self.directions.max()), int(self.neurons.max())))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def plot_fit(self, ax: Axes | None = None) -> Axes:
        """Draw loss and penalty, which add up to the objective; as for `plot_neurons`."""
        ax = axes_or_new(ax, (7.5, 2.8))
        frame(ax)
        self._draw_breakpoints(ax, with_labels=False)
        objective = self.losses + self.betas * self.path_norms
        ax.fill_between(self.betas, 0.0, self.losses, color=BLUE, alpha=0.3, lw=0, label="loss")
        ax.fill_between(self.betas, self.losses, objective, color=GREEN, alpha=0.25, lw=0, label="penalty")
        ax.plot(self.betas, objective, color=BLACK, lw=1.6, label="objective, their sum")
        ax.set_ylabel("objective")
        ax.set_ylim(bottom=0.0)
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def plot_kinks(self, ax: Axes | None = None) -> Axes:
        """Draw where the directions in use bend, beside the inputs; as for `plot_neurons`.

        Raises
        ------
        ValueError
            If the data do not have one input and a constant.
        """
        if self.kinks is None or self.x is None:
            raise ValueError(
                "solution_path(path, X) must be given data of one input and a constant to draw kinks"
            )
        ax = axes_or_new(ax, (7.5, 3.2))
        frame(ax, grid="x")
        for k, value in enumerate(self.x):
            ax.axhline(value, color="0.8", lw=0.8, zorder=1, label="inputs x" if k == 0 else None)
        self._draw_tracks(ax, np.where(self.weights > 0, self.kinks, np.nan))
        room = 0.08 * (float(np.ptp(self.x)) or 1.0)
        ax.set_ylim(self.x.min() - room, self.x.max() + room)
        ax.set_ylabel("kink at x =")
        beta_axis(ax, self.betas)
        draw_legend_above(ax)
        return ax

    def _draw_tracks(self, ax: Axes, values: Array) -> None:
        for sign, name in _SIGN_NAMES.items():
            for j, column in enumerate(values.T[self.signs == sign]):
                label = name if j == 0 else None
                ax.plot(self.betas, column, color=SIGN_COLOURS[sign], lw=1.6, zorder=3, label=label)

    def _draw_breakpoints(self, ax: Axes, *, with_labels: bool) -> None:
        for kind, colour in _KINDS.items():
            for j, beta in enumerate(self.breakpoints[[one == kind for one in self.kinds]]):
                label = _NAMES[kind] if with_labels and j == 0 else None
                ax.axvline(beta, color=colour, lw=1.1, ls=":", zorder=1, label=label)

    def _plot_panels(self) -> Axes:
        drawings: list[Callable[[Axes], Axes]] = [self.plot, self.plot_neurons, self.plot_fit]
        heights = [3.2, 2.0, 2.2]
        if self.kinks is not None:
            drawings.append(self.plot_kinks)
            heights.append(2.8)
        figure = new_figure((7.5, 1.15 * sum(heights)))
        panels = figure.subplots(len(drawings), 1, sharex=True, height_ratios=heights)
        for draw, panel in zip(drawings, panels, strict=True):
            draw(panel).label_outer()
        first: Axes = panels[0]
        return first


def solution_path(path: SolutionPath, X: Array | None = None) -> SolutionPathCurves:
    """Compute what a picture of a solution path shows.

    Parameters
    ----------
    path : SolutionPath
        Of `cvxnn.landscape.solution_path`.
    X : array_like of shape (n, 2), optional
        The data, where they are one input and a constant: then the picture shows the kinks too.

    Returns
    -------
    SolutionPathCurves
        Arrays, with ``.plot(ax=None)``, ``.plot_neurons``, ``.plot_fit`` and ``.plot_kinks``.

    Raises
    ------
    ValueError
        If the path's betas are not positive and decreasing, or X is not one input and a constant.

    Examples
    --------
    >>> from cvxnn import Problem
    >>> from cvxnn.landscape.solution_paths.breakpoints import solution_path as follow
    >>> curves = solution_path(follow(Problem([[1.0], [-1.0]], [3.0, 1.0], beta=1.0), [4.0, 0.5], n_betas=3))
    >>> curves.breakpoints.round(3), curves.kinds, curves.signs
    (array([3., 1.]), ('enters', 'enters'), array([1, 1]))
    """
    path = require_kind(path, SolutionPath, "path")
    betas = as_decreasing(path.betas, "path.betas")
    tracks = _tracks(path.points)
    weights = np.full((len(betas), len(tracks)), np.nan)
    kinks = np.full_like(weights, np.nan)
    column = _input_and_constant(X)
    for t, track in enumerate(tracks):
        for k, direction in track.items():
            weights[k, t] = direction.weight
            if column is not None and direction.vector[0] != 0.0:
                kinks[k, t] = -column[1] * direction.vector[1] / direction.vector[0]
    signs = [next(iter(track.values())).sign for track in tracks]
    return SolutionPathCurves(
        betas=betas,
        weights=weights,
        signs=np.array(signs, dtype=np.int64),
        kinks=None if column is None else kinks,
        neurons=path.neurons,
        directions=np.array([len(point.directions) for point in path.points], dtype=np.int64),
        losses=np.array([point.loss for point in path.points]),
        path_norms=np.array([point.norm for point in path.points]),
        breakpoints=np.array([breakpoint.beta for breakpoint in path.breakpoints]),
        kinds=tuple(breakpoint.kind for breakpoint in path.breakpoints),
        x=None if column is None else column[0],
    )


def _input_and_constant(X: Array | None) -> tuple[Array, float] | None:
    """Return the input and the constant of data with these two columns."""
    if X is None:
        return None
    data = np.asarray(X, dtype=np.float64)
    if data.ndim != 2 or data.shape[1] != 2 or np.ptp(data[:, 1]) != 0.0 or data[0, 1] == 0.0:
        raise ValueError(f"X must have two columns, an input and a constant; got shape {data.shape}")
    return as_column(data[:, 0], "X"), float(data[0, 1])


def _tracks(points: tuple[PathPoint, ...]) -> list[dict[int, ActiveDirection]]:
    """Return each direction's appearances by number of point, followed from point to point."""
    tracks: list[dict[int, ActiveDirection]] = []
    for k, point in enumerate(points):
        left = list(point.directions)
        for track in [track for track in tracks if k - 1 in track]:
            near = [(_alike(track[k - 1], direction), j) for j, direction in enumerate(left)]
            if near and max(near)[0] > _SAME_TRACK:
                track[k] = left.pop(max(near)[1])
        tracks += [{k: direction} for direction in left]
    return tracks


def _alike(first: ActiveDirection, second: ActiveDirection) -> float:
    """Return the cosine of two directions; above that where their types are equal, and less for opposite signs."""
    if first.sign != second.sign:
        return -2.0
    return float(first.vector @ second.vector) + (1.0 if first.key == second.key else 0.0)
