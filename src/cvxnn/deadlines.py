"""Time limits: one clock for all that may be asked to end in time."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from cvxnn.validation import as_number

# A limit that is handed on is never quite none, for those that refuse to start on nothing.
_LEAST = 1e-6


def as_limit(max_seconds: float | None, *, positive: bool = False) -> float:
    """Return a time limit in seconds, infinity for none.

    Parameters
    ----------
    max_seconds : float or None
        What the user passed; None and infinity are no limit.
    positive : bool, default False
        Whether 0 is refused.

    Raises
    ------
    ValueError
        If it is negative, NaN, no number, or 0 where that is refused.

    Examples
    --------
    >>> as_limit(2), as_limit(None)
    (2.0, inf)
    """
    if max_seconds is None or (isinstance(max_seconds, float) and max_seconds == math.inf):
        return math.inf
    return as_number(max_seconds, "max_seconds", positive=positive)


@dataclass(frozen=True)
class Deadline:
    """When to stop: a number of seconds after some moment, or never.

    Parameters
    ----------
    max_seconds : float, default infinity
        The time there is in all.
    started : float, optional
        When it began, a reading of `time.perf_counter`; now by default.

    Examples
    --------
    >>> Deadline.after(None).is_over, Deadline(0.0).is_over
    (False, True)
    >>> Deadline.after(60).part(0.25).max_seconds
    15.0
    """

    max_seconds: float = math.inf
    started: float = field(default_factory=lambda: time.perf_counter())

    @classmethod
    def after(cls, max_seconds: float | None, *, positive: bool = False) -> Deadline:
        """Return the deadline so many seconds from now, None for never; refuses what `as_limit` does."""
        return cls(as_limit(max_seconds, positive=positive))

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def is_over(self) -> bool:
        """Return whether the time is up; at once where there is none."""
        return self.max_seconds <= 0 or self.elapsed > self.max_seconds

    @property
    def seconds_left(self) -> float:
        """Return the seconds left, >= 0; infinity without a limit."""
        return max(self.max_seconds - self.elapsed, 0.0)

    def limit(self, *, at_least: float = 0.0) -> float | None:
        """Return the seconds left as a limit to hand on, never quite none; None without one.

        Parameters
        ----------
        at_least : float, default 0.0
            A share of all the time that is owed even where less is left.
        """
        if self.max_seconds == math.inf:
            return None
        return max(self.seconds_left, at_least * self.max_seconds, _LEAST)

    def part(self, share: float) -> Deadline:
        """Return the deadline of the first share of all the time, from the same start."""
        return Deadline(share * self.max_seconds, self.started)

    def share(self, share: float) -> Deadline:
        """Return the deadline of a share of what is left, from now."""
        return Deadline(share * self.seconds_left)


NEVER = Deadline(math.inf, 0.0)
