"""The state of a training run: the best network and the best bound; each only ever improves."""

from __future__ import annotations

from dataclasses import dataclass, field

from cvxnn.atoms import Atoms
from cvxnn.problem import Problem
from cvxnn.training.result import TrainingRecord
from cvxnn.validation import Array

# What all rounds to come bring: at most so many times what the last few brought, of the first program that part of what
# it took off the first descent; and that part of the violation that is left. Chosen on half of
# twenty tables at three weight decays each (docs/guide/certificates.md). benchmarks/bench_stop_rule.py sets stops
# against runs ten times as long.
_WINDOW = 3
_OF_GAINS, _OF_FIRST_GAIN = 2.0, 0.7
_OF_VIOLATION = 0.03


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
        self.dual: Array | None = None  # in place of the network's
        self.violation: float | None = None  # of the best network; None where no search has seen it

    def is_proven_to(self, tol: float) -> bool:
        """Return whether the proven relative gap is at most ``tol``."""
        return self.objective - self.lower_bound <= tol * self.objective

    def dual_variable(self) -> Array:
        """Return the dual variable of the best network, or the one that came with it."""
        if self.dual is not None:
            return self.dual
        return self.problem.dual_variable(self.network.predict(self.problem.X))

    def accept(self, atoms: Atoms, offset: Array, *, rise: float = 0.0, dual: Array | None = None) -> None:
        """Keep a network if its objective, recomputed, is the best so far, or above it by at most that fraction.

        A dual variable that comes with it takes the place of its own.
        """
        network = atoms.network(self.problem, offset)
        objective = self.problem.objective(network)
        if objective < self.objective or (rise > 0.0 and objective <= self.objective * (1.0 + rise)):
            self.atoms, self.offset, self.network, self.objective = atoms, offset, network, objective
            self.violation, self.dual = None, dual

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


@dataclass(eq=False)
class Progress:
    """The objectives of the rounds so far.

    Parameters
    ----------
    objectives : list of float
        The best objective after each round.
    """

    objectives: list[float] = field(default_factory=list)

    def add(self, objective: float) -> None:
        """Note the objective after a round."""
        self.objectives.append(objective)

    def distance(self, violation: float) -> float:
        """Estimate the relative distance of the last objective to the optimum; infinity before the first program.

        Rounds bring less and less, so what is left is about what the last few brought; and a network whose dual
        variable violates the constraint by v, as far as a search sees, is within a small part of v of the optimum. Both
        are experience, not proof. The larger counts.

        Parameters
        ----------
        violation : float
            ``max ||lam^T (X u)_+|| / beta - 1`` over what was tried for the last network.
        """
        programs = len(self.objectives) - 1
        if programs < 1:
            return float("inf")
        rounds = min(_WINDOW, programs)
        to_come = _OF_GAINS * self.gain(rounds)
        if rounds == programs:  # the first program is among them
            last = self.objectives[-1]
            first = (self.objectives[0] - self.objectives[1]) / last if last > 0 else 0.0
            to_come += (_OF_FIRST_GAIN - _OF_GAINS) * first
        return max(to_come, _OF_VIOLATION * violation)

    def gain(self, rounds: int) -> float:
        """Return what the last rounds took off the objective, relative to it; infinity where there were fewer."""
        if len(self.objectives) <= rounds:
            return float("inf")
        before, last = self.objectives[-1 - rounds], self.objectives[-1]
        return (before - last) / last if last > 0 else 0.0
