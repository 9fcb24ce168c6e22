"""gamma_1 beside gamma_2: the variation norm is the smaller one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel, as_kernel
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.function_spaces.unit_norm.rounds import uninterrupted
from cvxnn.function_spaces.variation.norms import variation_norm
from cvxnn.names import keep_old_arguments
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread

# The variation norm is known to a relative 1e-6.
_NORM_TOL = 1e-5


@dataclass(frozen=True)
class NormInequality:
    """Both norms of values on a sample.

    Parameters
    ----------
    gamma_1, lower_bound : float
        The variation norm: of a network that takes the values, and proved by duality.
    gamma_2 : float
        The norm of F_2; infinite where no function of F_2 takes the values.
    status : SolveStatus
        Why `variation_norm` stopped: at MAX_SECONDS gamma_1 is of the best network found, infinite where there is none
        yet, and an inequality that does not hold says nothing.
    """

    gamma_1: float
    lower_bound: float
    gamma_2: float
    status: SolveStatus = SolveStatus.PROVEN

    @property
    def inequality(self) -> Comparison:
        """Return gamma_1 beside gamma_2: at most."""
        return Comparison(self.gamma_1, self.gamma_2, "at most", _NORM_TOL)


@keep_old_arguments(f="values")
@on_one_blas_thread
def norm_inequality(
    X: Any, values: Any, *, kernel: ArcCosineKernel | None = None, max_seconds: float | None = None
) -> NormInequality:
    """Return gamma_1 and gamma_2 of values on a sample.

    Statement: ``gamma_1 <= gamma_2``, so F_2 lies in F_1.
    Hypotheses: gamma_2 is that of weights uniform on the unit sphere, a probability measure on gamma_1's neurons.
    Guarantee: tight for functions of one density of constant size; by Jensen, ``int |p| dtau <= (int p^2 dtau)^(1/2)``.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Samples; the cost is that of `variation_norm`.
    values : array_like of shape (n,)
        f.
    kernel : ArcCosineKernel, optional
        Kernel of F_2; by default of degree 1, without bias.
    max_seconds : float, optional
        Time limit of `variation_norm`.

    Raises
    ------
    HypothesisError
        If the kernel's measure is not the sphere's, or no network takes the values.
    ValueError
        If shapes do not fit or numbers are not finite.

    References
    ----------
    F. Bach, "Breaking the curse of dimensionality with convex neural networks", JMLR 18, 2017, section 2.3.

    Examples
    --------
    >>> norms = norm_inequality([[1.0, 0.0], [-1.0, 0.0]], [1.0, 1.0])
    >>> round(norms.gamma_1, 6), round(norms.gamma_2, 6), norms.inequality.holds
    (2.0, 2.828427, True)
    """
    kernel = as_kernel(kernel)
    if kernel.measure != "sphere":
        raise HypothesisError(f"the kernel's measure must be that of the sphere; got {kernel.measure!r}")
    norm = uninterrupted(variation_norm(kernel.inputs(X), values, kernel.activation, max_seconds=max_seconds))
    return NormInequality(norm.value, norm.lower_bound, gamma_2(X, values, kernel=kernel), norm.status)
