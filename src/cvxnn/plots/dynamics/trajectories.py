"""Picture of trajectories: a recorded quantity of several networks against steps or time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cvxnn.dynamics import Trajectory
from cvxnn.plots.canvas import BLUE, VERMILLION, axes_or_new, draw_legend_above, frame
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@short_repr
@dataclass(frozen=True, eq=False)
class TrajectoryCurves:
    """One recorded number of each network against time.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Steps, or times of a flow.
    values : ndarray of shape (k, B)
        The number, infinite or not a number where a network had diverged.
    name : str
        What it is.
    unit : str
        "step" or "time of the flow".
    """

    times: Array
    values: Array
    name: str
    unit: str

    @property
    def median(self) -> Array:
        """Return the median over networks at each time, diverged ones counted as infinite."""
        return np.asarray(np.median(np.where(np.isnan(self.values), np.inf, self.values), axis=1))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a curve for each network, and their median.

        The axes are logarithmic where that spreads the data: the vertical one where all finite values are positive and
        span more than a factor of five, the horizontal one where times are spaced so.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.0, 4.2))
        frame(ax)
        n_networks = self.values.shape[1]
        shown = np.where(np.isfinite(self.values), self.values, np.nan)
        alone = n_networks == 1
        label = self.name if alone else f"{n_networks} networks"
        ax.plot(
            self.times,
            shown[:, 0],
            color=BLUE,
            lw=1.6 if alone else 0.8,
            alpha=1 if alone else 0.5,
            label=label,
        )
        if not alone:
            ax.plot(self.times, shown[:, 1:], color=BLUE, lw=0.8, alpha=0.5)
            middle = np.where(np.isfinite(self.median), self.median, np.nan)
            ax.plot(self.times, middle, color=VERMILLION, lw=1.8, label="median")
            draw_legend_above(ax)
        positive = shown[np.isfinite(shown)]
        if positive.size and positive.min() > 0 and positive.max() > 5 * positive.min():
            ax.set_yscale("log")
        if _are_logarithmic(self.times):
            ax.set_xscale("symlog", linthresh=float(self.times[1]))
        ax.set_xlabel(self.unit)
        ax.set_ylabel(self.name)
        return ax


def trajectory_curves(trajectory: Trajectory, name: str = "objective") -> TrajectoryCurves:
    """Return the curves of a recorded number of each network.

    Parameters
    ----------
    trajectory : Trajectory
        Of `cvxnn.dynamics.simulate` or `cvxnn.dynamics.gradient_flow`.
    name : str, default "objective"
        The record: one number for each network at each time.

    Returns
    -------
    TrajectoryCurves

    Raises
    ------
    ValueError
        If it was not recorded, or is not one number for each network.
    """
    trajectory = require_kind(trajectory, Trajectory, "trajectory")
    values = trajectory[name]
    if values.ndim != 2:
        raise ValueError(
            f"name must be a record of one number for each network; {name!r} has shape {values.shape}"
        )
    unit = "step" if trajectory.events is None else "time of the flow"
    return TrajectoryCurves(
        trajectory.times, np.asarray(values, dtype=np.float64), name.replace("_", " "), unit
    )


def _are_logarithmic(times: Array) -> bool:
    """Return whether the steps between times grow by more than tenfold from first to last."""
    steps = np.diff(times)
    return len(steps) > 2 and bool(steps[-1] > 10 * steps[0])
