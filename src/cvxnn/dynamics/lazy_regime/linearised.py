"""Two-layer networks linearised at their weights: tangent features and the tangent kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.activations import Activation, get_activation
from cvxnn.dynamics.starts.weights import Weights, as_weights
from cvxnn.function_spaces import ArcCosineKernel
from cvxnn.networks import ReLUNetwork
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, as_count, as_finite_array, as_number, as_vector


@short_repr
@dataclass(frozen=True, eq=False)
class LinearisedNetwork:
    """``f_lin(x; U, a) = f(x; U0, a0) + <grad f(x; U0, a0), (U - U0, a - a0)>`` of one network with one output.

    At a kink the gradient takes the activation's own one-sided derivative, 0 for ReLU.

    Parameters
    ----------
    hidden : ndarray of shape (d, m)
        Hidden weights U0 that it is linearised at.
    output : ndarray of shape (m,)
        Output weights a0.
    activation : Activation
        Activation function.
    """

    hidden: Array  # (d, m)
    output: Array  # (m,)
    activation: Activation

    @property
    def n_parameters(self) -> int:
        """Return ``m (d + 1)``."""
        return int(self.hidden.size + self.output.size)

    def features(self, X: Any) -> Array:
        """Return the gradients of f in the weights, shape (n, m (d + 1)): U row by row, then a.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        """
        X = self._data(X, "X")
        active, slopes = self._layers(X)
        through_hidden = X[:, :, None] * (slopes * self.output)[:, None, :]
        return np.hstack([through_hidden.reshape(len(X), -1), active])

    def tangent_kernel(self, X: Any, Z: Any = None, *, layer: str = "both") -> Array:
        """Return the tangent kernel ``K(x, z) = <grad f(x), grad f(z)>``, shape (n, p), without forming features.

        ``K = (X Z^T) * (S_X diag(a^2) S_Z^T) + sigma(X U) sigma(Z U)^T``, S the activation's derivative; the first
        part is that of hidden weights, the second that of output weights. Costs ``O(n p (d + m))``.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        Z : array_like of shape (p, d), optional
            Other data; X by default, which gives the Gram matrix.
        layer : {"both", "hidden", "output"}, default "both"
            Which weights are trained.

        Raises
        ------
        ValueError
            If a shape or the layer is wrong.
        """
        if layer not in ("both", "hidden", "output"):
            raise ValueError(f"layer must be 'both', 'hidden' or 'output'; got {layer!r}")
        X = self._data(X, "X")
        Z = X if Z is None else self._data(Z, "Z")
        (active_X, slopes_X), (active_Z, slopes_Z) = self._layers(X), self._layers(Z)
        kernel = np.zeros((len(X), len(Z)))
        if layer != "output":
            kernel += (X @ Z.T) * ((slopes_X * self.output**2) @ slopes_Z.T)
        if layer != "hidden":
            kernel += active_X @ active_Z.T
        return np.asarray(kernel)

    def least_eigenvalue(self, X: Any, *, layer: str = "both") -> float:
        """Return the least eigenvalue of the Gram matrix on X: the rate of gradient flow's slowest part."""
        return float(np.linalg.eigvalsh(self.tangent_kernel(X, layer=layer))[0])

    def predict(self, X: Any, network: ReLUNetwork | None = None) -> Array:
        """Return ``f_lin(x)`` at the weights of a network, shape (n,); at its own weights ``f(x)``.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Data.
        network : ReLUNetwork, optional
            Weights (U, a) of the same shapes.

        Raises
        ------
        ValueError
            If a shape is wrong.
        """
        X = self._data(X, "X")
        active, slopes = self._layers(X)
        f = active @ self.output
        if network is None:
            return np.asarray(f)
        if network.hidden.shape != self.hidden.shape or network.output.shape != self.output.shape:
            raise ValueError(
                f"network must have weights of shapes {self.hidden.shape} and {self.output.shape}; got {network!r}"
            )
        change = X @ (network.hidden - self.hidden)
        return np.asarray(f + (slopes * change) @ self.output + active @ (network.output - self.output))

    def flow(self, X: Any, y: Any, times: Any, Z: Any = None, *, layer: str = "both") -> Array:
        """Return what gradient flow of the linearised network on ``1/2 ||f - y||^2`` predicts, shape (k, p).

        ``f_t(Z) = f_0(Z) + K(Z, X) K^{-1} (I - exp(-K t)) (y - f_0(X))``, by eigenvectors of the Gram matrix K; an
        infinite time gives the limit, the interpolant of least change of weights (least squares where none is).

        Parameters
        ----------
        X : array_like of shape (n, d)
            Training data.
        y : array_like of shape (n,)
            Targets.
        times : array_like of shape (k,)
            Times >= 0, infinity allowed.
        Z : array_like of shape (p, d), optional
            Where to predict; on X by default.
        layer : {"both", "hidden", "output"}, default "both"
            Which weights are trained.

        Raises
        ------
        ValueError
            If a shape, a time or the layer is wrong.
        """
        times = _as_times(times)
        X, y = self._data(X, "X"), as_vector(y, "y")
        if y.shape != X.shape[:1]:
            raise ValueError(f"y must have shape {X.shape[:1]}; got {y.shape}")
        rates, vectors = np.linalg.eigh(self.tangent_kernel(X, layer=layer))
        rates = np.where(rates > len(X) * np.finfo(float).eps * rates[-1], rates, 0.0)
        pulled = vectors.T @ (y - self.predict(X))
        Z = X if Z is None else self._data(Z, "Z")
        # (1 - exp(-rate t)) / rate; parts that the kernel does not see stay where they are.
        with np.errstate(invalid="ignore", divide="ignore"):
            gains = -np.expm1(-np.outer(times, rates)) / rates
        gains = np.where(rates > 0, gains, 0.0)
        return np.asarray(
            self.predict(Z) + (gains * pulled) @ (self.tangent_kernel(Z, X, layer=layer) @ vectors).T
        )

    def _data(self, X: Any, name: str) -> Array:
        X = as_finite_array(X, name, (2,))
        if X.shape[1] != len(self.hidden):
            raise ValueError(f"{name} must have {len(self.hidden)} columns; got shape {X.shape}")
        return np.asarray(X)

    def _layers(self, X: Array) -> tuple[Array, Array]:
        z = X @ self.hidden
        return self.activation.value(z), self.activation.derivative(z)


@on_one_blas_thread
def linearise(
    network: ReLUNetwork | Weights, *, index: int = 0, activation: Any = "relu"
) -> LinearisedNetwork:
    """Return the first-order expansion of a network in its weights, at its weights.

    Parameters
    ----------
    network : ReLUNetwork or Weights
        One output and no output offset.
    index : int, default 0
        Which network of a batch.
    activation : str, int or Activation, default "relu"
        Activation function.

    Raises
    ------
    ValueError
        If the network has several outputs or an output offset, there is none of this index, or the activation is not
        known.

    References
    ----------
    A. Jacot, F. Gabriel, C. Hongler, "Neural tangent kernel: convergence and generalization in neural networks",
    NeurIPS 2018; L. Chizat, E. Oyallon, F. Bach, "On lazy training in differentiable programming", NeurIPS 2019.

    Examples
    --------
    >>> linearised = linearise(ReLUNetwork([[1.0, -1.0]], [2.0, 1.0]))
    >>> linearised.features([[3.0]])
    array([[6., 0., 3., 0.]])
    >>> linearised.tangent_kernel([[3.0]])
    array([[45.]])
    """
    if not isinstance(network, Weights | ReLUNetwork):
        raise ValueError(f"network must be a ReLUNetwork or Weights; got {type(network).__name__}")
    weights = as_weights(network)
    if as_count(index, "index") >= weights.n_networks:
        raise ValueError(f"index must be below {weights.n_networks}, the number of networks; got {index}")
    return LinearisedNetwork(weights.hidden[index], weights.output[index], get_activation(activation))


def _as_times(times: Any) -> Array:
    """Return times >= 0 in one dimension, infinity allowed."""
    try:
        found = np.asarray(times, dtype=np.float64)
    except (TypeError, ValueError):
        found = np.array(np.nan)
    if found.ndim != 1 or not np.all(found >= 0):
        raise ValueError(f"times must be numbers >= 0 in one dimension, infinity allowed; got {times!r:.100}")
    return found


def infinite_width_kernel(
    X: Any, Z: Any = None, *, hidden_variance: float = 1.0, output_variance: float = 1.0
) -> Array:
    """Return the limit of ``K / m`` for many ReLU neurons with independent Gaussian weights, shape (n, p).

    ``output_variance (x^T z) k_0(x, z) + hidden_variance k_1(x, z)``, k_0 and k_1 the arc-cosine kernels
    ``E[1[w^T x > 0] 1[w^T z > 0]]`` and ``E[(w^T x)_+ (w^T z)_+]`` of standard normal w.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    Z : array_like of shape (p, d), optional
        Other data; X by default.
    hidden_variance, output_variance : float, default 1
        Variances of the entries of u_j and of a_j.

    References
    ----------
    Y. Cho and L. K. Saul, "Kernel methods for deep learning", NIPS 2009, eq. (6)-(7); A. Jacot, F. Gabriel, C. Hongler,
    NeurIPS 2018, Theorem 1.

    Examples
    --------
    >>> infinite_width_kernel([[1.0, 0.0]])
    array([[1.]])
    """
    X = as_finite_array(X, "X", (2,))
    Z = X if Z is None else as_finite_array(Z, "Z", (2,))
    spread, outer = (
        as_number(hidden_variance, "hidden_variance"),
        as_number(output_variance, "output_variance"),
    )
    steps = ArcCosineKernel(0, measure="gaussian")
    ramps = ArcCosineKernel(1, measure="gaussian")
    return np.asarray(outer * (X @ Z.T) * steps(X, Z) + spread * ramps(X, Z))
