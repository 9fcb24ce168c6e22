"""Ridge regression on random neurons: in the limit of many, ridge regression in F_2."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils._param_validation import Interval
from sklearn.utils.validation import check_is_fitted

from cvxnn.function_spaces.kernels.arc_cosine import Measure
from cvxnn.function_spaces.kernels.random_features import ReLURandomFeatures
from cvxnn.function_spaces.kernels.ridge import F2Ridge, solve_shifted
from cvxnn.networks import ReLUNetwork
from cvxnn.validation import Array


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
    random_state : int, numpy.random.RandomState or None, default None
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
        "random_state": ["random_state"],
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
        random_state: Any = None,
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
        targets = roots[:, None] * targets
        if scaled.shape[0] <= scaled.shape[1]:
            coef = scaled.T @ solve_shifted(scaled @ scaled.T, self.alpha, targets)
        else:
            coef = solve_shifted(scaled.T @ scaled, self.alpha, scaled.T @ targets)
        self.coef_ = coef[:, 0] if self._one_output else coef
        return np.asarray(np.sum(coef**2, axis=0))

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
