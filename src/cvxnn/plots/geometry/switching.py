"""Pictures of a network of one input in training: its curve, and where its neurons switch, step by step."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.dynamics import Trajectory
from cvxnn.names import keep_old_arguments
from cvxnn.plots.canvas import BLACK, SIGN_COLOURS, axes_or_new, draw_legend_above, frame, new_figure
from cvxnn.problem import as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_count, as_finite_array, as_number, require_kind

if TYPE_CHECKING:
    from matplotlib.animation import FuncAnimation
    from matplotlib.axes import Axes

    from cvxnn.problem import Problem

_PADDING = 0.5  # of the data's range, on either side of it: neurons switch outside the data too
_MANY = 60  # neurons from which on they are drawn small and faint
_MOST_LINES = 200  # neurons whose paths are drawn


@short_repr
@dataclass(frozen=True, eq=False)
class ActivationPointsPicture:
    """A network of one input at k times of its training.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Times, as in the trajectory.
    x, y : ndarray of shape (n,)
        The data.
    loss : ndarray of shape (k,)
        Loss on the data, without weight decay.
    grid : ndarray of shape (g,)
        Ascending inputs over the domain.
    curves : ndarray of shape (k, g)
        The network on the grid.
    points : ndarray of shape (k, m)
        Activation points: the inputs at which neurons switch; NaN for a neuron that ignores its input.
    norms : ndarray of shape (k, m)
        ``|a_j| ||u_j||``: how much each neuron counts.
    sides : int ndarray of shape (k, m)
        +1 for a neuron that is active to the right of its activation point, -1 to the left, 0 for one without.
    signs : int ndarray of shape (k, m)
        Signs of the output weights.
    """

    times: Array  # (k,)
    x: Array  # (n,)
    y: Array  # (n,)
    loss: Array  # (k,)
    grid: Array  # (g,)
    curves: Array  # (k, g)
    points: Array  # (k, m)
    norms: Array  # (k, m)
    sides: NDArray[np.int64]  # (k, m)
    signs: NDArray[np.int64]  # (k, m)

    def plot(self, index: int = -1, ax: Axes | None = None) -> Axes:
        """Draw the network at one time: curve, data, and a triangle for each neuron.

        A triangle is at the neuron's activation point, as high as its norm (scale on the right), and points to the
        side on which the neuron is active.

        Parameters
        ----------
        index : int, default -1
            Which of the times.
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
            Those of curve and data; the norms' axes lie over them.
        """
        ax = axes_or_new(ax, (7.5, 4.8))
        return self._draw(ax, ax.twinx(), range(len(self.times))[index])

    def plot_paths(self, ax: Axes | None = None) -> Axes:
        """Draw activation points against time, darker the larger the neuron; of 200 neurons at most.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, with the loss in a panel below.

        Returns
        -------
        matplotlib.axes.Axes
            Those of the activation points.
        """
        if ax is None:
            above: Axes
            below: Axes
            above, below = new_figure((7.5, 6.4)).subplots(2, 1, sharex=True, height_ratios=(3, 2))
            self.plot_loss(below)
            self.plot_paths(above).set_xlabel("")
            return above
        frame(ax)
        shown = np.unique(np.linspace(0, self.points.shape[1] - 1, _MOST_LINES).astype(int))
        lines = np.array(self.points)
        # A neuron that turns past the bias's direction leaves at one end and comes back at the other.
        jumps = np.abs(np.diff(lines, axis=0)) > self.grid[-1] - self.grid[0]
        lines[1:][jumps & (self.sides[1:] != self.sides[:-1])] = np.nan
        last = self.norms[-1] / max(float(np.max(self.norms[-1])), np.finfo(float).tiny)
        for sign, words in ((1, "a > 0"), (-1, "a < 0")):
            for j in shown[self.signs[0, shown] == sign]:
                alpha = 0.12 + 0.68 * float(last[j])
                ax.plot(self.times, lines[:, j], color=SIGN_COLOURS[sign], alpha=alpha, linewidth=0.8)
            ax.plot([], [], color=SIGN_COLOURS[sign], label=f"neurons with {words}")
        for x in self.x:
            ax.axhline(x, color=BLACK, linestyle=":", linewidth=0.9)
        ax.plot([], [], color=BLACK, linestyle=":", label="data")
        ax.set_ylim(self.grid[0], self.grid[-1])
        ax.set_ylabel("activation point")
        ax.set_xlabel("step")
        draw_legend_above(ax)
        return ax

    def plot_loss(self, ax: Axes | None = None) -> Axes:
        """Draw the loss against time, on a logarithmic scale.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.5, 3.6))
        frame(ax)
        ax.plot(self.times, self.loss, color=BLACK, linewidth=1.6)
        if np.all(self.loss > 0):
            ax.set_yscale("log")
        ax.set_xlabel("step")
        ax.set_ylabel("loss on the data (log scale)")
        return ax

    def animate(self, *, interval: float = 50.0) -> FuncAnimation:
        """Return an animation of `plot` over all times; save it with its ``save`` or with `save_gif`.

        Parameters
        ----------
        interval : float, default 50
            Milliseconds between frames where it is shown.
        """
        from matplotlib.animation import FuncAnimation

        figure = new_figure((7.5, 4.8))
        ax = figure.add_subplot()
        over = ax.twinx()

        def draw(index: int) -> list[Any]:
            ax.clear()
            over.clear()
            over.yaxis.set_label_position("right")
            over.yaxis.tick_right()
            self._draw(ax, over, index)
            return []

        interval = as_number(interval, "interval", positive=True)
        return FuncAnimation(figure, draw, frames=len(self.times), interval=interval, blit=False)

    def save_gif(self, path: str | os.PathLike[str], *, frames_per_second: int = 20, dpi: float = 80) -> Path:
        """Write the animation as a GIF.

        Parameters
        ----------
        path : path-like
            A file name ending in .gif, in an existing folder.
        frames_per_second : int, default 20
            Frames shown in a second.
        dpi : float, default 80
            Dots per inch.

        Raises
        ------
        ValueError
            If the name ends otherwise.
        """
        from matplotlib.animation import PillowWriter

        target = Path(path)
        if target.suffix.lower() != ".gif":
            raise ValueError(f"path must end in .gif; got {target.name!r}")
        writer = PillowWriter(fps=as_count(frames_per_second, "frames_per_second", 1))
        self.animate().save(target, writer=writer, dpi=dpi)
        return target

    def _draw(self, ax: Axes, over: Axes, index: int) -> Axes:
        frame(ax)
        ax.plot(self.grid, self.curves[index], color=BLACK, linewidth=1.8, label="network", zorder=3)
        ax.plot(self.x, self.y, "x", color="red", markersize=8, markeredgewidth=2, label="data", zorder=6)
        self._draw_neurons(ax, over, index)
        # The same limits at all times, so that frames can be compared; what is far from the data is cut off.
        low, room = float(np.min(self.y)), float(np.ptp(self.y)) or 1.0
        ax.set_xlim(self.grid[0], self.grid[-1])
        ax.set_ylim(low - 0.8 * room, low + 1.8 * room)
        ax.set_xlabel("input x")
        ax.set_ylabel("output f(x), target y")
        over.set_ylim(0.0, 1.08 * float(np.max(self.norms)) or 1.0)
        over.set_ylabel("norm of neurons, |a| ||u||")
        over.spines[["top"]].set_visible(False)
        draw_legend_above(ax, title=f"step {self.times[index]:g}, loss {self.loss[index]:.3g}")
        return ax

    def _draw_neurons(self, ax: Axes, over: Axes, index: int) -> None:
        many = self.points.shape[1] > _MANY
        size, alpha = (14, 0.35) if many else (45, 0.75)
        for sign in (1, -1):
            for side, marker in ((1, ">"), (-1, "<")):
                mine = (self.signs[index] == sign) & (self.sides[index] == side)
                style: dict[str, Any] = {"color": SIGN_COLOURS[sign], "marker": marker, "linewidths": 0}
                at = self.points[index, mine], self.norms[index, mine]
                over.scatter(*at, s=size, alpha=alpha, rasterized=many, clip_on=True, **style)
                words = f"a {'>' if sign > 0 else '<'} 0, active to the {'right' if side > 0 else 'left'}"
                ax.scatter([], [], s=40, label=words, **style)


@keep_old_arguments(network="index")
def activation_points(
    problem: Problem,
    trajectory: Trajectory,
    *,
    index: int = 0,
    domain: tuple[float, float] | None = None,
    n_grid: int = 256,
) -> ActivationPointsPicture:
    """Compute what pictures of a network of one input in training show.

    Parameters
    ----------
    problem : Problem
        X of two columns, the input and a constant (the hidden bias).
    trajectory : Trajectory
        With the record "weights"; times as chosen there.
    index : int, default 0
        Which of its networks.
    domain : pair of float, optional
        The interval of inputs to show; by default the range of the data and half of it on either side.
    n_grid : int, default 256
        Evenly spaced inputs at which the network is evaluated; >= 2.

    Returns
    -------
    ActivationPointsPicture
        Arrays, with ``.plot(index)``, ``.plot_paths()``, ``.plot_loss()``, ``.animate()`` and ``.save_gif(path)``.

    Raises
    ------
    ValueError
        If X is not as above, weights were not recorded, or an option is wrong.

    Examples
    --------
    >>> from cvxnn import Problem, ReLUNetwork
    >>> from cvxnn.dynamics.descent.simulation import simulate
    >>> problem = Problem([[-1.0, 1.0], [1.0, 1.0]], [0.0, 1.0], beta=0.0)
    >>> start = ReLUNetwork([[1.0, -1.0], [0.5, 2.0]], [0.1, -0.1])
    >>> trajectory = simulate(problem, start, n_steps=2, step_size=0.1, record="weights")
    >>> picture = activation_points(problem, trajectory)
    >>> picture.points[0], picture.sides[0]
    (array([-0.5,  2. ]), array([ 1, -1]))
    """
    trajectory = require_kind(trajectory, Trajectory, "trajectory")
    problem = as_problem(problem)
    X = np.asarray(problem.X)
    if X.shape[1] != 2 or not np.all(X[:, 1] == X[0, 1]) or X[0, 1] == 0:
        raise ValueError(f"problem must have two columns, the input and a constant; got X of shape {X.shape}")
    index = as_count(index, "index")
    hidden, output = trajectory["hidden"], trajectory["output"]
    if index >= hidden.shape[1]:
        raise ValueError(f"index must be below {hidden.shape[1]}, the number of networks; got {index}")
    U, a, one = hidden[:, index], output[:, index], float(X[0, 1])
    low, high = _as_domain(X[:, 0], domain)
    grid = np.linspace(low, high, as_count(n_grid, "n_grid", 2))
    y = np.asarray(problem.y).reshape(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        points = np.where(U[:, 0] == 0.0, np.nan, -U[:, 1] * one / U[:, 0])
    fits = [problem.loss_value(f, np.zeros(1)) for f in _values(trajectory, X, U, a)]
    return ActivationPointsPicture(
        times=trajectory.times,
        x=X[:, 0].copy(),
        y=y.copy(),
        loss=np.array(fits),
        grid=grid,
        curves=_values(trajectory, np.column_stack([grid, np.full_like(grid, one)]), U, a),
        points=points,
        norms=np.abs(a) * np.linalg.norm(U, axis=1),
        sides=np.sign(U[:, 0]).astype(np.int64),
        signs=np.sign(a).astype(np.int64),
    )


def _values(trajectory: Trajectory, features: Array, U: Array, a: Array) -> Array:
    """Return the network at the rows of ``features`` at each time, shape (k, g)."""
    return np.array([trajectory.activation.value(features @ u) @ b for u, b in zip(U, a, strict=True)])


def _as_domain(x: Array, domain: tuple[float, float] | None) -> tuple[float, float]:
    if domain is None:
        margin = _PADDING * float(np.ptp(x)) or 1.0
        return float(x.min()) - margin, float(x.max()) + margin
    ends = as_finite_array(domain, "domain", (1,))
    if ends.shape != (2,) or ends[0] >= ends[1]:
        raise ValueError(f"domain must be a pair (low, high) with low < high; got {domain!r}")
    return float(ends[0]), float(ends[1])
