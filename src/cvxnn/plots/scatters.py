"""Picture of predictions against the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.plots.canvas import BLACK, BLUE, VERMILLION, as_column, axes_or_new, draw_legend, frame, literal
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import r_squared
from cvxnn.validation import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 1000  # points from which on they are drawn as pixels


@short_repr
@dataclass(frozen=True, eq=False)
class Predictions:
    """Predictions next to the truth, on training data and perhaps on test data.

    Parameters
    ----------
    y_true, y_predicted : ndarray of shape (n,)
        Training data.
    y_true_test, y_predicted_test : ndarray of shape (n_test,) or None
        Test data.
    r2 : float
        ``1 - sum (y - f)^2 / sum (y - mean y)^2`` on training data; NaN where y is constant.
    r2_test : float or None
        The same on test data, with the mean of the test data.
    name : str
        What is predicted.
    """

    y_true: Array  # (n,)
    y_predicted: Array  # (n,)
    y_true_test: Array | None  # (n_test,)
    y_predicted_test: Array | None  # (n_test,)
    r2: float
    r2_test: float | None
    name: str

    @property
    def limits(self) -> tuple[float, float]:
        """Return the interval that holds every value, true and predicted, with 4 % on either side."""
        parts = [self.y_true, self.y_predicted, self.y_true_test, self.y_predicted_test]
        values = np.concatenate([part for part in parts if part is not None])
        low, high = float(values.min()), float(values.max())
        margin = 0.04 * (high - low) or 0.5 * abs(low) or 1.0  # the last two: a single value
        return low - margin, high + margin

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw a point for each sample, and the diagonal of perfect prediction.

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
        ax.axline((self.limits[0],) * 2, slope=1, color=BLACK, linewidth=1, linestyle="--", zorder=3)
        if self.y_true_test is None or self.y_predicted_test is None or self.r2_test is None:
            _draw(ax, self.y_true, self.y_predicted, self.r2, "", BLUE, "o")
        else:
            _draw(ax, self.y_true, self.y_predicted, self.r2, "train, ", BLUE, "o")
            _draw(ax, self.y_true_test, self.y_predicted_test, self.r2_test, "test, ", VERMILLION, "^")
        ax.set(xlim=self.limits, ylim=self.limits, aspect="equal")
        ax.set_xlabel(f"true {literal(self.name)}")
        ax.set_ylabel(f"predicted {literal(self.name)}")
        # of many points some are under any place; far from the diagonal are the fewest
        draw_legend(ax, loc="best" if len(self.y_true) <= _MANY else "upper left")
        return ax


def _draw(
    ax: Axes, y_true: Array, y_predicted: Array, r2: float, words: str, colour: str, marker: str
) -> None:
    n = len(y_true)
    score = "R² undefined" if np.isnan(r2) else f"R² = {r2:.3f}"
    # smaller and fainter as n grows to thousands
    size, alpha = float(np.clip(5000 / n, 7, 24)), float(np.clip(18 / np.sqrt(n), 0.2, 0.8))
    ax.scatter(
        y_true,
        y_predicted,
        s=size,
        alpha=alpha,
        color=colour,
        marker=marker,
        linewidths=0,
        rasterized=n > _MANY,
        label=f"{words}n = {n}: {score}",
    )


def predictions(
    y_true: Any,
    y_predicted: Any,
    *,
    y_true_test: Any = None,
    y_predicted_test: Any = None,
    name: str = "target",
) -> Predictions:
    """Compute what a picture of predictions against the truth shows.

    Parameters
    ----------
    y_true, y_predicted : array_like of shape (n,) or (n, 1)
        Targets of the training data and their predictions.
    y_true_test, y_predicted_test : array_like of shape (n_test,) or (n_test, 1), optional
        The same of test data; both or neither.
    name : str, default "target"
        What is predicted, with its unit: "strength (MPa)".

    Returns
    -------
    Predictions
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If an array is empty, not finite or of a wrong shape, or only one of the two test arrays is given.

    Examples
    --------
    >>> predictions([1.0, 2.0, 3.0], [1.0, 2.0, 2.0]).r2
    0.5
    """
    y_true = as_column(y_true, "y_true")
    y_predicted = as_column(y_predicted, "y_predicted", length=len(y_true), of="y_true")
    if (y_true_test is None) != (y_predicted_test is None):
        raise ValueError("y_true_test and y_predicted_test must be given both or neither; got one of them")
    if y_true_test is not None:
        y_true_test = as_column(y_true_test, "y_true_test")
        y_predicted_test = as_column(
            y_predicted_test, "y_predicted_test", length=len(y_true_test), of="y_true_test"
        )
    return Predictions(
        y_true=y_true,
        y_predicted=y_predicted,
        y_true_test=y_true_test,
        y_predicted_test=y_predicted_test,
        r2=r_squared(y_true, y_predicted),
        r2_test=None if y_true_test is None else r_squared(y_true_test, y_predicted_test),
        name=str(name),
    )
