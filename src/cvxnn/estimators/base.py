"""What all estimators share: checked data, standardisation, weight decay, results in raw units."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cvxnn.certificates import CriticalBeta
from cvxnn.deadlines import Deadline
from cvxnn.encoding import PiecewiseLinearEncoder
from cvxnn.estimators.equal_rows import merge_equal_rows
from cvxnn.estimators.preparation import Preparation
from cvxnn.estimators.standardisation import Standardisation
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.problem import Problem, relative_weights, require_summable
from cvxnn.seeds import Seed
from cvxnn.solvers import Solution
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import TrainingResult
from cvxnn.validation import Array, require_exact_integers

# Attributes of a fitted estimator that refer to the training data; `result_` does only where it holds a program.
_HOLD_DATA = ("problem_", "result_")


@dataclass(frozen=True, eq=False)
class Data:
    """Checked data, targets and weights."""

    X: Array  # (n, d)
    y: Any  # (n,) or (n, C)
    sample_weight: Array | None  # (n,)

    def rows(self, rows: Any) -> Data:
        """Return some of the samples, by index or mask."""
        weights = None if self.sample_weight is None else self.sample_weight[rows]
        return Data(self.X[rows], self.y[rows], weights)


class NetworkEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn estimator that solves one `Problem` and keeps a network with its certificate.

    Subclasses say how targets are coded (`_check_targets`, `_code`) and how the problem is solved (`_solve`).
    """

    beta: float | str
    beta_ratio: float
    knots: int | None
    loss: Any
    fit_intercept: bool
    standardize: bool
    tol: float
    max_seconds: float | None
    random_state: Seed
    verbose: int
    network_: ReLUNetwork | GatedReLUNetwork
    critical_beta_: CriticalBeta | None
    encoder_: PiecewiseLinearEncoder | None

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "beta": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "beta_ratio": [Interval(Real, 0, None, closed="neither")],
        "knots": [Interval(Integral, 1, None, closed="left"), None],
        "loss": "no_validation",  # type: ignore[dict-item]
        "fit_intercept": ["boolean"],
        "standardize": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state", np.random.Generator],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    }

    @abstractmethod
    def _check_targets(self, X: Any, y: Any) -> tuple[Array, Any]:
        """Return data as float64 and targets as an array; remember the columns."""

    @abstractmethod
    def _code(self, y: Any) -> Array:
        """Return targets as the loss takes them; learn from the targets."""

    def _class_weights(self, target: Array, sample_weight: Array | None) -> Array | None:
        """Return factors of the samples' weights, shape (n,), for coded targets; there are none here."""
        return None

    @property
    @abstractmethod
    def _scales_targets(self) -> bool:
        """Return whether targets are numbers that may be scaled."""

    @abstractmethod
    def _solve(self, prepared: Preparation, deadline: Deadline) -> tuple[Problem, TrainingResult | Solution]:
        """Return the problem with its weight decay, and what solving it gave."""

    def _choose(self, data: Data, prepared: Preparation, deadline: Deadline) -> None:
        """Choose parameters that are to be learned from the data; there are none here."""
        return

    @on_one_blas_thread
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on data.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        y : array_like of shape (n,), or (n, C) for regressors
            Targets.
        sample_weight : array_like of shape (n,), optional
            Weights of the samples' losses, >= 0. A sample of weight 2 counts as two samples, one of weight 0 as none.

        Returns
        -------
        self

        Warns
        -----
        ConvergenceWarning
            If the network has no neurons, and neither a proof nor a search says that none are best; or if scores of a
            cross-validation come from descents that ``max_seconds`` cut short.

        Raises
        ------
        KeyboardInterrupt
            After an interrupt (Ctrl-C), which so ends a cross-validation or a search around the fit too. The estimator
            is fitted all the same, with the best network so far.
        """
        self._validate_params()
        deadline = Deadline.after(self.max_seconds)
        data = self._check(X, y, sample_weight)
        prepared = self._prepare(data)
        self._choose(data, prepared, deadline)
        problem, result = self._solve(prepared, deadline)
        self._keep(prepared.scaling, problem, result)
        if result.status is SolveStatus.INTERRUPTED:
            raise KeyboardInterrupt("interrupted: the estimator is fitted with the best network so far")
        settled = self.certificate_.proven or result.status is SolveStatus.NO_VIOLATION
        if self.network_.n_neurons == 0 and not settled:
            warnings.warn(
                f"the network has no neurons, which is not proven to be best at beta = {problem.beta:.4g}; why "
                f"training ended: {result.status.value}",
                ConvergenceWarning,
                stacklevel=3,
            )
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: all but the training data, which `problem_` and a program's `result_` hold."""
        state = dict(super().__getstate__())
        for name in _HOLD_DATA:
            if not isinstance(state.get(name), TrainingResult):
                state.pop(name, None)
        return state

    def __getattr__(self, name: str) -> Any:
        """Say of an attribute that was left out of a pickle why it is not there."""
        if name in _HOLD_DATA and "network_" in self.__dict__:
            raise AttributeError(f"{name} holds training data, which pickles and copies leave out; fit again")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def _check(self, X: Any, y: Any, sample_weight: Any) -> Data:
        """Return data, targets and weights as arrays."""
        require_exact_integers(X, "X")
        X, y = self._check_targets(X, y)
        if sample_weight is not None:
            sample_weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
            if not np.any(sample_weight > 0):
                raise ValueError("sample_weight must be > 0 for some sample; all weights are zero")
            require_summable(sample_weight)
        return Data(X, y, sample_weight)

    def _prepare(self, data: Data) -> Preparation:
        """Return the standardised problem of checked data."""
        if data.sample_weight is not None:
            data = data.rows(data.sample_weight > 0)
        X, target, weights = merge_equal_rows(data.X, self._code(data.y), data.sample_weight)
        class_weight = self._class_weights(target, weights)
        self.encoder_ = self._encoder_of(X, weights, class_weight)
        return Preparation.of(
            self._encoded(X),
            target,
            loss=self.loss_,
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
            scale_target=self._scales_targets,
            sample_weight=weights,
            class_weight=class_weight,
        )

    def _encoder_of(
        self, X: Array, sample_weight: Array | None, class_weight: Array | None
    ) -> PiecewiseLinearEncoder | None:
        """Return the map from raw columns to those of the problem, fitted; None where there is none."""
        if self.knots is None:
            return None
        if class_weight is not None:
            sample_weight = (
                class_weight if sample_weight is None else relative_weights(sample_weight) * class_weight
            )
        encoder = PiecewiseLinearEncoder(self.knots).fit(X, sample_weight=sample_weight)
        if hasattr(self, "feature_names_in_"):
            encoder.feature_names_in_ = self.feature_names_in_
        return encoder

    def _encoded(self, X: Array) -> Array:
        """Return the columns that the network takes, of checked raw ones."""
        return X if self.encoder_ is None else self.encoder_.ramps_.beside(X)

    def _keep(self, scaling: Standardisation, problem: Problem, result: TrainingResult | Solution) -> None:
        """Set the attributes of a fitted estimator."""
        self.problem_ = problem
        self.result_ = result
        self.network_ = scaling.to_raw_units(result.network)
        self.certificate_ = result.certificate
        self.objective_ = result.certificate.objective
        self.lower_bound_ = result.certificate.lower_bound
        self.gap_ = result.certificate.gap
        self.history_ = result.history
        self.n_iter_ = len(result.history)
        self.beta_ = problem.beta

    def _outputs(self, X: Any) -> Array:
        """Return the network's outputs at raw data, shape (n,) or (n, C)."""
        check_is_fitted(self)
        require_exact_integers(X, "X")
        X = self._encoded(validate_data(self, X, dtype=np.float64, reset=False))
        if self.network_.n_features > X.shape[1]:
            X = np.hstack([X, np.ones((X.shape[0], 1))])
        return self.network_.predict(X)
