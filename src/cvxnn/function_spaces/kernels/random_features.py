"""Random hidden neurons as features: their inner products tend to the kernel of the infinitely wide network."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.validation import check_is_fitted, validate_data

from cvxnn.function_spaces.kernels.arc_cosine import DEGREES, MEASURES, ArcCosineKernel, Measure
from cvxnn.seeds import Seed, as_random_state
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count

# What all estimators with random hidden weights take, as scikit-learn checks it.
KERNEL_PARAMETERS: dict[str, list[Any]] = {
    "degree": [Options(Integral, set(DEGREES))],
    "bias": ["boolean"],
    "radius": [Interval(Real, 0, None, closed="neither")],
    "measure": [StrOptions(set(MEASURES))],
}


def random_neurons(n_inputs: int, n_neurons: int, measure: Measure, random_state: Seed = None) -> Array:
    """Draw hidden weights, shape (D, m): standard normal, or uniform on the unit sphere.

    Parameters
    ----------
    n_inputs, n_neurons : int
        D and m.
    measure : {"sphere", "gaussian"}
        Distribution of a column.
    random_state : int, Generator, RandomState or None, default None
        Seed.

    Raises
    ------
    ValueError
        If an argument is not what is accepted.
    """
    shape = as_count(n_neurons, "n_neurons"), as_count(n_inputs, "n_inputs", 1)
    if measure not in MEASURES:
        raise ValueError(f"measure must be 'sphere' or 'gaussian'; got {measure!r}")
    weights = as_random_state(random_state).standard_normal(shape).T
    if measure == "sphere":
        weights = weights / np.linalg.norm(weights, axis=0)
    return np.asarray(weights)


class ReLURandomFeatures(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Features ``phi(x) = ((v_j^T x)_+^k)_j / sqrt(m)`` of m random neurons: a layer that is never trained.

    ``E phi(x)^T phi(z)`` is the `ArcCosineKernel` of the same parameters, and m independent neurons miss it by
    ``sqrt((E[(v^T x)_+^2k (v^T z)_+^2k] - k(x, z)^2) / m)`` in the root of the mean square.

    Parameters
    ----------
    n_components : int, default 100
        m >= 1.
    degree : {0, 1, 2}, default 1
        k of the activation.
    bias : bool, default True
        Whether neurons have a bias: they see ``(x, radius)``.
    radius : float, default 1.0
        Value of the bias's column, > 0.
    measure : {"sphere", "gaussian"}, default "sphere"
        Distribution of the weights.
    random_state : int, Generator, RandomState or None, default None
        Seed of the weights.

    Attributes
    ----------
    weights_ : ndarray of shape (D, m)
        Hidden weights, one neuron a column; with a bias D = d + 1.
    kernel_ : ArcCosineKernel
        What inner products of features tend to.
    n_features_in_ : int
        d.

    References
    ----------
    A. Rahimi and B. Recht, "Random features for large-scale kernel machines", NIPS 2007; F. Bach, "Breaking the curse
    of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.6, 0.8]])
    >>> features = ReLURandomFeatures(100_000, random_state=0).fit(X)
    >>> Phi = features.transform(X)
    >>> bool(np.max(np.abs(Phi @ Phi.T - features.kernel_.gram(X))) < 0.003)
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        "n_components": [Interval(Integral, 1, None, closed="left")],
        **KERNEL_PARAMETERS,
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(
        self,
        n_components: int = 100,
        *,
        degree: int = 1,
        bias: bool = True,
        radius: float = 1.0,
        measure: Measure = "sphere",
        random_state: Seed = None,
    ) -> None:
        self.n_components = n_components
        self.degree = degree
        self.bias = bias
        self.radius = radius
        self.measure = measure
        self.random_state = random_state

    @on_one_blas_thread
    def fit(self, X: Any, y: Any = None) -> Self:
        """Draw the neurons for data of that many columns.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data; only its columns are counted.
        y : object
            Not used.

        Returns
        -------
        self
        """
        self._validate_params()
        X = validate_data(self, X, dtype=np.float64)
        self.kernel_ = ArcCosineKernel(self.degree, bool(self.bias), self.radius, self.measure)
        n_inputs = X.shape[1] + bool(self.bias)
        self.weights_ = random_neurons(n_inputs, self.n_components, self.measure, self.random_state)
        self._n_features_out = self.n_components
        return self

    @on_one_blas_thread
    def transform(self, X: Any) -> Array:
        """Return the features of samples, shape (n, m).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        hidden = self.kernel_.inputs(X) @ self.weights_
        return np.asarray(self.kernel_.activation.value(hidden) / np.sqrt(self.weights_.shape[1]))
