"""Ridge regression in F_2: with the kernel in closed form, and on random neurons, whose limit it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel, Measure
from cvxnn.function_spaces.kernels.random_features import KERNEL_PARAMETERS, ReLURandomFeatures
from cvxnn.networks import ReLUNetwork
from cvxnn.seeds import Seed
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, exponent, times_power, within_float64


class F2Ridge(RegressorMixin, BaseEstimator, ABC):  # type: ignore[misc]
    """``min_f  1/2 sum_i s_i (f(x_i) - y_i)^2 + alpha/2 gamma_2(f)^2``, one f for each output.

    A subclass represents functions of the space (`_solve`, `_values`); the penalty is summed over outputs.
    """

    alpha: float
    degree: int
    bias: bool
    radius: float
    measure: Measure

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "alpha": [Interval(Real, 0, None, closed="neither")],
        **KERNEL_PARAMETERS,
    }

    @abstractmethod
    def _solve(self, X: Array, targets: Array, roots: Array) -> Array:
        """Keep the solution; return its norms, shape (C,). Roots of the samples' weights have shape (n,)."""

    @abstractmethod
    def _values(self, X: Array) -> Array:
        """Return the solution at samples, shape (n, C)."""

    @on_one_blas_thread
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit to data.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        y : array_like of shape (n,) or (n, C)
            Targets.
        sample_weight : array_like of shape (n,), optional
            Weights of the samples' losses, >= 0.

        Returns
        -------
        self
        """
        self._validate_params()
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        targets = np.asarray(y, dtype=np.float64).reshape(len(y), -1)
        weights = np.ones(len(X))
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self._one_output = y.ndim == 1
        with within_float64("X, y and alpha"):
            norms = self._solve(X, targets, np.sqrt(weights))
            self.gamma_2_ = float(norms[0]) if self._one_output else norms
            misfit = float(np.sum(weights[:, None] * (self._values(X) - targets) ** 2))
            self.objective_ = 0.5 * misfit + 0.5 * float(np.sum((self.alpha**0.5 * norms) ** 2))
        return self

    @on_one_blas_thread
    def predict(self, X: Any) -> Array:
        """Return the function at samples, shape (n,) or (n, C) as the targets.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        values = self._values(X)
        return values[:, 0] if self._one_output else values

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class KernelSpaceRegressor(F2Ridge):
    """Ridge regression in F_2, the functions of infinitely wide networks with random hidden weights.

    ``min_f  1/2 sum_i (f(x_i) - y_i)^2 + alpha/2 gamma_2(f)^2`` over ``f(x) = int (v^T x)_+^k p(v) dtau(v)`` with
    ``gamma_2(f)^2 = min int p^2 dtau``. The solution is ``f = sum_i c_i k(., x_i)`` with ``(K + alpha I) c = y``:
    kernel ridge regression, with the ``alpha`` of scikit-learn's ``KernelRidge``. O(n^3).

    Parameters
    ----------
    alpha : float, default 1.0
        Weight of the squared norm, > 0.
    degree : {0, 1, 2}, default 1
        k of the activation.
    bias : bool, default True
        Whether neurons have a bias: they see ``(x, radius)``.
    radius : float, default 1.0
        Value of the bias's column, > 0.
    measure : {"sphere", "gaussian"}, default "sphere"
        tau, the distribution of the hidden weights.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n,) or (n, C)
        c.
    gamma_2_ : float or ndarray of shape (C,)
        Norm of the fitted function, of each output's.
    objective_ : float
        Value of the objective.
    kernel_ : ArcCosineKernel
        The kernel.
    X_fit_ : ndarray of shape (n, d)
        Training data.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 21)[:, None]
    >>> fitted = KernelSpaceRegressor(alpha=1e-3).fit(x, np.abs(x[:, 0]))
    >>> fitted.predict([[-0.5], [0.0]]).round(2), round(fitted.gamma_2_, 2)
    (array([0.49, 0.09]), 5.17)
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        degree: int = 1,
        bias: bool = True,
        radius: float = 1.0,
        measure: Measure = "sphere",
    ) -> None:
        self.alpha = alpha
        self.degree = degree
        self.bias = bias
        self.radius = radius
        self.measure = measure

    def _solve(self, X: Array, targets: Array, roots: Array) -> Array:
        self.X_fit_ = X
        self.kernel_ = ArcCosineKernel(self.degree, bool(self.bias), self.radius, self.measure)
        gram = self.kernel_.gram(X)
        scaled = gram * np.outer(roots, roots)
        own = 2 * (exponent(scaled) // 2)
        shift = float(np.ldexp(self.alpha, -own))
        units = roots[:, None] * solve_shifted(np.ldexp(scaled, -own), shift, roots[:, None] * targets)
        dual = times_power_of(units, -own)
        self.dual_coef_ = dual[:, 0] if self._one_output else dual
        squares = np.maximum(np.sum(units * (np.ldexp(gram, -own) @ units), axis=0), 0.0)
        return times_power_of(np.sqrt(squares), -own // 2)

    def _values(self, X: Array) -> Array:
        dual = self.dual_coef_.reshape(len(self.X_fit_), -1)
        return np.asarray(self.kernel_.gram(X, self.X_fit_) @ dual)


def times_power_of(solution: Array, power: int) -> Array:
    """Return ``solution 2^power``.

    Raises
    ------
    OverflowError
        If its largest entry is beyond the range of float64: it would be infinite, or zero, which it is not.
    """
    times_power(float(np.max(np.abs(solution), initial=0.0)), power)
    return np.asarray(np.ldexp(solution, power))


def solve_shifted(matrix: Array, shift: float, right: Array) -> Array:
    """Return ``(M + shift I)^{-1} B`` for a positive semidefinite M, shape of B.

    By Cholesky's factors. Where the shift is too small for them in float64, by eigenvectors, without those whose
    eigenvalue is below ``n 2e-16`` of the largest: there the result would be rounding of B over the shift.
    """
    try:
        factor = cho_factor(matrix + shift * np.eye(len(matrix)), lower=True, overwrite_a=True)
    except LinAlgError:
        values, vectors = eigh(matrix)
        kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
        parts = vectors[:, kept].T @ right / (values[kept, None] + shift)
        return np.asarray(vectors[:, kept] @ parts)
    return np.asarray(cho_solve(factor, right))


class RandomFeatureRegressor(F2Ridge):
    """Ridge regression on m random neurons: a network whose output layer alone is trained.

    ``min_w  1/2 sum_i (phi(x_i)^T w - y_i)^2 + alpha/2 ||w||^2`` on `ReLURandomFeatures`; as m grows it tends to
    `KernelSpaceRegressor` with the same parameters, and ``||w||`` to gamma_2. O(n m min(n, m)).

    Parameters
    ----------
    alpha : float, default 1.0
        Weight of the squared norm, > 0.
    n_components : int, default 100
        m >= 1.
    degree : {0, 1, 2}, default 1
        k of the activation.
    bias : bool, default True
        Whether neurons have a bias: they see ``(x, radius)``.
    radius : float, default 1.0
        Value of the bias's column, > 0.
    measure : {"sphere", "gaussian"}, default "sphere"
        Distribution of the hidden weights.
    random_state : int, Generator, RandomState or None, default None
        Seed of the hidden weights.

    Attributes
    ----------
    coef_ : ndarray of shape (m,) or (m, C)
        w.
    gamma_2_ : float or ndarray of shape (C,)
        ``||w||``, of each output's.
    objective_ : float
        Value of the objective.
    features_ : ReLURandomFeatures
        The hidden layer.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> x = np.linspace(-1.0, 1.0, 21)[:, None]
    >>> fitted = RandomFeatureRegressor(alpha=1e-3, n_components=20_000, random_state=0).fit(x, np.abs(x[:, 0]))
    >>> fitted.predict([[-0.5], [0.0]]).round(2)
    array([0.49, 0.09])
    >>> fitted.to_network().n_neurons
    20000
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **F2Ridge._parameter_constraints,
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        n_components: int = 100,
        degree: int = 1,
        bias: bool = True,
        radius: float = 1.0,
        measure: Measure = "sphere",
        random_state: Seed = None,
    ) -> None:
        self.alpha = alpha
        self.n_components = n_components
        self.degree = degree
        self.bias = bias
        self.radius = radius
        self.measure = measure
        self.random_state = random_state

    def _solve(self, X: Array, targets: Array, roots: Array) -> Array:
        self.features_ = ReLURandomFeatures(
            self.n_components,
            degree=self.degree,
            bias=self.bias,
            radius=self.radius,
            measure=self.measure,
            random_state=self.random_state,
        ).fit(X)
        scaled = roots[:, None] * self.features_.transform(X)
        targets, own = roots[:, None] * targets, exponent(scaled)
        scaled, shift = np.ldexp(scaled, -own), float(np.ldexp(self.alpha, -2 * own))
        if scaled.shape[0] <= scaled.shape[1]:
            coef = scaled.T @ solve_shifted(scaled @ scaled.T, shift, targets)
        else:
            coef = solve_shifted(scaled.T @ scaled, shift, scaled.T @ targets)
        norms, coef = times_power_of(np.linalg.norm(coef, axis=0), -own), times_power_of(coef, -own)
        self.coef_ = coef[:, 0] if self._one_output else coef
        return norms

    def _values(self, X: Array) -> Array:
        return np.asarray(self.features_.transform(X) @ self.coef_.reshape(self.n_components, -1))

    def to_network(self) -> ReLUNetwork:
        """Return the network of the same function: of X, or of X with a column of ones where there is a bias.

        Raises
        ------
        ValueError
            If the degree is not 1.
        """
        check_is_fitted(self)
        if self.degree != 1:
            raise ValueError(f"degree must be 1 for a ReLU network; got {self.degree}")
        hidden = self.features_.weights_.copy()
        if self.bias:
            hidden[-1] *= self.radius
        return ReLUNetwork(hidden, self.coef_ / np.sqrt(self.n_components))
