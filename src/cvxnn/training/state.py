"""The state of a training run: the best network and the best bound; each only ever improves."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvxnn.atoms import Atoms
from cvxnn.problem import Problem
from cvxnn.training.result import TrainingRecord
from cvxnn.validation import Array


@dataclass(eq=False)
class TrainingState:
    """What a run knows: best atoms with their network, best lower bound, history.

    Parameters
    ----------
    problem : Problem
        With a smooth loss.
    history : list of TrainingRecord, optional
        One record a round.
    """

    problem: Problem
    history: list[TrainingRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.atoms = Atoms.none(self.problem)
        self.offset = self.problem.null_offset()
        self.network = self.atoms.network(self.problem, self.offset)
        self.objective = self.problem.objective(self.network)
        self.lower_bound, self.proof = 0.0, "non-negative objective"
        self.violation: float | None = None  # of the best network; None where no search has seen it

    def is_proven_to(self, tol: float) -> bool:
        """Return whether the proven relative gap is at most ``tol``."""
        return self.objective - self.lower_bound <= tol * self.objective

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
