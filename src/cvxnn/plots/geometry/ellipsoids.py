"""Pictures of two or three samples: their ellipsoid and rectified ellipsoid, and the polar set of the latter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.certificates import RowSpace
from cvxnn.margin import Ellipsoid, PolarSet, RectifiedEllipsoid, polar_support, spikes
from cvxnn.plots.canvas import BLACK, BLUE, GREEN, GREY, VERMILLION
from cvxnn.plots.meshes import (
    Mesh,
    axes_of_dimension,
    draw_convex,
    draw_faint,
    draw_points,
    draw_solid,
    finish,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@short_repr
@dataclass(frozen=True, eq=False)
class RectifiedEllipsoidPicture:
    """The ellipsoid and the rectified ellipsoid of two or three samples.

    Parameters
    ----------
    ellipsoid : tuple of ndarray of shape (n, a, b)
        One grid that covers E's surface, or E itself where it is flat.
    rectified : tuple of ndarray of shape (n, a, b)
        Grids that cover Q: the part of E in the orthant, and what lies in the coordinate planes and on the axes.
    ends : ndarray of shape (n, k)
        The ends of Q on the axes.
    outside : bool ndarray of shape (k,)
        Which of them are spikes: outside E.
    """

    ellipsoid: Mesh
    rectified: Mesh
    ends: Array  # (n, k)
    outside: NDArray[np.bool_]  # (k,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw both, with the ends on the axes as points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw: three-dimensional for three samples. A new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_of_dimension(ax, len(self.ends))
        draw_faint(ax, self.ellipsoid, GREY, "ellipsoid")
        draw_solid(ax, self.rectified, BLUE, "rectified ellipsoid")
        kinds = ((self.outside, VERMILLION, "^", "spike"), (~self.outside, BLACK, "o", "end on an axis"))
        for chosen, colour, marker, words in kinds:
            if np.any(chosen):
                draw_points(ax, self.ends[:, chosen], colour, marker, f"{words}: {int(np.sum(chosen))}")
        finish(ax, self.ellipsoid + self.rectified, "output at sample {}")
        return ax


def rectified_ellipsoid(X: Any, *, n_grid: int = 60) -> RectifiedEllipsoidPicture:
    """Compute the picture of the ellipsoid ``{X u}`` and the rectified ellipsoid ``{(X u)_+}``, ``||u|| <= 1``.

    Every border of a grid lies where the set has an edge, so that meshes have no ragged rims.

    Parameters
    ----------
    X : array_like of shape (2, d) or (3, d)
        Two or three samples, not zero.
    n_grid : int, default 60
        Points along the side of a grid, at least 2.

    Returns
    -------
    RectifiedEllipsoidPicture
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If X has another number of rows, or an argument is not as above.

    Examples
    --------
    >>> picture = rectified_ellipsoid([[1.0, 0.0], [-1.0, 1.0]])
    >>> picture.ends.round(4), picture.outside
    (array([[1.    , 0.    ],
            [0.    , 1.4142]]), array([ True,  True]))
    """
    data, n_grid = _as_samples(X), as_count(n_grid, "n_grid", least=2)
    found, C = spikes(data), RowSpace(data).coordinates
    if C.shape[1] == 1:
        ellipsoid, rectified = _segments(C)
    else:
        ellipsoid, rectified = _fans(C, n_grid) if C.shape[1] == 2 else _shells(C, n_grid)
    return RectifiedEllipsoidPicture(ellipsoid, rectified, found.points, found.outside[found.heights > 0])


@short_repr
@dataclass(frozen=True, eq=False)
class PolarSetPicture:
    """The two-sided polar set of the rectified ellipsoid of two or three samples.

    Parameters
    ----------
    boundary : tuple of ndarray of shape (n, a, b)
        One grid that covers its boundary (n = 3), or the set (n = 2).
    targets : ndarray of shape (n,) or None
        A direction in which the set is supported.
    support : ndarray of shape (n,) or None
        A point of the set farthest in it: the dual variable of a network of least norm that fits the targets.
    """

    boundary: Mesh
    targets: Array | None  # (n,)
    support: Array | None  # (n,)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the set, and where targets are given their direction and the farthest point.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw: three-dimensional for three samples. A new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        n = len(self.boundary[0])
        ax = axes_of_dimension(ax, n)
        draw_convex(ax, self.boundary, GREEN, "polar set")
        mesh = self.boundary
        if self.targets is not None and self.support is not None:
            size = max(float(np.max(np.abs(piece))) for piece in mesh)
            ray = np.outer(self.targets / np.linalg.norm(self.targets), [0.0, 1.25 * size])
            ax.plot(
                *ray, color=BLACK, linestyle="--", linewidth=1.4, label="direction of the targets", zorder=4
            )
            draw_points(ax, self.support[:, None], VERMILLION, "o", "farthest point: dual variable")
            mesh = (*mesh, ray[:, None, :])
        finish(ax, mesh, "dual variable of sample {}")
        return ax


def polar_set(X: Any, y: Any = None, *, n_grid: int = 120) -> PolarSetPicture:
    """Compute the picture of ``{lam : |lam^T (X u)_+| <= 1 for all ||u|| <= 1}``.

    Parameters
    ----------
    X : array_like of shape (2, d) or (3, d)
        Two or three samples, no two of them in one direction.
    y : array_like of shape (2,) or (3,), optional
        Targets: the farthest point in their direction is drawn too.
    n_grid : int, default 120
        Directions round the circle, or on half a meridian of the sphere, times four; at least 2.

    Returns
    -------
    PolarSetPicture
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If X has another number of rows, its polar set is unbounded, or an argument is not as above.

    Examples
    --------
    >>> picture = polar_set([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0])
    >>> picture.boundary[0].shape, picture.support.round(4)
    ((2, 2, 481), array([0.7071, 0.7071]))
    """
    data, n_grid = _as_samples(X), as_count(n_grid, "n_grid", least=2)
    if PolarSet(data).lines().shape[1]:
        raise ValueError(
            "X must have no zero row and no two rows in one direction: its polar set is unbounded"
        )
    directions = _circle(4 * n_grid + 1) if len(data) == 2 else _sphere(n_grid // 2 + 1, n_grid + 1)
    flat = directions.reshape(len(data), -1)
    border = (flat / RectifiedEllipsoid(data).two_sided_support(flat)).reshape(directions.shape)
    mesh = (np.stack([np.zeros_like(border), border], axis=1) if len(data) == 2 else border,)
    if y is None:
        return PolarSetPicture(mesh, None, None)
    support = polar_support(data, y)
    return PolarSetPicture(mesh, np.asarray(y, dtype=np.float64), support.lam)


def _as_samples(X: Any) -> Array:
    data = Ellipsoid(X).X
    if len(data) not in (2, 3):
        raise ValueError(f"X must have two or three rows to be drawn; got {len(data)}")
    return data


def _circle(k: int) -> Array:
    angles = np.linspace(0, 2 * np.pi, k)
    return np.array([np.cos(angles), np.sin(angles)])


def _sphere(n_polar: int, n_round: int) -> Array:
    polar, ring = np.linspace(0, np.pi, n_polar)[:, None], _circle(n_round)
    return np.array(
        [np.sin(polar) * ring[0], np.sin(polar) * ring[1], np.broadcast_to(np.cos(polar), (n_polar, n_round))]
    )


def _segments(C: Array) -> tuple[Mesh, Mesh]:
    """Rank 1: E is a segment, and Q one or two from the origin."""
    ends = C * np.array([[1.0, -1.0]])
    rectified = np.maximum(ends, 0.0)
    pieces = [np.stack([np.zeros(len(C)), end], axis=1)[:, :, None] for end in rectified.T if end.any()]
    return (ends[:, :, None],), tuple(pieces)


def _fans(C: Array, n_grid: int) -> tuple[Mesh, Mesh]:
    """Rank 2: E is a disc, and Q a fan from the origin for each arc of neurons between two kinks."""
    disc = C @ _circle(4 * n_grid + 1)
    normals = C[np.any(C != 0, axis=1)]
    kinks = np.unique(
        np.mod(np.arctan2(normals[:, 1], normals[:, 0])[:, None] + np.array([0.5, 1.5]) * np.pi, 2 * np.pi)
    )
    pieces = []
    for low, high in zip(kinks, np.append(kinks[1:], kinks[0] + 2 * np.pi), strict=True):
        angles = np.linspace(low, high, n_grid)
        border = np.maximum(C @ np.array([np.cos(angles), np.sin(angles)]), 0.0)
        if border.max() > 1e-9 * np.abs(C).max():
            pieces.append(np.stack([np.zeros_like(border), border], axis=1))
    return (np.stack([np.zeros_like(disc), disc], axis=1),), tuple(pieces)


def _shells(C: Array, n_grid: int) -> tuple[Mesh, Mesh]:
    """Rank 3: E is solid; Q its part in the orthant, with a fin in each coordinate plane."""
    ellipsoid = (C @ _sphere(n_grid // 2 + 1, n_grid + 1).reshape(3, -1)).reshape(3, -1, n_grid + 1)
    quarter = np.linspace(0, np.pi / 2, n_grid)
    polar = quarter[:, None]
    directions = np.array(
        [np.sin(polar) * np.cos(quarter), np.sin(polar) * np.sin(quarter), np.cos(polar) + 0 * quarter]
    )
    lengths = np.linalg.norm(np.linalg.solve(C, directions.reshape(3, -1)), axis=0)
    cap = directions / lengths.reshape(directions.shape[1:])
    rectified = RectifiedEllipsoid(C)
    fins = []
    for i, j in ((0, 1), (0, 2), (1, 2)):
        rays = np.zeros((3, n_grid))
        rays[i], rays[j] = np.cos(quarter), np.sin(quarter)
        border = rays / np.array([rectified.gauge(np.where(ray > 1e-12, ray, 0.0)) for ray in rays.T])
        fins.append(np.stack([np.zeros_like(border), border], axis=1))
    return (ellipsoid,), (cap, *fins)
