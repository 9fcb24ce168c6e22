"""What a solve returns: a point, and what is proved about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from cvxnn.certificates import Certificate, Rotation
from cvxnn.networks import GatedReLUNetwork, ReLUNetwork
from cvxnn.programs import ConvexProgram
from cvxnn.short_reprs import short_repr
from cvxnn.statuses import SolveStatus
from cvxnn.validation import Array


@dataclass(frozen=True)
class SolveRecord:
    """One evaluation of a solve.

    Parameters
    ----------
    step : int
        Steps done.
    seconds : float
        Since the start of the solve.
    objective : float
        The program's objective at the current blocks.
    lower_bound : float
        The best proven bound so far.
    """

    step: int
    seconds: float
    objective: float
    lower_bound: float

    def rotated_back(self, rotation: Rotation) -> SolveRecord:
        """Return the record of a program in coordinates as that of the program that was rotated."""
        return replace(self, lower_bound=self.lower_bound * rotation.bound_share)


@short_repr
@dataclass(frozen=True, eq=False)
class Solution:
    """Best blocks of a convex program, with a certificate of scope "program".

    Parameters
    ----------
    program : ConvexProgram
        What was solved.
    blocks : ndarray of shape (d, B)
        The best point found, inside its cones.
    offset : ndarray of shape (1,)
        The output offset.
    certificate : Certificate
        Objective and proven lower bound, recomputed from program and blocks.
    status : SolveStatus
        Why the solve stopped.
    history : tuple of SolveRecord
        One record for each evaluation.
    dual : ndarray, shape of ``program.target``, or None
        The dual variable whose feasible multiple proves the lower bound; None where that is zero.
    """

    program: ConvexProgram
    blocks: Array
    offset: Array
    certificate: Certificate
    status: SolveStatus
    history: tuple[SolveRecord, ...] = field(default=(), repr=False)
    dual: Array | None = field(default=None, repr=False)

    def rotated_back(self, program: ConvexProgram, rotation: Rotation) -> Solution:
        """Return the solution of a program in coordinates as that of the program that was rotated, proof included."""
        if rotation.is_plain:
            return self
        blocks, status = rotation.vectors(self.blocks), self.status
        certificate = rotation.certificate(self.certificate, program.objective(blocks, self.offset))
        if status is SolveStatus.SOLVED and not certificate.proven:
            status = SolveStatus.STALLED  # by what the rotation may lose to rounding
        history = tuple(record.rotated_back(rotation) for record in self.history)
        return Solution(program, blocks, self.offset, certificate, status, history, self.dual)

    @property
    def objective(self) -> float:
        """Return the program's objective."""
        return self.certificate.objective

    @property
    def dual_variable(self) -> Array:
        """Return ``lam = -grad ell`` at the solution, shape (n,)."""
        return self.program.dual_variable(self.blocks, self.offset)

    @property
    def network(self) -> ReLUNetwork | GatedReLUNetwork:
        """Return the balanced network of the blocks."""
        return self.program.to_network(self.blocks, self.offset)
