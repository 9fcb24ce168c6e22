"""The directions that optimal neurons can have: maximisers of the dual constraint that attain beta."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import find_kinks
from cvxnn.certificates import Maximisers, search
from cvxnn.certificates.local_search.ascent import polish
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.patterns import ActivationPatterns, activation_patterns
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.validation import Array

# Unit vectors closer than this are one direction: those of neighbouring cells that share it agree to 1e-12.
_SAME_DIRECTION = 1e-6
# Random starts of a search, and searches that must find nothing. On the planted problem of n = 200, d = 10 a direction
# that lowered the optimum by 4e-6 showed in two of three searches of 1024 starts, in none of three of 256.
_STARTS, _SEARCHES = 1024, 4
# Violation at which other searches are not needed: it asks for another round.
_WORTH_A_ROUND = 1e-9
# How far a start steps off a kink, of a unit direction.
_STEP = 1e-3


class DirectionFinder(ABC):
    """Finds the maximisers for a dual variable; built once per problem.

    ``near`` says how far below beta, relatively, values are looked at.
    """

    near: float

    @property
    @abstractmethod
    def is_complete(self) -> bool:
        """Return whether all maximisers of its cells are found, rather than some."""

    @abstractmethod
    def find(self, theta: Array, known: Array, deadline: Deadline = NEVER) -> Maximisers:
        """Return the distinct maximisers of value near beta or above, with the pattern of a closed cell of each.

        Parameters
        ----------
        theta : ndarray of shape (n,)
            The dual variable.
        known : ndarray of shape (d, k)
            Directions to look at, where not all cells are.
        deadline : Deadline, default never
            When a search ends with what it has.
        """


@dataclass(frozen=True, eq=False)
class CellDirections(DirectionFinder):
    """The maximiser of every cell in a list: ``Pi_K(s X^T D theta)``, unit length.

    Parameters
    ----------
    problem : Problem
        One output.
    patterns : ActivationPatterns or bool array_like of shape (n, P)
        The cells.
    near : float, default 1e-2
        How far below beta values are looked at.

    References
    ----------
    A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023, Corollary 4.1.
    """

    program: ReLUProgram
    near: float

    def __init__(
        self, problem: Problem, patterns: ActivationPatterns | NDArray[np.bool_], near: float = 1e-2
    ) -> None:
        object.__setattr__(self, "program", ReLUProgram(problem, patterns))
        object.__setattr__(self, "near", near)

    @property
    def is_complete(self) -> bool:
        """Return True."""
        return True

    def find(self, theta: Array, known: Array, deadline: Deadline = NEVER) -> Maximisers:
        """Project the gradient of every cell and sign on its cone."""
        program, beta = self.program, self.program.problem.beta
        gradients = program.adjoint(theta)
        long = np.flatnonzero(np.linalg.norm(gradients, axis=0) >= (1.0 - self.near) * beta)
        points = program.project(gradients, None, long, (1.0 - self.near) * beta)
        norms = np.linalg.norm(points, axis=0)
        near = norms >= (1.0 - self.near) * beta
        blocks = long[near]
        return _distinct(
            points[:, near] / norms[near], program.signs[blocks], norms[near], program.masks[:, blocks]
        )


@dataclass(frozen=True, eq=False)
class SearchedDirections(DirectionFinder):
    """The maximisers that a multi-start search finds, each solved exactly in its cell: some of them, not all.

    Parameters
    ----------
    problem : Problem
        One output.
    near : float, default 1e-2
        How far below beta values are looked at.
    random_state : int, default 0
        Seed of the starts.
    """

    problem: Problem
    near: float = 1e-2
    random_state: int = 0

    @property
    def is_complete(self) -> bool:
        """Return False."""
        return False

    def find(self, theta: Array, known: Array, deadline: Deadline = NEVER) -> Maximisers:
        """Search from random starts and known directions, and polish all that come near beta."""
        X, beta = self.problem.X, self.problem.beta
        units, signs, values = self._known(theta, known)
        for seed in range(_SEARCHES):
            starts = across_kinks(X, units) if seed == 0 else None
            state = np.random.default_rng([self.random_state, seed])
            found = search(
                X, theta, starts=starts, n_random=_STARTS, random_state=state, max_seconds=deadline.limit()
            )
            near = found.values >= (1.0 - self.near) * beta
            more = _polished(X, theta, found.directions[:, near], found.signs[near])
            units, signs = np.hstack([units, more[0]]), np.concatenate([signs, more[1]])
            values = np.concatenate([values, more[2]])
            if deadline.is_over or np.any(values > (1.0 + _WORTH_A_ROUND) * beta):
                break
        return _distinct(units, signs, values, activation_patterns(X, units))

    def _known(self, theta: Array, known: Array) -> tuple[Array, Array, Array]:
        """Return the maximisers near known directions: a search takes those within 0.26 degrees for one."""
        X = self.problem.X
        correlations = theta @ np.maximum(X @ known, 0.0)
        lengths = np.linalg.norm(known, axis=0)
        near = np.abs(correlations) >= (1.0 - self.near) * self.problem.beta * lengths
        near &= lengths > 0
        return _polished(X, theta, known[:, near] / lengths[near], np.sign(correlations[near]))


def across_kinks(X: Array, units: Array) -> Array:
    """Return directions and small steps from them to both sides of every kink they sit on, shape (d, k).

    A maximiser in its closed cell may gain by crossing a kink, which an ascent that starts on the kink cannot see.
    """
    norms = np.linalg.norm(X, axis=1)
    rows, owners = np.nonzero(find_kinks(X, units) & (norms[:, None] > 0))
    steps = _STEP * (X[rows] / norms[rows, None]).T
    return np.hstack([units, units[:, owners] + steps, units[:, owners] - steps])


def _polished(X: Array, theta: Array, directions: Array, signs: Array) -> tuple[Array, Array, Array]:
    """Return the maximisers (d, k) that directions climb to, exact in their cells, signs and values."""
    norms = np.linalg.norm(X, axis=1)
    exact = [polish(X, s * theta, u, norms) for u, s in zip(directions.T, signs, strict=True)]
    units = np.array([u for _, u in exact]).reshape(-1, X.shape[1]).T
    return units, signs, np.array([value for value, _ in exact])


def _distinct(units: Array, signs: Array, values: Array, masks: NDArray[np.bool_]) -> Maximisers:
    """Return the best of each direction (to 1e-6) and sign."""
    left, kept = np.argsort(-values, kind="stable"), []
    while left.size:
        k = left[0]
        kept.append(k)
        apart = np.linalg.norm(units[:, left] - units[:, [k]], axis=0) >= _SAME_DIRECTION
        left = left[apart | (signs[left] != signs[k])]
    chosen = np.array(kept, dtype=np.intp)
    return Maximisers.of(units[:, chosen], signs[chosen], values[chosen], masks=masks[:, chosen])
