"""The training objective and its gradient, of many networks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.activations import Activation, get_activation
from cvxnn.losses import Loss, SquaredLoss, get_loss
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array, as_number

# Pre-activations of a chunk of networks, at most: they are walked over some five times, from cache.
_CHUNK_ENTRIES = 32_768


@short_repr
@dataclass(frozen=True, eq=False)
class Samples:
    """Samples that networks are trained or judged on; each network may have targets, or samples, of its own.

    Parameters
    ----------
    X : array_like of shape (n, d) or (B, n, d)
        Data, common or of each network; the second needs targets of each.
    y : array_like of shape (n,) or (B, n)
        Targets, common or of each network.
    loss : str or Loss, default "squared"
        The loss of a sample.
    scale : float or ndarray of shape (n,), default 1
        What each sample's loss is multiplied by; 1/n gives the mean.

    Raises
    ------
    ValueError
        If a shape or value is wrong, or the loss does not take the targets.
    """

    X: Array  # (n, d) or (B, n, d)
    y: Array  # (n,) or (B, n)
    loss: Loss
    scale: Any  # float or (n,)

    def __init__(self, X: Any, y: Any, loss: str | Loss = "squared", scale: Any = 1.0) -> None:
        X, y = as_finite_array(X, "X", (2, 3)), as_finite_array(y, "y", (1, 2))
        if y.shape[-1] != X.shape[-2] or (X.ndim == 3 and y.shape != X.shape[:2]):
            raise ValueError(
                f"y must have a target for each sample of X, of shape {X.shape}; got shape {y.shape}"
            )
        loss = get_loss(loss)
        loss.check_targets(y.reshape(-1))
        scale = as_finite_array(scale, "scale", (0, 1))
        if scale.ndim == 1 and len(scale) != X.shape[-2]:
            raise ValueError(f"scale must be a number or {X.shape[-2]} numbers; got shape {scale.shape}")
        for name, value in (("X", X), ("y", y), ("loss", loss), ("scale", scale)):
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, problem: Problem) -> Samples:
        """Return a problem's samples, losses weighted and summed as there.

        Raises
        ------
        ValueError
            If the problem has several outputs or an output offset.
        """
        if problem.n_outputs != 1 or problem.output_offset:
            raise ValueError(f"problem must have one output and no output offset; got {problem!r}")
        problem = problem.in_memory().one_output()
        return cls(
            problem.X,
            problem.y,
            problem.loss,
            1.0 if problem.sample_weight is None else problem.sample_weight,
        )

    @property
    def n_samples(self) -> int:
        """Return n."""
        return int(self.X.shape[-2])

    def rows(self, chosen: Any, factor: float = 1.0) -> Samples:
        """Return some of these common samples, (k,), or some for each network, (B, k); losses times a factor."""
        scale = self.scale if np.ndim(self.scale) == 0 else self.scale[chosen]
        part = object.__new__(Samples)
        values = (
            ("X", self.X[chosen]),
            ("y", self.y[..., chosen]),
            ("loss", self.loss),
            ("scale", scale * factor),
        )
        for name, value in values:
            object.__setattr__(part, name, value)
        return part

    def targets(self, networks: slice) -> Array:
        """Return the targets of some of the networks, shape (n,) or (b, n)."""
        return self.y if self.y.ndim == 1 else self.y[networks]

    def losses(self, f: Array, networks: slice = slice(None)) -> Array:
        """Return ``sum_i scale_i ell(f_i, y_i)`` of predictions (B, n), shape (B,)."""
        y = np.broadcast_to(self.targets(networks), f.shape)
        terms = np.asarray(self.loss.terms(f.reshape(-1), y.reshape(-1))).reshape(f.shape)
        return np.asarray(np.sum(terms * self.scale, axis=1))

    def loss_gradients(self, f: Array, networks: slice = slice(None)) -> Array:
        """Return the gradient of `losses` in the predictions, shape (B, n)."""
        y = self.targets(networks)
        if isinstance(self.loss, SquaredLoss):
            residual = f - y
        else:
            flat = np.broadcast_to(y, f.shape).reshape(-1)
            residual = np.asarray(self.loss.gradient(f.reshape(-1), flat)).reshape(f.shape)
        return residual if np.ndim(self.scale) == 0 and self.scale == 1.0 else residual * self.scale


@short_repr
@dataclass(frozen=True, eq=False)
class BatchedObjective:
    """``F(U, a) = sum_i scale_i ell(f(x_i), y_i) + beta/2 (||U||^2 + ||a||^2)`` of many networks, ``beta >= 0``.

    Arrays of hidden weights are (d, B, m) here, so that data meets all networks in one matrix product.

    Parameters
    ----------
    samples : Samples
        Data and loss.
    beta : float, default 0
        Weight decay.
    activation : str, int or Activation, default "relu"
        Activation function; the gradient takes its one-sided derivative at kinks (0 for ReLU).
    """

    samples: Samples
    beta: float
    activation: Activation

    def __init__(self, samples: Samples, beta: Any = 0.0, activation: Any = "relu") -> None:
        object.__setattr__(self, "samples", samples)
        object.__setattr__(self, "beta", as_number(beta, "beta"))
        object.__setattr__(self, "activation", get_activation(activation))

    @classmethod
    def of(cls, problem: Problem, activation: Any = "relu") -> BatchedObjective:
        """Return the objective of a training problem."""
        return cls(Samples.of(problem), problem.beta, activation)

    def predictions(self, hidden: Array, output: Array) -> Array:
        """Return ``f_b(x_i)``, shape (B, n), of hidden weights (d, B, m) and output weights (B, m)."""
        parts = [self._layers(hidden[:, b], output[b], b)[2] for b in self._chunks(output)]
        return np.concatenate(parts)

    def value(self, hidden: Array, output: Array) -> Array:
        """Return F of each network, shape (B,)."""
        return np.asarray(self.loss(hidden, output) + self._penalty(hidden, output))

    def loss(self, hidden: Array, output: Array) -> Array:
        """Return F without the penalty, shape (B,)."""
        return self.samples.losses(self.predictions(hidden, output))

    def gradient(self, hidden: Array, output: Array) -> tuple[Array, Array]:
        """Return the gradient of F: arrays of the shapes of ``hidden`` (d, B, m) and ``output`` (B, m)."""
        return self.value_and_gradient(hidden, output, with_value=False)[1]

    def value_and_gradient(
        self, hidden: Array, output: Array, *, with_value: bool = True
    ) -> tuple[Array, tuple[Array, Array]]:
        """Return F (B,), or no values, and its gradient."""
        grad_hidden, grad_output = np.empty_like(hidden), np.empty_like(output)
        values = np.empty(len(output))
        for networks in self._chunks(output):
            part, a = hidden[:, networks], output[networks]
            z, active, f = self._layers(part, a, networks)
            r = self.samples.loss_gradients(f, networks)
            if with_value:
                values[networks] = self.samples.losses(f, networks)
            grad_output[networks] = np.einsum("nbm,bn->bm", active, r)
            slopes = self.activation.derivative(z)
            slopes *= r.T[:, :, None]
            grad_hidden[:, networks] = self._pulled(slopes, networks) * a
        if self.beta:
            grad_hidden += self.beta * hidden
            grad_output += self.beta * output
        if with_value:
            values += self._penalty(hidden, output)
        return values, (grad_hidden, grad_output)

    def _pulled(self, slopes: Array, networks: slice) -> Array:
        """Return ``X^T`` times slopes (n, b, m), shape (d, b, m)."""
        X, (n, b, m) = self.samples.X, slopes.shape
        if X.ndim == 2:
            return np.asarray((X.T @ slopes.reshape(n, b * m)).reshape(-1, b, m))
        return np.moveaxis(np.matmul(X[networks].transpose(0, 2, 1), np.moveaxis(slopes, 1, 0)), 0, 1)

    def _layers(self, hidden: Array, output: Array, networks: slice) -> tuple[Array, Array, Array]:
        """Return pre-activations and activations (n, b, m), and predictions (b, n)."""
        X, (d, b, m) = self.samples.X, hidden.shape
        if X.ndim == 2:
            z = (X @ hidden.reshape(d, b * m)).reshape(-1, b, m)
        else:
            z = np.ascontiguousarray(np.moveaxis(np.matmul(X[networks], np.moveaxis(hidden, 1, 0)), 0, 1))
        active = self.activation.value(z)
        return z, active, np.einsum("nbm,bm->bn", active, output)

    def _penalty(self, hidden: Array, output: Array) -> Any:
        if not self.beta:
            return 0.0
        return (
            0.5
            * self.beta
            * (np.einsum("dbm,dbm->b", hidden, hidden) + np.einsum("bm,bm->b", output, output))
        )

    def _chunks(self, output: Array) -> list[slice]:
        n_networks, m = output.shape
        size = max(1, _CHUNK_ENTRIES // max(1, self.samples.n_samples * m))
        return [slice(start, min(start + size, n_networks)) for start in range(0, n_networks, size)]
