"""gamma_2 of values on a sample: the least norm of a function of F_2 that takes them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import eigh

from cvxnn.cones import lengths_and_units
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel, as_kernel
from cvxnn.names import keep_old_arguments
from cvxnn.validation import Array, as_finite_array, as_vector, exponent, times_power, within_float64

# Of the largest eigenvalue, times n: what rounding leaves of a zero one.
_ROUNDING = float(np.finfo(np.float64).eps)
# Of the values' length: a part in directions without an eigenvalue that no function of F_2 has.
_OUTSIDE = 1e-6


@keep_old_arguments(f="values")
def gamma_2(X: Any, values: Any, *, kernel: ArcCosineKernel | None = None) -> float:
    """Return ``min {gamma_2(g) : g(x_i) = f_i} = sqrt(f^T K^{-1} f)``, infinite where no function takes the values.

    From the eigenvalues of K with its diagonal scaled to ones, so that rows of very different lengths do no harm.
    Eigenvalues below ``n 2e-16`` of the largest count as zero: values with more than 1e-6 of their length there have
    infinite norm, for all others the result is, to rounding, a lower bound of what exact arithmetic would give.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Samples.
    values : array_like of shape (n,)
        f.
    kernel : ArcCosineKernel, optional
        Kernel of the space; by default of degree 1, without bias, with weights on the sphere.

    Raises
    ------
    ValueError
        If shapes do not fit, numbers are not finite, or the kernel is another object.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> round(gamma_2([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0]), 6)  # K = I / 4
    2.828427
    >>> gamma_2([[1.0], [2.0]], [1.0, 1.0])
    inf
    """
    kernel, f = as_kernel(kernel), as_vector(values, "values")
    own = exponent(f)
    squares, power = _in_units(kernel, as_finite_array(X, "X", (2,)), np.ldexp(f, -own)[:, None])
    with within_float64("X and values"):
        return times_power(float(np.sqrt(squares[0])), own - power)


def squared_norms(X: Any, F: Any, *, kernel: ArcCosineKernel | None = None) -> Array:
    """Return the squares of `gamma_2` for several columns of values, shape (m,), at the cost of one.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Samples.
    F : array_like of shape (n, m)
        Values, one function a column.
    kernel : ArcCosineKernel, optional
        As of `gamma_2`.

    Raises
    ------
    ValueError
        As of `gamma_2`.

    Examples
    --------
    >>> squared_norms([[1.0, 0.0], [-1.0, 0.0]], [[1.0, 2.0], [1.0, 0.0]]).round(6)
    array([ 8., 16.])
    """
    kernel, F = as_kernel(kernel), as_finite_array(F, "F", (2,))
    own = exponent(F)
    squares, power = _in_units(kernel, as_finite_array(X, "X", (2,)), np.ldexp(F, -own))
    with within_float64("X and values"):
        return np.array([times_power(float(square), 2 * (own - power)) for square in squares])


def _in_units(kernel: ArcCosineKernel, X: Array, F: Array) -> tuple[Array, int]:
    """Return squared norms of columns, and p: those of X as it is are ``2^(-2 p)`` times as large.

    The kernel is that of unit rows, with ``(||x|| ||z||)^k`` taken out.
    """
    if len(F) != len(X):
        raise ValueError(f"values must have the {len(X)} rows of X; got {len(F)}")
    lengths, units = lengths_and_units(kernel.inputs(X))
    own = exponent(lengths) if kernel.degree else 0
    free = replace(kernel, bias=False)
    roots = np.ldexp(lengths, -own) ** kernel.degree * np.sqrt(free.diag(units))
    seen = roots > 0
    outside = np.any(F[~seen] != 0, axis=0)
    if not np.any(seen):
        return np.where(outside, np.inf, 0.0), 0
    diagonal = np.sqrt(free.diag(units[seen]))
    with within_float64("X and values"):
        squares = _squares(free.gram(units[seen]) / np.outer(diagonal, diagonal), F[seen] / roots[seen, None])
    return np.where(outside, np.inf, squares), kernel.degree * own


def _squares(gram: Array, F: Array) -> Array:
    """Return ``f^T K^+ f`` of every column, infinite where it is not in the range of K."""
    values, vectors = eigh(gram)
    parts = vectors.T @ F
    kept = values > len(F) * _ROUNDING * values[-1]
    squares = np.sum(parts[kept] ** 2 / values[kept, None], axis=0)
    outside = np.linalg.norm(parts[~kept], axis=0) > _OUTSIDE * np.linalg.norm(F, axis=0)
    return np.where(outside, np.inf, squares)
