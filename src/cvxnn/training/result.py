"""What training returns: the network, the proof, and why it stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from cvxnn.certificates import Certificate
from cvxnn.networks import ReLUNetwork


class TrainingStatus(Enum):
    """Why training stopped: a sentence, with the remedy in it."""

    PROVEN = "Optimal to tol: the proven relative gap is at most tol."
    NO_VIOLATION = (
        "No direction that violates the dual by more than tol was found, but the proven bound did not close: nothing "
        "better is known, and what is proved is the gap the certificate states; with fewer columns (rank 2 to 4) the "
        "proof is exact."
    )
    MAX_ROUNDS = (
        "Stopped at max_rounds, or on large data without a time limit after a few rounds or one that brought less than "
        "tol: the network is the best so far; raise max_rounds, or give max_seconds to go on for that long."
    )
    MAX_SECONDS = "Stopped at max_seconds: the network is the best so far; raise max_seconds to go on."
    INTERRUPTED = "Interrupted: the network is the best so far."
    STOPPED = "Stopped by the callback: the network is the best so far."
    EMPTY = (
        "No neurons yet, though nothing proves that none are best, and beta may be below the critical one: raise "
        "max_seconds, or rescale the data."
    )
    SMOOTHED = (
        "Optimal to tol for the smoothed loss that was trained; the gap of the loss itself is a little larger than "
        "tol: lower tol."
    )
    STALLED = (
        "Rounds no longer lower the objective, though the gap is above tol: rounding limits what is left; "
        "rescale the data or raise tol."
    )


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
    status : TrainingStatus
        Why training stopped.
    history : tuple of TrainingRecord
        One record a round.
    """

    network: ReLUNetwork
    certificate: Certificate
    status: TrainingStatus
    history: tuple[TrainingRecord, ...]

    def __repr__(self) -> str:
        return (
            f"TrainingResult({self.network!r}, objective={self.certificate.objective:.6g}, "
            f"lower_bound={self.certificate.lower_bound:.6g}, status={self.status.name})"
        )
