"""Pictures of how well students find their teachers: loss against width, and along training by size of the start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics import RadiusStudy, WidthStudy
from cvxnn.dynamics.particles.studies import geometric_mean
from cvxnn.plots.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILLION,
    axes_or_new,
    draw_legend_above,
    frame,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, BLACK, GREY)
_MARKERS = ("o", "s", "^", "D", "v", "x")


@short_repr
@dataclass(frozen=True, eq=False)
class LossByWidth:
    """Excess loss of students against their width.

    Parameters
    ----------
    labels : tuple of str
        Names of the studies.
    widths : tuple of ndarray of shape (K,)
        Widths of each.
    losses : tuple of ndarray of shape (K, R)
        Losses of each.
    teacher_width : int
        Neurons of the teachers.
    """

    labels: tuple[str, ...]
    widths: tuple[NDArray[np.int64], ...]
    losses: tuple[Array, ...]
    teacher_width: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the geometric means, every repetition as a faint point, and the teacher's width.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.0, 4.4))
        frame(ax)
        for number, (label, widths, losses) in enumerate(
            zip(self.labels, self.widths, self.losses, strict=True)
        ):
            colour, marker = _style(number)
            shift = 1.0 + 0.03 * (number - (len(self.labels) - 1) / 2)  # studies beside each other
            points = np.repeat(widths * shift, losses.shape[1])
            ax.scatter(points, losses.ravel(), s=7, color=colour, alpha=0.3, linewidths=0, zorder=2)
            means = geometric_mean(losses)
            ax.plot(widths, means, color=colour, marker=marker, markersize=4.5, label=label, zorder=3)
        ax.axvline(
            self.teacher_width, color=BLACK, linestyle="--", linewidth=1.1, label="the teacher's width"
        )
        ax.set(xscale="log", yscale="log", xlabel="particles of the student")
        ax.set_ylabel("excess test loss, geometric mean")
        _label_widths(ax, np.unique(np.concatenate(self.widths)))
        draw_legend_above(ax)
        return ax


@short_repr
@dataclass(frozen=True, eq=False)
class LossByRadius:
    """Test loss along training, for starts on spheres of several radii.

    Parameters
    ----------
    radii : ndarray of shape (S,)
        Radii of the starts.
    steps : ndarray of shape (T,)
        Steps taken.
    middle, low, high : ndarray of shape (T, S)
        Geometric mean, minimum and maximum over repetitions; infinite where students diverged.
    n_repetitions : int
        How many.
    """

    radii: Array  # (S,)
    steps: Array  # (T,)
    middle: Array  # (T, S)
    low: Array  # (T, S)
    high: Array  # (T, S)
    n_repetitions: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the geometric means and the range over repetitions.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.0, 4.4))
        frame(ax)
        steps = np.maximum(self.steps, 0.5)  # the start, on a logarithmic axis
        for number, radius in enumerate(self.radii):
            colour, marker = _style(number)
            middle, low, high = (
                np.where(np.isfinite(curve[:, number]), curve[:, number], np.nan)
                for curve in (self.middle, self.low, self.high)
            )
            ax.fill_between(steps, low, high, color=colour, alpha=0.09, linewidth=0)
            style: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 3, "linewidth": 1.5}
            ax.plot(steps, middle, label=f"start of radius {radius:g}", **style)
        ax.set(xscale="log", yscale="log", xlabel="steps")
        ax.set_ylabel(f"test loss: geometric mean, range of {self.n_repetitions}")
        draw_legend_above(ax)
        return ax


def loss_by_width(studies: WidthStudy | Sequence[WidthStudy], labels: Sequence[str] = ()) -> LossByWidth:
    """Compute the picture of excess loss against width, of one study or of several.

    Parameters
    ----------
    studies : WidthStudy or sequence of WidthStudy
        Of teachers of one width.
    labels : sequence of str, optional
        A name for each.

    Returns
    -------
    LossByWidth
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If there is no study, teachers differ in width, or labels in number.
    """
    several = studies if isinstance(studies, Sequence) else (studies,)
    every = tuple(require_kind(study, WidthStudy, "studies") for study in several)
    widths = {study.teacher_width for study in every}
    if len(widths) != 1:
        raise ValueError(f"studies must have teachers of one width; got {sorted(widths)}")
    if labels and len(labels) != len(every):
        raise ValueError(f"labels must be {len(every)} names; got {list(labels)!r}")
    names = tuple(labels) or tuple(f"{study.losses.shape[1]} repetitions" for study in every)
    return LossByWidth(
        names, tuple(study.widths for study in every), tuple(study.losses for study in every), widths.pop()
    )


def loss_by_radius(study: RadiusStudy) -> LossByRadius:
    """Compute the picture of loss along training by radius of the start.

    Parameters
    ----------
    study : RadiusStudy
        Of `radius_study`.

    Returns
    -------
    LossByRadius
        Arrays, with ``.plot(ax=None)``.
    """
    study = require_kind(study, RadiusStudy, "study")
    losses = study.losses
    return LossByRadius(
        study.radii,
        study.steps,
        study.geometric_mean,
        losses.min(axis=2),
        losses.max(axis=2),
        losses.shape[2],
    )


def _style(number: int) -> tuple[str, str]:
    return _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]


def _label_widths(ax: Axes, widths: NDArray[np.int64]) -> None:
    """Label the widths themselves, leaving out those too close to the one before."""
    from matplotlib.ticker import NullLocator

    shown = [int(widths[0])]
    for width in widths[1:]:
        if width >= 1.12 * shown[-1]:
            shown.append(int(width))
    ax.set_xticks(shown, [str(width) for width in shown])
    ax.xaxis.set_minor_locator(NullLocator())
