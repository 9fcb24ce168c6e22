"""Ask the oracle for directions that violate the dual: the neurons the network lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.certificates import Oracle, dual_bound, search
from cvxnn.problem import Problem
from cvxnn.training.atoms import Atoms
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Violations:
    """What the oracle said of a dual variable.

    Parameters
    ----------
    value : float
        ``max ||lam^T (X u)_+|| / beta - 1`` over everything tried.
    lower_bound : float
        Proven lower bound on the training problem; 0 when only a search ran.
    candidates : Atoms
        Zero atoms for the violated directions, worst first.
    """

    value: float
    lower_bound: float
    candidates: Atoms


def find_violations(
    problem: Problem,
    lam: Array,
    atoms: Atoms,
    oracle: Oracle | None,
    *,
    threshold: float,
    limit: int,
    n_random: int,
    rng: np.random.Generator,
) -> Violations:
    """Maximise ``|lam^T (X u)_+|`` over unit u: exactly where there is an oracle, by multi-start search otherwise.

    Parameters
    ----------
    problem : Problem
        One output.
    lam : ndarray of shape (n,)
        Dual variable of the current network.
    atoms : Atoms
        The current atoms; the search starts from them too.
    oracle : Oracle or None
        The exact oracle, where one is affordable.
    threshold : float
        Directions with a value above ``(1 + threshold) beta`` become candidates.
    limit : int
        Candidates at most.
    n_random : int
        Random starts of the search.
    rng : numpy.random.Generator
        Source of randomness of the search.
    """
    lower_bound = 0.0
    if oracle is not None:
        # Cells below beta cannot matter: neither to the bound's scale nor as candidates.
        exact = oracle.maximise(lam, threshold=problem.beta)
        lower_bound = dual_bound(problem, lam, exact.upper)
        value, directions, signs, values = exact.value, exact.directions, exact.signs, exact.values
    else:
        starts = atoms.blocks / atoms.coefficients if len(atoms) else None
        found = search(problem.X, lam, starts=starts, n_random=n_random, random_state=rng)
        value, directions, signs, values = found.value, found.directions, found.signs, found.values
    new = np.flatnonzero(values > (1.0 + threshold) * problem.beta)[:limit]
    candidates = Atoms.of_directions(problem, directions[:, new], signs[new].astype(np.float64))
    return Violations(value / problem.beta - 1.0, lower_bound, candidates)
