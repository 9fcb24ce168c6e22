"""How well predictions fit: R2 and RMSE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.statistics import r_squared, root_mean_square
from cvxnn.validation import Array


@dataclass(frozen=True)
class Scores:
    """How well predictions fit the truth, in units of the target.

    Parameters
    ----------
    n : int
        Number of rows.
    r2 : float or None
        ``1 - sum (y - f)^2 / sum (y - mean y)^2``; None where the truth is constant.
    rmse : float
        ``sqrt(mean (y - f)^2)``.
    """

    n: int
    r2: float | None
    rmse: float


def score(y_true: Array, y_predicted: Array) -> Scores:
    """Return the scores of predictions.

    Parameters
    ----------
    y_true, y_predicted : ndarray of shape (n,)
        The truth and the predictions, n >= 1.

    Examples
    --------
    >>> import numpy as np
    >>> score(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    Scores(n=3, r2=0.5, rmse=0.577...)
    """
    r2 = r_squared(y_true, y_predicted)
    return Scores(len(y_true), None if np.isnan(r2) else r2, root_mean_square(y_true - y_predicted))
