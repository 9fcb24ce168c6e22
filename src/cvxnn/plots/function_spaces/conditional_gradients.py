"""Picture of a conditional gradient run: objective, proven bound and gap against steps, with the proven rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cvxnn.function_spaces import ConditionalGradientRate, ConditionalGradientResult
from cvxnn.plots.canvas import (
    BLUE,
    GREEN,
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
class ConditionalGradientCurves:
    """What is known of each point of a run.

    Parameters
    ----------
    steps : ndarray of shape (k,)
        Steps taken, from 0.
    objective : ndarray of shape (k,)
        J(f_t).
    lower_bound : ndarray of shape (k,)
        The best proven lower bound on J* so far.
    proven_gap : ndarray of shape (k,)
        Proven bound on ``J(f_t) - J*`` by the oracle at f_t.
    found_gap : ndarray of shape (k,)
        The same with what the oracle found in place of what it proved; equal where it is exact.
    is_exact : ndarray of shape (k,), bool
        Whether the oracle was exact.
    neurons : ndarray of shape (k,)
        Neurons of f_t, at most t for a start at zero.
    rate : ndarray of shape (k,) or None
        The bound on ``J(f_t) - J*`` that was proved before the run; infinite where it says nothing.
    """

    steps: NDArray[np.int64]  # (k,)
    objective: Array  # (k,)
    lower_bound: Array  # (k,)
    proven_gap: Array  # (k,)
    found_gap: Array  # (k,)
    is_exact: NDArray[np.bool_]  # (k,)
    neurons: NDArray[np.int64]  # (k,)
    rate: Array | None  # (k,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the objective and the proven lower bound.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, in which the gap has a second panel below.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the objective.
        """
        if ax is None:
            above: Axes
            below: Axes
            above, below = new_figure((7.5, 6.2)).subplots(2, 1, sharex=True, height_ratios=(2, 3))
            self.plot_gap(below)
            self.plot(above).label_outer()
            return above
        frame(ax)
        t = self.steps + 1
        label = "the optimum lies here"
        ax.fill_between(t, self.lower_bound, self.objective, color=BLUE, alpha=0.12, lw=0, label=label)
        ax.plot(t, self.objective, color=BLUE, linewidth=1.6, label="objective")
        ax.plot(t, self.lower_bound, color=VERMILLION, linewidth=1.6, label="proven lower bound")
        ax.set_xscale("log")
        ax.set_ylim(bottom=0.0)
        ax.set_xlabel("t + 1 (log scale), t steps taken")
        ax.set_ylabel("objective")
        draw_legend_above(ax)
        return ax

    def plot_gap(self, ax: Axes | None = None) -> Axes:
        """Draw the gap at each step, the objective above the best lower bound of the run, and the proven rate.

        A gap of 0 is below the logarithmic axis.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.5, 3.8))
        frame(ax)
        t = self.steps + 1
        excess = self.objective - float(np.max(self.lower_bound))
        _draw(ax, t, self.proven_gap, GREEN, "proven gap at this step")
        if not np.all(self.is_exact):
            _draw(ax, t, self.found_gap, PURPLE, "gap found by search (no proof)")
        _draw(ax, t, excess, BLUE, "objective less the best lower bound")
        if self.rate is not None:
            _draw(ax, t, self.rate, GREY, "proven before the run", "--")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel("t + 1 (log scale), t steps taken")
        ax.set_ylabel("gap (log scale)")
        draw_legend_above(ax)
        return ax


def _draw(ax: Axes, t: NDArray[np.int64], values: Array, colour: str, label: str, style: str = "-") -> None:
    shown = np.isfinite(values) & (values > 0)
    ax.plot(t[shown], values[shown], style, color=colour, linewidth=1.6, label=label)


def conditional_gradient(
    result: ConditionalGradientResult, *, rate: ConditionalGradientRate | None = None
) -> ConditionalGradientCurves:
    """Compute what a picture of a conditional gradient run shows.

    Parameters
    ----------
    result : ConditionalGradientResult
        The run.
    rate : ConditionalGradientRate, optional
        What `conditional_gradient_rate` proves of it; drop steps are not counted.

    Returns
    -------
    ConditionalGradientCurves
        Arrays, with ``.plot(ax=None)`` and ``.plot_gap``.

    Raises
    ------
    ValueError
        If `result` is not a run.

    Examples
    --------
    >>> from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
    >>> curves = conditional_gradient(ConditionalGradient(2.0).run([[1.0]], [3.0]))
    >>> curves.objective, curves.lower_bound, curves.neurons
    (array([4.5, 0.5]), array([0. , 0.5]), array([0, 1]))
    """
    result = require_kind(result, ConditionalGradientResult, "result")
    if not isinstance(result, ConditionalGradientResult):
        raise ValueError(
            f"result must be what ConditionalGradient(...).run returns; got {type(result).__name__}"
        )
    history = result.history
    bounds = np.maximum(result.objectives - result.gaps, 0.0)
    return ConditionalGradientCurves(
        steps=np.array([record.step for record in history], dtype=np.int64),
        objective=result.objectives,
        lower_bound=np.maximum.accumulate(bounds),
        proven_gap=result.gaps,
        found_gap=np.array([record.found_gap for record in history]),
        is_exact=np.array([record.is_exact for record in history], dtype=np.bool_),
        neurons=np.array([record.neurons for record in history], dtype=np.int64),
        rate=None if rate is None else rate.bound(result.good_steps),
    )
