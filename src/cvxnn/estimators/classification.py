"""Targets that are classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_softmax, softmax
from sklearn.base import ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from cvxnn.estimators.base import NetworkEstimator
from cvxnn.losses import LogisticLoss, Loss, MultinomialLoss, get_loss
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_columns


def _has_probabilities(classifier: Classification) -> bool:
    """Return whether the loss models probabilities: cross-entropies do, hinges do not."""
    return classifier.loss == "auto" or isinstance(get_loss(classifier.loss), LogisticLoss | MultinomialLoss)


class Classification(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]
    """Classification: two classes or more, with labels of any kind."""

    class_weight: Any

    @on_one_blas_thread
    def decision_function(self, X: Any) -> Array:
        """Return the network's outputs: the larger, the more it is for the class.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n,) or (n, K)
            Of two classes, positive where ``classes_[1]`` is predicted; of more, a column for each class.
        """
        f = self._outputs(X)
        if len(self.classes_) > 2:
            return f
        columns = as_columns(f)  # one, for the second class, or one for each of both
        return np.asarray(columns[:, -1] - np.sum(columns[:, :-1], axis=1))

    @on_one_blas_thread
    def predict(self, X: Any) -> Any:
        """Predict classes.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n,)
            Labels, of the kind that training saw.
        """
        f = self.decision_function(X)
        return self.classes_[(f > 0).astype(np.intp) if len(self.classes_) == 2 else np.argmax(f, axis=1)]

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    @on_one_blas_thread
    def predict_proba(self, X: Any) -> Array:
        """Predict probabilities of the classes; only with the losses "logistic" and "multinomial".

        Of more than two classes with the logistic loss, each one's against the rest, divided by their sum.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n, K)
            Rows sum to 1; columns as in ``classes_``.
        """
        f = self.decision_function(X)
        return (
            np.column_stack([expit(-f), expit(f)])
            if len(self.classes_) == 2
            else np.asarray(softmax(self._logits(f), axis=1))
        )

    @available_if(_has_probabilities)  # type: ignore[untyped-decorator]
    @on_one_blas_thread
    def predict_log_proba(self, X: Any) -> Array:
        """Predict logarithms of the classes' probabilities, finite where a probability is zero to rounding.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n, K)
            Of `predict_proba`, column by column.
        """
        f = self.decision_function(X)
        if len(self.classes_) == 2:
            return -np.logaddexp(0.0, np.column_stack([f, -f]))
        return np.asarray(log_softmax(self._logits(f), axis=1))

    def _logits(self, f: Array) -> Array:
        """Return the scores whose softmax the probabilities are, shape (n, K)."""
        # Of one class against the rest log expit, so that a row of tiny probabilities still has a sum to divide by.
        return f if isinstance(self.loss_, MultinomialLoss) else -np.logaddexp(0.0, -f)

    def _check_targets(self, X: Any, y: Any) -> tuple[Array, Any]:
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        return X, y

    def _code(self, y: Any) -> Array:
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y must hold at least two classes among samples of positive weight; got one class, "
                f"{self.classes_.tolist()[0]!r}"
            )
        self.loss_ = _loss(self.loss, len(self.classes_))
        return _coded(codes, len(self.classes_), self.loss_)

    def _class_weights(self, target: Array, sample_weight: Array | None) -> Array | None:
        if self.class_weight is None:
            return None
        columns = as_columns(target)
        codes = np.argmax(columns, axis=1) if columns.shape[1] > 1 else (columns[:, 0] > 0).astype(np.intp)
        if isinstance(self.class_weight, str):
            totals = np.bincount(codes, sample_weight)
            by_class = np.sum(totals) / (len(self.classes_) * totals)
        else:
            by_class = compute_class_weight(self.class_weight, classes=self.classes_, y=self.classes_[codes])
        if np.any(by_class < 0):
            raise ValueError(f"class_weight must be >= 0; got {self.class_weight!r}")
        weightless = self.classes_[by_class == 0].tolist()
        if weightless and (self.fit_intercept or len(self.classes_) - len(weightless) < 2):
            raise ValueError(
                f"class_weight must be > 0 for every class that is to be learned; got 0 for {weightless[0]!r}: leave "
                "out its samples, or give it a small weight"
            )
        return np.asarray(by_class[codes], dtype=np.float64)

    @property
    def _scales_targets(self) -> bool:
        return False


def _loss(loss: Any, n_classes: int) -> Loss:
    if isinstance(loss, str) and loss == "auto":
        return LogisticLoss() if n_classes == 2 else MultinomialLoss()
    found = get_loss(loss)
    if not found.is_classification:
        raise ValueError(
            "loss must be 'auto' or one for classes, such as 'logistic', 'squared_hinge', 'hinge' or 'multinomial'; "
            f"got {loss!r}"
        )
    return found


def _coded(codes: NDArray[np.intp], n_classes: int, loss: Loss) -> Array:
    """Return one-hot rows for the multinomial loss, else -1 and +1: in one column, or one for each of three or more."""
    one_hot = np.eye(n_classes)[codes]
    if isinstance(loss, MultinomialLoss):
        return one_hot
    signs: Array = 2.0 * one_hot - 1.0
    return signs if n_classes > 2 else signs[:, 1]
