"""Optima at any weight decay with the directions that optimal networks can use there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms, basic_atoms, kink_signs
from cvxnn.certificates import Certificate, Oracle, dual_bound, make_certificate
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs import OutOfTime, ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array

# Patterns whose violation is below this fraction of beta are left out.
_TOL = 1e-10
_MOST_ROUNDS = 50
# A direction is active where its value is within this fraction of beta: Newton's method on faces leaves 1e-12 or so.
# Where that method ends early, at a
# breakpoint, the values of the neurons themselves miss beta by more, and set the tolerance.
_ACTIVE, _COARSEST, _MARGIN = 1e-8, 1e-4, 3.0
# Neurons whose value is lower than beta by this fraction are tried without.
_IDLE = 1e-7
_ROUNDING = 1e-13
# Cosines above 1 less this, 0.26 degrees: where a neuron crosses a kink, its two cells' projections are that near.
_SAME_DIRECTION = 1e-5
# Of the heaviest neuron: lighter ones tell nothing of the precision.
_SPECK = 1e-6

Key = tuple[int, bytes]


@short_repr
@dataclass(frozen=True, eq=False)
class ActiveDirection:
    """A unit neuron whose correlation with the optimal dual variable is beta: one that an optimal network may use.

    Parameters
    ----------
    vector : ndarray of shape (d,)
        The unit vector u.
    sign : {1, -1}
        Sign s of the output weight: ``s lam^T (X u)_+ = beta``.
    sides : int8 ndarray of shape (n,)
        Sign of ``x_i^T u``; 0 for the samples on the kink.
    weight : float
        ``||u_j|| |a_j|`` of the neuron along it in the network at hand; 0 where that does without.
    """

    vector: Array  # (d,)
    sign: int
    sides: NDArray[np.int8]  # (n,)
    weight: float

    @property
    def key(self) -> Key:
        """Return what names the direction's combinatorial type: sign and sides."""
        return self.sign, self.sides.tobytes()


@short_repr
@dataclass(frozen=True, eq=False)
class PathPoint:
    """The optimum at one weight decay.

    Parameters
    ----------
    beta : float
        Weight decay.
    network : ReLUNetwork
        A basic optimal network: its activations are linearly independent.
    certificate : Certificate
        Of scope "network".
    lam : ndarray of shape (n,)
        The dual variable.
    loss : float
        ``ell(f)``.
    directions : tuple of ActiveDirection
        The active directions, best first.
    """

    beta: float
    network: ReLUNetwork
    certificate: Certificate
    lam: Array  # (n,)
    loss: float
    directions: tuple[ActiveDirection, ...]

    @property
    def norm(self) -> float:
        """Return ``sum_j ||u_j|| |a_j|``: the penalty over beta."""
        return self.network.path_norm

    @property
    def n_neurons(self) -> int:
        """Return how many active directions the network uses."""
        return sum(direction.weight > 0.0 for direction in self.directions)

    @property
    def active(self) -> frozenset[Key]:
        """Return the active directions' types."""
        return frozenset(direction.key for direction in self.directions)


@dataclass(eq=False)
class OptimumAt:
    """Solves training at one weight decay after another, by the convex program on the patterns met so far.

    The exact oracle names what the patterns lack; they are kept from one weight decay to the next.

    Parameters
    ----------
    problem : Problem
        One output, a smooth loss; its beta does not matter.
    oracle : Oracle
        The exact oracle of its X.
    """

    problem: Problem
    oracle: Oracle
    atoms: Atoms = field(init=False)

    def __post_init__(self) -> None:
        self.atoms = Atoms.none(self.problem)

    def __call__(self, beta: float, deadline: Deadline = NEVER) -> PathPoint:
        """Return the optimum at a weight decay.

        Raises
        ------
        OutOfTime
            If the deadline comes first.
        """
        problem = self.problem.with_beta(beta)
        for _ in range(_MOST_ROUNDS):
            if deadline.is_over:
                raise OutOfTime
            optimum = self._solve(problem, deadline)
            lam = problem.dual_variable(optimum.network.predict(problem.X))
            found = self.oracle.maximise(lam, threshold=beta)
            new = found.values > beta * (1.0 + _TOL)
            named = Atoms.of_directions(
                problem, found.directions[:, new], found.signs[new].astype(np.float64)
            )
            joined = self.atoms.join(named)
            if len(joined) == len(self.atoms):
                break
            self.atoms = joined
        return self._point(optimum, lam, found.upper)

    def _solve(self, problem: Problem, deadline: Deadline) -> Optimum:
        """Solve the program on the patterns in hand, and keep its blocks beside the patterns that it does without."""
        optimum = Optimum.of(problem, self.atoms, deadline=deadline)
        while (lighter := _without_lightest(optimum, deadline)) is not None:
            optimum = lighter
        self.atoms = optimum.atoms.join(self.atoms.without_blocks())
        return optimum

    def _point(self, optimum: Optimum, lam: Array, upper: float) -> PathPoint:
        problem, used = optimum.problem, optimum.atoms
        basic = basic_atoms(problem, used) if len(used) else used
        network = basic.network(problem, np.array([optimum.offset]))
        objective = problem.objective(network)
        bound = dual_bound(problem, lam, upper)
        certificate = make_certificate(objective, bound, tol=_ACTIVE, method="exact oracle", scope="network")
        directions = self._directions(problem, lam, network)
        return PathPoint(
            problem.beta, network, certificate, lam, objective - problem.penalty(network), directions
        )

    def _directions(self, problem: Problem, lam: Array, network: ReLUNetwork) -> tuple[ActiveDirection, ...]:
        """Return the projections of ``s X^T D lam`` on the cells in hand that reach beta."""
        if len(self.atoms) == 0:
            return ()
        program = ReLUProgram(problem, self.atoms.masks, self.atoms.signs)
        vectors = program.project(program.adjoint(lam))
        norms = np.linalg.norm(vectors, axis=0)
        tol = self._precision(norms / problem.beta)
        order = np.argsort(-norms, kind="stable")
        units = vectors / np.where(norms > 0, norms, 1.0)
        kept: list[int] = []
        for k in order[norms[order] >= problem.beta * (1.0 - tol)]:
            near = 1.0 - units[:, kept].T @ units[:, k] <= max(2.0 * tol, _SAME_DIRECTION)
            if not np.any(near & (self.atoms.signs[kept] == self.atoms.signs[k])):
                kept.append(int(k))
        signs = self.atoms.signs[kept]
        weights = _weights_along(units[:, kept], signs, network)
        sides = kink_signs(problem.X, units[:, kept])
        return tuple(
            ActiveDirection(units[:, k], int(signs[j]), sides[:, j], float(weights[j]))
            for j, k in enumerate(kept)
        )

    def _precision(self, values: Array) -> float:
        """Return how far below 1 active directions' values over beta can be, from how far those of neurons are."""
        weights = self.atoms.coefficients
        used = weights > _SPECK * np.max(weights, initial=0.0)
        errors = np.abs(values[used] - 1.0)
        return float(np.clip(_MARGIN * np.max(errors, initial=0.0), _ACTIVE, _COARSEST))


def _without_lightest(optimum: Optimum, deadline: Deadline) -> Optimum | None:
    """Return an optimum without its lightest neuron, if neurons miss beta and this one is not needed; else None.

    Near a breakpoint a neuron that should be zero is left on, because it costs next to nothing, and keeps Newton's
    method from the digits of the others.
    """
    problem, atoms = optimum.problem, optimum.atoms
    if len(atoms) == 0:
        return None
    values = problem.dual_variable(optimum.network.predict(problem.X)) @ atoms.activations(problem)
    lightest = int(np.argmin(atoms.coefficients))
    if values[lightest] >= problem.beta * (1.0 - _IDLE):
        return None
    others = atoms.select(np.arange(len(atoms)) != lightest)
    without = Optimum.of(problem, others, deadline=deadline)
    limit = problem.objective(optimum.network) * (1.0 + _ROUNDING)
    return without if problem.objective(without.network) <= limit else None


def _weights_along(units: Array, signs: Array, network: ReLUNetwork) -> Array:
    """Return the weights of a network's neurons, each added to the nearest direction of its sign."""
    weights = np.zeros(len(signs))
    for u, a in zip(network.hidden.T, network.output, strict=True):
        along = np.where(signs == np.sign(a), units.T @ u, -np.inf)
        if len(signs):
            weights[np.argmax(along)] += np.linalg.norm(u) * abs(a)
    return weights
