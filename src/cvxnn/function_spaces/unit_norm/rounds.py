"""How fits that go by rounds of the oracle end, and how their results say so."""

from __future__ import annotations

from typing import Protocol, TypeVar

from cvxnn.statuses import SolveStatus


class EndsByRounds(Protocol):
    """A result that says why its rounds ended."""

    @property
    def status(self) -> SolveStatus:
        """Return why."""


Result = TypeVar("Result", bound=EndsByRounds)


def settled(found_gap: float, proven_gap: float, target: float, method: str) -> SolveStatus | None:
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
        return SolveStatus.PROVEN
    if found_gap > target:
        return None
    return SolveStatus.NO_DESCENT if method == "search" else SolveStatus.ROUNDING


def uninterrupted(result: Result) -> Result:
    """Return a result as it is, but pass on the interrupt that ended it: for callers that would go on with it.

    Raises
    ------
    KeyboardInterrupt
        If the result was interrupted.
    """
    if result.status is SolveStatus.INTERRUPTED:
        raise KeyboardInterrupt
    return result
