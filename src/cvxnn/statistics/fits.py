"""How well predictions fit."""

from __future__ import annotations

import numpy as np

from cvxnn.validation import Array


def r_squared(y_true: Array, y_predicted: Array) -> float:
    """Return ``1 - sum (y - f)^2 / sum (y - mean y)^2``; NaN where the truth is constant.

    Parameters
    ----------
    y_true, y_predicted : ndarray of shape (n,)
        The truth and the predictions, n >= 1.

    Examples
    --------
    >>> r_squared(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 2.0]))
    0.5
    """
    spread = float(np.ptp(y_true))
    if spread == 0:
        return float("nan")
    # in units of the spread: squares of 1e200 overflow
    squares = np.sum(((y_true - y_true.mean()) / spread) ** 2)
    return 1.0 - float(np.sum(((y_true - y_predicted) / spread) ** 2) / squares)


def root_mean_square(values: Array) -> float:
    """Return ``sqrt(mean values^2)``, whatever the scale.

    Examples
    --------
    >>> root_mean_square(np.array([3e200, 4e200])) / 1e200
    3.535...
    """
    # Divide by the largest entry first: squares of 1e200 overflow.
    largest = float(np.max(np.abs(values)))
    return largest * float(np.sqrt(np.mean((values / largest) ** 2))) if largest > 0 else 0.0
