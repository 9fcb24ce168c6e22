"""Karush-Kuhn-Tucker points of max margin over networks, and which of them are global optima."""

from __future__ import annotations

import contextlib
import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import find_kinks
from cvxnn.margin.dual_constraint import DualConstraint, DualNorm
from cvxnn.margin.scaling import scaled_to_margin_one
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import as_labelled, as_network
from cvxnn.short_reprs import short_repr
from cvxnn.units import power_of_four
from cvxnn.validation import Array, PrecisionError, as_number

_SOLVER_TOL = 1e-11
# Rounds of cuts, and when the model of the dual norm has met the dual norm.
_MOST_CUTS, _MET = 50, 1e-8
# How much more than the least residual multipliers may have: what two solves of one problem can differ by.
_SLACK, _ROUNDING = 1e-3, 1e-9


@short_repr
@dataclass(frozen=True, eq=False)
class KKTPoint:
    """What multipliers say of a network as a solution of max margin.

    The problem is ``min 1/2 (||U||^2 + ||a||^2)`` with ``y_i f(x_i) >= 1``. The network is scaled to a smallest
    margin of one first: gradient flow's limits are directions.

    Parameters
    ----------
    network : ReLUNetwork
        The network, scaled.
    multipliers : ndarray of shape (n,)
        ``lam >= 0``, zero where the margin is not tight. The literature's lambda is ``y * lam``.
    gates : ndarray of shape (n, m)
        Clarke multipliers of the hidden layer: 1 where active, 0 where not, in [0, 1] on kinks.
    residual : float
        Norm of what is left of ``u_j = a_j X^T diag(gates_j) diag(y) lam`` and ``a_j = lam^T diag(y) (X u_j)_+``, all
        neurons together, over that of the network.
    dual_norm : DualNorm
        The largest ``|(y * lam)^T (Xu)_+|`` over unit vectors, for the multipliers that make it smallest.
    tol : float
        The tolerance of `is_kkt` and `is_global`, and of what counts as tight.
    """

    network: ReLUNetwork
    multipliers: Array  # (n,)
    gates: Array  # (n, m)
    residual: float
    dual_norm: DualNorm
    tol: float

    @property
    def value(self) -> float:
        """Return ``1/2 (||U||^2 + ||a||^2)``; its reciprocal is the margin of the network's direction."""
        return self.network.weight_decay

    @property
    def lower_bound(self) -> float:
        """Return ``sum_i lam_i / Phi``: no network of any width with margins of one has a smaller value."""
        return float(np.sum(self.multipliers)) / self.dual_norm.upper if self.dual_norm.upper > 0 else 0.0

    @property
    def relative_gap(self) -> float:
        """Return ``(value - lower_bound) / value``."""
        return (self.value - self.lower_bound) / self.value

    @property
    def is_kkt(self) -> bool:
        """Return whether the residual is at most tol."""
        return self.residual <= self.tol

    @property
    def is_dual_feasible(self) -> bool:
        """Return whether the multipliers are proven feasible: ``max |(y * lam)^T (Xu)_+| <= 1 + tol``."""
        return self.dual_norm.upper <= 1.0 + self.tol

    @property
    def is_global(self) -> bool:
        """Return whether the network is a KKT point with dual feasible multipliers: of largest margin."""
        return self.is_kkt and self.is_dual_feasible


def kkt(
    X: Any, y: Any, network: ReLUNetwork, *, tol: float = 1e-6, kink_tol: float | None = None
) -> KKTPoint:
    """Return the multipliers of a network in max margin, its residual, and whether it is global.

    Multipliers solve ``min over lam, rho of ||residual||`` with ``lam >= 0`` on the tight samples and
    ``0 <= rho_ij <= lam_i`` on kinks, ``x_i^T u_j = 0``, a convex problem. Among all of them, those with the
    smallest ``Phi = max over ||u|| <= 1 of |(y * lam)^T (Xu)_+|`` are returned, found by cutting planes.

    Statement
        A KKT point of max margin over networks is a global optimum if and only if some multiplier of it has Phi <= 1.
    Hypotheses
        The network separates the data.
    Guarantee
        Tight where Phi is evaluated exactly; ``lower_bound`` is proven in any case, for any network.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    y : array_like of shape (n,)
        Labels, -1 and +1.
    network : ReLUNetwork
        One output, no output offset.
    tol : float, default 1e-6
        Residual of a KKT point, and excess of a feasible dual norm over 1; samples with a margin up to ``1 + tol``
        times the smallest are tight.
    kink_tol : float, optional
        Samples with ``|x_i^T u_j| <= kink_tol ||x_i|| ||u_j||`` are on the kink of u_j; by default ``tol``, as limits
        of descent come no closer to kinks than to margins.

    Returns
    -------
    KKTPoint

    Raises
    ------
    HypothesisError
        If a sample is not classified correctly.
    ValueError
        If X, y or the network have a wrong shape or values.

    References
    ----------
    Y. Wang and M. Pilanci, "The convex geometry of backpropagation", ICLR 2022 (KKT points of the non-convex and of
    the convex max-margin problem); K. Lyu and J. Li, "Gradient descent maximizes the margin of homogeneous neural
    networks", ICLR 2020 (the KKT conditions).

    Examples
    --------
    A neuron for each of two rows of one class is stationary, as each is off at the other row; one for both is smaller.

    >>> X, y = [[1.0, 0.0], [-0.28, 0.96]], [1.0, 1.0]
    >>> each = kkt(X, y, ReLUNetwork([[1.0, -0.28], [0.0, 0.96]], [1.0, 1.0]))
    >>> each.is_kkt, each.is_global, round(each.value, 6)
    (True, False, 2.0)
    >>> both = kkt(X, y, ReLUNetwork([[3.0], [4.0]], [1.0]).balance())
    >>> both.is_kkt, both.is_global, round(both.value, 6)
    (True, True, 1.666667)
    """
    network = as_network(network)
    X, y = as_labelled(X, y)
    tol = as_number(tol, "tol", positive=True)
    kink_tol = tol if kink_tol is None else as_number(kink_tol, "kink_tol")
    network = scaled_to_margin_one(X, y, network)
    # In units of X the solver sees numbers of order one, whatever the units of X.
    unit = power_of_four(X)
    inner = ReLUNetwork(network.hidden * math.sqrt(unit), network.output * math.sqrt(unit))
    conditions = _Conditions.of(X / unit, y, inner, tol, kink_tol)
    constraint = DualConstraint(conditions.X)
    lam, rho, found = _least_dual_norm(conditions, constraint)
    gates = conditions.gates(lam, rho)
    residual = conditions.residual(lam, rho)
    return KKTPoint(network, lam / unit, gates, residual, found, tol)


@dataclass(frozen=True, eq=False)
class _Conditions:
    """The stationarity conditions of a network as a linear map of (lam, rho) on tight samples and kinks."""

    X: Array
    y: Array
    network: ReLUNetwork
    active: NDArray[np.bool_]  # (n, m)
    tight: NDArray[np.intp]  # (k,)
    kinks: tuple[NDArray[np.intp], NDArray[np.intp]]  # positions among the tight samples, and neurons
    matrix: Array = field(repr=False)  # (m d + m, k + t)
    target: Array = field(repr=False)  # (m d + m,)

    @classmethod
    def of(cls, X: Array, y: Array, network: ReLUNetwork, tol: float, kink_tol: float) -> _Conditions:
        U, a = network.hidden, network.output
        Z, on_kink = X @ U, find_kinks(X, U, kink_tol)
        active = (Z > 0) & ~on_kink
        tight = np.flatnonzero(y * network.predict(X) <= 1.0 + tol)
        places, neurons = np.nonzero(on_kink[tight])
        signed = y[tight, None] * X[tight]  # (k, d)
        hidden = np.einsum("kj,kd,j->jdk", active[tight], signed, a).reshape(-1, len(tight))
        output = (y[tight, None] * np.maximum(Z[tight], 0.0) * active[tight]).T
        at_kinks = np.zeros((len(hidden) + len(a), len(places)))
        for column, (k, j) in enumerate(zip(places, neurons, strict=True)):
            at_kinks[j * X.shape[1] : (j + 1) * X.shape[1], column] = a[j] * signed[k]
        matrix = np.hstack([np.vstack([hidden, output]), at_kinks])
        return cls(X, y, network, active, tight, (places, neurons), matrix, np.concatenate([U.T.ravel(), a]))

    def residual(self, lam: Array, rho: Array) -> float:
        """Return the residual's norm over the network's."""
        left = self.target - self.matrix @ np.concatenate([lam[self.tight], rho])
        return float(np.linalg.norm(left) / np.linalg.norm(self.target))

    def gates(self, lam: Array, rho: Array) -> Array:
        """Return the Clarke multipliers (n, m); 1/2 on kinks of samples without a multiplier."""
        gates = self.active.astype(np.float64)
        k, j = self.kinks
        at = lam[self.tight[k]]
        gates[self.tight[k], j] = np.where(at > 0, np.minimum(rho / np.where(at > 0, at, 1.0), 1.0), 0.5)
        return gates

    def expand(self, values: Array) -> Array:
        """Return multipliers of all samples from those of the tight ones."""
        lam = np.zeros(len(self.y))
        lam[self.tight] = np.maximum(values, 0.0)
        return lam


def _least_dual_norm(conditions: _Conditions, constraint: DualConstraint) -> tuple[Array, Array, DualNorm]:
    """Return the multipliers of least dual norm among those of least residual, by cutting planes."""
    best, _, _ = _solve(conditions, None, np.zeros((len(conditions.y), 0)))
    limit = best * (1.0 + _SLACK) + _ROUNDING
    cuts, least = _images(conditions.X, conditions.network.hidden), None
    for _ in range(_MOST_CUTS):
        model, lam, rho = _solve(conditions, limit, cuts)
        found = constraint.evaluate(conditions.y * lam)
        if least is None or found.value < least[2].value:
            least = lam, rho, found
        if found.value <= model * (1.0 + _MET):
            break
        cuts = np.hstack([cuts, _images(conditions.X, found.directions)])
    assert least is not None
    return least


def _images(X: Array, directions: Array) -> Array:
    """Return ``(X u)_+`` for the unit vectors along directions (d, k), shape (n, k)."""
    norms = np.linalg.norm(directions, axis=0)
    return np.asarray(np.maximum(X @ (directions[:, norms > 0] / norms[norms > 0]), 0.0))


def _solve(conditions: _Conditions, limit: float | None, cuts: Array) -> tuple[float, Array, Array]:
    """Return the least residual, or with a limit on it the least ``max |q^T h|`` over the cuts h; and lam, rho."""
    import cvxpy as cp

    lam = cp.Variable(len(conditions.tight), nonneg=True)
    rho = cp.Variable(len(conditions.kinks[0]), nonneg=True)
    scale = float(np.linalg.norm(conditions.target))
    left = (conditions.target - conditions.matrix @ cp.hstack([lam, rho])) / scale
    constraints = [rho <= lam[conditions.kinks[0]]] if len(conditions.kinks[0]) else []
    if limit is None:
        objective = cp.norm(left)
    else:
        objective = cp.norm((cuts[conditions.tight] * conditions.y[conditions.tight, None]).T @ lam, "inf")
        constraints.append(cp.norm(left) <= limit)
    problem = cp.Problem(cp.Minimize(objective), constraints)
    with warnings.catch_warnings(), contextlib.suppress(cp.SolverError):
        # "Solution may be inaccurate": the residual is recomputed, and the dual norm evaluated.
        warnings.filterwarnings("ignore", message="Solution may be inaccurate")
        options = {"tol_gap_abs": _SOLVER_TOL, "tol_gap_rel": _SOLVER_TOL, "tol_feas": _SOLVER_TOL}
        problem.solve(solver=cp.CLARABEL, **options)
    if lam.value is None:
        raise PrecisionError(
            f"X and the network must be such that double precision finds multipliers; their problem is {problem.status}"
        )
    at = conditions.expand(lam.value)
    slopes = np.clip(rho.value, 0.0, at[conditions.tight[conditions.kinks[0]]]) if rho.size else np.zeros(0)
    value = conditions.residual(at, slopes) if limit is None else float(problem.value)
    return value, at, slopes
