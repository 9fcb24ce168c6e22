"""Axes outside pyplot's global state, saved as files; their colours, and the columns of numbers drawn on them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from cvxnn.atomic_files import replacing
from cvxnn.validation import Array, as_finite_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


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


def as_column(value: Any, name: str, *, length: int | None = None, of: str = "") -> Array:
    """Return a column of finite numbers as an array of shape (n,).

    Parameters
    ----------
    value : array_like of shape (n,) or (n, 1)
        What the user passed.
    name : str
        Name of the argument, for the error message.
    length : int, optional
        The n asked for.
    of : str, default ""
        Name of the argument that `length` comes from.

    Raises
    ------
    ValueError
        If ``value`` is empty, not finite, of another shape or of another length.

    Examples
    --------
    >>> as_column([[1.0], [2.0]], "x")
    array([1., 2.])
    """
    array = as_finite_array(value, name, (1, 2))
    if array.ndim == 2 and array.shape[1] != 1:
        raise ValueError(f"{name} must have shape (n,) or (n, 1); got {array.shape}")
    column: Array = array.reshape(-1)
    if length is not None and len(column) != length:
        raise ValueError(f"{name} must have the {length} rows of {of}; got {len(column)}")
    return column.copy()


BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"
BLACK = "#1A1A1A"

SIGN_COLOURS = {1: BLUE, -1: VERMILLION, 0: GREY}
"""Colour of a neuron by the sign of its output weight; 0 where there is no sign, with several outputs."""


FORMATS = (".png", ".pdf", ".svg")


def new_figure(size: tuple[float, float]) -> Figure:
    """Return an empty figure of some width and height in inches, not known to pyplot."""
    from matplotlib.figure import Figure

    return Figure(figsize=size, layout="constrained")


def axes_or_new(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return the axes given, or those of a new figure of some width and height in inches."""
    return new_figure(size).add_subplot() if ax is None else ax


def frame(ax: Axes, *, grid: Literal["both", "x", "y"] = "both") -> None:
    """Leave out the upper and right border and draw a light grid behind the data."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(visible=True, axis=grid, color="0.9", linewidth=0.7)
    ax.set_axisbelow(True)


def draw_legend(ax: Axes, *, loc: str = "best") -> None:
    """Draw a legend inside the axes, its points solid however faint the data's are."""
    from matplotlib.collections import PathCollection

    legend = ax.legend(fontsize="small", framealpha=0.85, loc=loc)
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):
            handle.set(alpha=1, sizes=[25])


def draw_legend_above(ax: Axes, *, title: str | None = None) -> None:
    """Draw a legend above the axes, for pictures whose data can be anywhere inside them."""
    legend = ax.legend(
        fontsize="small",
        title=title,
        title_fontsize="medium",
        frameon=False,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0.2,
        ncols=2,
    )
    legend.set_alignment("left")


def literal(text: str) -> str:
    r"""Return text that matplotlib shows as it is, dollar signs included.

    Examples
    --------
    >>> print(literal("price ($)"))
    price (\$)
    """
    return text.replace("$", r"\$")


def save_figure(ax_or_fig: Axes | Figure, path: str | os.PathLike[str], *, dpi: float = 150) -> Path:
    """Write a picture to a file, atomically, and close its figure.

    Parameters
    ----------
    ax_or_fig : matplotlib.axes.Axes or matplotlib.figure.Figure
        The figure, or any of its axes.
    path : path-like
        A file name ending in .png, .pdf or .svg, in an existing folder. A file of that name is replaced.
    dpi : float, default 150
        Dots per inch of what is not drawn as vectors.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    ValueError
        If the name ends otherwise, or `ax_or_fig` is neither axes nor figure.
    FileNotFoundError
        If there is no such folder.
    """
    figure, target = _figure_of(ax_or_fig), Path(path)
    if target.suffix.lower() not in FORMATS:
        raise ValueError(f"path must end in {', '.join(FORMATS)}; got {target.name!r}")
    try:
        with replacing(target) as stream:
            figure.savefig(stream, format=target.suffix.lower()[1:], dpi=dpi, bbox_inches="tight")
    finally:
        _close(figure)
    return target


def _figure_of(ax_or_fig: Axes | Figure) -> Figure:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    figure = ax_or_fig.figure if isinstance(ax_or_fig, Axes | SubFigure) else ax_or_fig
    while isinstance(figure, SubFigure):
        figure = figure.figure
    if not isinstance(figure, Figure):
        raise ValueError(f"ax_or_fig must be matplotlib axes or a figure; got {type(ax_or_fig).__name__}")
    return figure


def _close(figure: Figure) -> None:
    """Make pyplot forget the figure, if it knows it; importing pyplot here would choose a backend."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.close(figure)
