"""Picture of a particle flow in the plane: where the particles of a network go, beside its teacher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics import Teacher, Trajectory
from cvxnn.plots.canvas import BLACK, BLUE, SIGN_COLOURS, VERMILLION, axes_or_new, draw_legend_above, frame
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIGN_WORDS = {1: "a > 0", -1: "a < 0"}
_MARKERS = {1: "o", -1: "v"}


@short_repr
@dataclass(frozen=True, eq=False)
class ParticleTrails:
    """Where particles are along a flow, in two coordinates.

    Parameters
    ----------
    trails : ndarray of shape (k, m, 2)
        For activations of degree 1 ``|a_j| u_j``, whose sum over neurons of one sign is what matters; for others
        ``u_j``.
    masses : ndarray of shape (k, m)
        Output weights ``a_j``.
    teacher : ndarray of shape (M, 2) or None
        The same of the teacher's neurons, in the same coordinates.
    teacher_masses : ndarray of shape (M,) or None
        Their output weights.
    scaled : bool
        Whether positions are multiplied by ``|a_j|``.
    features : tuple of int
        The two coordinates.
    """

    trails: Array  # (k, m, 2)
    masses: Array  # (k, m)
    teacher: Array | None  # (M, 2)
    teacher_masses: Array | None  # (M,)
    scaled: bool
    features: tuple[int, int]

    @property
    def signs(self) -> NDArray[np.int64]:
        """Return the signs of the last output weights, shape (m,)."""
        return np.asarray(np.sign(self.masses[-1]), dtype=np.int64)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw trails in grey, particles at their ends, and the teacher's neurons as rays from the origin.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (5.6, 5.8))
        frame(ax)
        for trail in np.moveaxis(self.trails, 1, 0):
            ax.plot(trail[:, 0], trail[:, 1], color="0.72", linewidth=0.8, zorder=2)
        x, y = self.trails[0].T
        ax.scatter(x, y, s=7, color="0.55", linewidths=0, zorder=2, label="at the start")
        limits = self._limits()
        if self.teacher is not None and self.teacher_masses is not None:
            if self.scaled:
                _draw_neurons(ax, self.teacher, self.teacher_masses)
            else:
                _draw_directions(ax, self.teacher, 2.0 * float(np.abs(np.array(limits)).max()))
        self._draw_particles(ax)
        ax.plot(0, 0, "+", color=BLACK, markersize=9, zorder=3)
        ax.set(xlim=limits[0], ylim=limits[1], aspect="equal")
        prefix = "|a| u" if self.scaled else "u"
        ax.set_xlabel(f"{prefix}, feature {self.features[0]}")
        ax.set_ylabel(f"{prefix}, feature {self.features[1]}")
        draw_legend_above(ax)
        return ax

    def _draw_particles(self, ax: Axes) -> None:
        sizes = np.full(self.masses.shape[1], 26.0)
        if not self.scaled:
            sizes = 6.0 + 150.0 * np.abs(self.masses[-1]) / max(float(np.abs(self.masses[-1]).max()), 1e-300)
        for sign, words in _SIGN_WORDS.items():
            mine = self.signs == sign
            if not mine.any():
                continue
            colour = BLUE if self.scaled else SIGN_COLOURS[sign]
            style: dict[str, Any] = {"color": colour, "marker": _MARKERS[sign], "alpha": 0.8, "linewidths": 0}
            x, y = self.trails[-1, mine].T
            ax.scatter(x, y, s=sizes[mine], zorder=5, **style)
            ax.scatter([], [], s=30, label=f"particles, {words}: {mine.sum()}", **style)

    def _limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Return limits that hold all particles, the teacher's neurons and the origin, of equal lengths."""
        points = [self.trails.reshape(-1, 2), np.zeros((1, 2))]
        if self.teacher is not None and self.scaled:
            points.append(self.teacher)
        every = np.concatenate(points)
        low, high = every.min(axis=0), every.max(axis=0)
        middle, half = (low + high) / 2, 0.54 * float((high - low).max()) or 1.0
        return (middle[0] - half, middle[0] + half), (middle[1] - half, middle[1] + half)


def _draw_neurons(ax: Axes, points: Array, masses: Array) -> None:
    for point in points:
        ax.plot([0, point[0]], [0, point[1]], color=VERMILLION, linewidth=1.0, alpha=0.6, zorder=3)
    style: dict[str, Any] = {"facecolors": "none", "edgecolors": VERMILLION, "linewidths": 1.8, "zorder": 4}
    for sign, words in _SIGN_WORDS.items():
        mine = np.sign(masses) == sign
        if mine.any():
            x, y = points[mine].T
            ax.scatter(x, y, s=90, marker=_MARKERS[sign], label=f"teacher, {words}: {mine.sum()}", **style)


def _draw_directions(ax: Axes, points: Array, reach: float) -> None:
    for number, point in enumerate(points):
        end = reach * point / np.linalg.norm(point)
        label = "teacher, directions" if number == 0 else None
        ax.plot([0, end[0]], [0, end[1]], color=BLACK, linewidth=1.2, zorder=3, label=label)


def particle_trails(
    trajectory: Trajectory,
    *,
    index: int = 0,
    teacher: Teacher | None = None,
    features: tuple[int, int] = (0, 1),
) -> ParticleTrails:
    """Compute the trails of a network's particles in two coordinates.

    Parameters
    ----------
    trajectory : Trajectory
        Of `particle_flow` or `simulate`, with the record "weights".
    index : int, default 0
        Which of its networks.
    teacher : Teacher, optional
        Drawn beside them: its network of the same index, or its only one.
    features : tuple of int, default (0, 1)
        The two coordinates of hidden weights; a bias, the last one, is usually left out.

    Returns
    -------
    ParticleTrails
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If weights were not recorded, or an index or a feature is out of range.

    Examples
    --------
    >>> from cvxnn import Problem
    >>> from cvxnn.dynamics.initialisation import sphere
    >>> from cvxnn.dynamics.particles.flow import particle_flow
    >>> problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 2.0], beta=0.0)
    >>> flow = particle_flow(problem, sphere(2, 5, 0.1), n_steps=20, step_size=0.1, record="weights")
    >>> particle_trails(flow).trails.shape
    (21, 5, 2)
    """
    trajectory = require_kind(trajectory, Trajectory, "trajectory")
    hidden, output = trajectory["hidden"], trajectory["output"]
    if as_count(index, "index") >= hidden.shape[1]:
        raise ValueError(f"index must be below the {hidden.shape[1]} networks of the trajectory; got {index}")
    pair = tuple(as_count(feature, "features") for feature in features)
    if len(pair) != 2 or max(pair) >= hidden.shape[2]:
        raise ValueError(f"features must be two of the {hidden.shape[2]} features; got {features!r}")
    scaled = trajectory.activation.degree == 1
    masses, positions = output[:, index], np.moveaxis(hidden[:, index][:, list(pair)], 1, 2)
    taught = None if teacher is None else _taught(teacher, index, pair, scaled)
    return ParticleTrails(
        trails=positions * np.abs(masses)[:, :, None] if scaled else positions,
        masses=masses,
        teacher=None if taught is None else taught[0],
        teacher_masses=None if taught is None else taught[1],
        scaled=scaled,
        features=(pair[0], pair[1]),
    )


def _taught(teacher: Teacher, index: int, features: tuple[int, ...], scaled: bool) -> tuple[Array, Array]:
    if not isinstance(teacher, Teacher):
        raise ValueError(f"teacher must be a Teacher; got {type(teacher).__name__}")
    if teacher.weights.n_features <= max(features):
        raise ValueError(f"teacher must have the features {features}; got {teacher.weights!r}")
    number = 0 if teacher.weights.n_networks == 1 else index
    if number >= teacher.weights.n_networks:
        raise ValueError(
            f"teacher must have a network of index {index}, or one network; got {teacher.weights!r}"
        )
    masses = teacher.weights.output[number]
    points = teacher.weights.hidden[number][list(features)].T
    return points * np.abs(masses)[:, None] if scaled else points, masses
