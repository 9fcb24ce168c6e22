"""The protocol of solvers: settings only, ``start`` and ``step``; everything around them is the loop's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from cvxnn.programs import ConvexProgram, WorkingSets
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array


@short_repr
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
    dual : ndarray of shape (n,), optional
        A dual variable to try for the lower bound, beside the one of the blocks' residual.
    sets : WorkingSets, optional
        The solver's working sets: guesses for projections of ``A^T dual``. The loop copies them.
    """

    blocks: Array
    memory: object = None
    finished: bool = False
    settled: bool = True
    dual: Array | None = None
    sets: WorkingSets | None = None


class Solver(ABC):
    """An algorithm for convex programs. Holds settings only, so one instance serves many programs."""

    name: str

    @abstractmethod
    def start(self, program: ConvexProgram, blocks: Array, max_seconds: float | None) -> Iterate:
        """Return the first iterate from given blocks, shape (d, B).

        ``max_seconds`` is what is left of the time limit, for solvers whose single step may take long: they stop
        it by raising `OutOfTime`, or ask the native call that it is to do so.
        """

    @abstractmethod
    def step(self, program: ConvexProgram, iterate: Iterate) -> Iterate:
        """Return the next iterate."""
