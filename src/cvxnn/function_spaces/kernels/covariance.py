"""The arc-cosine kernels as covariance functions of scikit-learn's Gaussian processes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from cvxnn.function_spaces.kernels.arc_cosine import (
    ArcCosineKernel,
    angular_part,
    lengths_and_units,
    supplements,
)
from cvxnn.validation import Array

# More than what float64 has for the sine of pi, where samples are equal: the kernel of degree 0 is 1/2 there.
_SINE_OF_PI = 2e-16


class ArcCosineCovariance(Kernel):  # type: ignore[misc]
    """`ArcCosineKernel` for ``GaussianProcessRegressor``: with its derivative for the radius, a hyperparameter.

    It is the covariance of an infinitely wide network with random weights. It adds to and multiplies with
    scikit-learn's other kernels: ``ConstantKernel() * ArcCosineCovariance() + WhiteKernel()`` learns the scale and the
    noise as well. ``KernelRidge`` and ``SVR`` take it too, and compute whole matrices with it.

    Parameters
    ----------
    degree : {0, 1, 2}, default 1
        k of the activation.
    bias : bool, default True
        Whether neurons have a bias; without one the radius is no hyperparameter.
    radius : float, default 1.0
        Value of the bias's column, > 0.
    radius_bounds : pair of floats > 0 or "fixed", default (1e-5, 1e5)
        Where the radius is learned.
    measure : {"sphere", "gaussian"}, default "gaussian"
        Distribution of the hidden weights.

    References
    ----------
    R. Neal, *Bayesian Learning for Neural Networks*, 1996, chapter 2; Y. Cho and L. Saul, "Kernel methods for deep
    learning", NIPS 2009.

    Examples
    --------
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> x = np.linspace(-1.0, 1.0, 9)[:, None]
    >>> process = GaussianProcessRegressor(ArcCosineCovariance(degree=2), alpha=1e-6).fit(x, np.cos(3 * x[:, 0]))
    >>> process.kernel_, process.predict([[0.05]]).round(2)
    (..., array([0.99]))
    """

    def __init__(
        self,
        degree: int = 1,
        bias: bool = True,
        radius: float = 1.0,
        radius_bounds: Any = (1e-5, 1e5),
        measure: str = "gaussian",
    ) -> None:
        self.degree = degree
        self.bias = bias
        self.radius = radius
        self.radius_bounds = radius_bounds
        self.measure = measure

    @property
    def kernel(self) -> ArcCosineKernel:
        """Return the kernel at the present radius."""
        return ArcCosineKernel(self.degree, self.bias, self.radius, self.measure)  # type: ignore[arg-type]

    @property
    def hyperparameter_radius(self) -> Hyperparameter:
        """Return the radius as scikit-learn describes a hyperparameter."""
        return Hyperparameter("radius", "numeric", self.radius_bounds if self.bias else "fixed")

    def __call__(self, X: Any, Y: Any = None, eval_gradient: bool = False) -> Any:
        """Return the kernel of all pairs, shape (n, p), and its derivative for log radius if asked, (n, n, 1).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Samples.
        Y : array_like of shape (p, d), optional
            Samples; those of X by default.
        eval_gradient : bool, default False
            Whether the derivative is returned too, of shape (n, n, 0) where the radius is fixed.

        Raises
        ------
        ValueError
            As of `ArcCosineKernel`, or if the derivative is asked for with Y.
        """
        gram = self.kernel.gram(X, Y)
        if not eval_gradient:
            return gram
        if Y is not None:
            raise ValueError("Y must be None where eval_gradient is True")
        if self.hyperparameter_radius.fixed:
            return gram, np.empty((*gram.shape, 0))
        return gram, self._derivative(X)[:, :, None]

    def _derivative(self, X: Any) -> Array:
        """Return the derivative of the kernel matrix for log radius, shape (n, n).

        With p, q the squared lengths, c the cosine and R the radius: ``d log sqrt(p q) = R^2 (1/p + 1/q) d log R``,
        ``dJ_k / dc = k^2 J_(k-1)``, and ``dJ_0 / dc = 1 / sin t``. ``dc`` is written as what vanishes with the angle
        less what vanishes with the difference of lengths.
        """
        inputs = self.kernel.inputs(X)
        lengths, units = lengths_and_units(inputs)
        s = supplements(units, units)
        shares = (float(self.radius) / lengths) ** 2
        product = np.outer(lengths, lengths)
        ratio = np.divide.outer(lengths, lengths)
        turn = 4.0 * np.cos(s / 2) ** 2 + np.cos(s) * (1.0 - ratio) ** 2 / ratio
        change = turn * float(self.radius) ** 2 / product
        if self.degree == 0:
            sine = np.sin(s)
            part = np.divide(change, sine, out=np.zeros_like(change), where=sine > _SINE_OF_PI)
        else:
            part = self.degree**2 * angular_part(s, self.degree - 1) * change
            part += self.degree * np.add.outer(shares, shares) * angular_part(s, self.degree)
        return np.asarray(product**self.degree * part / self.kernel.scale(inputs.shape[1]))

    def diag(self, X: Any) -> Array:
        """Return ``k(x, x)`` of every row, shape (n,)."""
        return self.kernel.diag(X)

    def is_stationary(self) -> bool:
        """Return False: the kernel is no function of the difference."""
        return False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(degree={self.degree}, bias={self.bias}, radius={self.radius:.3g})"
