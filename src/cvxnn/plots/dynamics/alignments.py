"""Picture of a small start: cosines of the neurons with their own pull, above the loss, which falls later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.plots.canvas import BLACK, GREY, SIGN_COLOURS, as_column, draw_legend_above, frame, new_figure
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@short_repr
@dataclass(frozen=True, eq=False)
class AlignmentPicture:
    """Cosines and loss over time.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Times.
    cosines : ndarray of shape (k, m)
        Cosine of every neuron with ``s X^T D(u) r``; nan while it is active on no sample.
    signs : ndarray of shape (m,)
        Signs of the output weights.
    losses : ndarray of shape (k,)
        Loss.
    levels : ndarray of shape (p,)
        Predicted levels of the loss; may be empty.
    """

    times: Array  # (k,)
    cosines: Array  # (k, m)
    signs: Array  # (m,)
    losses: Array  # (k,)
    levels: Array  # (p,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw one line a neuron, coloured by the sign of its output weight.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, in which the loss has a second panel below.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of the cosines.
        """
        if ax is None:
            above: Axes
            below: Axes
            above, below = new_figure((7.5, 6.2)).subplots(2, 1, sharex=True)
            self.plot_loss(below)
            self.plot(above).label_outer()
            return above
        frame(ax)
        for sign, name in ((1, "positive output weight"), (-1, "negative output weight")):
            lines = ax.plot(
                self.times, self.cosines[:, self.signs == sign], color=SIGN_COLOURS[sign], lw=1, alpha=0.7
            )
            for line in lines[:1]:
                line.set_label(name)
        ax.set_ylabel("cosine with its own pull")
        ax.set_xlabel("time")
        draw_legend_above(ax)
        return ax

    def plot_loss(self, ax: Axes | None = None) -> Axes:
        """Draw the loss, with predicted levels as dashed lines.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        if ax is None:
            ax = new_figure((7.5, 3.6)).add_subplot()
        frame(ax)
        for k, level in enumerate(self.levels):
            ax.axhline(level, color=GREY, lw=1, ls="--", label="predicted level" if k == 0 else None)
        ax.plot(self.times, self.losses, color=BLACK, label="loss")
        ax.set_ylabel("loss")
        ax.set_xlabel("time")
        draw_legend_above(ax)
        return ax


def alignment(times: Any, cosines: Any, output: Any, losses: Any, *, levels: Any = ()) -> AlignmentPicture:
    """Return the picture of how the neurons of one network align, and when its loss falls.

    Parameters
    ----------
    times : array_like of shape (k,)
        Recorded times.
    cosines : array_like of shape (k, m)
        Cosines, as the record `cvxnn.dynamics.AlignmentCosines` holds them for one network; may be nan.
    output : array_like of shape (m,)
        Output weights; their signs are taken.
    losses : array_like of shape (k,)
        Losses.
    levels : array_like of shape (p,), default ()
        Predicted levels of the loss.

    Raises
    ------
    ValueError
        If a shape is wrong or a number is not finite.

    Examples
    --------
    >>> picture = alignment([0.0, 1.0], [[0.5], [1.0]], [-2.0], [3.0, 2.0], levels=[2.0])
    >>> picture.signs
    array([-1.])
    """
    times, output = as_column(times, "times"), as_column(output, "output")
    cosines = np.array(cosines, dtype=np.float64)
    if cosines.shape != (len(times), len(output)):
        raise ValueError(f"cosines must have shape {(len(times), len(output))}; got {cosines.shape}")
    if np.any(np.abs(cosines) > 1.0 + 1e-9):
        raise ValueError(f"cosines must be in [-1, 1] or nan; found {np.nanmax(np.abs(cosines)):.6g}")
    found = np.asarray(levels, dtype=np.float64).reshape(-1)
    if not np.all(np.isfinite(found)):
        raise ValueError("levels must be finite; found NaN or infinity")
    losses = as_column(losses, "losses", length=len(times), of="times")
    return AlignmentPicture(times, cosines, np.sign(output), losses, found)
