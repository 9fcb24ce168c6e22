"""What training returns: the network, the proof, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cvxnn.certificates import Certificate, Rotation
from cvxnn.networks import ReLUNetwork
from cvxnn.statuses import SolveStatus


@dataclass(frozen=True)
class TrainingRecord:
    """One round of training.

    Parameters
    ----------
    round : int
        0 is the network of the first descent, before any convex program.
    seconds : float
        Since training began.
    objective : float
        The best objective so far.
    lower_bound : float
        The best proven lower bound so far; 0 while none has been asked for.
    neurons : int
        Neurons of the best network.
    violation : float or None
        ``max ||lam^T (X u)_+|| / beta - 1`` over everything tried in the round, for the network that the round began
        with: a number, not a proof. None in rounds 0 and 1, where nothing has been tried.
    """

    round: int
    seconds: float
    objective: float
    lower_bound: float
    neurons: int
    violation: float | None

    def rotated_back(self, rotation: Rotation) -> TrainingRecord:
        """Return the record of a problem in coordinates as that of the problem that was rotated."""
        return replace(self, lower_bound=self.lower_bound * rotation.bound_share)

    def in_words(self) -> str:
        """Return one line of text."""
        violation = "" if self.violation is None else f"  violation {self.violation:.2g}"
        return (
            f"round {self.round}  {self.seconds:.1f} s  objective {self.objective:.6g}  "
            f"lower bound {self.lower_bound:.6g}  neurons {self.neurons}{violation}"
        )


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained network with its certificate.

    Parameters
    ----------
    network : ReLUNetwork
        The best network found, balanced and pruned to a basic one.
    certificate : Certificate
        Objective, proven lower bound, gap; recomputed from problem and network. Scope "network", or "program"
        where the patterns were given.
    status : SolveStatus
        Why training stopped.
    history : tuple of TrainingRecord
        One record a round.
    """

    network: ReLUNetwork
    certificate: Certificate
    status: SolveStatus
    history: tuple[TrainingRecord, ...]

    def rotated_back(self, rotation: Rotation) -> TrainingResult:
        """Return the result of a problem in coordinates as that of the problem that was rotated, proof included."""
        if rotation.is_plain:
            return self
        network, status = rotation.network(self.network), self.status
        certificate = rotation.certificate(self.certificate, rotation.given.objective(network))
        if status is SolveStatus.PROVEN and not certificate.proven:
            status = SolveStatus.STALLED  # by what the rotation may lose to rounding
        history = tuple(record.rotated_back(rotation) for record in self.history)
        return TrainingResult(network, certificate, status, history)

    def __repr__(self) -> str:
        return (
            f"TrainingResult({self.network!r}, objective={self.certificate.objective:.6g}, "
            f"lower_bound={self.certificate.lower_bound:.6g}, status={self.status.name})"
        )
