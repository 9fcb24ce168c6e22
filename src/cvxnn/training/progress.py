"""How far the optimum still is, judged by what the last rounds brought and by the violation that is left."""

from __future__ import annotations

from dataclasses import dataclass, field

# What all rounds to come bring: at most so many times what the last few brought, and that part of the violation that
# is left. Chosen on half of twenty tables at three weight decays each; benchmarks/bench_stop_rule.py prints how often
# the true distance is above the estimate on the other half.
_WINDOW = 3
_OF_GAINS = 2.0
_OF_VIOLATION = 0.03


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
        rounds = min(_WINDOW, max(len(self.objectives) - 1, 1))
        return max(_OF_GAINS * self.gain(rounds), _OF_VIOLATION * violation)

    def gain(self, rounds: int) -> float:
        """Return what the last rounds took off the objective, relative to it; infinity where there were fewer."""
        if len(self.objectives) <= rounds:
            return float("inf")
        before, last = self.objectives[-1 - rounds], self.objectives[-1]
        return (before - last) / last if last > 0 else 0.0
