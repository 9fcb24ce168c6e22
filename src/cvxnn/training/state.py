"""The state of a training run: the best network, the best bound, the time left; each only ever improves."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from cvxnn.atoms import Atoms
from cvxnn.certificates import Oracle
from cvxnn.deadlines import Deadline
from cvxnn.problem import Problem
from cvxnn.training.grow import Violations, find_violations
from cvxnn.training.result import TrainingRecord
from cvxnn.units import Units
from cvxnn.validation import Array

# Violated directions added in one round.
CANDIDATES = 200
# Of a search.
RANDOM_STARTS = 256
# Share of a time limit that is kept for pruning and the final proof.
PROOF_SHARE = 0.1


@dataclass(eq=False)
class TrainingState:
    """What a run knows: best atoms with their network, best lower bound, history, and the time that is left.

    Parameters
    ----------
    problem : Problem
        With a smooth loss.
    rough : Problem
        The problem that descents see: the same, or with a smoother loss.
    tol : float
        Relative gap asked for.
    max_seconds : float or None
        Time limit, from construction on.
    rng : numpy.random.Generator
        Source of random starts.
    proves : bool
        Whether time is spent on evidence.
    units : Units
        What the history's objectives are measured in.
    """

    problem: Problem
    rough: Problem
    tol: float
    max_seconds: float | None
    rng: np.random.Generator
    proves: bool
    units: Units
    oracle: Oracle | None = None  # exact, where one is affordable
    is_large: bool = False
    history: list[TrainingRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deadline = Deadline.after(self.max_seconds)
        self.atoms = Atoms.none(self.problem)
        self.offset = self.problem.null_offset()
        self.network = self.atoms.network(self.problem, self.offset)
        self.objective = self.problem.objective(self.network)
        self.lower_bound, self.proof = 0.0, "non-negative objective"
        self.violation: float | None = None  # of the best network; None where no search has seen it

    @property
    def is_proven(self) -> bool:
        """Return whether the proven gap is at most ``tol``."""
        return self.objective - self.lower_bound <= self.tol * self.objective

    def dual_variable(self) -> Array:
        """Return the dual variable of the best network."""
        return self.problem.dual_variable(self.network.predict(self.problem.X))

    def accept(self, atoms: Atoms, offset: Array) -> None:
        """Keep a network if its objective, recomputed, is the best so far."""
        network = atoms.network(self.problem, offset)
        objective = self.problem.objective(network)
        if objective < self.objective:
            self.atoms, self.offset, self.network, self.objective = atoms, offset, network, objective
            self.violation = None

    def replace(self, atoms: Atoms) -> bool:
        """Take simpler atoms in place of the network's if the objective is the same to rounding, or lower."""
        network = atoms.network(self.problem, self.offset)
        objective = self.problem.objective(network)
        if objective <= self.objective * (1.0 + 1e-9):
            self.atoms, self.network, self.objective = atoms, network, objective
            return True
        return False

    def raise_bound(self, lower_bound: float, proof: str) -> None:
        """Keep a proven lower bound if it is the best so far."""
        if lower_bound > self.lower_bound:
            self.lower_bound, self.proof = lower_bound, proof

    def violations_of(self, lam: Array, n_random: int, max_seconds: float | None = None) -> Violations:
        """Return the violations at lam that the oracle or a search finds."""
        limits = [limit for limit in (max_seconds, self.limit()) if limit is not None]
        return find_violations(
            self.problem,
            lam,
            self.atoms,
            self.oracle,
            tol=self.tol,
            limit=CANDIDATES,
            n_random=n_random,
            rng=self.rng,
            max_seconds=max(limits, default=None),
        )

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self.deadline.elapsed

    def seconds_left(self) -> float:
        """Return the seconds left for rounds, infinity without a limit."""
        if self.max_seconds is None:
            return np.inf
        return (1.0 - PROOF_SHARE) * self.max_seconds - self.elapsed()

    def limit(self) -> float | None:
        """Return the seconds left as a limit for a step, None without one."""
        return None if self.max_seconds is None else max(self.seconds_left(), 0.0)
