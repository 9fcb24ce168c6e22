"""The training problem: data, targets, weight decay and a loss."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cvxnn.losses import Loss, SquaredLoss, get_loss
from cvxnn.validation import Array, as_finite_array, as_finite_data, as_number, is_read_only_map, read_only

if TYPE_CHECKING:
    from cvxnn.networks import ReLUNetwork


@dataclass(frozen=True, eq=False)
class Problem:
    """Weight-decayed training of a two-layer ReLU network of any width.

    ``min over m, U, A, b of ell((X U)_+ A + b, y) + beta/2 (||U||_F^2 + ||A||_F^2)``

    with the loss summed over samples. The offset b is 0 unless ``output_offset`` is set, and never penalised. A
    hidden bias is a column of ones in X, penalised like the other weights.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data. Copied to float64, unless it is a memory-mapped file of float32 or float64 opened for reading only
        (``np.load(path, mmap_mode="r")``): that stays on disk, in its precision, and may be larger than memory.
    y : array_like of shape (n,) or (n, C)
        Targets. Copied to float64.
    beta : float
        Weight decay, >= 0; training and certificates ask for > 0.
    loss : str or Loss, default "squared"
        The name of a loss, or a loss object.
    output_offset : bool, default False
        Whether the network has an unpenalised output offset, one number per output.

    Notes
    -----
    With X on disk, construction (one pass, to check that it is finite), ``objective`` and predictions read it in
    chunks and compute in float64. The file must not change meanwhile. Training and certificates work on all of X in
    memory, in float64 (descent scales its columns, the convex program and the search for neurons multiply it as a
    whole), so they refuse a file of float32: ``problem.in_memory()`` reads it.

    Raises
    ------
    ValueError
        If X or y is empty, not finite or of a wrong shape, if beta is negative or not finite, or if the loss is
        not known.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (2).

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    >>> problem
    Problem(n=2, d=1, outputs=1, beta=0.1, loss='squared', output_offset=False)
    """

    X: Array  # (n, d); as on disk where it is a memory-mapped file
    y: Array  # (n,) or (n, C)
    beta: float
    loss: Loss = SquaredLoss()
    output_offset: bool = False
    shift: Array = field(init=False, repr=False)  # (C,)

    def __init__(
        self, X: Any, y: Any, beta: Any, loss: str | Loss = "squared", output_offset: bool = False
    ) -> None:
        stays_on_disk = is_read_only_map(X)
        X = as_finite_data(X, "X")
        y = as_finite_array(y, "y", (1, 2))
        if y.shape[0] != X.shape[0]:
            raise ValueError(f"y must have one row for each of the {X.shape[0]} rows of X; got {y.shape[0]}")
        if not isinstance(output_offset, bool | np.bool_):
            raise ValueError(f"output_offset must be True or False; got {output_offset!r}")
        object.__setattr__(self, "X", X if stays_on_disk else read_only(X))
        object.__setattr__(self, "y", read_only(y))
        object.__setattr__(self, "beta", as_number(beta, "beta"))
        object.__setattr__(self, "loss", get_loss(loss))
        object.__setattr__(self, "output_offset", bool(output_offset))
        object.__setattr__(self, "shift", read_only(self._mean_target()))

    @property
    def n_samples(self) -> int:
        """Return n."""
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """Return d, hidden bias column included."""
        return int(self.X.shape[1])

    @property
    def n_outputs(self) -> int:
        """Return C."""
        return 1 if self.y.ndim == 1 else int(self.y.shape[1])

    def _mean_target(self) -> Array:
        if not (self.output_offset and self.loss.is_shift_equivariant):
            return np.zeros(self.n_outputs)
        return np.atleast_1d(np.mean(self.y, axis=0))

    @property
    def centred_target(self) -> Array:
        """Return y minus ``shift``, shape of y: what the offset cannot take up of the targets.

        Losses and duals are evaluated with it, because ``<lam, y>`` with ``1^T lam = 0`` cancels where the mean of y
        is far above its spread. Without an offset, or for a loss that depends on more than f - y, it is y.
        """
        return self.y - (self.shift[0] if self.y.ndim == 1 else self.shift)

    def loss_value(self, f: Array, offset: Array) -> float:
        """Return ``ell(f + offset, y)``.

        Parameters
        ----------
        f : ndarray, shape of y
            Predictions without the offset.
        offset : ndarray of shape (C,)
            The offset.
        """
        rest = offset - self.shift
        return self.loss.value(f + (rest[0] if self.y.ndim == 1 else rest), self.centred_target)

    def objective(self, network: ReLUNetwork) -> float:
        """Return ``ell(f(X), y) + beta/2 (||U||^2 + ||A||^2)`` of a network.

        Raises
        ------
        ValueError
            If the network does not fit the problem's shapes, or has an offset where the problem has none.
        """
        self.require_fitting(network)
        return (
            self.loss_value(network.predict_without_offset(self.X), network.offset)
            + self.beta * network.weight_decay
        )

    def dual_variable(self, f: Array) -> Array:
        """Return ``lam = -grad ell(f)``, shape of y; with an output offset, projected on ``1^T lam = 0``.

        Parameters
        ----------
        f : ndarray, shape of y
            Predictions.
        """
        return self.project_dual(-np.asarray(self.loss.gradient(f, self.y)))

    def project_dual(self, lam: Array) -> Array:
        """Return ``lam`` minus its mean over samples where the problem has an output offset, else ``lam``."""
        return lam - np.mean(lam, axis=0) if self.output_offset else lam

    def dual_objective(self, lam: Array) -> float:
        """Return ``-conjugate(-lam)``: a lower bound on the optimum wherever ``lam`` is dual feasible.

        Parameters
        ----------
        lam : ndarray, shape of y
            Dual variable, with ``1^T lam = 0`` where there is an offset.
        """
        return -self.loss.conjugate(-lam, self.centred_target)

    def null_offset(self) -> Array:
        """Return the best offset of a network without neurons, shape (C,); zero without an output offset."""
        if not self.output_offset:
            return np.zeros(self.n_outputs)
        return self.loss.best_offset(np.zeros_like(self.y), self.y)

    def with_beta(self, beta: float) -> Problem:
        """Return the same problem with another weight decay."""
        other = copy(self)  # the arrays are immutable: shared, and not checked again
        object.__setattr__(other, "beta", as_number(beta, "beta"))
        return other

    def in_memory(self) -> Problem:
        """Return the same problem with X in memory in float64; itself where it is."""
        if not isinstance(self.X, np.memmap):
            return self
        return Problem(np.asarray(self.X), self.y, self.beta, self.loss, self.output_offset)

    def require_fitting(self, network: ReLUNetwork) -> None:
        """Raise ``ValueError`` unless the network has the problem's shapes and model."""
        if network.n_features != self.n_features:
            raise ValueError(f"network must take {self.n_features} features; it takes {network.n_features}")
        if network.output.ndim != self.y.ndim or network.n_outputs != self.n_outputs:
            raise ValueError(
                f"network must have outputs of shape {('n', *self.y.shape[1:])}; its output weights have shape "
                f"{network.output.shape}"
            )
        if not self.output_offset and np.any(network.offset != 0):
            raise ValueError("network must have no offset: the problem has output_offset=False")

    def require_trainable(self) -> None:
        """Raise ``ValueError`` unless training and proofs are defined: beta > 0, one output and X in float64."""
        if self.beta <= 0:
            raise ValueError(f"beta must be > 0 for training and certificates; got {self.beta!r}")
        if self.n_outputs != 1:
            raise ValueError(f"y must have one output for training and certificates; got {self.n_outputs}")
        if self.X.dtype != np.float64:
            raise ValueError(
                f"X must be float64 for training and certificates; got a file of {self.X.dtype}, which "
                "problem.in_memory() reads into memory in float64"
            )

    def __repr__(self) -> str:
        return (
            f"Problem(n={self.n_samples}, d={self.n_features}, outputs={self.n_outputs}, beta={self.beta:g}, "
            f"loss={self.loss.name!r}, output_offset={self.output_offset})"
        )
