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


@dataclass(frozen=True, eq=False)
class CodedData:
    """Samples of positive weight, equal ones merged, with targets as the loss takes them."""

    X: Array  # (n, d)
    target: Array  # (n,) or (n, C)
    sample_weight: Array | None  # (n,)
    class_weight: Array | None  # (n,), factors of the weights

    @property
    def weights(self) -> Array | None:
        """Return weights with the classes' factors in them, up to a common factor where there are such."""
        if self.class_weight is None:
            return self.sample_weight
        if self.sample_weight is None:
            return self.class_weight
        return relative_weights(self.sample_weight) * self.class_weight

    def rows(self, rows: Any) -> CodedData:
        """Return some of the samples, by index or mask."""
        sample_weight, class_weight = (
            None if weights is None else weights[rows] for weights in (self.sample_weight, self.class_weight)
        )
        return CodedData(self.X[rows], self.target[rows], sample_weight, class_weight)


class NetworkEstimator(BaseEstimator, ABC):  # type: ignore[misc]
    """A scikit-learn estimator that solves one `Problem` and keeps a network with its certificate.

    Subclasses say how targets are coded (`_check_targets`, `_code`) and how the problem is solved (`_solve`).
    """

    beta: float | str
    beta_ratio: Any
    knots: Any
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

    def _choose(self, data: Data, deadline: Deadline) -> Preparation:
        """Choose parameters that are to be learned from the data, none here; return the problem of all data."""
        return self._prepare(data)

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
            is fitted all the same, with the best network so far, unless parameters were still being chosen.
        """
        self._validate_params()
        deadline = Deadline.after(self.max_seconds)
        data = self._check(X, y, sample_weight)
        prepared = self._choose(data, deadline)
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
        self.encoder_, prepared = self._standardised(self._coded(data), self.knots)
        return prepared

    def _coded(self, data: Data) -> CodedData:
        """Return checked data as the problem takes them, but for encoding and scaling."""
        if data.sample_weight is not None:
            data = data.rows(data.sample_weight > 0)
        X, target, weights = merge_equal_rows(data.X, self._code(data.y), data.sample_weight)
        return CodedData(X, target, weights, self._class_weights(target, weights))

    def _standardised(
        self, coded: CodedData, knots: int | None
    ) -> tuple[PiecewiseLinearEncoder | None, Preparation]:
        """Return the map from raw columns to those of the problem, None without knots, and the problem."""
        encoder = None
        if knots is not None:
            encoder = PiecewiseLinearEncoder(knots).fit(coded.X, sample_weight=coded.weights)
            if hasattr(self, "feature_names_in_"):
                encoder.feature_names_in_ = self.feature_names_in_
        return encoder, Preparation.of(
            encoded(encoder, coded.X),
            coded.target,
            loss=self.loss_,
            fit_intercept=self.fit_intercept,
            standardize=self.standardize,
            scale_target=self._scales_targets,
            sample_weight=coded.sample_weight,
            class_weight=coded.class_weight,
        )

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
        X = encoded(self.encoder_, validate_data(self, X, dtype=np.float64, reset=False))
        if self.network_.n_features > X.shape[1]:
            X = np.hstack([X, np.ones((X.shape[0], 1))])
        return self.network_.predict(X)


def encoded(encoder: PiecewiseLinearEncoder | None, X: Array) -> Array:
    """Return the columns that a network takes, of checked raw ones."""
    return X if encoder is None else encoder.ramps_.beside(X)
