"""What a theorem returns: the quantity measured, the quantity predicted, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Relation = Literal["equal", "at most", "at least"]


class HypothesisError(ValueError):
    """A hypothesis of a theorem does not hold; the message names it."""


@dataclass(frozen=True)
class Comparison:
    """What was measured, beside what a theorem predicts.

    Parameters
    ----------
    measured : float
        The quantity as computed without the theorem.
    predicted : float
        What the theorem says of it.
    relation : {"equal", "at most", "at least"}, default "equal"
        How ``measured`` stands to ``predicted`` by the theorem.
    tol : float, default 1e-6
        Tolerance of `holds`, relative to the larger of 1 and the two numbers' sizes.

    Examples
    --------
    >>> Comparison(1.0, 1.0 + 1e-9).holds
    True
    >>> Comparison(2.0, 1.0, "at most").holds
    False
    """

    measured: float
    predicted: float
    relation: Relation = "equal"
    tol: float = 1e-6

    @property
    def difference(self) -> float:
        """Return measured less predicted."""
        return self.measured - self.predicted

    @property
    def holds(self) -> bool:
        """Return whether the relation holds to ``tol``."""
        slack = self.tol * max(1.0, abs(self.measured), abs(self.predicted))
        if self.relation == "equal":
            return abs(self.difference) <= slack
        return self.difference <= slack if self.relation == "at most" else self.difference >= -slack
