"""Picture of training: objective and proven lower bound over time, and the gap between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.plots.canvas import (
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILLION,
    axes_or_new,
    draw_legend_above,
    frame,
    new_figure,
)
from cvxnn.short_reprs import short_repr
from cvxnn.training import TrainingResult
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from cvxnn.certificates import Certificate
    from cvxnn.training import TrainingRecord

_FEW = 60  # rounds up to which each is marked
_INSIDE = "gap: the optimum lies here"


@short_repr
@dataclass(frozen=True, eq=False)
class Convergence:
    """Objective and lower bound over the time of training.

    Parameters
    ----------
    seconds : ndarray of shape (k,)
        Time of each round, since training began.
    objective : ndarray of shape (k,)
        Best objective so far.
    lower_bound : ndarray of shape (k,)
        Best proven lower bound so far; 0 while none has been asked for.
    relative_gap : ndarray of shape (k,)
        ``(objective - lower_bound) / objective``, 0 where the objective is 0.
    violation : ndarray of shape (k,)
        Largest relative violation of the dual that the round's search found: a number, not a proof.
    neurons : ndarray of shape (k,)
        Neurons of the best network.
    best : Certificate or None
        The final certificate.
    """

    seconds: Array  # (k,)
    objective: Array  # (k,)
    lower_bound: Array  # (k,)
    relative_gap: Array  # (k,)
    violation: Array  # (k,)
    neurons: NDArray[np.int64]  # (k,)
    best: Certificate | None

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw objective and lower bound with the area between, where the optimum lies.

        The vertical axis is logarithmic once the objective falls by more than a factor of five. A bound of 0,
        or below a hundredth of the objective, is then below the axis.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw. By default a new figure, in which the relative gap has a second panel below.

        Returns
        -------
        matplotlib.axes.Axes
            The axes of objective and lower bound.
        """
        if ax is None:
            above: Axes
            below: Axes
            above, below = new_figure((7.5, 6.2)).subplots(2, 1, sharex=True, height_ratios=(3, 2))
            self.plot_gap(below)
            self.plot(above).label_outer()
            return above
        frame(ax)
        limits = self._bracket_limits()
        bound = self.lower_bound if limits is None else _on_log_axis(self.lower_bound, limits)
        objective = self.objective if limits is None else _on_log_axis(self.objective, limits)
        style = self._step_style()
        ax.fill_between(
            self.seconds, bound, objective, step="post", color=BLUE, alpha=0.12, lw=0, label=_INSIDE
        )
        ax.plot(self.seconds, objective, color=BLUE, label="objective", marker="o", **style)
        hidden = limits is not None and bool((self.lower_bound < limits[0]).any())
        label = "proven lower bound" + (" (from below the scale)" if hidden else "")
        ax.plot(self.seconds, bound, color=VERMILLION, label=label, marker="s", **style)
        self._draw_final_bound(ax)
        self._scale(ax, limits)
        ax.set_ylabel("objective" + (" (log scale)" if limits else ""))
        ax.set_xlabel("seconds since training began")
        draw_legend_above(ax)
        return ax

    def plot_gap(self, ax: Axes | None = None) -> Axes:
        """Draw the proven relative gap and the search violation.

        The vertical axis is logarithmic; a gap of 0 is below it.

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
        finals = [] if self.best is None else [self.best.relative_gap, self.best.tol]
        violation = np.where(np.isfinite(self.violation), self.violation, 0.0)
        limits = _log_limits(np.concatenate([self.relative_gap, violation, finals]))
        gap = _on_log_axis(self.relative_gap, limits)
        ax.plot(self.seconds, gap, color=GREEN, label="proven relative gap", marker="o", **self._step_style())
        found = violation > 0
        if found.any():
            label = "search violation (no proof)"
            style: dict[str, Any] = {
                "color": PURPLE,
                "markersize": 5 if len(self.seconds) <= _FEW else 3,
                "zorder": 2,
            }
            ax.plot(self.seconds[found], violation[found], "x", label=label, **style)
        self._draw_final_gap(ax)
        self._scale(ax, limits)
        ax.set_xlabel("seconds since training began")
        ax.set_ylabel("relative gap (log scale)")
        draw_legend_above(ax)
        return ax

    def _bracket_limits(self) -> tuple[float, float] | None:
        """Return the limits of a logarithmic axis for objective and bound, or None for a linear one."""
        smallest = float(np.min(self.objective[self.objective > 0], initial=np.inf))
        if not self.objective.max() > 5 * smallest:
            return None
        final = [] if self.best is None else [self.best.lower_bound]
        values = np.concatenate([self.objective, self.lower_bound, final])
        return _log_limits(values[values >= smallest / 100])  # a tiny early bound would flatten all the rest

    def _step_style(self) -> dict[str, Any]:
        size = 3.5 if len(self.seconds) <= _FEW else 0
        return {"drawstyle": "steps-post", "linewidth": 1.6, "markersize": size, "zorder": 3}

    def _draw_final_bound(self, ax: Axes) -> None:
        if self.best is None or self.best.lower_bound <= 0:
            return
        scope = "" if self.best.scope == "network" else ", given patterns only"
        label = f"final bound: {self.best.method}{scope}"
        ax.axhline(self.best.lower_bound, color=VERMILLION, linestyle="--", linewidth=1.2, label=label)

    def _draw_final_gap(self, ax: Axes) -> None:
        if self.best is None:
            return
        if self.best.relative_gap > 0:
            label = f"final gap: {self.best.relative_gap:.2g}"
            ax.axhline(self.best.relative_gap, color=GREEN, linestyle="--", linewidth=1.2, label=label)
        if self.best.tol > 0:
            label = f"tol: {self.best.tol:.2g}"
            ax.axhline(self.best.tol, color=GREY, linestyle=":", linewidth=1.4, label=label)

    def _scale(self, ax: Axes, limits: tuple[float, float] | None) -> None:
        from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

        end = float(self.seconds[-1]) or 1.0
        ax.set_xlim(-0.02 * end, 1.02 * end)
        if limits is None:
            return
        ax.set_yscale("log")
        ax.set_ylim(limits)
        if limits[1] < 100 * limits[0]:  # less than two decades: label 1, 2, 5 instead of the decades
            ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            ax.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            ax.yaxis.set_minor_formatter(NullFormatter())


def convergence(
    history: TrainingResult | Sequence[TrainingRecord], *, best: Certificate | None = None
) -> Convergence:
    """Compute what a picture of training shows.

    Parameters
    ----------
    history : TrainingResult or sequence of TrainingRecord
        What training returned, or its ``history``: one record a round, in order.
    best : Certificate, optional
        ``result.certificate``, which is also taken from a result. Its lower bound may be better than the last
        round's; it is drawn dashed.

    Returns
    -------
    Convergence
        Arrays, with ``.plot(ax=None)`` and ``.plot_gap(ax=None)``.

    Raises
    ------
    ValueError
        If there is no record, something in `history` is not one, a time, objective or bound is negative or
        not finite, or time runs backwards.

    Examples
    --------
    >>> from cvxnn.training import TrainingRecord
    >>> rounds = [TrainingRecord(0, 0.0, 8.0, 0.0, 0, 3.0), TrainingRecord(1, 0.2, 2.0, 1.5, 7, 0.01)]
    >>> convergence(rounds).relative_gap
    array([1.  , 0.25])
    """
    if isinstance(history, TrainingResult):
        best, history = best or history.certificate, history.history
    records = tuple(_as_history(history))
    if not records:
        raise ValueError("history must hold at least one record; got none")
    if best is not None and not hasattr(best, "lower_bound"):
        raise ValueError(f"best must be a Certificate; got {type(best).__name__}")
    seconds, objective, lower_bound = (
        _field(records, name) for name in ("seconds", "objective", "lower_bound")
    )
    if np.any(np.diff(seconds) < 0):
        raise ValueError("history must be in the order of its seconds; time runs backwards in it")
    gap = np.divide(objective - lower_bound, objective, out=np.zeros_like(objective), where=objective > 0)
    return Convergence(
        seconds=seconds,
        objective=objective,
        lower_bound=lower_bound,
        relative_gap=np.maximum(gap, 0.0),
        violation=np.array([record.violation for record in records], dtype=np.float64),
        neurons=np.array([record.neurons for record in records], dtype=np.int64),
        best=best,
    )


def _as_history(history: Any) -> Iterable[TrainingRecord]:
    if not isinstance(history, Iterable):
        raise ValueError(
            f"history must be a TrainingResult or its sequence of records; got {type(history).__name__}"
        )
    return history


def _field(records: tuple[TrainingRecord, ...], name: str) -> Array:
    try:
        values = np.array([getattr(record, name) for record in records], dtype=np.float64)
    except AttributeError as error:
        raise ValueError(f"history must hold training records; {error}") from None
    if not np.all(np.isfinite(values) & (values >= 0)):
        bad = values[~(np.isfinite(values) & (values >= 0))]
        raise ValueError(f"history must hold finite {name} >= 0; got {bad[0]}")
    return values


def _log_limits(values: Array) -> tuple[float, float]:
    """Return the limits of a logarithmic axis that holds the positive values with some room."""
    positive = values[values > 0]
    if len(positive) == 0:
        return 1e-6, 1.0
    low, high = float(positive.min()), float(positive.max())
    room = max((high / low) ** 0.08, 1.3)
    return low / room, high * room


def _on_log_axis(values: Array, limits: tuple[float, float]) -> Array:
    """Return values with those that are not positive moved well below the axis, so that lines lead there."""
    return np.where(values > 0, values, limits[0] * 1e-3)
