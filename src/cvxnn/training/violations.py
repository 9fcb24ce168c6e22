"""Directions that violate the dual, the neurons a network lacks: explored ones, and searched ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.atoms import Atoms, find_kinks
from cvxnn.certificates import Maximisers, Oracle, dual_bound, search
from cvxnn.deadlines import Deadline
from cvxnn.linear_maps import row_chunks
from cvxnn.problem import Problem
from cvxnn.training.exploration import Exploration
from cvxnn.validation import Array, as_columns

# Violated directions added in one round.
_CANDIDATES = 200
# Of a search.
RANDOM_STARTS = 256
# Violations below this fraction of the tolerance are left alone.
_TENTH = 0.1
# How far a start steps off a kink, of a unit direction.
_STEP = 1e-3
# Of the time of a search, for the kinks of the atoms.
_STEPPING_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Violations:
    """What the oracle said of a dual variable.

    Parameters
    ----------
    value : float
        ``max ||lam^T (X u)_+|| / beta - 1`` over everything tried.
    lower_bound : float
        Proven lower bound on the training problem; 0 when only a search ran.
    proof : str
        The name of the proof of the bound.
    candidates : Atoms
        Zero atoms for the violated directions, worst first.
    """

    value: float
    lower_bound: float
    proof: str
    candidates: Atoms

    def join(self, other: Violations) -> Violations:
        """Return what both found: the larger value, the better bound, the candidates of both."""
        best = max(self, other, key=lambda v: v.lower_bound)
        candidates = self.candidates.join(other.candidates)
        return Violations(max(self.value, other.value), best.lower_bound, best.proof, candidates)


def explored_violations(
    problem: Problem, exploration: Exploration, *, tol: float, limit: int = _CANDIDATES
) -> Violations:
    """Return the patterns of an exploration that violate the dual constraint, worst first.

    Parameters
    ----------
    problem : Problem
        The training problem.
    exploration : Exploration
        Patterns and their values.
    tol : float
        Violation that training tolerates; patterns above a tenth of it become candidates.
    limit : int, default 200
        Candidates at most.
    """
    violated = np.flatnonzero(exploration.values > (1.0 + _TENTH * tol) * problem.beta)[:limit]
    value = float(np.max(exploration.values, initial=0.0)) / problem.beta - 1.0
    return Violations(value, 0.0, "non-negative objective", exploration.atoms.select(violated))


def searched_violations(
    problem: Problem,
    lam: Array,
    atoms: Atoms,
    oracle: Oracle | None,
    *,
    tol: float,
    rng: np.random.Generator,
    limit: int = _CANDIDATES,
    n_random: int = RANDOM_STARTS,
    max_seconds: float | None = None,
) -> Violations:
    """Maximise ``||lam^T (X u)_+||`` over unit u: exactly where there is an oracle, by multi-start search otherwise.

    Parameters
    ----------
    problem : Problem
        The training problem.
    lam : ndarray, shape of y
        Dual variable of the current network.
    atoms : Atoms
        The current atoms; the search starts from them too.
    oracle : Oracle or None
        The exact oracle, where one is affordable.
    tol : float
        Violation that training tolerates; directions above a tenth of it become candidates.
    rng : numpy.random.Generator
        Source of randomness of the search.
    limit : int, default 200
        Candidates at most.
    n_random : int, default 256
        Random starts of the search.
    max_seconds : float, optional
        Time limit.
    """
    found: Maximisers | None = None
    deadline = Deadline.after(max_seconds)
    lower_bound, proof = 0.0, "non-negative objective"
    if oracle is None or not oracle.is_cheap:
        starts = _starts(problem, lam, atoms, deadline.part(_STEPPING_SHARE)) if len(atoms) else None
        found = search(
            problem.X,
            lam,
            starts=starts,
            n_random=n_random,
            random_state=rng,
            max_seconds=deadline.limit(),
            output_norm=problem.output_norm,
        )
    # A dear oracle is asked when the search is at its end: its time goes into telling cells below beta apart.
    if oracle is not None and (found is None or found.value <= (1.0 + tol) * problem.beta):
        exact = oracle.maximise(lam, threshold=problem.beta, deadline=deadline)
        lower_bound, proof = dual_bound(problem, lam, exact.upper), exact.method
        found = exact if found is None or exact.value >= found.value else found
    assert found is not None
    new = np.flatnonzero(found.values > (1.0 + _TENTH * tol) * problem.beta)[:limit]
    candidates = Atoms.of_directions(problem, found.directions[:, new], found.signs[new].astype(np.float64))
    return Violations(found.value / problem.beta - 1.0, lower_bound, proof, candidates)


def _starts(problem: Problem, lam: Array, atoms: Atoms, deadline: Deadline) -> Array:
    """Return the atoms' directions, and steps off their kinks to the side they are not on, shape (d, k).

    An atom on the kink of a sample with ``s lam_i > 0`` may gain by crossing it, and an ascent that starts on the
    kink would not see that. (Where ``s lam_i < 0`` the kink is concave and the ascent handles it.) After the deadline
    no more rows are looked at.
    """
    units = atoms.blocks / atoms.coefficients
    X, lam = problem.X, as_columns(lam)
    norms, signs = np.linalg.norm(X, axis=1), as_columns(atoms.signs).T
    steps = [units]
    for chunk in row_chunks(X.shape[0], len(atoms)):
        if deadline.is_over:
            break
        kinks = find_kinks(X[chunk], units) & (lam[chunk] @ signs > 0) & (norms[chunk, None] > 0)
        rows, owners = np.nonzero(kinks)
        side = np.where(atoms.masks[chunk][rows, owners], -1.0, 1.0)
        rows = rows + chunk.start
        steps.append(units[:, owners] + _STEP * side / norms[rows] * X[rows].T)
    return np.hstack(steps)
