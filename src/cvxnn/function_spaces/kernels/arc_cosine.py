"""The kernels of infinitely wide networks with random hidden weights, in closed form, also for Gaussian processes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from cvxnn.activations import PositivePart
from cvxnn.cones import lengths_and_units
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array, as_number, within_float64

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


Measure = Literal["sphere", "gaussian"]
DEGREES = (0, 1, 2)
MEASURES = ("sphere", "gaussian")

# Below this supplement of the angle, J_1 and J_2 are summed as power series: the closed forms cancel there, to
# s^3 / 3 and 4 s^5 / 15. The first term left out is below 1e-17 of the sum.
_SMALL = 1.0
_TERMS = 14


@short_repr
@dataclass(frozen=True)
class ArcCosineKernel:
    """``k(x, z) = E[(w^T x)_+^k (w^T z)_+^k]`` over random hidden weights w, for k = 0, 1, 2.

    With t the angle between x and z, D their dimension and w standard normal,

    ``k(x, z) = (||x|| ||z||)^k J_k(t) / (2 pi)``,  ``J_0 = pi - t``,  ``J_1 = sin t + (pi - t) cos t``,
    ``J_2 = 3 sin t cos t + (pi - t) (1 + 2 cos^2 t)``;

    for w uniform on the unit sphere, divided by ``E ||w||^(2k)`` = 1, D or D (D + 2): the kernel of F_2. With a bias
    neurons see ``(x, radius)``, and D counts that column. For k = 0 the activation is ``1[w^T x >= 0]``, which is 1 at
    x = 0.

    A call takes two samples, or two matrices of samples. That is what ``KernelRidge(kernel=...)`` (slow: one call a
    pair; `ArcCosineCovariance` computes whole matrices there) and ``SVR(kernel=...)`` ask of a function. For Gaussian
    processes see `ArcCosineCovariance`.

    Parameters
    ----------
    degree : {0, 1, 2}, default 1
        k.
    bias : bool, default False
        Whether neurons have a bias.
    radius : float, default 1.0
        Value of the bias's column, > 0: the R of data with ``||x|| <= R``. Not used without a bias.
    measure : {"sphere", "gaussian"}, default "sphere"
        Distribution of the hidden weights.

    Raises
    ------
    ValueError
        If a parameter is none of these.

    References
    ----------
    Y. Cho and L. Saul, "Kernel methods for deep learning", NIPS 2009; F. Bach, "Breaking the curse of dimensionality
    with convex neural networks", JMLR 18, 2017.

    Examples
    --------
    >>> kernel = ArcCosineKernel(measure="gaussian")
    >>> round(2 * np.pi * kernel([1.0, 0.0], [0.0, 1.0]), 12)
    1.0
    >>> kernel.gram([[1.0, 0.0], [0.0, 2.0]]).round(4)
    array([[0.5   , 0.3183],
           [0.3183, 2.    ]])
    """

    degree: int = 1
    bias: bool = False
    radius: float = 1.0
    measure: Measure = "sphere"

    def __post_init__(self) -> None:
        if (
            isinstance(self.degree, bool)
            or not isinstance(self.degree, Integral)
            or self.degree not in DEGREES
        ):
            raise ValueError(f"degree must be 0, 1 or 2; got {self.degree!r}")
        if not isinstance(self.bias, bool | np.bool_):
            raise ValueError(f"bias must be True or False; got {self.bias!r}")
        as_number(self.radius, "radius", positive=True)
        if self.measure not in MEASURES:
            raise ValueError(f"measure must be 'sphere' or 'gaussian'; got {self.measure!r}")

    @property
    def activation(self) -> PositivePart:
        """Return the neurons' activation ``(z)_+^k``."""
        return PositivePart(self.degree)

    def __call__(self, x: Any, z: Any = None) -> Any:
        """Return the kernel of two samples, a float, or of two matrices of samples, shape (n, p).

        Parameters
        ----------
        x : array_like of shape (d,) or (n, d)
            One or more samples.
        z : array_like of shape (d,) or (p, d), optional
            As many dimensions as ``x``; x itself by default.

        Raises
        ------
        ValueError
            As of `gram`, or if one is a sample and the other a matrix.
        """
        x = as_finite_array(x, "x", (1, 2))
        z = x if z is None else as_finite_array(z, "z", (1, 2))
        if x.ndim != z.ndim:
            raise ValueError(f"x and z must both be 1-D or both 2-D; got shapes {x.shape} and {z.shape}")
        return self.gram(x, z) if x.ndim == 2 else float(self.gram(x[None], z[None])[0, 0])

    def gram(self, X: Any, Z: Any = None) -> Array:
        """Return the kernel of all pairs of rows, shape (n, p).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Samples.
        Z : array_like of shape (p, d), optional
            Samples; those of X by default.

        Raises
        ------
        ValueError
            If they are not finite matrices with the same columns, or ``(||x|| ||z||)^k`` is above float64's range.
        """
        X = self.inputs(X)
        Z = X if Z is None else self.inputs(Z, "Z")
        if X.shape[1] != Z.shape[1]:
            raise ValueError(f"X and Z must have the same columns; got {X.shape[1]} and {Z.shape[1]}")
        lengths, units = lengths_and_units(X)
        lengths_Z, units_Z = lengths_and_units(Z)
        with within_float64("X and Z"):
            sizes = np.multiply.outer(lengths**self.degree, lengths_Z**self.degree)
        gram = sizes * angular_part(supplements(units, units_Z), self.degree) / self.scale(X.shape[1])
        if self.degree == 0:
            # The activation of a zero row is 1 whatever w, so that the angle drops out.
            gram[np.ix_(lengths == 0, lengths_Z > 0)] = 0.5
            gram[np.ix_(lengths > 0, lengths_Z == 0)] = 0.5
            gram[np.ix_(lengths == 0, lengths_Z == 0)] = 1.0
        return np.asarray(gram)

    def diag(self, X: Any) -> Array:
        """Return ``k(x, x)`` of every row, shape (n,): 1/2, ``||x||^2 / 2`` or ``3/2 ||x||^4``, over the scale."""
        X = self.inputs(X)
        lengths, _ = lengths_and_units(X)
        factor = 2.0 * math.pi * (0.5, 0.5, 1.5)[self.degree] / self.scale(X.shape[1])
        if self.degree == 0:
            return np.where(lengths > 0, factor, 1.0)
        with within_float64("X"):
            return np.asarray(factor * lengths ** (2 * self.degree))

    def inputs(self, X: Any, name: str = "X") -> Array:
        """Return what neurons see of samples, shape (n, D): X itself, or with a column of the radius."""
        X = as_finite_array(X, name, (2,))
        return np.hstack([X, np.full((len(X), 1), float(self.radius))]) if self.bias else X

    def scale(self, n_inputs: int) -> float:
        """Return what ``(||x|| ||z||)^k J_k`` is divided by, for neurons of that many inputs D."""
        if self.measure == "gaussian":
            return 2.0 * math.pi
        return 2.0 * math.pi * (1, n_inputs, n_inputs * (n_inputs + 2))[self.degree]


def as_kernel(kernel: Any) -> ArcCosineKernel:
    """Return a kernel as it is; None stands for degree 1, without bias, with weights on the sphere.

    Raises
    ------
    ValueError
        If it is another object.
    """
    if kernel is None:
        return ArcCosineKernel()
    if not isinstance(kernel, ArcCosineKernel):
        raise ValueError(f"kernel must be an ArcCosineKernel; got {kernel!r}")
    return kernel


def supplements(units: Array, units_Z: Array) -> Array:
    """Return pi less the angle of all pairs of unit rows, by the half-angle formula.

    ``2 atan2(||u + v||, ||u - v||)``, to rounding at all angles; arccos of the inner product is off by 1e-8 at its
    ends. The distances are summed from differences, not expanded.
    """
    return np.asarray(2.0 * np.arctan2(cdist(units, -units_Z), cdist(units, units_Z)))


def angular_part(supplement: Array, degree: int) -> Array:
    """Return ``J_k`` at the angle t = pi - s, to full relative precision, from the supplement s in [0, pi]."""
    s = supplement
    if degree == 0:
        return s
    if degree == 1:
        closed = np.sin(s) - s * np.cos(s)
    else:
        closed = s * (1.0 + 2.0 * np.cos(s) ** 2) - 3.0 * np.sin(s) * np.cos(s)
    small = s < _SMALL
    closed[small] = _series(s[small], degree)
    return closed


def _series(s: Array, degree: int) -> Array:
    """Sum ``sum_j (-1)^(j+1) 2j s^(2j+1) / (2j+1)!`` for k = 1, with 2s and j - 1 for ``(-1)^j 2j`` for k = 2."""
    r = s if degree == 1 else 2.0 * s
    total = np.zeros_like(r)
    for j in range(_TERMS, degree - 1, -1):
        weight = 2 * j if degree == 1 else j - 1
        sign = -1.0 if (j - degree) % 2 else 1.0
        total = total * r**2 + sign * weight / math.factorial(2 * j + 1)
    return np.asarray(total * r ** (2 * degree + 1))
