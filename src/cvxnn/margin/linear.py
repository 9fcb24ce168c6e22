"""The linear baseline: the hard-margin support vector machine, and what networks gain on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.cones import least_distance
from cvxnn.margin.widest import max_margin
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_labelled
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.validation import Array

# Rows of order one whose separating vector is longer than this are not separated by any direction.
_LONGEST = 1e10


@short_repr
@dataclass(frozen=True, eq=False)
class LinearMaxMargin:
    """The hard-margin support vector machine without offset.

    Parameters
    ----------
    w : ndarray of shape (d,)
        ``argmin ||w||`` with ``y_i x_i^T w >= 1``.
    multipliers : ndarray of shape (n,)
        ``lam >= 0`` with ``w / ||w|| = sum_i lam_i y_i x_i``, zero where the margin is slack; they sum to ``||w||``.
    """

    w: Array  # (d,)
    multipliers: Array  # (n,)

    @property
    def norm(self) -> float:
        """Return ``||w||``; its reciprocal is the geometric margin."""
        return float(np.linalg.norm(self.w))

    @property
    def network(self) -> ReLUNetwork:
        """Return ``w^T x`` as a balanced network of two neurons, ``(w^T x)_+ - (-w^T x)_+``, of value ``2 ||w||``."""
        root = np.sqrt(self.norm)
        hidden = np.stack([self.w, -self.w], axis=1) / root
        return ReLUNetwork(hidden, [root, -root])


def linear_max_margin(X: Any, y: Any) -> LinearMaxMargin:
    """Return the hard-margin support vector machine without offset, exactly.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1; one class alone will do.

    Raises
    ------
    HypothesisError
        If the data is not linearly separable.
    ValueError
        If X or y have a wrong shape or values.

    References
    ----------
    C. L. Lawson and R. J. Hanson, *Solving Least Squares Problems*, 1974, chapter 23, algorithm LDP (least distance
    programming by one non-negative least-squares problem).

    Examples
    --------
    >>> machine = linear_max_margin([[2.0, 0.0], [0.0, -1.0]], [1.0, -1.0])
    >>> machine.w.round(6), round(machine.norm, 6)
    (array([0.5, 1. ]), 1.118034)
    """
    X, y = as_labelled(X, y)
    scale = float(np.max(np.abs(X))) or 1.0
    rows = y[:, None] * X / scale
    found = least_distance(rows, np.ones(len(y)), longest=_LONGEST)
    if found is None:
        raise HypothesisError(
            f"X and y must be linearly separable, y_i x_i^T w > 0 for all i; the largest margin of a unit w is at most "
            f"{scale / _LONGEST:.3g}"
        )
    w, z = found
    margins = rows @ w
    w /= np.min(margins) * scale
    return LinearMaxMargin(w, z / np.linalg.norm(z @ rows) / scale)


def linear_bound(X: Any, y: Any) -> Comparison:
    """Return the value of the best network beside twice the norm of the support vector machine.

    Statement
        On linearly separable data the smallest network of margin one has ``1/2 ||theta||^2 <= 2 ||w||``.
    Hypotheses
        X and y are linearly separable.
    Guarantee
        Upper: ``w^T x`` itself is a network of two neurons of that value.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1.

    Raises
    ------
    HypothesisError
        If the data is not linearly separable.

    Examples
    --------
    >>> compared = linear_bound([[1.0], [-1.0]], [1.0, -1.0])
    >>> round(compared.measured, 6), round(compared.predicted, 6), compared.holds
    (2.0, 2.0, True)
    """
    machine = linear_max_margin(X, y)
    return Comparison(max_margin(X, y).value, 2.0 * machine.norm, "at most")
