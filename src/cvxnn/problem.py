"""The training problem: data, targets, weight decay and a loss."""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from cvxnn.losses import Loss, SquaredLoss, get_loss
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.validation import (
    Array,
    PrecisionError,
    as_columns,
    as_finite_array,
    as_finite_data,
    as_number,
    is_read_only_map,
    read_only,
    require_kind,
)

OutputNorm = Literal["l2", "l1"]

# Powers of ten: values were right up to 140 on random data, where 10^20 times more ended in overflow.
_WIDEST_SCALE = 130.0
# Of a sum of sample weights: below, they have lost digits.
_LEAST_WEIGHT = 1e-305


@dataclass(frozen=True, eq=False)
class Problem:
    """Weight-decayed training of a two-layer ReLU network of any width.

    ``min over m, U, A, b of sum_i s_i ell_i((X U)_+ A + b, y) + beta/2 (||U||_F^2 + ||A||_F^2)``

    with sample weights s_i, 1 unless given: the loss is summed, not averaged. The offset b is 0 unless
    ``output_offset`` is set, and never penalised. A hidden bias is a column of ones in X, penalised like the other
    weights. With ``output_norm="l1"`` the penalty of neuron j is ``beta/2 (||u_j||_2^2 + ||a_j||_1^2)``.

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
        The name of a loss ("squared", "huber", "quantile", "logistic", "squared_hinge", "hinge", "multinomial"), or a
        loss object. Losses of two classes take targets -1 and +1 (several columns: one class against the rest in
        each), "multinomial" takes one-hot rows.
    output_offset : bool, default False
        Whether the network has an unpenalised output offset, one number per output.
    sample_weight : array_like of shape (n,), optional
        Weights of the samples' losses, >= 0, some of them > 0.
    output_norm : {"l2", "l1"}, default "l2"
        The norm of a neuron's output weights in the penalty; for one output both are the same. "l1" is the per-class
        variant: its optimal neurons serve one output each.

    Notes
    -----
    With X on disk, construction (one pass, to check that it is finite), ``objective`` and predictions read it in
    chunks and compute in float64. The file must not change meanwhile. Training and certificates work on all of X in
    memory, in float64 (descent scales its columns, the convex program and the search for neurons multiply it as a
    whole), so they refuse a file of float32: ``problem.in_memory()`` reads it.

    Raises
    ------
    ValueError
        If X or y is empty, not finite or of a wrong shape, if y is not what the loss takes, if beta is negative or
        not finite, if a weight is negative or all are zero, or if the loss or the norm is not known.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, eq. (2); A. Sahiner, T. Ergen,
    J. Pauly, M. Pilanci, "Vector-output ReLU neural network problems are copositive programs", ICLR 2021 (several
    outputs).

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
    sample_weight: Array | None = None  # (n,)
    output_norm: OutputNorm = "l2"
    shift: Array = field(init=False, repr=False)  # (C,)
    centred_target: Array = field(init=False, repr=False)  # shape of y

    def __init__(
        self,
        X: Any,
        y: Any,
        beta: Any,
        loss: str | Loss = "squared",
        output_offset: bool = False,
        sample_weight: Any = None,
        output_norm: OutputNorm = "l2",
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
        self.loss.check_targets(self.y)
        if output_norm not in get_args(OutputNorm):
            raise ValueError(f"output_norm must be one of {get_args(OutputNorm)}; got {output_norm!r}")
        object.__setattr__(self, "output_offset", bool(output_offset))
        object.__setattr__(self, "sample_weight", _as_weights(sample_weight, X.shape[0]))
        object.__setattr__(self, "output_norm", output_norm)
        object.__setattr__(self, "shift", read_only(self._mean_target()))
        object.__setattr__(self, "centred_target", self._less_shift())

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

    @property
    def targets(self) -> Array:
        """Return y as (n, C), whatever shape it was given in."""
        return np.asarray(as_columns(self.y))

    @property
    def total_weight(self) -> float:
        """Return the sum of the samples' weights; n without any."""
        return float(self.n_samples if self.sample_weight is None else np.sum(self.sample_weight))

    def _mean_target(self) -> Array:
        """Return what the offset can take up of the targets.

        Losses and duals are evaluated at y less this, because ``<lam, y>`` with ``1^T lam = 0`` cancels where the mean
        of y is far above its spread. Zero without an offset, or for a loss that depends on more than f - y.
        """
        if not (self.output_offset and self.loss.is_shift_equivariant):
            return np.zeros(self.n_outputs)
        return np.asarray(np.average(self.targets, axis=0, weights=self._relative_weights))

    @property
    def _relative_weights(self) -> Array | None:
        """Return the samples' weights as `relative_weights`."""
        return None if self.sample_weight is None else relative_weights(self.sample_weight)

    def _less_shift(self) -> Array:
        return read_only((self.targets - self.shift).reshape(self.y.shape))

    def _without_shift(self, f: Array, offset: Array) -> Array:
        """Return predictions (k,) or (k, C) with an offset, less what `centred_target` leaves out, shape (k, C)."""
        return np.asarray(f.reshape(len(f), self.n_outputs) + (offset - self.shift))

    @property
    def _centred(self) -> Array:
        return np.asarray(as_columns(self.centred_target))

    def loss_value(self, f: Array, offset: Array) -> float:
        """Return ``ell(f + offset, y)``, with the samples' weights.

        Parameters
        ----------
        f : ndarray of shape (n,) or (n, C)
            Predictions without the offset.
        offset : ndarray of shape (C,)
            The offset.
        """
        return self.loss.value(self._without_shift(f, offset), self._centred, self.sample_weight)

    def loss_gradient(self, f: Array, offset: Array, rows: slice = slice(None)) -> Array:
        """Return the gradient of ``ell(f + offset, y)``, with the samples' weights, shape of f.

        Parameters
        ----------
        f : ndarray of shape (k,) or (k, C)
            Predictions without the offset.
        offset : ndarray of shape (C,)
            The offset.
        rows : slice, default all
            The samples that f is of.
        """
        gradient = np.asarray(self.loss.gradient(self._without_shift(f, offset), self._centred[rows]))
        if self.sample_weight is not None:
            gradient = gradient * self.sample_weight[rows][:, None]
        return gradient.reshape(f.shape)

    def newton_weights(self, f: Array, offset: Array) -> Array:
        """Return the loss's `Loss.newton_weights` at ``f + offset``, times the samples' weights."""
        weights = self.loss.newton_weights(self._without_shift(f, offset), self._centred)
        if self.sample_weight is not None:
            weights = weights * self.sample_weight.reshape(-1, *[1] * (weights.ndim - 1))
        return weights.reshape(f.shape + weights.shape[2:])

    @property
    def offset_columns(self) -> Array:
        """Return what an offset of 1 of each output adds to predictions, (n C, C); (n C, 0) without an offset."""
        if not self.output_offset:
            return np.zeros((self.y.size, 0))
        return np.tile(np.eye(self.n_outputs), (self.n_samples, 1))

    @property
    def offset_basis(self) -> Array:
        """Return an orthonormal basis of the columns of `offset_columns`."""
        return np.asarray(self.offset_columns / np.sqrt(self.n_samples))

    @property
    def curvature(self) -> float:
        """Return an upper bound on the largest eigenvalue of the weighted loss's Hessian."""
        largest = 1.0 if self.sample_weight is None else float(np.max(self.sample_weight))
        return self.loss.curvature * largest

    def penalty(self, network: ReLUNetwork) -> float:
        """Return ``beta/2 sum_j (||u_j||^2 + ||a_j||^2)`` in the problem's norm of output weights."""
        if self.output_norm == "l2":
            return self.beta * network.weight_decay
        sums = np.sum(np.abs(network.output_weights), axis=1)
        return 0.5 * self.beta * float(np.sum(network.hidden**2) + np.sum(sums**2))

    def objective(self, network: ReLUNetwork) -> float:
        """Return ``ell(f(X), y) + beta/2 (||U||^2 + ||A||^2)`` of a network, or of a result that holds one.

        Raises
        ------
        ValueError
            If the network does not fit the problem's shapes, or has an offset where the problem has none.
        """
        network = as_network(network, kinds=(ReLUNetwork, GatedReLUNetwork))
        self.require_fitting(network)
        return self.loss_value(network.predict_without_offset(self.X), network.offset) + self.penalty(network)

    def dual_variable(self, f: Array) -> Array:
        """Return ``lam = -grad ell(f)``, shape of f; with an output offset, projected on ``1^T lam = 0``.

        Parameters
        ----------
        f : ndarray of shape (n,) or (n, C)
            Predictions.
        """
        return self.project_dual(-self.loss_gradient(f, np.zeros(self.n_outputs)))

    def project_dual(self, lam: Array) -> Array:
        """Return ``lam`` balanced, ``1^T lam = 0``, where the problem has an output offset, else ``lam``.

        ``-lam`` must be in the domain of the loss's conjugate, and stays there.
        """
        if not self.output_offset:
            return lam
        return self.loss.balance(as_columns(lam), self.targets, self.sample_weight).reshape(lam.shape)

    def dual_objective(self, lam: Array) -> float:
        """Return ``-conjugate(-lam)``: a lower bound on the optimum wherever ``lam`` is dual feasible.

        Parameters
        ----------
        lam : ndarray of shape (n,) or (n, C)
            Dual variable, with ``1^T lam = 0`` where there is an offset.
        """
        return -self.loss.conjugate(-as_columns(lam), self._centred, self.sample_weight)

    def best_dual_scale(self, lam: Array, largest: float) -> float:
        """Return t in [0, largest] with the best `dual_objective` at ``t lam``."""
        return self.loss.best_dual_scale(as_columns(lam), self._centred, largest, self.sample_weight)

    def best_offset(self, f: Array) -> Array:
        """Return the best offset of predictions f without one, shape (C,); zero without an output offset."""
        if not self.output_offset:
            return np.zeros(self.n_outputs)
        return self.loss.best_offset(as_columns(f), self.targets, self._relative_weights)

    def null_offset(self) -> Array:
        """Return the best offset of a network without neurons, shape (C,); zero without an output offset."""
        return self.best_offset(np.zeros_like(self.y))

    def with_loss(self, loss: str | Loss) -> Problem:
        """Return the same problem with another loss."""
        other = copy(self)  # the arrays are immutable: shared, and not checked again
        object.__setattr__(other, "loss", get_loss(loss))
        other.loss.check_targets(other.y)
        object.__setattr__(other, "shift", read_only(other._mean_target()))
        object.__setattr__(other, "centred_target", other._less_shift())
        return other

    def smoothed(self, share: float) -> Problem:
        """Return the problem with a smooth loss in place of one with kinks; itself where it is smooth.

        A smoothed loss is nowhere above the loss, so that its lower bounds are the problem's too. In all it is
        below by at most ``share`` of the loss of no neurons, or of the samples' weight where that is zero.
        """
        if self.loss.is_smooth:
            return self
        null = self.loss_value(np.zeros_like(self.y), self.null_offset()) or self.total_weight
        return self.with_loss(self.loss.smoothed(self.smoothing_width(share * null)))

    def smoothing_width(self, error: float) -> float:
        """Return the width of a smoothed loss that is below the loss by at most ``error``, summed over the samples."""
        return error / (self.total_weight * self.n_outputs)

    def with_targets(self, y: Array) -> Problem:
        """Return the same problem with other targets."""
        return Problem(
            self.X, y, self.beta, self.loss, self.output_offset, self.sample_weight, self.output_norm
        )

    def with_data(self, X: Any) -> Problem:
        """Return the same problem with other data, of as many rows."""
        return Problem(
            X, self.y, self.beta, self.loss, self.output_offset, self.sample_weight, self.output_norm
        )

    def one_output(self) -> Problem:
        """Return the same problem with targets of shape (n,), for what is stated for one output.

        Raises
        ------
        ValueError
            If y has several columns.
        """
        if self.n_outputs != 1:
            raise ValueError(f"y must have one output, (n,) or (n, 1); got shape {self.y.shape}")
        return self.flat()

    def flat(self) -> Problem:
        """Return the same problem with targets of shape (n,) where there is one output; otherwise itself."""
        if self.n_outputs > 1:
            return self
        other = copy(self)  # the arrays are immutable: shared, and not checked again
        object.__setattr__(other, "y", self.y.reshape(-1))
        object.__setattr__(other, "centred_target", self.centred_target.reshape(-1))
        return other

    def with_beta(self, beta: float) -> Problem:
        """Return the same problem with another weight decay."""
        other = copy(self)  # the arrays are immutable: shared, and not checked again
        object.__setattr__(other, "beta", as_number(beta, "beta"))
        return other

    def in_memory(self) -> Problem:
        """Return the same problem with X in memory in float64; itself where it is."""
        if not isinstance(self.X, np.memmap):
            return self
        return self.with_data(np.asarray(self.X))

    def require_fitting(self, network: ReLUNetwork) -> None:
        """Raise ``ValueError`` unless the network has the problem's shapes and model."""
        as_network(network, kinds=(ReLUNetwork, GatedReLUNetwork))
        if network.n_features != self.n_features:
            raise ValueError(f"network must take {self.n_features} features; it takes {network.n_features}")
        if network.n_outputs != self.n_outputs:
            raise ValueError(
                f"network must have outputs of shape {('n', *self.y.shape[1:])}; its output weights have shape "
                f"{network.output.shape}"
            )
        if not self.output_offset and np.any(network.offset != 0):
            raise ValueError("network must have no offset: the problem has output_offset=False")

    def fitting(self, network: ReLUNetwork) -> ReLUNetwork:
        """Return a network of the problem's shapes and model, with output weights of the kind of y: (m,) for (n,).

        Raises
        ------
        ValueError
            As of `require_fitting`.
        """
        self.require_fitting(network)
        return network.like(self.y)

    def require_trainable(self) -> None:
        """Raise ``ValueError`` unless training and proofs are defined: beta > 0, and X in float64."""
        if self.beta <= 0:
            raise ValueError(f"beta must be > 0 for training and certificates; got {self.beta!r}")
        if self.X.dtype != np.float64:
            raise ValueError(
                f"X must be float64 for training and certificates; got a file of {self.X.dtype}, which "
                "problem.in_memory() reads into memory in float64"
            )

    def require_scale(self) -> None:
        """Raise `PrecisionError` where squares of gradients or of weights overflow or vanish.

        Entries of X and y, their product and their ratio are to be between 1e-130 and 1e130. Training, solves and
        proofs work in units of X and y, and do not ask for it.
        """
        has_units = self.loss.in_units(1.0) is not None
        data = float(max(np.max(self.X), -np.min(self.X)))
        target = float(np.max(np.abs(self.centred_target))) if has_units else 1.0
        # Logarithms, since the products themselves may overflow; zeros are any size.
        x, y = (abs(math.log10(size)) if size > 0 else 0.0 for size in (data, target))
        if x + y > _WIDEST_SCALE:
            of_y = f", y by {target:.3g} and weight decay by both" if has_units else " and weight decay by it"
            raise PrecisionError(
                f"X and y must be of sizes that double precision can square and multiply; got entries up to {data:.3g} "
                f"of X and up to {target:.3g} of y: divide X by {data:.3g}{of_y}"
            )

    def __repr__(self) -> str:
        return (
            f"Problem(n={self.n_samples}, d={self.n_features}, outputs={self.n_outputs}, beta={self.beta:g}, "
            f"loss={self.loss.name!r}, output_offset={self.output_offset})"
        )


def as_problem(value: Any, name: str = "problem") -> Problem:
    """Return a problem.

    Raises
    ------
    ValueError
        If it is anything else; where it is a network or data, the message says what is meant.
    """
    hint = "Problem(X, y, beta=...) makes one of data"
    if isinstance(value, ReLUNetwork) or hasattr(value, "network"):
        hint = "a problem comes before its network"
    elif isinstance(getattr(value, "problem", None), Problem):
        hint = "its attribute problem is one"
    problem: Problem = require_kind(value, Problem, name, hint)
    return problem


def as_network(
    value: Any, name: str = "network", kinds: tuple[type[Any], ...] = (ReLUNetwork,)
) -> ReLUNetwork:
    """Return a network of an accepted class; of a result that holds one, its network.

    Raises
    ------
    ValueError
        If it is neither; where it is a batch of networks, an estimator or a problem, the message says what is meant.
    """
    held = getattr(value, "network", None)
    network: ReLUNetwork = held if isinstance(held, kinds) else value
    require_kind(network, kinds, name, "" if isinstance(network, kinds) else _instead_of_network(value))
    return network


def _instead_of_network(value: Any) -> str:
    """Return what to pass in place of a value that is no network."""
    if isinstance(value, Problem):
        return "a problem comes before its network"
    if callable(held := getattr(value, "network", None)):
        return f"a batch of networks, of which {held.__qualname__}(index) is one"
    if hasattr(value, "network_"):
        return "its attribute network_ is its network"
    return "ReLUNetwork(hidden, output) makes one of weights"


def as_labelled(X: Any, y: Any) -> tuple[Array, Array]:
    """Return data (n, d) and labels (n,) as float64 arrays.

    Raises
    ------
    ValueError
        If X is empty or not finite, the shapes disagree, or y holds anything but -1 and +1.
    """
    problem = Problem(X, y, 1.0).in_memory().one_output()
    others = problem.y[np.abs(problem.y) != 1.0]
    if others.size:
        raise ValueError(f"y must hold the labels -1 and +1 only; found {others[0]:g}")
    return problem.X, problem.y


def relative_weights(weights: Array) -> Array:
    """Return weights over a power of two near the largest: means are the same, and no product with them overflows."""
    return np.asarray(np.ldexp(weights, -int(np.frexp(np.max(weights))[1])))


def require_summable(weights: Array) -> None:
    """Raise ``ValueError`` unless the sum of the samples' weights is a float64 with all its digits."""
    with np.errstate(over="ignore"):
        total = float(np.sum(weights))
    if not _LEAST_WEIGHT <= total < np.inf:
        raise ValueError(
            f"sample_weight must have a sum between {_LEAST_WEIGHT:g} and {np.finfo(np.float64).max:.2g}; got weights "
            f"up to {float(np.max(weights)):g}: only their ratios matter, divide them by their mean"
        )


def _as_weights(weights: Any, n_samples: int) -> Array | None:
    if weights is None:
        return None
    array = as_finite_array(weights, "sample_weight", (1,))
    if array.shape[0] != n_samples:
        raise ValueError(
            f"sample_weight must have one entry for each of the {n_samples} rows of X; got {len(array)}"
        )
    if np.any(array < 0) or not np.any(array > 0):
        raise ValueError(f"sample_weight must be >= 0 with some > 0; got {float(np.min(array)):g} at least")
    require_summable(array)
    return read_only(array)
