"""How fits that go by rounds of the oracle end, and how their results say so."""

from __future__ import annotations

from enum import Enum
from typing import Protocol, TypeVar


class RoundsStatus(Enum):
    """Why rounds ended: a sentence, with the remedy in it."""

    PROVEN = "Optimal to tol: the proven gap is at most what tol allows."
    NO_DESCENT = (
        "The search found no neuron that improves the network by more than tol, but its upper bound does not prove "
        "that there is none: nothing better is known; with fewer columns or rows, or more oracle_seconds, the oracle "
        "is exact."
    )
    ROUNDING = (
        "Stopped by rounding: what the oracle found improves the network by no more than that, and its upper bound "
        "does not prove the gap that tol asks for; raise tol."
    )
    MAX_ROUNDS = "Stopped at max_rounds: the network is the best so far; raise max_rounds to go on."
    MAX_SECONDS = "Stopped at max_seconds: the network is the best so far; raise max_seconds to go on."
    INTERRUPTED = "Interrupted: the network is the best so far."


class EndsByRounds(Protocol):
    """A result that says why its rounds ended."""

    @property
    def status(self) -> RoundsStatus:
        """Return why."""


Result = TypeVar("Result", bound=EndsByRounds)


def settled(found_gap: float, proven_gap: float, target: float, method: str) -> RoundsStatus | None:
    """Return why there is no more to find, or None.

    Parameters
    ----------
    found_gap : float
        The gap with what the oracle found.
    proven_gap : float
        The gap with what is proven.
    target : float
        The gap to stop at.
    method : str
        The oracle's, "search" where it is not exact.
    """
    if proven_gap <= target:
        return RoundsStatus.PROVEN
    if found_gap > target:
        return None
    return RoundsStatus.NO_DESCENT if method == "search" else RoundsStatus.ROUNDING


def uninterrupted(result: Result) -> Result:
    """Return a result as it is, but pass on the interrupt that ended it: for callers that would go on with it.

    Raises
    ------
    KeyboardInterrupt
        If the result was interrupted.
    """
    if result.status is RoundsStatus.INTERRUPTED:
        raise KeyboardInterrupt
    return result
