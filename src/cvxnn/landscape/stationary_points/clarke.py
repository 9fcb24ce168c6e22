"""Clarke stationarity of any network: the distance of zero from the subdifferential, neuron by neuron."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import ON_KINK, find_kinks
from cvxnn.landscape.cones.kink_lines import KinkLines
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, PrecisionError, as_number

_EPS = float(np.finfo(np.float64).eps)
# Residuals of networks that are not stationary were seen down to 0.01 at weight decays where they matter.
_LARGEST_ROUNDING = 1e-3


@short_repr
@dataclass(frozen=True, eq=False)
class Stationarity:
    """How far a network is from Clarke stationary, and the multipliers that come closest.

    Parameters
    ----------
    distances : ndarray of shape (m,)
        For each neuron the distance of zero from its part of the subdifferential; see `stationarity` for the formula.
    offset_distance : float
        ``||1^T lam||``, the derivative by the output offset; 0 where the problem has none.
    multipliers : ndarray of shape (n, m)
        ``D^``: 1 and 0 on the two sides of a neuron, in between on its kink.
    kinks : bool ndarray of shape (n, m)
        Which samples are on the kink of which neurons.
    bends : ndarray of shape (n, m)
        On kinks, how much the slope of the objective along ``x_i / ||x_i||`` rises as neuron j crosses its kink (with
        all samples on the same line through the origin); 0 elsewhere. Where it is negative the objective is concave,
        and both sides of the kink may be downhill of a Clarke stationary point.
    are_exact : bool ndarray of shape (m,)
        Whether the set of multipliers gives a neuron's Clarke subdifferential exactly. It does where the lines of
        its kinks are linearly independent, or its bends of one sign. Otherwise it contains it, and the distance is a
        lower bound.
    scale : float
        What gradients are measured in: ``beta ||theta||``, theta all hidden and output weights; without weight decay
        ``||X|| ||lam_0|| ||theta||`` with lam_0 the dual variable of the null network.
    offset_scale : float
        ``sqrt(n) ||lam_0||``.
    rounding : float, default 0.0
        How much of the residual may be the rounding of predictions and of weights: ``lam`` is a difference of numbers
        of the size of y, and at small weight decay much smaller than these.
    """

    distances: Array
    offset_distance: float
    multipliers: Array
    kinks: NDArray[np.bool_]
    bends: Array
    are_exact: NDArray[np.bool_]
    scale: float
    offset_scale: float
    rounding: float = 0.0

    @property
    def distance(self) -> float:
        """Return the distance of zero from the subdifferential of the objective."""
        return float(np.hypot(np.linalg.norm(self.distances), self.offset_distance))

    @property
    def residual(self) -> float:
        """Return the distance without units: in `scale`, or the offset's in `offset_scale` where that is larger."""
        neurons = _ratio(float(np.linalg.norm(self.distances)), self.scale)
        return max(neurons, _ratio(self.offset_distance, self.offset_scale))

    def is_stationary(self, tol: float = 1e-8) -> bool:
        """Return whether the residual is at most ``tol``, or not above what rounding makes of zero.

        Parameters
        ----------
        tol : float, default 1e-8
            Largest `residual` that counts as zero.

        Raises
        ------
        PrecisionError
            If that is more than 0.001, so that it decides nothing.
        """
        if self.residual <= tol:
            return True
        if self.residual <= self.rounding and self.rounding > _LARGEST_ROUNDING:
            raise PrecisionError(
                f"beta must be large enough for double precision to tell stationary networks: predictions of this one "
                f"are rounded by {self.rounding:.1g} of beta; raise beta, or scale samples to like sizes"
            )
        return self.residual <= self.rounding


def _ratio(length: float, scale: float) -> float:
    if length == 0.0:
        return 0.0
    return length / scale if scale > 0 else np.inf


@on_one_blas_thread
def stationarity(
    problem: Problem,
    network: ReLUNetwork,
    *,
    kinks: Any = None,
    kink_tol: float = ON_KINK,
    fixed_output: bool = False,
) -> Stationarity:
    """Measure how far a network is from a Clarke stationary point of the training problem.

    With ``lam = -grad ell`` a network is Clarke stationary when every neuron has ``D^_j`` with

    ``beta u_j = sum_i D^_ij (lam_i^T a_j) x_i``,  ``beta a_j = lam^T (X u_j)_+``,

    D^_ij being 1 where ``x_i^T u_j > 0``, 0 where it is negative and in [0, 1] on the kink; with an output offset also
    ``1^T lam = 0``. Samples on one line through the origin change sides together and share one number. For each neuron
    the D^ that comes closest is a small least-squares problem in a box.

    Parameters
    ----------
    problem : Problem
        Its loss smooth; any number of outputs, either norm of output weights; beta may be 0.
    network : ReLUNetwork
        Any network, zero neurons included: one with ``u_j = 0, a_j = 0`` is stationary.
    kinks : bool array_like of shape (n, m), optional
        Which samples are on the kink of which neurons, where that is known; by default those with
        ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||``.
    kink_tol : float, default 1e-9
        See ``kinks``. Neurons from a convex program are on their kinks to about 1e-13.
    fixed_output : bool, default False
        Whether output weights are given numbers, so that their equations are left out.

    Returns
    -------
    Stationarity

    Raises
    ------
    ValueError
        If the loss has a kink of its own, the network does not fit the problem, or kinks have a wrong shape.

    Notes
    -----
    The objective is differentiable in all but the hidden weights, and the loss smooth, so that its Clarke
    subdifferential is a product over neurons: each can be projected on alone, and distances add up in squares. The
    multipliers of a neuron are those of the limits of gradients where its kinks' lines are independent (`KinkLines`).

    Stationarity in this sense is weak at kinks where the objective is concave: see `directional_slopes`, and
    `cvxnn.landscape.sub_programs` for what follows from it.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (Clarke stationary points); F. H. Clarke, "Optimization and nonsmooth analysis", 1983,
    theorem 2.5.1.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> stationarity(problem, ReLUNetwork([[0.5**0.5]], [0.5**0.5])).is_stationary()
    True
    >>> round(stationarity(problem, ReLUNetwork([[1.0]], [1.0])).residual, 6)
    1.0
    """
    problem, network = as_problem(problem), as_network(network)
    parts = neuron_parts(problem, network, kinks=kinks, kink_tol=kink_tol)
    n, m = parts.kinks.shape
    multipliers = np.where(parts.kinks, 0.0, (problem.X @ network.hidden > 0).astype(np.float64))
    bends, distances = np.zeros((n, m)), np.zeros(m)
    for j, lines in enumerate(parts.lines):
        nearest, t = lines.nearest(problem.beta * network.hidden[:, j])
        multipliers[lines.rows, j] = lines.multipliers(t)
        bends[lines.rows, j] = lines.bends[lines.line]
        distances[j] = np.linalg.norm(nearest)
    if not fixed_output:
        distances = np.hypot(distances, output_distances(problem, network, parts.lam))
    exact = [line.are_independent or _of_one_sign(line.bends) for line in parts.lines]
    return Stationarity(
        distances,
        offset_distance(problem, parts.lam),
        multipliers,
        parts.kinks,
        bends,
        np.array(exact, dtype=np.bool_),
        *_scales(problem, network),
        _rounding(problem, network),
    )


@dataclass(frozen=True, eq=False)
class NeuronParts:
    """The dual variable lam of a network, (n,) or (n, C), its kinks (n, m), and each neuron's hyperplanes."""

    lam: Array
    kinks: NDArray[np.bool_]
    lines: tuple[KinkLines, ...]


def neuron_parts(
    problem: Problem, network: ReLUNetwork, *, kinks: Any = None, kink_tol: float = ON_KINK
) -> NeuronParts:
    """Return what the objective does to first order around every neuron; parameters are those of `stationarity`."""
    network = problem.fitting(network)
    if not problem.loss.is_smooth:
        raise ValueError(f"problem must have a smooth loss; its loss {problem.loss.name!r} has kinks")
    problem = problem.in_memory()
    problem.require_scale()
    X, m = problem.X, network.n_neurons
    on_kink = _as_kinks(problem, network, kinks, as_number(kink_tol, "kink_tol"))
    lam = -problem.loss_gradient(network.predict_without_offset(X), network.offset)
    slopes = lam.reshape(len(X), -1) @ network.output.reshape(m, network.n_outputs).T
    active = (X @ network.hidden > 0) & ~on_kink
    lines = [KinkLines.of(X, slopes[:, j], active[:, j], on_kink[:, j]) for j in range(m)]
    return NeuronParts(lam, on_kink, tuple(lines))


def _as_kinks(problem: Problem, network: ReLUNetwork, kinks: Any, kink_tol: float) -> NDArray[np.bool_]:
    if kinks is None:
        return find_kinks(problem.X, network.hidden, kink_tol)
    found = np.asarray(kinks)
    shape = (problem.n_samples, network.n_neurons)
    if found.shape != shape or found.dtype != np.bool_:
        raise ValueError(f"kinks must be a bool array of shape {shape}; got {found.dtype} of {found.shape}")
    return found


def output_distances(problem: Problem, network: ReLUNetwork, lam: Array) -> Array:
    """Return the distance of zero from the subdifferential by each neuron's output weights, shape (m,)."""
    m = network.n_neurons
    output = network.output.reshape(m, network.n_outputs)
    gains = np.maximum(problem.X @ network.hidden, 0.0).T @ lam.reshape(len(lam), -1)
    if problem.output_norm == "l2" or problem.n_outputs == 1:
        return np.asarray(np.linalg.norm(problem.beta * output - gains, axis=1))
    # The gradient of beta/2 ||a||_1^2 is beta ||a||_1 sign(a), anything in between at a zero.
    sums = problem.beta * np.sum(np.abs(output), axis=1, keepdims=True)
    off = np.where(output != 0, sums * np.sign(output) - gains, np.maximum(np.abs(gains) - sums, 0.0))
    return np.asarray(np.linalg.norm(off, axis=1))


def offset_distance(problem: Problem, lam: Array) -> float:
    """Return ``||1^T lam||``; 0 where the problem has no offset."""
    return float(np.linalg.norm(np.sum(lam, axis=0))) if problem.output_offset else 0.0


def _scales(problem: Problem, network: ReLUNetwork) -> tuple[float, float]:
    null = problem.loss_gradient(np.zeros_like(problem.y), problem.null_offset())
    size = float(np.linalg.norm(null))
    unit = problem.beta if problem.beta > 0 else float(np.linalg.norm(problem.X, 2)) * size
    theta = float(np.sqrt(2.0 * network.weight_decay))
    return unit * theta, float(np.sqrt(problem.n_samples)) * size


def _rounding(problem: Problem, network: ReLUNetwork) -> float:
    """Return the relative residual that rounding of predictions can make: that of each sample times what it weighs."""
    X, m = np.abs(problem.X), network.n_neurons
    hidden, output = np.abs(network.hidden), np.abs(network.output).reshape(m, network.n_outputs)
    terms = np.sum(X @ hidden @ output, axis=1) + np.sum(
        np.abs(problem.centred_target.reshape(len(X), -1)), axis=1
    )
    errors = _EPS * problem.curvature * terms
    by_hidden = errors @ np.linalg.norm(X, axis=1) * np.linalg.norm(output, axis=1)
    by_output = errors @ (X @ hidden)
    return _ratio(float(np.linalg.norm(np.hypot(by_hidden, by_output))), _scales(problem, network)[0])


def _of_one_sign(bends: Array) -> bool:
    return bool(np.all(bends >= 0) or np.all(bends <= 0))
