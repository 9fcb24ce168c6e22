"""The protocol of solvers: settings only, ``start`` and ``step``; everything around them is the loop's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from cvxnn.programs import ConvexProgram
from cvxnn.validation import Array


@dataclass(frozen=True, eq=False)
class Iterate:
    """Where a solver stands.

    Parameters
    ----------
    blocks : ndarray of shape (d, B)
        The current point, inside its cones.
    memory : object
        What the solver needs to go on; its own business.
    finished : bool
        Whether the solver cannot do better.
    settled : bool
        Whether the point is worth an evaluation of objective and gap; False inside an inner iteration.
    """

    blocks: Array
    memory: object = None
    finished: bool = False
    settled: bool = True


class Solver(ABC):
    """An algorithm for convex programs. Holds settings only, so one instance serves many programs."""

    name: str

    @abstractmethod
    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the first iterate from given blocks, shape (d, B).

        ``max_seconds`` is what is left of the time limit, for solvers whose single step is a native call.
        """

    @abstractmethod
    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Return the next iterate."""
