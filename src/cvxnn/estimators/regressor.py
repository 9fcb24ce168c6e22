"""Regression with scikit-learn's contract."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from cvxnn.estimators.standardisation import Standardisation
from cvxnn.training import train
from cvxnn.validation import Array


class ReLURegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Two-layer ReLU network regression, trained to the global optimum by convex optimisation.

    Minimises ``ell((X U)_+ a + b, y) + beta/2 (||U||^2 + ||a||^2)``, loss summed over samples, over networks of any
    width, and proves how close the result is to the best possible one.

    Parameters
    ----------
    beta : float or "auto", default "auto"
        Weight decay. "auto" means ``beta_ratio`` times the critical beta of the data, from which on the network is
        constant: free of the scale of X and y and of the number of samples.
    beta_ratio : float, default 0.005
        Used when ``beta="auto"``.
    loss : str or Loss, default "squared"
        Training loss; the squared loss is ``1/2 ||f - y||^2``.
    fit_intercept : bool, default True
        Add a hidden bias, penalised like the other weights, and an unpenalised output offset.
    standardize : bool, default True
        Scale columns of X and y to mean 0 and variance 1 for training, and fold the scaling back into the network,
        so that ``network_`` takes raw data. Without intercept only variances (about zero) are scaled. With
        ``fit_intercept=False`` and ``standardize=False`` the problem is exactly the one above on X as given.
    tol : float, default 1e-3
        Relative gap asked for.
    max_seconds : float, optional
        Time limit; the best network so far is kept, with its certificate.
    random_state : int, RandomState or None, default 0
        Seed of the random starts.
    verbose : int, default 0
        1 shows a line of progress on a terminal.

    Attributes
    ----------
    network_ : ReLUNetwork
        The trained network in raw units. Its inputs are the columns of X, then a column of ones if
        ``fit_intercept``.
    problem_ : Problem
        The problem that was solved, in standardised units.
    result_ : TrainingResult
        The result of training on ``problem_``: network in standardised units, certificate, status, history.
    certificate_ : Certificate
        What is proved about the solution of ``problem_``.
    objective_, lower_bound_, gap_ : float
        Of ``certificate_``.
    history_ : tuple of TrainingRecord
        One record a round of training.
    beta_ : float
        The weight decay used.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of str
        Names of the columns, where X had any.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers: exact polynomial-time convex optimization
    formulations for two-layer networks", ICML 2020.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 20)[:, None]
    >>> model = ReLURegressor().fit(x, np.abs(x[:, 0]))
    >>> round(model.score(x, np.abs(x[:, 0])), 2)
    1.0
    >>> model.certificate_.proven
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "beta": [Interval(Real, 0, None, closed="neither"), StrOptions({"auto"})],
        "beta_ratio": [Interval(Real, 0, None, closed="neither")],
        "loss": "no_validation",  # type: ignore[dict-item]
        "fit_intercept": ["boolean"],
        "standardize": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
        "random_state": ["random_state"],
        "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    }

    def __init__(
        self,
        *,
        beta: float | str = "auto",
        beta_ratio: float = 0.005,
        loss: Any = "squared",
        fit_intercept: bool = True,
        standardize: bool = True,
        tol: float = 1e-3,
        max_seconds: float | None = None,
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        self.beta = beta
        self.beta_ratio = beta_ratio
        self.loss = loss
        self.fit_intercept = fit_intercept
        self.standardize = standardize
        self.tol = tol
        self.max_seconds = max_seconds
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X: Any, y: Any) -> Self:
        """Train on data.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        y : array_like of shape (n,)
            Targets.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        scaling = Standardisation.of(
            X, np.asarray(y, dtype=np.float64), centre=self.fit_intercept, scale=self.standardize
        )
        problem = scaling.problem(X, y, beta=self.beta, beta_ratio=self.beta_ratio, loss=self.loss)
        result = train(
            problem,
            tol=self.tol,
            max_seconds=self.max_seconds,
            random_state=self.random_state,
            verbose=int(self.verbose),
        )
        self.problem_ = problem
        self.result_ = result
        self.network_ = scaling.to_raw_units(result.network)
        self.certificate_ = result.certificate
        self.objective_ = result.certificate.objective
        self.lower_bound_ = result.certificate.lower_bound
        self.gap_ = result.certificate.gap
        self.history_ = result.history
        self.beta_ = problem.beta
        return self

    def predict(self, X: Any) -> Array:
        """Predict targets.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data in the units of training.

        Returns
        -------
        ndarray of shape (n,)
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if self.network_.n_features > X.shape[1]:
            X = np.hstack([X, np.ones((X.shape[0], 1))])
        return self.network_.predict(X)
