"""Descent that sees kinks: from any network to a stationary point, to the last digits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.landscape.stationary_points.clarke import Stationarity, stationarity
from cvxnn.landscape.stationary_points.directional import Descent, directional_slopes
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.threads import on_one_blas_thread
from cvxnn.training import descend
from cvxnn.validation import as_count, as_number

# Objectives that differ by less than this factor are equal up to rounding.
_EQUAL = 1.0 + 1e-14


@short_repr
@dataclass(frozen=True, eq=False)
class KinkDescent:
    """Where kink-aware descent ended.

    Parameters
    ----------
    network : ReLUNetwork
        The balanced network of the neurons in use; no more than at the start.
    kinks : bool ndarray of shape (n, m)
        Which samples are on the kink of which neurons.
    stationarity : Stationarity
        Its distance from Clarke stationary, at these kinks.
    slope : float
        Steepest descent in any direction, in units of ``stationarity.scale``; see `directional_slopes`.
    objective : float
        The training objective.
    status : SolveStatus
        Why it stopped.
    rounds : int
        Convex programs solved.
    """

    network: ReLUNetwork
    kinks: NDArray[np.bool_]
    stationarity: Stationarity
    slope: float
    objective: float
    status: SolveStatus
    rounds: int

    @property
    def residual(self) -> float:
        """Return the Clarke residual."""
        return self.stationarity.residual

    @property
    def converged(self) -> bool:
        """Return whether residual and slope reached tol."""
        return self.status is SolveStatus.STATIONARY


@on_one_blas_thread
def descend_to_stationarity(
    problem: Problem,
    network: ReLUNetwork,
    *,
    tol: float = 1e-8,
    max_iterations: int = 400,
    max_rounds: int = 200,
) -> KinkDescent:
    """Descend from a network to a stationary point of the training problem, exactly on its kinks.

    L-BFGS goes most of the way; neurons of one pattern and sign become one. Then every round solves the convex program
    on the neurons' own patterns and signs, to its last digits by Newton's method on the faces that the solution lies
    on; where a neuron on a kink can go down into another closed cell that contains it, it takes that cell's pattern
    for the next round. A neuron's weights are feasible in the new program, so that the objective never rises; it falls
    with each change of cells, so that no set of cells comes twice and the rounds end.

    Parameters
    ----------
    problem : Problem
        Of one output, beta > 0, its loss smooth.
    network : ReLUNetwork
        Where to start.
    tol : float, default 1e-8
        Residual and slope to reach, in units of `Stationarity.scale`.
    max_iterations : int, default 400
        L-BFGS iterations before the first round; 0 for none.
    max_rounds : int, default 200
        Convex programs at most.

    Returns
    -------
    KinkDescent
        Of at most as many neurons, with an objective that is not above the start's. Where it converged, a local
        minimum among networks of its neurons; a neuron that it dropped could still be worth having.

    Raises
    ------
    ValueError
        If the problem has several outputs, no weight decay or a loss with a kink, or the network does not fit it.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (stationary points and sub-sampled convex programs). Departure: cells change one by one.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5)
    >>> found = descend_to_stationarity(problem, ReLUNetwork([[0.1, -0.1]], [0.1, 0.1]))
    >>> found.converged, round(found.objective, 9)
    (True, 1.25)
    """
    problem, network = as_problem(problem), as_network(network)
    problem, network = _checked(problem, network)
    tol, max_rounds = as_number(tol, "tol", positive=True), as_count(max_rounds, "max_rounds", 1)
    start = descend(problem, network, max_iterations=as_count(max_iterations, "max_iterations"))
    atoms = Atoms.of_network(problem, start)
    best, rounds = _Round.of(problem, atoms), 1
    while best.steepness > tol and rounds < max_rounds:
        found = _Round.of(problem, best.next_atoms(tol))
        rounds += 1
        lower = found.objective < best.objective
        if not lower and (found.objective > best.objective * _EQUAL or found.steepness >= best.steepness):
            return best.result(SolveStatus.STALLED, rounds)
        best = found
    reached = best.steepness <= tol
    return best.result(SolveStatus.STATIONARY if reached else SolveStatus.MAX_ROUNDS, rounds)


@dataclass(frozen=True, eq=False)
class _Round:
    """The optimum of one convex program, and what the training objective does around it."""

    atoms: Atoms
    network: ReLUNetwork
    kinks: NDArray[np.bool_]
    objective: float
    stationarity: Stationarity
    descent: Descent

    @classmethod
    def of(cls, problem: Problem, atoms: Atoms) -> _Round:
        """Solve the program of the atoms' patterns and signs."""
        optimum = Optimum.of(problem, atoms)
        network, kinks = optimum.network, optimum.kinks
        return cls(
            optimum.atoms,
            network,
            kinks,
            problem.objective(network),
            stationarity(problem, network, kinks=kinks),
            directional_slopes(problem, network, kinks=kinks),
        )

    def result(self, status: SolveStatus, rounds: int) -> KinkDescent:
        """Return what `descend_to_stationarity` returns."""
        return KinkDescent(
            self.network, self.kinks, self.stationarity, self.slope, self.objective, status, rounds
        )

    @property
    def slope(self) -> float:
        """Return the steepest descent, in units of the stationarity's scale."""
        length = float(np.linalg.norm(self.descent.slopes))
        return length / self.stationarity.scale if length > 0 else 0.0

    @property
    def steepness(self) -> float:
        """Return the larger of slope and Clarke residual, which counts the offset too."""
        return max(self.slope, self.stationarity.residual)

    def next_atoms(self, tol: float) -> Atoms:
        """Return the atoms with neurons that can go down into another closed cell moved there."""
        moves = self.descent.slopes > 0.1 * tol * self.stationarity.scale / np.sqrt(max(len(self.atoms), 1))
        masks = np.where(moves, self.descent.patterns, self.atoms.masks)
        return _joined(Atoms(self.atoms.blocks, masks, self.atoms.signs))


def _joined(atoms: Atoms) -> Atoms:
    """Return the atoms with those of one pattern and sign added up: the sum is in their cone, and no longer."""
    keys = np.vstack([atoms.masks, atoms.signs > 0])
    _, first, group = np.unique(keys, axis=1, return_index=True, return_inverse=True)
    blocks = np.zeros((len(atoms.blocks), len(first)))
    np.add.at(blocks.T, group.ravel(), atoms.blocks.T)
    return Atoms(blocks, atoms.masks[:, first], atoms.signs[first])


def _checked(problem: Problem, network: ReLUNetwork) -> tuple[Problem, ReLUNetwork]:
    """Return problem and network with one output as a vector."""
    problem.require_trainable()
    problem.require_scale()
    network = problem.fitting(network)
    if problem.n_outputs > 1 or not problem.loss.is_smooth:
        raise ValueError(
            f"problem must have one output and a smooth loss; got {problem.n_outputs} and {problem.loss.name!r}"
        )
    return problem.one_output(), network.one_output()
