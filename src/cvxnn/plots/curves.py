"""Picture of a network of one input: its curve, the data, and where its neurons switch."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.networks import ReLUNetwork
from cvxnn.plots.canvas import BLACK, GREY, SIGN_COLOURS, as_column, axes_or_new, draw_legend_above, frame
from cvxnn.problem import as_network
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PADDING = 0.06  # of the data's range, on either side of it
_MANY = 1000  # points from which on they are drawn small, faint and as pixels


@short_repr
@dataclass(frozen=True, eq=False)
class Fit1D:
    """A network of one input over an interval.

    The activation point of a neuron is the input at which it switches, ``x u_1 + u_2 = 0``. There it bends
    the curve: upwards for a positive output weight, downwards for a negative one.

    Parameters
    ----------
    grid : ndarray of shape (k,)
        Ascending inputs over the domain; every activation point in view is one of them.
    curve : ndarray of shape (k,)
        The network at the grid.
    x : ndarray of shape (n,)
        Inputs of the data.
    y : ndarray of shape (n,) or None
        Targets of the data.
    points : ndarray of shape (p,)
        Activation points in view, ascending, one for each neuron that has one.
    heights : ndarray of shape (p,)
        The network at the activation points.
    signs : ndarray of shape (p,)
        Sign of the output weight of their neurons, +1 or -1.
    n_neurons : int
        m.
    n_outside : int
        Neurons whose activation point is outside the domain.
    n_without : int
        Neurons without an activation point: their hidden weight ignores the input, or their weight is zero.
    """

    grid: Array  # (k,)
    curve: Array  # (k,)
    x: Array  # (n,)
    y: Array | None  # (n,)
    points: Array  # (p,)
    heights: Array  # (p,)
    signs: NDArray[np.int64]  # (p,)
    n_neurons: int
    n_outside: int
    n_without: int

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw curve, data and activation points.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (7.5, 4.6))
        frame(ax)
        self._draw_data(ax)
        noun = "neuron" if self.n_neurons == 1 else "neurons"
        label = f"network, {self.n_neurons} {noun}"
        ax.plot(self.grid, self.curve, color=BLACK, linewidth=1.8, label=label, zorder=3)
        self._draw_activation_points(ax)
        ax.set_xlim(self.grid[0], self.grid[-1])
        ax.margins(y=0.08)
        ax.set_xlabel("input x")
        ax.set_ylabel("output f(x)" if self.y is None else "output f(x), target y")
        draw_legend_above(ax)
        return ax

    def _draw_data(self, ax: Axes) -> None:
        many = len(self.x) > _MANY
        label = f"data, n = {len(self.x)}"
        if self.y is None:
            # without targets: a rug along the lower border
            floor, transform = np.full_like(self.x, 0.02), ax.get_xaxis_transform()
            ax.plot(self.x, floor, "|", color=GREY, transform=transform, label=label, rasterized=many)
            return
        size, alpha = (6, 0.25) if many else (22, 0.7)
        style: dict[str, Any] = {"color": GREY, "linewidths": 0, "rasterized": many, "zorder": 2}
        ax.scatter(self.x, self.y, s=size, alpha=alpha, label=label, **style)

    def _draw_activation_points(self, ax: Axes) -> None:
        size = 40 if len(self.points) <= 60 else 16
        # carets touch the curve with their tip, from either side: both signs at one place stay visible
        for sign, caret, marker, words in ((1, 6, "^", "up (a > 0)"), (-1, 7, "v", "down (a < 0)")):
            mine = self.signs == sign
            if mine.any():
                style: dict[str, Any] = {"color": SIGN_COLOURS[sign], "zorder": 4}
                ax.scatter(self.points[mine], self.heights[mine], s=size, marker=caret, **style)
                label = f"bends {words}: {self._count(mine)}"
                ax.scatter([], [], s=30, marker=marker, label=label, **style)  # centred in the legend
        for count, words in ((self.n_outside, "bend outside this view"), (self.n_without, "never bend")):
            if count:
                ax.plot([], [], linestyle="none", label=f"{words}: {count}")

    def _count(self, mine: NDArray[np.bool_]) -> str:
        """Return how many neurons, and at how many places where markers hide each other."""
        gaps = np.diff(self.points[mine]) > 2e-3 * (self.grid[-1] - self.grid[0])
        number, places = int(mine.sum()), 1 + int(gaps.sum())
        if places == number:
            return str(number)
        return f"{number}, at {places} place" + ("" if places == 1 else "s")


def fit_1d(
    network: ReLUNetwork,
    x: Any,
    y: Any = None,
    *,
    n_grid: int = 512,
    bias: bool = True,
    domain: tuple[float, float] | None = None,
) -> Fit1D:
    """Compute the curve of a network of one input and the activation points of its neurons.

    Parameters
    ----------
    network : ReLUNetwork
        One output; features (x, 1) with a hidden bias, x alone without.
    x : array_like of shape (n,) or (n, 1)
        Inputs of the data, without the column of ones.
    y : array_like of shape (n,) or (n, 1), optional
        Targets of the data.
    n_grid : int, default 512
        Evenly spaced inputs at which the network is evaluated, next to its activation points; >= 2.
    bias : bool, default True
        Whether the network's second feature is the hidden bias, a column of ones.
    domain : pair of float, optional
        The interval to show; by default the range of x and 6 % on either side.

    Returns
    -------
    Fit1D
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If the network is not of one input and one output, or an array or option is not as above.

    Examples
    --------
    >>> from cvxnn.networks import ReLUNetwork
    >>> fit = fit_1d(ReLUNetwork([[1.0, -1.0], [-0.5, 3.0]], [2.0, -1.0]), [0.0, 1.0])
    >>> fit.points, fit.n_outside
    (array([0.5]), 1)
    """
    network = as_network(network)
    _require_one_input(network, bias)
    x = as_column(x, "x")
    y = None if y is None else as_column(y, "y", length=len(x), of="x")
    low, high = _default_domain(x) if domain is None else _as_domain(domain)
    points, has_point = _activation_points(network)
    in_view = has_point & (points >= low) & (points <= high)
    order = np.flatnonzero(in_view)[np.argsort(points[in_view], kind="stable")]
    grid = np.unique(np.concatenate([np.linspace(low, high, _as_grid_size(n_grid)), points[order]]))
    return Fit1D(
        grid=grid,
        curve=_values(network, grid),
        x=x,
        y=y,
        points=points[order],
        heights=_values(network, points[order]),
        signs=np.sign(network.output.reshape(-1)[order]).astype(np.int64),
        n_neurons=network.n_neurons,
        n_outside=int(np.count_nonzero(has_point & ~in_view)),
        n_without=int(np.count_nonzero(~has_point)),
    )


def _require_one_input(network: ReLUNetwork, bias: bool) -> None:
    if not isinstance(network, ReLUNetwork):
        raise ValueError(f"network must be a ReLUNetwork; got {type(network).__name__}")
    if network.n_features != 1 + bool(bias):
        raise ValueError(
            f"network must have 2 features, the input and ones, with bias=True, and 1 with bias=False; "
            f"it has {network.n_features}, with bias={bias!r}"
        )
    if network.n_outputs != 1:
        raise ValueError(f"network must have one output; it has {network.n_outputs}")


def _as_grid_size(n_grid: int) -> int:
    try:
        number = operator.index(n_grid)
    except TypeError:
        number = 0
    if number < 2:
        raise ValueError(f"n_grid must be an integer >= 2; got {n_grid!r}")
    return number


def _as_domain(domain: tuple[float, float]) -> tuple[float, float]:
    ends = as_finite_array(domain, "domain", (1,))
    if ends.shape != (2,) or ends[0] >= ends[1]:
        raise ValueError(f"domain must be a pair (low, high) with low < high; got {domain!r}")
    return float(ends[0]), float(ends[1])


def _default_domain(x: Array) -> tuple[float, float]:
    low, high = float(x.min()), float(x.max())
    margin = _PADDING * (high - low) or 0.5 * abs(low) or 1.0  # the last two: a single input
    return low - margin, high + margin


def _activation_points(network: ReLUNetwork) -> tuple[Array, NDArray[np.bool_]]:
    """Return each neuron's activation point, shape (m,), and whether it has one."""
    slopes = network.hidden[0]
    levels = network.hidden[1] if network.n_features == 2 else np.zeros_like(slopes)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        points = 0.0 - levels / slopes  # 0 - q: no negative zero
    has_point = np.isfinite(points) & (network.output.reshape(-1) != 0)
    return points, has_point


def _values(network: ReLUNetwork, inputs: Array) -> Array:
    """Return the network at inputs of shape (k,), k >= 0."""
    if len(inputs) == 0:
        return np.zeros(0)
    features = np.column_stack([inputs, np.ones_like(inputs)])[:, : network.n_features]
    return network.predict(features).reshape(-1)
