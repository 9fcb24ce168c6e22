"""Picture of the ReLU oracle: the zonotopes of positive and negative rows, and how far the one is from the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.margin import Zonotope, dual_zonotopes, excess
from cvxnn.plots.canvas import BLACK, SIGN_COLOURS, axes_or_new, draw_legend_above, frame
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@short_repr
@dataclass(frozen=True, eq=False)
class ZonotopesPicture:
    """The zonotopes Z+ and Z- of a dual variable on data with two columns, and their Hausdorff distance.

    Parameters
    ----------
    positive, negative : ndarray of shape (2, k)
        Their borders, closed: vertices in order.
    farthest, nearest : ndarray of shape (2,)
        A point of one at the largest distance from the other, and the other's point nearest to it.
    distance : float
        Their distance, the oracle's value ``max over ||u|| <= 1 of |lam^T (X u)_+|``.
    """

    positive: Array  # (2, k)
    negative: Array  # (2, k)
    farthest: Array  # (2,)
    nearest: Array  # (2,)
    distance: float

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both, and the segment of their distance: its direction is the oracle's neuron.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (5.6, 5.6))
        frame(ax)
        for border, sign, words in (
            (self.positive, 1, "positive rows"),
            (self.negative, -1, "negative rows"),
        ):
            colour = SIGN_COLOURS[sign]
            ax.fill(*border, color=colour, alpha=0.25, linewidth=0)
            ax.plot(
                *border, color=colour, linewidth=1.8, marker="o", markersize=3.5, label=f"zonotope of {words}"
            )
        if self.distance > 0:
            arrow = {"arrowstyle": "-|>", "color": BLACK, "linewidth": 1.6, "shrinkA": 0, "shrinkB": 0}
            (x, y), start = self.farthest, self.nearest
            ax.annotate("", xy=(x, y), xytext=(start[0], start[1]), arrowprops=arrow, zorder=5)
        ax.plot(
            [], [], color=BLACK, linewidth=1.6, label=f"Hausdorff distance {self.distance:.4g}: the neuron"
        )
        ax.set_aspect("equal")
        ax.margins(0.08)
        ax.set_xlabel("weight on column 1")
        ax.set_ylabel("weight on column 2")
        draw_legend_above(ax)
        return ax


def zonotopes(X: Any, lam: Any) -> ZonotopesPicture:
    """Compute the picture of the oracle at one dual variable, for data with two columns.

    Parameters
    ----------
    X : array_like of shape (n, 2)
        Data.
    lam : array_like of shape (n,)
        Dual variable.

    Returns
    -------
    ZonotopesPicture
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If X has not two columns.

    Examples
    --------
    >>> round(zonotopes([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], [2.0, 1.0, -1.0]).distance, 4)
    1.4142
    """
    positive, negative = dual_zonotopes(X, lam)
    if positive.generators.shape[1] != 2:
        raise ValueError(f"X must have two columns to be drawn; got {positive.generators.shape[1]}")
    longer = max(excess(positive, negative), excess(negative, positive), key=lambda part: part.distance)
    return ZonotopesPicture(
        _border(positive), _border(negative), longer.farthest, longer.nearest, longer.distance
    )


def _border(zonotope: Zonotope) -> Array:
    """Return the vertices in order round the centre, the first one again at the end."""
    vertices = zonotope.vertices()
    arms = vertices - vertices.mean(axis=0)
    ordered = vertices[np.argsort(np.arctan2(arms[:, 1], arms[:, 0]), kind="stable")]
    border: Array = np.vstack([ordered, ordered[:1]]).T
    return border
