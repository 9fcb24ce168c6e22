"""Whether a network is globally optimal, and which element of the optimal set it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cvxnn.certificates import search
from cvxnn.landscape.optimal_sets.polytope import Polytope
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison
from cvxnn.validation import Array

# Random starts of the search for a violated constraint, beside the network's neurons and the set's directions.
_STARTS = 64


@short_repr
@dataclass(frozen=True, eq=False)
class Location:
    """Where a network stands to the optimal set: its excess, taken apart, and the element it is or is nearest to.

    A network's objective exceeds the optimum by exactly three non-negative parts, and it is optimal when all are zero:

    ``F - p* = D(f, f*) + sum_j |a_j| (beta ||u_j|| - s_j theta^T (X u_j)_+) + beta/2 sum_j (||u_j|| - |a_j|)^2``

    with D the loss's Bregman divergence from the optimal fit f*, theta the optimal dual variable, s_j the sign of a_j.

    Parameters
    ----------
    excess : float
        Objective less the optimal value; of either sign by rounding, or clearly negative where the set, known in part,
        is not of optima.
    value : float
        The optimal value p*.
    fit_part : float
        ``D(f, f*)``: zero when the predictions on X are the optimal ones.
    direction_part : float
        Zero when every neuron that is not zero has an optimal direction.
    balance_part : float
        Zero when ``||u_j|| = |a_j|`` for every neuron.
    violation : float
        The largest ``|theta^T (X u)_+| / beta - 1`` that a search found, ``||u|| <= 1``, with the network's own theta:
        positive where a new neuron lowers the objective. Not a proof.
    coefficients : ndarray of shape (K,)
        The element of the set nearest to the network's neurons, each counted for the direction nearest to its own.
    distance : float
        ``sum_j ||w_j - (its part of that element)||`` for ``w_j = u_j |a_j|``, relative to ``sum c``.
    tol : float
        Relative excess up to which the network counts as optimal.
    is_complete : bool
        Whether the set holds all directions of its scope, so that its value is the optimum for sure. Where only part of
        them is known the value is the best that was found, and "optimal" says no more than that.

    Notes
    -----
    The identity follows from ``ell(f) = ell(f*) - theta^T (f - f*) + D`` and ``p* = ell(f*) + theta^T f*`` (with an
    output offset, ``1^T theta = 0``). An excess of e leaves directions and coefficients about sqrt(e) off.
    """

    excess: float
    value: float
    fit_part: float
    direction_part: float
    balance_part: float
    violation: float
    coefficients: Array = field(repr=False)  # (K,)
    distance: float
    tol: float
    is_complete: bool

    @property
    def relative_excess(self) -> float:
        """Return the excess relative to the optimal value; 0 where both are 0."""
        return self.excess / self.value if self.value > 0 else (np.inf if self.excess > 0 else 0.0)

    @property
    def is_optimal(self) -> bool:
        """Return whether the excess is at most ``tol``, relative to the optimal value."""
        return abs(self.excess) <= self.tol * self.value

    @property
    def decomposition(self) -> Comparison:
        """Return the excess beside the sum of its parts."""
        parts = self.fit_part + self.direction_part + self.balance_part
        return Comparison(self.excess, parts, tol=1e-9)


class Optima(Protocol):
    """What a location needs to know of an optimal set."""

    @property
    def problem(self) -> Problem:
        """Return the training problem."""

    @property
    def is_complete(self) -> bool:
        """Return whether all optimal directions are known."""

    @property
    def value(self) -> float:
        """Return p*."""

    @property
    def fit(self) -> Array:
        """Return f*, shape (n,)."""

    @property
    def dual(self) -> Array:
        """Return theta, shape (n,)."""

    @property
    def directions(self) -> Array:
        """Return the optimal directions, shape (d, K)."""

    @property
    def signs(self) -> Array:
        """Return their output signs, shape (K,)."""

    @property
    def polytope(self) -> Polytope:
        """Return their coefficients."""


def location_of(network: ReLUNetwork, optimal: Optima, tol: float) -> Location:
    """Return where a network stands to an optimal set.

    Parameters
    ----------
    optimal : Optima
        The set.
    network : ReLUNetwork
        Any network that fits its problem.
    tol : float
        Relative excess that counts as none.
    """
    problem = optimal.problem
    network = problem.fitting(network)
    predictions = network.predict_without_offset(problem.X)
    norms, sizes = np.linalg.norm(network.hidden, axis=0), np.abs(network.output)
    pulls = optimal.dual @ np.maximum(problem.X @ network.hidden, 0.0)
    slack = sizes * (problem.beta * norms - np.sign(network.output) * pulls)
    own_dual = problem.dual_variable(predictions + network.offset[0])
    known = np.hstack([network.hidden, optimal.directions])
    found = search(problem.X, own_dual, starts=known, n_random=_STARTS)
    coefficients, distance = _nearest_element(optimal, network)
    return Location(
        excess=problem.objective(network) - optimal.value,
        value=optimal.value,
        fit_part=_divergence(optimal, predictions + network.offset[0]),
        direction_part=float(np.sum(slack)),
        balance_part=0.5 * problem.beta * float(np.sum((norms - sizes) ** 2)),
        violation=found.value / problem.beta - 1.0,
        coefficients=coefficients,
        distance=distance,
        tol=tol,
        is_complete=optimal.is_complete,
    )


def _divergence(optimal: Optima, predictions: Array) -> float:
    """Return ``ell(f) - ell(f*) + theta^T (f - f*)``."""
    problem, none = optimal.problem, np.zeros(1)
    rise = problem.loss_value(predictions, none) - problem.loss_value(optimal.fit, none)
    return rise + float(optimal.dual @ (predictions - optimal.fit))


def _nearest_element(optimal: Optima, network: ReLUNetwork) -> tuple[Array, float]:
    """Return the coefficients of the element nearest to a network's neurons, and the distance."""
    blocks = network.hidden * np.abs(network.output)
    signs = np.sign(network.output)
    scale = float(np.sum(optimal.polytope.point))
    if len(optimal.signs) == 0:
        lost = float(np.sum(np.linalg.norm(blocks, axis=0)))
        return optimal.polytope.point, np.inf if lost > 0 else 0.0
    along = np.where(signs[:, None] == optimal.signs, blocks.T @ optimal.directions, -np.inf)
    nearest = np.argmax(along, axis=1)
    own = np.maximum(np.max(along, axis=1), 0.0)
    c = np.zeros(len(optimal.signs))
    np.add.at(c, nearest, own)
    element = optimal.polytope.nearest(c)
    turned = np.linalg.norm(blocks - optimal.directions[:, nearest] * own, axis=0)
    moved = float(np.sum(turned) + np.sum(np.abs(element - c)))
    return element, moved / scale if scale > 0 else (np.inf if moved > 0 else 0.0)
