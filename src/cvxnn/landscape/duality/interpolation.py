"""Minimum-norm interpolation: what training tends to as weight decay falls to zero."""

from __future__ import annotations

import contextlib
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.atoms import Atoms, basic_atoms
from cvxnn.betas import as_decreasing
from cvxnn.certificates import Rotation
from cvxnn.landscape.duality.admissible_targets import admissible_rows
from cvxnn.landscape.duality.dual_program import require_oracle
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import enumerate_patterns, require_few_patterns
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.training import TrainingResult, train
from cvxnn.units import Units
from cvxnn.validation import Array, PrecisionError

_MAX_CELLS = 2000
_PRECISION = {"tol_gap_abs": 1e-11, "tol_gap_rel": 1e-11, "tol_feas": 1e-11}
# Of the largest target: a fit that misses by more is none.
_MISFIT = 1e-6
# Of the largest block: what an interior point leaves of blocks that should be zero.
_SPECK = 1e-9
# Relative gap that training is asked for.
_TRAIN_TOL = 1e-8


@short_repr
@dataclass(frozen=True, eq=False)
class Interpolation:
    """The network of the smallest norm that fits the targets exactly, with its dual.

    Parameters
    ----------
    network : ReLUNetwork
        Balanced; fits the targets to ``misfit``.
    norm : float
        ``sum_j ||u_j|| |a_j|`` of the network: the optimum of the convex program.
    lam : ndarray of shape (n,)
        The dual variable, scaled to be feasible: ``|lam^T (X u)_+| <= 1`` for all ``||u|| <= 1``.
    bound : float
        ``lam^T y``: no network that fits has a smaller norm.
    misfit : float
        Largest absolute residual of the network.
    """

    network: ReLUNetwork
    norm: float
    lam: Array  # (n,)
    bound: float
    misfit: float

    @property
    def duality(self) -> Comparison:
        """Return the norm beside the dual's value: equal."""
        return Comparison(self.norm, self.bound)


@short_repr
@dataclass(frozen=True, eq=False)
class InterpolationLimit:
    """Trained networks at falling weight decay, beside the interpolation of the smallest norm.

    Parameters
    ----------
    interpolation : Interpolation
        The limit.
    betas : ndarray of shape (k,)
        Weight decays, decreasing.
    networks : tuple of ReLUNetwork
        Trained at each.
    above, below : tuple of Comparison
        The objective over ``beta norm``: at most 1, and at least ``1 - beta ||lam||^2 / (2 norm)``.
    norms : tuple of Comparison
        ``sum_j ||u_j|| |a_j|`` over ``norm``: at most 1, and what the gap of training leaves open.
    fits : tuple of Comparison
        ``||f(X) - y||`` over ``beta ||lam||``: at most 1, and what the gap of training leaves open.
    """

    interpolation: Interpolation
    betas: Array  # (k,)
    networks: tuple[ReLUNetwork, ...]
    above: tuple[Comparison, ...]
    below: tuple[Comparison, ...]
    norms: tuple[Comparison, ...]
    fits: tuple[Comparison, ...]

    @property
    def holds(self) -> bool:
        """Return whether all comparisons hold."""
        return all(one.holds for one in (*self.above, *self.below, *self.norms, *self.fits))


def minimum_norm_interpolation(X: Any, y: Any, *, output_offset: bool = False) -> Interpolation:
    """Return the network of the smallest norm that takes given values.

    ``min sum_i ||v_i|| + ||w_i||  s.t.  sum_i D_i X (v_i - w_i) = y,  v_i, w_i in K_i`` over all patterns, with the
    dual ``max lam^T y  s.t.  |lam^T (X u)_+| <= 1 for all ||u|| <= 1``. Solved by CVXPY and Clarabel; the dual variable
    is scaled by what an exact oracle proves of it. Rows whose directions differ by at most 1e-7 are taken for one.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data with at most 2000 activation patterns.
    y : array_like of shape (n,)
        Targets.
    output_offset : bool, default False
        Whether the network has an unpenalised offset; then ``1^T lam = 0``.

    Raises
    ------
    ValueError
        If no network takes these values, as where two rows of X point in one direction and their targets do not, or X
        has too many patterns; a `PrecisionError` if double precision reaches no fit.

    References
    ----------
    M. Pilanci and T. Ergen, "Neural networks are convex regularizers", ICML 2020, section 3.1 (the limit beta -> 0).

    Examples
    --------
    >>> interpolation = minimum_norm_interpolation([[1.0], [-2.0]], [3.0, 1.0])
    >>> round(interpolation.norm, 6), round(interpolation.bound, 6)
    (3.5, 3.5)
    """
    given = Problem(X, y, 0.0, output_offset=output_offset).one_output()
    units = Units.of(given)
    whole = units.problem.with_beta(1.0)
    rows, targets = admissible_rows(whole.X, whole.centred_target, output_offset=output_offset)
    problem = Problem(rows.X, targets, 1.0, output_offset=output_offset)
    if np.any(problem.centred_target):
        rotation = Rotation.of(problem)  # many columns: the same in the row space
        network, dual = _least(rotation.problem, 0.0 if rotation.errors is None else rotation.errors)
        network = rotation.network(network)
    else:
        network, dual = (
            ReLUNetwork(np.zeros((problem.n_features, 0)), np.zeros(0), problem.shift),
            np.zeros(len(targets)),
        )
    network = ReLUNetwork(network.hidden, network.output, network.offset + whole.shift)
    misfit = float(np.max(np.abs(network.predict(whole.X) - whole.y)))
    if misfit > _MISFIT * float(np.max(np.abs(whole.centred_target))):
        raise PrecisionError(
            f"X and y must be such that double precision reaches a fit; the network found misses a target by "
            f"{misfit * units.target:.3g}, its norm being {network.path_norm:.3g} times that of y over X"
        )
    lam = np.zeros(len(whole.X))
    lam[rows.index] = dual
    bound, slope = float(dual @ problem.centred_target), units.target / units.data
    return Interpolation(
        units.network(network),
        network.path_norm * slope,
        lam / units.data,
        bound * slope,
        misfit * units.target,
    )


def _constant(problem: Problem) -> ReLUNetwork:
    return ReLUNetwork(np.zeros((problem.n_features, 0)), np.zeros(0), problem.shift)


def _least(problem: Problem, errors: Array | float) -> tuple[ReLUNetwork, Array]:
    """Return the network of the smallest norm and a dual variable, feasible for rows that differ by ``errors`` too."""
    require_few_patterns(problem.X, _MAX_CELLS)
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    blocks, offset, lam = _solve(program)
    norms = np.linalg.norm(blocks, axis=0)
    blocks = np.where(norms > _SPECK * np.max(norms, initial=0.0), blocks, 0.0)
    atoms = Atoms(program.project(blocks), program.masks, program.signs).nonzero()
    upper = require_oracle(problem).maximise(lam).upper + float(np.sum(np.abs(lam) * errors))
    return basic_atoms(problem, atoms).network(problem, offset), lam / upper if upper > 0 else lam


def _solve(program: ReLUProgram) -> tuple[Array, Array, Array]:
    """Return blocks, offset and dual variable: the latter's unit does not matter, it is scaled to be feasible."""
    import cvxpy as cp

    problem = program.problem
    target = problem.centred_target
    size = float(np.max(np.abs(target))) or 1.0
    lengths = np.linalg.norm(problem.X, axis=1)
    # Rows of length one; where a row is zero its target has to be.
    X = problem.X / np.where(lengths > 0, lengths, 1.0)[:, None]
    unit = float(np.max(lengths)) or 1.0
    shares = np.where(lengths > 0, lengths, unit) / unit
    W = cp.Variable((problem.n_features, program.n_blocks))
    Z = X @ W
    f = cp.sum(cp.multiply(program.masks * program.signs, Z), axis=1)
    offset: Any = cp.Variable() if problem.output_offset else cp.Constant(0.0)
    fit = cp.multiply(shares, f) + offset == target / size
    cones = cp.multiply(np.where(program.masks, 1.0, -1.0), Z) >= 0
    statement = cp.Problem(cp.Minimize(cp.sum(cp.norm(W, 2, axis=0))), [fit, cones])
    with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
        warnings.simplefilter("ignore")  # "may be inaccurate": misfit and bound are recomputed
        statement.solve(solver=cp.CLARABEL, **_PRECISION)
    if W.value is None or fit.dual_value is None:
        raise PrecisionError(
            f"X and y must be such that double precision reaches a fit; the convex program is {statement.status}: "
            "rows of nearly one direction may ask for far values, or rows be of very different lengths"
        )
    # CVXPY's multiplier of f == y is minus the derivative of the optimum for y, which lam is
    shift = problem.shift + size * float(offset.value) if problem.output_offset else np.zeros(1)
    return W.value * (size / unit), shift, problem.project_dual(-np.asarray(fit.dual_value))


def interpolation_limit(X: Any, y: Any, betas: Any, *, output_offset: bool = False) -> InterpolationLimit:
    """Train at falling weight decay and compare with the interpolation of the smallest norm.

    Statement: with ``norm`` and ``lam`` the optimum and a dual optimum of `minimum_norm_interpolation`, the optimum
    p*(beta) of training with the squared loss, and its network, satisfy

    ``norm - beta/2 ||lam||^2 <= p*(beta) / beta <= norm``,  ``sum_j ||u_j|| |a_j| <= norm``,
    ``||f(X) - y|| <= beta ||lam||``.

    The first by ``beta lam``, a feasible dual point; the next two by the interpolation as a feasible network; the last
    by monotonicity of the norm's subdifferential, which has lam at y and ``(y - f) / beta`` at f.
    Hypotheses: the squared loss; targets that a network can take and, less their mean where there is an offset, are
    not all zero.
    Guarantee: tight in the limit, with the rate of the bounds.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Targets.
    betas : array_like of shape (k,)
        Weight decays > 0, decreasing: each training starts from the network before.
    output_offset : bool, default False
        Whether networks have an unpenalised offset.

    Raises
    ------
    HypothesisError
        If the targets are all zero.
    ValueError
        As of `minimum_norm_interpolation`, or if betas are not positive and decreasing.

    Examples
    --------
    >>> limit = interpolation_limit([[1.0], [-2.0]], [3.0, 1.0], [0.1, 0.01])
    >>> limit.holds, [round(network.path_norm, 4) for network in limit.networks]
    (True, [3.375, 3.4875])
    """
    values = as_decreasing(betas, "betas")
    problem = Problem(X, y, 1.0, output_offset=output_offset).one_output()
    if not np.any(problem.centred_target):
        less = ", less their mean" if output_offset else ""
        raise HypothesisError(
            f"the targets must not be zero{less}; they are from {np.min(problem.y):.6g} to {np.max(problem.y):.6g}"
        )
    best = minimum_norm_interpolation(X, y, output_offset=output_offset)
    networks: list[ReLUNetwork] = []
    compared = []
    for beta in map(float, values):
        start = networks[-1] if networks else None
        result = train(problem.with_beta(beta), tol=_TRAIN_TOL, start=start)
        networks.append(result.network)
        compared.append(_compare(problem, beta, result, best))
    above, below, norms, fits = zip(*compared, strict=True)
    return InterpolationLimit(best, values, tuple(networks), above, below, norms, fits)


def _compare(
    problem: Problem, beta: float, result: TrainingResult, best: Interpolation
) -> tuple[Comparison, Comparison, Comparison, Comparison]:
    """Return the four comparisons of a trained network."""
    certificate, unit = result.certificate, beta * best.norm
    length = float(np.linalg.norm(best.lam))
    residual = float(np.linalg.norm(result.network.predict(problem.X) - problem.y))
    # The network is within its gap of the optimum, and its fit within the root of twice that of the optimal fit.
    slack, distance = certificate.gap / unit, (2.0 * certificate.gap) ** 0.5 / (beta * length)
    lowest = (best.bound - 0.5 * beta * length**2) / best.norm
    return (
        Comparison(certificate.objective / unit, 1.0 + slack, "at most"),
        Comparison(certificate.objective / unit, lowest, "at least"),
        Comparison(result.network.path_norm / best.norm, 1.0 + slack, "at most"),
        Comparison(residual / (beta * length), 1.0 + distance, "at most"),
    )
