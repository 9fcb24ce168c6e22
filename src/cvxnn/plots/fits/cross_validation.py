"""Picture of cross-validation: score against weight decay, fold by fold and on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.betas import as_decreasing
from cvxnn.plots.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    VERMILLION,
    axes_or_new,
    beta_axis,
    draw_legend_above,
    frame,
    literal,
)
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RATIO = "weight decay β / β$_{max}$ (log scale, decreasing)"


@short_repr
@dataclass(frozen=True, eq=False)
class CrossValidationCurve:
    """Scores of cross-validation against weight decay.

    Parameters
    ----------
    grid : ndarray of shape (k,)
        The weight decays of the problem on all data, or their ratios to the critical one, decreasing.
    is_ratio : bool
        Whether they are ratios.
    scores : ndarray of shape (k, n_folds)
        Score of each on each fold; higher is better.
    mean : ndarray of shape (k,)
        Mean over the folds.
    standard_error : ndarray of shape (k,)
        Standard deviation over the folds, with ``n_folds - 1``, divided by ``sqrt(n_folds)``; 0 for a single fold.
    best : int
        Index of the highest mean.
    one_se : int
        Index by the one-standard-error rule: the largest weight decay whose mean is at least the highest less its
        standard error.
    chosen : int or None
        Index of the weight decay that the estimator chose; None where that is not known.
    score_name : str
        What the score is.
    """

    grid: Array  # (k,)
    is_ratio: bool
    scores: Array  # (k, n_folds)
    mean: Array  # (k,)
    standard_error: Array  # (k,)
    best: int
    one_se: int
    chosen: int | None
    score_name: str

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw mean score with its standard error, the folds as thin lines, and the two candidates for the choice.

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
        n_folds = self.scores.shape[1]
        for fold, scores in enumerate(self.scores.T):
            words = f"each of {n_folds} folds" if n_folds > 1 else "the only fold"
            label = words if fold == 0 else None
            ax.plot(self.grid, scores, color=GREY, linewidth=0.7, alpha=0.6, label=label)
        low, high = self.mean - self.standard_error, self.mean + self.standard_error
        ax.fill_between(
            self.grid, low, high, color=BLUE, alpha=0.18, lw=0, label="± standard error", zorder=2
        )
        size = 3.5 if len(self.grid) <= 60 else 0
        ax.plot(
            self.grid, self.mean, "o-", color=BLUE, markersize=size, linewidth=1.8, label="mean", zorder=3
        )
        label = "highest mean less its standard error"
        ax.axhline(low[self.best], color=BLACK, linewidth=0.9, linestyle=":", label=label)
        self._mark(ax)
        ax.set_ylabel(literal(self.score_name))
        beta_axis(ax, self.grid, *([_RATIO] if self.is_ratio else []))
        draw_legend_above(ax)
        return ax

    def _mark(self, ax: Axes) -> None:
        marks = [
            (self.best, "highest mean", VERMILLION, "--"),
            (self.one_se, "one standard error", GREEN, "-."),
        ]
        if self.best == self.one_se:
            marks = [(self.best, "highest mean, and by one standard error", VERMILLION, "--")]
        for index, words, colour, line in marks:
            name = "ratio" if self.is_ratio else "β"
            chosen = ", chosen" if index == self.chosen else ""
            label = f"{words}: {name} = {self.grid[index]:.3g}{chosen}"
            ax.axvline(self.grid[index], color=colour, linestyle=line, linewidth=1.3, label=label)


def cv(result: Any, *, score_name: str = "score") -> CrossValidationCurve:
    """Compute what a picture of cross-validation shows.

    Parameters
    ----------
    result : ReLURegressorCV or ReLUClassifierCV
        Fitted: has ``scores_`` (k, n_folds), ``best_index_``, ``one_se_index_``, and the grid as ``betas_`` or else as
        ``beta_ratios_``; ``chosen_index_`` where it is known.
    score_name : str, default "score"
        What the score is: "R²".

    Returns
    -------
    CrossValidationCurve
        Arrays, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If `result` lacks an attribute, its grid is not positive and decreasing, or scores or indices do not fit it.
    """
    is_ratio = not hasattr(result, "betas_")
    grid_name = "beta_ratios_" if is_ratio else "betas_"
    missing = [
        name for name in (grid_name, "scores_", "best_index_", "one_se_index_") if not hasattr(result, name)
    ]
    if missing:
        raise ValueError(
            f"result must be a fitted estimator with cross-validation; {type(result).__name__} lacks "
            + ", ".join(missing)
        )
    grid = as_decreasing(getattr(result, grid_name), f"result.{grid_name}")
    scores = _scores(result.scores_, len(grid))
    chosen = getattr(result, "chosen_index_", None)
    return CrossValidationCurve(
        grid=grid,
        is_ratio=is_ratio,
        scores=scores,
        mean=scores.mean(axis=1),
        standard_error=_standard_error(scores),
        best=_index(result.best_index_, "result.best_index_", len(grid)),
        one_se=_index(result.one_se_index_, "result.one_se_index_", len(grid)),
        chosen=None if chosen is None else _index(chosen, "result.chosen_index_", len(grid)),
        score_name=str(score_name),
    )


def _scores(values: Any, length: int) -> Array:
    scores = as_finite_array(values, "result.scores_", (2,))
    if scores.shape[0] != length:
        raise ValueError(f"result.scores_ must have shape ({length}, n_folds); got {scores.shape}")
    return scores


def _standard_error(scores: Array) -> Array:
    n_folds = scores.shape[1]
    if n_folds == 1:
        return np.zeros(len(scores))
    return np.asarray(scores.std(axis=1, ddof=1) / np.sqrt(n_folds))


def _index(value: Any, name: str, length: int) -> int:
    if int(value) not in range(length):
        raise ValueError(f"{name} must be an index from 0 to {length - 1}; got {value!r}")
    return int(value)
