"""Draw sets of R^2 and R^3 given by grids of their points, on axes of either dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.plots.canvas import GREY, draw_legend_above, frame, new_figure
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Mesh = tuple[Array, ...]
"""Pieces of a set in R^n: grids of points, shape (n, a, b)."""

AnyAxes = Any
"""Axes of the plane or of space; matplotlib's types have no name for the methods that only the latter have."""

_VIEW = {"elev": 24.0, "azim": 38.0}  # into the corner of the positive orthant
_LIGHT = {"elev": 40.0, "azim": -40.0}  # from one side: of two faces seen, one is brighter
_FIGURE_SIZE = {2: (5.6, 5.6), 3: (6.4, 6.0)}


def axes_of_dimension(ax: Axes | None, n: int) -> AnyAxes:
    """Return the axes given, or new ones of dimension n, 2 or 3.

    Raises
    ------
    ValueError
        If the axes given have another dimension.
    """
    axes: AnyAxes = ax
    if axes is None:
        projection: dict[str, Any] = {"projection": "3d"} if n == 3 else {}
        axes = new_figure(_FIGURE_SIZE[n]).add_subplot(**projection)
    if hasattr(axes, "zaxis") != (n == 3):
        raise ValueError(f"ax must be {n}-dimensional, as the picture is; got {type(axes).__name__}")
    if n == 2:
        frame(axes)
        for draw in (axes.axhline, axes.axvline):
            draw(0, color=GREY, linewidth=0.8, zorder=1)
    else:
        axes.view_init(**_VIEW)
        axes.computed_zorder = False  # points and lines over surfaces, as given
        axes.locator_params(nbins=5)
    return axes


def draw_solid(ax: AnyAxes, mesh: Mesh, colour: str, label: str) -> None:
    """Fill a set, its grids together, and outline it; the last row of a grid is its border."""
    if hasattr(ax, "zaxis"):
        _fill_in_space(ax, mesh, colour, label)
        return
    for k, piece in enumerate(mesh):
        _fill_in_plane(ax, piece, colour, 0.4, label if k == 0 else "_nolegend_")


def draw_convex(ax: AnyAxes, mesh: Mesh, colour: str, label: str) -> None:
    """Fill a convex set given by points of its border: in space by their hull, whose outline is not ragged."""
    if not hasattr(ax, "zaxis"):
        draw_solid(ax, mesh, colour, label)
        return
    from scipy.spatial import ConvexHull

    hull = ConvexHull(np.concatenate([piece.reshape(3, -1) for piece in mesh], axis=1).T)
    # the hull's own normals: those of thin triangles in a flat face are lost to rounding
    _add_polygons(ax, hull.points[hull.simplices], hull.equations[:, :3], colour, label)


def draw_faint(ax: AnyAxes, mesh: Mesh, colour: str, label: str) -> None:
    """Show where a set is behind another one: lightly filled where it is flat, by lines where it is solid."""
    for piece in mesh:
        if not hasattr(ax, "zaxis"):
            _fill_in_plane(ax, piece, colour, 0.18, label)
        elif piece.shape[1] > 2:
            ax.plot_wireframe(
                *piece, rcount=12, ccount=24, color=colour, linewidth=0.5, alpha=0.6, label=label
            )
        else:
            _fill_disc(ax, piece[:, -1], colour, label)


def draw_points(ax: AnyAxes, points: Array, colour: str, marker: str, label: str, size: float = 40) -> None:
    """Draw the columns of an array (n, k)."""
    style: dict[str, Any] = {"depthshade": False} if hasattr(ax, "zaxis") else {}
    ax.scatter(*points, s=size, color=colour, marker=marker, linewidths=0, zorder=6, label=label, **style)


def finish(ax: AnyAxes, mesh: Mesh, labels: str) -> None:
    """Set equal scales, limits around all pieces, axis labels such as "output at sample {}", and a legend."""
    points = np.concatenate([piece.reshape(len(piece), -1) for piece in mesh], axis=1)
    names = "xyz"[: len(points)]
    for name, values, i in zip(names, points, range(len(points)), strict=True):
        margin = 0.06 * float(np.ptp(points, axis=1).max())
        getattr(ax, f"set_{name}lim")(float(values.min()) - margin, float(values.max()) + margin)
        getattr(ax, f"set_{name}label")(labels.format(i + 1))
    ax.set_aspect("equal")
    if len(points) == 3:
        _draw_axis_lines(ax, points)
    draw_legend_above(ax)


def _fill_in_plane(ax: AnyAxes, piece: Array, colour: str, alpha: float, label: str) -> None:
    inner, border = piece[:, 0], piece[:, -1]
    if 1 in piece.shape[1:]:
        ax.plot(*piece.reshape(2, -1), color=colour, linewidth=2.4, zorder=3, label=label)
        return
    outline = np.concatenate([inner, border[:, ::-1]], axis=1)
    ax.fill(*outline, color=colour, alpha=alpha, linewidth=0, label=label)
    ax.plot(*border, color=colour, linewidth=1.8, zorder=3)


def _fill_in_space(ax: AnyAxes, mesh: Mesh, colour: str, label: str) -> None:
    """Draw all grids as one collection of shaded quadrangles, which sorts them by depth."""
    curves = [piece for piece in mesh if 1 in piece.shape[1:]]
    for piece in curves:
        ax.plot(*piece.reshape(3, -1), color=colour, linewidth=2.4, label=label)
    corners = [_quadrangles(piece) for piece in mesh if 1 not in piece.shape[1:]]
    if corners:
        polygons = np.concatenate(corners)
        normals = np.cross(polygons[:, 2] - polygons[:, 0], polygons[:, 3] - polygons[:, 1])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        _add_polygons(ax, polygons, normals / np.where(lengths > 0, lengths, 1.0), colour, label)


def _add_polygons(ax: AnyAxes, corners: Array, normals: Array, colour: str, label: str) -> None:
    """Draw polygons (k, c, 3) of unit normals (k, 3), brighter the more they face the light."""
    from matplotlib.colors import to_rgb
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    seen = normals * np.where(normals @ _towards(_VIEW) < 0, -1.0, 1.0)[:, None]
    brightness = 0.7 + 0.3 * (seen @ _towards(_LIGHT))
    shades = brightness[:, None] * np.array(to_rgb(colour))
    # edges in the faces' colours close the gaps between neighbours
    style = {"facecolors": shades, "edgecolors": shades, "linewidths": 0.4, "zorder": 2}
    ax.add_collection3d(Poly3DCollection(corners, **style))
    ax.scatter([], [], [], marker="s", color=colour, label=label)


def _towards(place: dict[str, float]) -> Array:
    """Return the unit vector from the origin towards an elevation and azimuth in degrees."""
    up, round_ = np.radians(place["elev"]), np.radians(place["azim"])
    return np.array([np.cos(up) * np.cos(round_), np.cos(up) * np.sin(round_), np.sin(up)])


def _fill_disc(ax: AnyAxes, border: Array, colour: str, label: str) -> None:
    from mpl_toolkits.mplot3d.art3d import Poly3DCollection

    if border.shape[1] == 1:
        ax.plot(*border, color=colour)
        return
    ax.add_collection3d(Poly3DCollection([border.T], color=colour, alpha=0.15, linewidths=0, zorder=1))
    ax.plot(*border, color=colour, linewidth=1.0, label=label, zorder=1)


def _quadrangles(piece: Array) -> Array:
    """Return the quadrangles of a grid of points (3, a, b), shape ((a - 1) (b - 1), 4, 3)."""
    corners = [piece[:, :-1, :-1], piece[:, 1:, :-1], piece[:, 1:, 1:], piece[:, :-1, 1:]]
    return np.stack([corner.reshape(3, -1).T for corner in corners], axis=1)


def _draw_axis_lines(ax: AnyAxes, points: Array) -> None:
    """Draw the three axes through the origin as far as the limits: a box alone hides where the orthant begins."""
    for i in range(3):
        line = np.zeros((3, 2))
        line[i] = min(0.0, float(points[i].min())), 1.08 * max(0.0, float(points[i].max()))
        ax.plot(*line, color=GREY, linewidth=1.0, zorder=1)
