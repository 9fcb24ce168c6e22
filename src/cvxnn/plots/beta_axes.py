"""The axis of weight decays: logarithmic, from the largest on the left to the smallest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.plots.columns import as_column
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def as_decreasing(betas: Any, name: str) -> Array:
    """Return weight decays as an array of shape (k,).

    Raises
    ------
    ValueError
        If they are not finite, positive and strictly decreasing.
    """
    array = as_column(betas, name)
    if array.min() <= 0:
        raise ValueError(f"{name} must be > 0; got {array.min():g}")
    if np.any(np.diff(array) >= 0):
        raise ValueError(f"{name} must be strictly decreasing; got {array}")
    return array


def beta_axis(ax: Axes, betas: Array, label: str = "weight decay β (log scale, decreasing)") -> None:
    """Make the horizontal axis logarithmic and decreasing, with some room on either side of the betas."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    ax.set_xscale("log")
    room = max((betas[0] / betas[-1]) ** 0.03, 1.02)
    ax.set_xlim(betas[0] * room, betas[-1] / room)
    if betas[0] < 100 * betas[-1]:  # less than two decades: label 1, 2, 5 instead of the decades
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(label)
