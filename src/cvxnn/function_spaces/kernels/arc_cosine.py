"""The kernels of infinitely wide networks with random hidden weights, in closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal

import numpy as np
from scipy.spatial.distance import cdist

from cvxnn.activations import PositivePart
from cvxnn.validation import Array, as_finite_array, as_number

Measure = Literal["sphere", "gaussian"]
DEGREES = (0, 1, 2)
MEASURES = ("sphere", "gaussian")

# Below this supplement of the angle, J_1 and J_2 are summed as power series: the closed forms cancel there, to
# s^3 / 3 and 4 s^5 / 15. The first term left out is below 1e-17 of the sum.
_SMALL = 1.0
_TERMS = 14


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
            If they are not finite matrices with the same columns.
        """
        X = self.inputs(X)
        Z = X if Z is None else self.inputs(Z, "Z")
        if X.shape[1] != Z.shape[1]:
            raise ValueError(f"X and Z must have the same columns; got {X.shape[1]} and {Z.shape[1]}")
        lengths, units = lengths_and_units(X)
        lengths_Z, units_Z = lengths_and_units(Z)
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


def lengths_and_units(X: Array) -> tuple[Array, Array]:
    """Return the lengths of rows and the rows over them; a zero row stays. No length over- or underflows."""
    largest = np.max(np.abs(X), axis=1, keepdims=True)
    units = X / np.where(largest > 0, largest, 1.0)
    lengths = np.linalg.norm(units, axis=1, keepdims=True)
    return (largest * lengths)[:, 0], units / np.where(lengths > 0, lengths, 1.0)


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
