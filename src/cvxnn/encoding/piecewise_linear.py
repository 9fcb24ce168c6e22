"""Columns with the ramps of their quantile intervals beside them, as a scikit-learn transformer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import (
    _check_feature_names_in,
    _check_sample_weight,
    check_is_fitted,
    validate_data,
)

from cvxnn.encoding.quantiles import quantile_knots
from cvxnn.encoding.ramps import Ramps
from cvxnn.validation import Array, require_exact_integers, require_kind


class PiecewiseLinearEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Add to each column the clipped ramps of its quantile intervals.

    A ramp is ``min(max((x - a) / (b - a), 0), 1)`` for an interval [a, b] between neighbouring quantiles: 0 before the
    interval, 1 behind it. A linear function of a column and its ramps is any continuous function that is linear between
    the quantiles, and constant but for the column's own share beyond the range of training.

    Parameters
    ----------
    knots : int, default 10
        Quantile intervals of a column, at least 1. Equal quantiles are merged, so that a column of few different
        values, or of one that is frequent, has fewer. A column of one or two values has none.

    Attributes
    ----------
    knots_ : list of ndarray
        For each column the ends of its intervals, ascending, from its smallest value in training to the largest; empty
        for a column that is left alone.
    ramps_ : Ramps
        The same as one array a notion: ``columns``, ``starts`` and ``ends``, shape (R,) each.
    n_features_in_ : int
        Number of columns, d.
    feature_names_in_ : ndarray of str
        Names of the columns, where X had any.

    Notes
    -----
    Columns come first, as they are; ramps follow, column by column. Data must be dense. Scaling a column by a positive
    number, or adding a number, leaves its ramps as they are.

    References
    ----------
    Y. Gorishniy, I. Rubachev, A. Babenko, "On embeddings for numerical features in tabular deep learning", NeurIPS
    2022, section 3.2 (piecewise linear encoding).

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0], [1.0], [3.0], [9.0]])
    >>> encoder = PiecewiseLinearEncoder(knots=2).fit(x)
    >>> encoder.knots_
    [array([0., 2., 9.])]
    >>> encoder.transform([[-1.0], [1.0], [5.5], [20.0]])
    array([[-1. ,  0. ,  0. ],
           [ 1. ,  0.5,  0. ],
           [ 5.5,  1. ,  0.5],
           [20. ,  1. ,  1. ]])
    >>> encoder.get_feature_names_out(["age"]).tolist()
    ['age', 'age[0..2]', 'age[2..9]']
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "knots": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, knots: int = 10) -> None:
        self.knots = knots

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the quantiles of each column.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        y : ignored
            There for pipelines.
        sample_weight : array_like of shape (n,), optional
            Weights, >= 0: a sample of weight 2 counts as two samples, one of weight 0 as none.

        Returns
        -------
        self
        """
        self._validate_params()
        require_exact_integers(X, "X")
        X = validate_data(self, X, dtype=np.float64)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            if not np.any(sample_weight > 0):
                raise ValueError("sample_weight must be > 0 for some sample; all weights are zero")
        return self.with_knots([quantile_knots(x, self.knots, sample_weight) for x in X.T])

    def with_knots(self, knots: Sequence[Array]) -> Self:
        """Set the ends of each column's intervals, as `fit` does.

        Parameters
        ----------
        knots : sequence of ndarray
            For each column finite numbers, ascending; none, or two at least.

        Returns
        -------
        self
        """
        self.knots_ = [_as_knots(ends, column) for column, ends in enumerate(knots)]
        self.ramps_ = Ramps.between(self.knots_)
        self.n_features_in_ = len(self.knots_)
        return self

    def transform(self, X: Any) -> Any:
        """Return the columns, then the ramps.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n, d + R)
            Or a data frame, where `set_output` asks for one.
        """
        check_is_fitted(self)
        require_exact_integers(X, "X")
        return self.ramps_.beside(validate_data(self, X, dtype=np.float64, reset=False))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Return the names of the columns, and of the ramps, such as ``age[30..45]``.

        Parameters
        ----------
        input_features : array_like of str, optional
            Names of the columns; by default those of training, or x0, x1, ...

        Returns
        -------
        ndarray of shape (d + R,), object
        """
        check_is_fitted(self)
        return np.array(self.names_of(_check_feature_names_in(self, input_features)), dtype=object)

    def names_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the names of columns and ramps for columns of these names, whatever they were called in training."""
        columns = tuple(str(name) for name in names)
        ramps = (
            f"{name}[{start}..{end}]"
            for name, ends in zip(columns, self.knots_, strict=True)
            for start, end in pairwise(_distinct_texts(ends))
        )
        return (*columns, *ramps)


def require_fitted(encoder: Any) -> PiecewiseLinearEncoder:
    """Return a fitted encoder.

    Raises
    ------
    ValueError
        If it is something else, or not fitted.
    """
    require_kind(encoder, PiecewiseLinearEncoder, "encoder", "an estimator's is its attribute encoder_")
    if not hasattr(encoder, "ramps_"):
        raise ValueError("encoder must be fitted; it has no knots yet")
    return encoder  # type: ignore[no-any-return]


def _as_knots(ends: Any, column: int) -> Array:
    knots = np.array(ends, dtype=np.float64)
    if knots.ndim != 1 or len(knots) == 1 or not np.all(np.isfinite(knots)) or not np.all(np.diff(knots) > 0):
        raise ValueError(
            f"knots must be finite and ascending, none or at least two a column; got {ends!r} for column {column}"
        )
    knots.flags.writeable = False
    return knots


def _distinct_texts(numbers: Array) -> list[str]:
    """Return numbers as texts of as few digits, four at least, as tell them apart."""
    for digits in range(4, 17):
        texts = [f"{number:.{digits}g}" for number in numbers.tolist()]
        if len(set(texts)) == len(texts):
            return texts
    return [repr(number) for number in numbers.tolist()]
