"""Picture of excess risks in F_1 and F_2 against the dimension or the number of samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cvxnn.function_spaces import ExcessRiskCurve
from cvxnn.plots.canvas import BLUE, GREY, VERMILLION, axes_or_new, draw_legend_above, frame
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import Slope
from cvxnn.validation import Array, require_kind

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_NAMES = {"samples": "samples n", "dimensions": "dimension d"}


@short_repr
@dataclass(frozen=True, eq=False)
class ExcessRisks:
    """Medians and quartiles of excess risks, with the exponents fitted.

    Parameters
    ----------
    sizes : ndarray of shape (k,)
        Numbers of samples, or dimensions.
    against : {"samples", "dimensions"}
        Which.
    f1, f2 : ndarrays of shape (3, k)
        Lower quartile, median and upper quartile over the repetitions.
    slope_f1, slope_f2 : Slope
        Exponents.
    """

    sizes: Array  # (k,)
    against: Literal["samples", "dimensions"]
    f1: Array  # (3, k)
    f2: Array  # (3, k)
    slope_f1: Slope
    slope_f2: Slope

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw medians and the range between quartiles on log-log axes, beside the risk of predicting the mean.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes
        """
        ax = axes_or_new(ax, (6.0, 4.2))
        frame(ax)
        ax.set_xscale("log")
        ax.set_yscale("log")
        for name, quartiles, slope, colour, marker in (
            ("F₁", self.f1, self.slope_f1, BLUE, "o"),
            ("F₂", self.f2, self.slope_f2, VERMILLION, "s"),
        ):
            label = f"{name}, exponent {slope.value:.2f} ± {slope.standard_error:.2f}"
            ax.fill_between(self.sizes, quartiles[0], quartiles[2], color=colour, alpha=0.2, linewidth=0)
            ax.plot(self.sizes, quartiles[1], marker=marker, color=colour, linewidth=1.8, label=label)
        ax.axhline(1.0, color=GREY, linewidth=1.0, linestyle="--", label="predicting the mean")
        ax.set_xticks(self.sizes, [f"{size:g}" for size in self.sizes])
        ax.minorticks_off()
        ax.set_xlabel(_NAMES[self.against])
        ax.set_ylabel("excess risk")
        draw_legend_above(ax)
        return ax


def excess_risks(
    curve: ExcessRiskCurve, against: Literal["samples", "dimensions"] = "dimensions"
) -> ExcessRisks:
    """Prepare the picture of a curve of excess risks.

    Parameters
    ----------
    curve : ExcessRiskCurve
        As of `excess_risk_curve`, of targets of variance 1.
    against : {"dimensions", "samples"}, default "dimensions"
        The horizontal axis.

    Returns
    -------
    ExcessRisks
        Arrays, by increasing size, with ``.plot(ax=None)``.

    Raises
    ------
    ValueError
        If the axis is neither, or all sizes on it are equal.

    Examples
    --------
    >>> from cvxnn.function_spaces.generalisation.excess_risk import excess_risk_curve
    >>> from cvxnn.function_spaces.generalisation.targets import AffineTarget
    >>> curve = excess_risk_curve(AffineTarget.random, samples=[4, 8], dimensions=1, n_repetitions=2)
    >>> excess_risks(curve, "samples").sizes
    array([4., 8.])
    """
    curve = require_kind(curve, ExcessRiskCurve, "curve")
    slopes = curve.slope("f1", against), curve.slope("f2", against)
    sizes = np.asarray(curve.samples if against == "samples" else curve.dimensions, dtype=np.float64)
    order = np.argsort(sizes, kind="stable")
    f1, f2 = (np.quantile(risks[order], [0.25, 0.5, 0.75], axis=1) for risks in (curve.f1, curve.f2))
    return ExcessRisks(sizes[order], against, f1, f2, *slopes)
