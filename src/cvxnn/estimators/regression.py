"""Targets that are numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from cvxnn.estimators.base import NetworkEstimator
from cvxnn.losses import get_loss
from cvxnn.validation import Array


class Regression(RegressorMixin, NetworkEstimator):  # type: ignore[misc]
    """Regression: targets of one or several columns, with a loss of residuals."""

    def predict(self, X: Any) -> Array:
        """Predict targets.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n,) or (n, C)
            As the targets of training.
        """
        return self._outputs(X)

    def _check_targets(self, X: Any, y: Any) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        return X, np.asarray(y, dtype=np.float64)

    def _code(self, y: Array) -> Array:
        self.loss_ = get_loss(self.loss)
        if self.loss_.is_classification:
            raise ValueError(
                f"loss must be one for numbers, such as 'squared', 'huber' or 'quantile'; got {self.loss!r}"
            )
        return y

    @property
    def _scales_targets(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
