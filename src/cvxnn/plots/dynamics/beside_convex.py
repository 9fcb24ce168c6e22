"""Picture of a network in training beside the convex optimum on its patterns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics import ConvexComparison
from cvxnn.plots.canvas import (
    BLUE,
    GREY,
    PURPLE,
    VERMILLION,
    axes_or_new,
    draw_legend_above,
    frame,
    new_figure,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@short_repr
@dataclass(frozen=True, eq=False)
class ConvexComparisonPicture:
    """The two curves, and how many patterns there are.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Times, as in the trajectory.
    objective : ndarray of shape (k,)
        The network's objective.
    optimum : ndarray of shape (k,)
        The convex optimum on its patterns.
    unique_patterns : int ndarray of shape (k,)
        How many patterns it has.
    passes_initial_at : float
        When the network passes below the optimum on its initial patterns; infinite if never.
    """

    times: Array  # (k,)
    objective: Array  # (k,)
    optimum: Array  # (k,)
    unique_patterns: NDArray[np.int64]  # (k,)
    passes_initial_at: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both curves on a logarithmic scale, with the level of the initial patterns' optimum.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, with the number of patterns in a panel below.

        Returns
        -------
        matplotlib.axes.Axes
            Those of the curves.
        """
        if ax is None:
            above: Axes
            below: Axes
            above, below = new_figure((7.5, 6.0)).subplots(2, 1, sharex=True, height_ratios=(3, 1.4))
            self.plot_patterns(below)
            self.plot(above).set_xlabel("")
            return above
        frame(ax)
        ax.plot(self.times, self.objective, color=BLUE, linewidth=1.8, label="network, gradient descent")
        label = "convex optimum on its patterns"
        ax.plot(
            self.times, self.optimum, color=VERMILLION, linewidth=1.2, marker=".", markersize=4, label=label
        )
        label = "convex optimum on its initial patterns"
        ax.axhline(self.optimum[0], color=VERMILLION, linestyle=":", linewidth=1.2, label=label)
        if np.isfinite(self.passes_initial_at):
            label = f"passed at step {self.passes_initial_at:g}"
            ax.axvline(self.passes_initial_at, color=GREY, linestyle="--", linewidth=1.0, label=label)
        if min(self.objective.min(), self.optimum.min()) > 0:
            ax.set_yscale("log")
        ax.set_ylabel("training objective")
        ax.set_xlabel("step")
        draw_legend_above(ax)
        return ax

    def plot_patterns(self, ax: Axes | None = None) -> Axes:
        """Draw the number of different activation patterns.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        from matplotlib.ticker import MaxNLocator

        ax = axes_or_new(ax, (7.5, 3.0))
        frame(ax)
        ax.plot(self.times, self.unique_patterns, color=PURPLE, drawstyle="steps-post", linewidth=1.6)
        ax.set_ylim(0, 1.08 * max(1, int(self.unique_patterns.max())))
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        ax.set_ylabel("different patterns")
        ax.set_xlabel("step")
        return ax


def convex_comparison(comparison: ConvexComparison) -> ConvexComparisonPicture:
    """Compute the picture of a network beside the convex optimum on its patterns.

    Parameters
    ----------
    comparison : ConvexComparison
        What `cvxnn.dynamics.convex_comparison` returned.

    Returns
    -------
    ConvexComparisonPicture
        Arrays, with ``.plot(ax=None)`` and ``.plot_patterns(ax=None)``.

    Raises
    ------
    ValueError
        If it is not a comparison.

    Examples
    --------
    >>> from cvxnn import Problem, ReLUNetwork
    >>> from cvxnn.dynamics.beside_convex.comparison import convex_comparison as compare
    >>> from cvxnn.dynamics.descent.simulation import simulate
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> start = ReLUNetwork([[0.1, -0.1]], [0.1, 0.1])
    >>> trajectory = simulate(problem, start, n_steps=300, step_size=0.1, record="weights", n_records=4)
    >>> convex_comparison(compare(problem, trajectory)).unique_patterns
    array([2, 2, 2, 2])
    """
    comparison = require_kind(comparison, ConvexComparison, "comparison")
    if not all(hasattr(comparison, name) for name in ("times", "objective", "optimum", "unique_patterns")):
        raise ValueError(f"comparison must be a ConvexComparison; got {type(comparison).__name__}")
    return ConvexComparisonPicture(
        times=comparison.times,
        objective=comparison.objective,
        optimum=comparison.optimum,
        unique_patterns=comparison.unique_patterns,
        passes_initial_at=comparison.passes_initial_at,
    )
