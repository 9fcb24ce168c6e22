"""Following gradient flow of one network from event to event."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import brentq

from cvxnn.dynamics.flow_pieces import FlowPiece
from cvxnn.validation import Array

# Margins are looked at this often within a step of the integrator: two crossings between looks are missed.
_LOOKS = 4
# Events of a network at one time, at most.
_MOST_AT_ONCE = 1000

Path = Callable[[float], Array]


class NetworkFlow:
    """Gradient flow of one network, followed as far as it is asked for.

    Parameters
    ----------
    begin : callable
        ``begin(t, state, piece, step)`` returns an integrator of SciPy's interface for a piece, from a time and a
        state on; ``step`` is None or the size of the first step.
    piece : FlowPiece or None
        The piece that the state is on; None for a smooth activation.
    state : ndarray
        Hidden weights (d, m), flattened, and output weights.
    stop_at : float
        When to raise ``TimeoutError``, of ``time.perf_counter``.
    """

    def __init__(
        self, begin: Callable[..., Any], piece: FlowPiece | None, state: Array, stop_at: float
    ) -> None:
        self._begin, self._piece, self._stop_at = begin, piece, stop_at
        self._solver = begin(0.0, state, piece, None)
        self._reach = 0.0
        self._path: Path = lambda _: state
        self._stalled = 0
        self.events: list[tuple[float, int, int, int, bool]] = []

    def at(self, t: float) -> Array:
        """Return the state at a time, later than the ones asked for before."""
        while self._reach < t:
            if time.perf_counter() > self._stop_at:
                raise TimeoutError
            self._advance()
        return np.asarray(self._path(t))

    def _advance(self) -> None:
        """Take a step, or the part of it up to the first event."""
        message = self._solver.step()
        if self._solver.status == "failed":
            raise ArithmeticError(f"flow could not be continued beyond t = {self._solver.t:.6g}: {message}")
        self._path, low, self._reach = self._solver.dense_output(), self._solver.t_old, self._solver.t
        found = None if self._piece is None else _first_event(self._piece, self._path, low, self._reach)
        if found is not None:
            self._switch(*found)

    def _switch(self, t: float, index: int) -> None:
        """Go on with the piece that follows an event."""
        before = self._piece
        assert before is not None
        event = before.event(index)
        after, state = before.after(event, self._path(t))
        j = event.neuron
        if after.rests(j):
            self.events.append((t, j, -1, 0, False))
        else:
            unique = before.is_unique(event, self._path(t))
            for line in np.flatnonzero(before.sides[:, j] != after.sides[:, j]):
                sample, side = int(before.boundaries.first[line]), int(after.sides[line, j])
                self.events.append((t, j, sample, side, unique or line != event.line))
        step, self._piece, self._reach = self._solver.t - self._solver.t_old, after, t
        self._stalled = self._stalled + 1 if t <= self._solver.t_old else 0
        if self._stalled > _MOST_AT_ONCE:
            raise ArithmeticError(
                f"flow could not be continued beyond t = {t:.6g}: it meets boundaries without end"
            )
        if t < self._solver.t_bound:
            self._solver = self._begin(t, state, after, step)


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
