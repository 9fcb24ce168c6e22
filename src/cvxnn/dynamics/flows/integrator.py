"""Following gradient flow of networks from event to event."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from cvxnn.deadlines import Deadline
from cvxnn.dynamics.flows.pieces import FlowPiece
from cvxnn.validation import Array

logger = logging.getLogger(__name__)

# Margins are looked at this often within a step of the integrator: two crossings between looks are missed.
_LOOKS = 4
# Events of a network at one time, at most.
_MOST_AT_ONCE = 1000

Path = Callable[[float], Array]


class NetworkFlow:
    """Gradient flow of one network, followed step by step.

    Parameters
    ----------
    begin : callable
        ``begin(t, state, piece, step)`` returns an integrator of SciPy's interface for a piece, from a time and a
        state on; ``step`` is None or the size of the first step.
    piece : FlowPiece or None
        The piece that the state is on; None for a smooth activation.
    state : ndarray
        Hidden weights (d, m), flattened, and output weights.
    """

    def __init__(self, begin: Callable[..., Any], piece: FlowPiece | None, state: Array) -> None:
        self._begin, self._piece = begin, piece
        self._solver = begin(0.0, state, piece, None)
        self._path: Path = lambda _: state
        self._stalled = 0
        self.reach = 0.0
        self.events: list[tuple[float, int, int, int, bool]] = []
        if piece is not None:
            for j, line in piece.start_forks(state):
                sample = int(piece.boundaries.first[line]) if line >= 0 else -1
                self.events.append((0.0, j, sample, int(piece.sides[line, j]), False))

    def at(self, t: float) -> Array:
        """Return the state at a time within the last step."""
        return np.asarray(self._path(t))

    def advance(self) -> None:
        """Take a step, or the part of it up to the first event.

        Raises
        ------
        ArithmeticError
            If the integrator's steps fall below rounding, or events follow each other without end.
        """
        message = self._solver.step()
        if self._solver.status == "failed":
            raise ArithmeticError(f"flow could not be continued beyond t = {self._solver.t:.6g}: {message}")
        path, low, high = self._solver.dense_output(), self._solver.t_old, self._solver.t
        found = None if self._piece is None else _first_event(self._piece, path, low, high)
        if found is not None:
            high = found[0]
            self._switch(path, *found)
        self._path, self.reach = path, high  # last: an interrupt before leaves the step before

    def _switch(self, path: Path, t: float, index: int) -> None:
        """Go on with the piece that follows an event."""
        before = self._piece
        assert before is not None
        event = before.event(index)
        after, state = before.after(event, path(t))
        j = event.neuron
        if after.rests(j):
            self.events.append((t, j, -1, 0, False))
        else:
            unique = before.is_unique(event, path(t))
            for line in np.flatnonzero(before.sides[:, j] != after.sides[:, j]):
                sample, side = int(before.boundaries.first[line]), int(after.sides[line, j])
                self.events.append((t, j, sample, side, unique or line != event.line))
        step, self._piece = self._solver.t - self._solver.t_old, after
        self._stalled = self._stalled + 1 if t <= self._solver.t_old else 0
        if self._stalled > _MOST_AT_ONCE:
            raise ArithmeticError(
                f"flow could not be continued beyond t = {t:.6g}: it meets boundaries without end"
            )
        if t < self._solver.t_bound:
            self._solver = self._begin(t, state, after, step)


class BatchFlow:
    """Gradient flow of several networks, followed side by side.

    The one that is behind is advanced first. So at any time the last step of each covers the time that all have
    reached, and a run that must end has all of them at one time.

    Parameters
    ----------
    flows : list of NetworkFlow
        The networks.
    deadline : Deadline
        When to raise ``TimeoutError``.
    """

    def __init__(self, flows: list[NetworkFlow], deadline: Deadline) -> None:
        self._flows, self._deadline = flows, deadline
        self._going = list(flows)

    @property
    def reach(self) -> float:
        """Return the time that all networks have reached which can be continued, or could be last."""
        return min(flow.reach for flow in self._going)

    def advance_to(self, t: float) -> None:
        """Advance all networks to a time; those that cannot be continued stay behind.

        Raises
        ------
        TimeoutError
            If the time to stop has come.
        ArithmeticError
            If no network can be continued.
        """
        while (last := min(self._going, key=lambda flow: flow.reach)).reach < t:
            if self._deadline.is_over:
                raise TimeoutError
            try:
                last.advance()
            except ArithmeticError as error:
                logger.warning("network %d: %s", self._flows.index(last), error)
                if len(self._going) == 1:
                    raise
                self._going.remove(last)

    def at(self, t: float) -> list[Array]:
        """Return the state of each network at a time, not a number for those that stayed behind."""
        going = set(self._going)
        return [
            flow.at(t) if flow in going else np.full_like(flow.at(flow.reach), np.nan) for flow in self._flows
        ]


def _first_event(piece: FlowPiece, path: Path, low: float, high: float) -> tuple[float, int] | None:
    """Return when the first margin of a piece becomes negative on a step, and which."""
    for look in low + (high - low) * np.arange(1, _LOOKS + 1) / _LOOKS:
        margins, slack = piece.margins(path(look))
        negative = np.flatnonzero(margins < -slack)
        if len(negative):
            crossings = [(_crossing(piece, path, int(k), slack[k] / 2, low, look), int(k)) for k in negative]
            return min(crossings)
        low = look
    return None


def _crossing(piece: FlowPiece, path: Path, index: int, depth: float, low: float, high: float) -> float:
    """Return when a margin falls below ``-depth``, at once where it already is."""

    def margin(t: float) -> float:
        return piece.margin(path(t), index) + depth

    if margin(low) <= 0.0:
        return low
    t = float(brentq(margin, low, high, xtol=1e-300, rtol=1e-14))
    beyond = np.spacing(t)
    while (
        margin(t) > 0.0 and t < high
    ):  # Brent's method may end just before the root: the event must have happened
        t, beyond = min(high, t + beyond), 2.0 * beyond
    return float(t)
