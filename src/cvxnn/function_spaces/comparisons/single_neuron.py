"""One neuron, in F_1 and not in F_2: its norms on growing samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.activations import PositivePart
from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel, as_kernel
from cvxnn.function_spaces.kernels.norm import gamma_2, squared_norms
from cvxnn.function_spaces.kernels.random_features import random_neurons
from cvxnn.function_spaces.unit_norm.rounds import uninterrupted
from cvxnn.function_spaces.unit_norm.unit_networks import as_degree
from cvxnn.function_spaces.variation.norms import variation_norm
from cvxnn.names import keep_old_arguments
from cvxnn.seeds import Seed
from cvxnn.short_reprs import short_repr
from cvxnn.statistics import log_log_slope
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array

# The variation norm is known to a relative 1e-6.
_NORM_TOL = 1e-5
# Of the largest eigenvalue of the kernel matrix with a diagonal of ones.
_LEAST_EIGENVALUE = 1e-12
# A rate needs that many.
_LEAST_SIZES = 2


@short_repr
@dataclass(frozen=True, eq=False)
class NeuronNorms:
    """Norms of what one neuron takes on growing samples.

    Parameters
    ----------
    sizes : ndarray of int, shape (k,)
        Samples; those that were reached in time.
    gamma_1, lower_bounds : ndarray of shape (k,)
        The variation norm from both sides.
    gamma_2 : ndarray of shape (k,)
        The norm of F_2.
    length : float
        ``||v||^k``, the neuron's own norm.
    is_complete : bool
        Whether nothing was cut short by the time limit: neither a size nor a program for gamma_1.
    """

    sizes: NDArray[np.int64]  # (k,)
    gamma_1: Array  # (k,)
    lower_bounds: Array  # (k,)
    gamma_2: Array  # (k,)
    length: float
    is_complete: bool = True

    @property
    def slope(self) -> float:
        """Return the fitted exponent of gamma_2 in n: about 1/2, as of the mean over all neurons."""
        return log_log_slope(self.sizes, self.gamma_2).value

    @property
    def bounded(self) -> Comparison:
        """Return the largest gamma_1 over the neuron's norm beside 1: at most."""
        return Comparison(float(np.max(self.gamma_1)) / self.length, 1.0, "at most", _NORM_TOL)

    @property
    def rises(self) -> Comparison:
        """Return the least ratio of gamma_2 from one size to the next beside 1: at least."""
        return Comparison(float(np.min(self.gamma_2[1:] / self.gamma_2[:-1])), 1.0, "at least")


@keep_old_arguments(degree="activation")
@on_one_blas_thread
def neuron_norms(
    X: Any,
    v: Any,
    sizes: Any,
    *,
    activation: Any = "relu",
    largest_program: int = 32,
    oracle_seconds: float = 0.5,
    max_seconds: float | None = None,
) -> NeuronNorms:
    """Return gamma_1 and gamma_2 of ``(v^T x)_+^k`` on the first n samples, for growing n.

    Statement: gamma_1 is at most ``||v||^k`` for every n; gamma_2 rises with n and, on samples that fill the sphere,
    has no limit: the neuron is in F_1 and not in F_2.
    Hypotheses: samples that span two dimensions or more; in one there are two neurons only, and F_2 has both.
    Guarantee: the bound on gamma_1 is tight. gamma_2 grows like sqrt(n): over all unit neurons the mean of its square
    is n, see `mean_neuron_norm`; for the circle see `neuron_on_circle`.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Samples.
    v : array_like of shape (d,)
        The neuron.
    sizes : array_like of int, shape (k,)
        Increasing, at most n; at least two.
    activation : str, int or Activation, default "relu"
        "step", "relu" or "squared_relu": ``(z)_+^k`` with k = 0, 1 or 2.
    largest_program : int, default 32
        Up to that many samples gamma_1 is solved for; beyond, it is between the last lower bound, which further samples
        cannot lower, and the neuron's own norm.
    oracle_seconds : float, default 0.5
        As of `variation_norm`.
    max_seconds : float, optional
        Time limit. A program that it ends leaves gamma_1 between what it has proved and the neuron's own norm; sizes
        that are not reached are left out, the first two excepted.

    Raises
    ------
    HypothesisError
        If the smallest sample does not span two dimensions, or the neuron is zero on it.
    ValueError
        If an argument is not what is accepted.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> angles = 2 * np.pi * np.random.default_rng(0).permutation(64) / 64
    >>> circle = np.column_stack([np.cos(angles), np.sin(angles)])
    >>> norms = neuron_norms(circle, circle[0], [16, 64])
    >>> norms.bounded.holds, norms.rises.holds
    (True, True)
    """
    X, v = as_finite_array(X, "X", (2,)), as_finite_array(v, "v", (1,))
    if len(v) != X.shape[1]:
        raise ValueError(f"v must have the {X.shape[1]} columns of X; got {len(v)}")
    degree = as_degree(activation)
    counts, largest = _as_sizes(sizes, len(X)), as_count(largest_program, "largest_program")
    deadline = Deadline.after(max_seconds)
    values = PositivePart(degree).value(X @ v)
    rank = int(np.linalg.matrix_rank(X[: counts[0]]))
    if rank < 2:
        raise HypothesisError(
            f"the samples must span two dimensions or more; the smallest, of {counts[0]} rows, spans {rank}"
        )
    if not np.any(values[: counts[0]]):
        raise HypothesisError(
            f"the neuron must not be zero on the smallest sample; it is on all of its {counts[0]} rows"
        )
    kernel, length = ArcCosineKernel(degree), float(np.linalg.norm(v)) ** degree
    rows: list[tuple[float, float, float]] = []
    is_complete = True
    for n in counts:
        if len(rows) >= _LEAST_SIZES and deadline.is_over:
            is_complete = False
            break
        upper, lower = length, 0.0
        if n <= largest:
            norm = uninterrupted(
                variation_norm(
                    X[:n],
                    values[:n],
                    degree,
                    oracle_seconds=oracle_seconds,
                    max_seconds=deadline.limit(),
                )
            )
            ended = norm.status is SolveStatus.MAX_SECONDS
            upper, lower = min(norm.value, length) if ended else norm.value, norm.lower_bound
            is_complete = is_complete and not ended
        rows.append((upper, lower, gamma_2(X[:n], values[:n], kernel=kernel)))
    uppers, lowers, norms = np.array(rows).T
    return NeuronNorms(counts[: len(rows)], uppers, np.maximum.accumulate(lowers), norms, length, is_complete)


@dataclass(frozen=True)
class MeanNeuronNorm:
    """The squared norm of F_2 of random neurons' values on one sample.

    Parameters
    ----------
    mean, standard_error : float
        Of ``gamma_2^2`` over the neurons drawn.
    n_samples : int
        n.
    """

    mean: float
    standard_error: float
    n_samples: int

    @property
    def law(self) -> Comparison:
        """Return the mean over n beside 1: equal, to four standard errors."""
        n = self.n_samples
        return Comparison(self.mean / n, 1.0, "equal", 4.0 * self.standard_error / n)


@on_one_blas_thread
def mean_neuron_norm(
    X: Any, *, kernel: ArcCosineKernel | None = None, n_neurons: int = 1000, random_state: Seed = 0
) -> MeanNeuronNorm:
    """Return the mean of ``gamma_2^2`` of the values of random neurons on a sample: it is n.

    Statement: for every sample and v drawn from the kernel's measure, ``E gamma_2((v^T x_i)_+^k)^2 = n``. So no neuron
    is in F_2: all of one length have the same norm, by symmetry, and one that is at least sqrt(n) for every n is
    infinite.
    Hypotheses: a kernel matrix of full rank.
    Guarantee: tight. ``E f f^T = K`` by definition, so ``E f^T K^{-1} f = tr K^{-1} K = n``; a K of lower rank has its
    rank in place of n.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Samples.
    kernel : ArcCosineKernel, optional
        Kernel of F_2; by default of degree 1, without bias, with weights on the sphere.
    n_neurons : int, default 1000
        Neurons drawn, at least 2.
    random_state : int, Generator, RandomState or None, default 0
        Seed of the neurons.

    Raises
    ------
    HypothesisError
        If the kernel matrix does not have full rank in float64: its scaled condition is above 1e12.
    ValueError
        If an argument is not what is accepted.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((20, 3))
    >>> norm = mean_neuron_norm(X)
    >>> norm.law.holds, bool(abs(norm.mean - 20) < 2)
    (True, True)
    """
    kernel = as_kernel(kernel)
    inputs, count = kernel.inputs(X), as_count(n_neurons, "n_neurons", 2)
    roots = np.sqrt(kernel.diag(X))
    scaled = kernel.gram(X) / np.outer(roots, roots) if np.all(roots > 0) else np.zeros((1, 1))
    values = np.linalg.eigvalsh(scaled)
    if values[0] <= _LEAST_EIGENVALUE * values[-1]:
        raise HypothesisError(
            f"the kernel matrix must have full rank, of a condition below 1e12; its eigenvalues, scaled to a unit "
            f"diagonal, are from {values[0]:.3g} to {values[-1]:.3g}"
        )
    neurons = random_neurons(inputs.shape[1], count, kernel.measure, random_state)
    squares = squared_norms(X, kernel.activation.value(inputs @ neurons), kernel=kernel)
    error = float(np.std(squares, ddof=1)) / count**0.5
    return MeanNeuronNorm(float(np.mean(squares)), error, len(inputs))


def neuron_on_circle(n_samples: int) -> Comparison:
    """Return ``gamma_2^2 / n`` of a neuron on n equispaced points of the circle, beside its limit sqrt(3) / 2.

    Statement: for n a multiple of 4 and v one of the points, ``gamma_2^2 / n = sqrt(3) / 2 + 2 / n + O(1 / n^2)``.
    Hypotheses: as in the statement; k = 1, no bias.
    Guarantee: tight; the tolerance is ``4 / n^2``.

    The kernel matrix is circulant. Its eigenvalues are ``sum_l s_(j + ln)^2`` for the Fourier coefficients s of cos_+,
    which are zero for odd frequencies but 1 and -1, and a multiple of ``1 / (1 - k^2)`` for even k. So the squared norm
    is 2, for frequencies 1 and -1, and the sum over n / 2 even j of ``(sum_l s_(j + ln))^2 / sum_l s_(j + ln)^2``. With
    x = j / n this tends to ``(sum_l (x + l)^-2)^2 / sum_l (x + l)^-4 = 1 / (1 - 2/3 sin^2(pi x))``, whose mean is
    sqrt(3).

    Parameters
    ----------
    n_samples : int
        n >= 8, a multiple of 4.

    Raises
    ------
    HypothesisError
        If n is no multiple of 4.

    Examples
    --------
    >>> norm = neuron_on_circle(128)
    >>> round(norm.measured, 4), round(norm.predicted, 4), norm.holds
    (0.8814, 0.8817, True)
    """
    n = as_count(n_samples, "n_samples", 8)
    if n % 4:
        raise HypothesisError(f"n_samples must be a multiple of 4; got {n}")
    angles = 2.0 * np.pi * np.arange(n) / n
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    norm = gamma_2(circle, np.maximum(circle[:, 0], 0.0))
    return Comparison(norm**2 / n, 0.75**0.5 + 2.0 / n, "equal", 4.0 / n**2)


def _as_sizes(sizes: Any, n_samples: int) -> NDArray[np.int64]:
    counts = np.array([as_count(n, "sizes", 1) for n in np.atleast_1d(sizes).tolist()])
    if len(counts) < 2 or np.any(np.diff(counts) <= 0) or counts[-1] > n_samples:
        raise ValueError(
            f"sizes must be at least two increasing numbers up to {n_samples}; got {counts.tolist()}"
        )
    return counts
