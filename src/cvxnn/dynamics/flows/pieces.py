"""The pieces of gradient flow of a ReLU network: fields with frozen patterns, and what happens between them.

As long as no neuron meets the boundary ``x_i^T u = 0`` of a sample, flow is that of a smooth field. On a boundary the
two fields, of the active and of the inactive side, decide: where one of them leaves the boundary the neuron crosses;
where both push back to it the neuron slides along it (Filippov's solution, which moves by the element of least norm of
Clarke's subdifferential).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import least_norm_in_box
from cvxnn.dynamics.flows.boundaries import (
    ON_BOUNDARY,
    Boundaries,
    Sides,
    Slide,
    width,
)
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.validation import Array

# A multiplier this close to its bounds, relative to their distance, does not slide but leaves.
_AT_BOUND = 1e-10
# Of more concave boundaries at once not all choices of sides are tried: flow is then taken to have several ways.
_MOST_CONCAVE = 8


class Event(NamedTuple):
    """A margin of a piece that reached zero: neuron j at line l, and where it leaves to if it slid."""

    line: int
    neuron: int
    kind: Literal["meets", "leaves to -", "leaves to +"]


@dataclass(frozen=True, eq=False)
class FlowPiece:
    """Gradient flow of one network with frozen sides of boundaries.

    ``du_j/dt = -a_j X^T D_j r - beta u_j``, ``da_j/dt = -(D_j X u_j)^T r - beta a_j``, with r the gradient of the loss.
    A neuron that slides along some boundaries moves by the projection of the first term on their common plane.

    Parameters
    ----------
    objective : BatchedObjective
        Data, smooth loss, weight decay.
    boundaries : Boundaries
        Those of the data.
    sides : int8 ndarray of shape (L, m)
        Sides that neurons are on, 0 where they slide.
    slides : tuple of Slide
        Neurons that slide.
    """

    objective: BatchedObjective
    boundaries: Boundaries
    sides: Sides
    slides: tuple[Slide, ...] = ()

    @classmethod
    def at(
        cls, objective: BatchedObjective, boundaries: Boundaries, state: Array, m: int
    ) -> tuple[FlowPiece, Array]:
        """Return the piece that a state begins on; neurons on boundaries go where flow takes them."""
        distances = boundaries.normals @ state[:-m].reshape(-1, m)
        piece = cls(objective, boundaries, np.where(distances > 0, 1, -1).astype(np.int8))
        for j in range(m):
            distance, least = piece._distances(state, j)
            on = np.abs(distance) <= least
            # Where the objective is concave: inactive for the line's first sample.
            fallback = np.where(on, -1, piece.sides[:, j]).astype(np.int8)
            if np.any(on):
                piece, state = piece._decided(j, fallback, np.flatnonzero(on), state)
        return piece, state

    def is_unique(self, event: Event, state: Array) -> bool:
        """Return whether flow goes on in one way only after a slide.

        It does not where the slide ended because ``a_j`` passed through zero: the objective is then concave across
        the boundary, and both sides lead away from it.
        """
        hidden, output = self.split(state)
        _, r = self._pull(self._active * (self.objective.samples.X @ hidden), output)
        negative, positive = self.boundaries.bounds(r)
        bend = output[event.neuron] * (positive - negative)[event.line]
        return event.kind == "meets" or bool(bend > 0)

    def start_forks(self, state: Array) -> list[tuple[int, int]]:
        """Return neurons whose way from a start is a choice, each with a line of whose sides flow may take either.

        -1 stands for all lines: the neuron rests at the origin with an output weight that might lead it out. A neuron
        on a boundary with ``a_j = 0`` is judged by the sign that ``a_j`` takes at once.
        """
        hidden, output = self.split(state)
        activations = self._active * (self.objective.samples.X @ hidden)
        _, r = self._pull(activations, output)
        weights = np.where(output == 0, -(activations.T @ r), output)
        found = []
        for j in range(self.sides.shape[1]):
            if self.rests(j):
                found += [(j, -1)] if output[j] else []
                continue
            distances, least = self._distances(state, j)
            lines = np.flatnonzero(np.abs(distances) <= least)
            if len(lines):
                found += [(j, int(line)) for line in self._open_sides(j, lines, weights[j], r)]
        return found

    def _open_sides(self, j: int, lines: NDArray[np.intp], weight: float, r: Array) -> NDArray[np.intp]:
        """Return those of some lines that neuron j is on, of which flow may take either side.

        These are lines across which the objective is concave and from which both sides lead away, or stay on them.
        """
        low, high = (weight * side[lines] for side in self.boundaries.bounds(r))
        rounding = ON_BOUNDARY * abs(weight) * float(np.abs(r) @ np.abs(self.boundaries.lengths))
        bent, convex = lines[high < low - rounding], high > low
        if len(bent) == 0 or len(bent) > _MOST_CONCAVE:
            return bent
        own, ways = self.sides[:, j].copy(), []
        for choice in product((-1, 1), repeat=len(bent)):
            own[bent] = choice
            _, left = self._least_norm(own, lines[convex], low[convex], high[convex], -weight * r)
            if np.all(np.array(choice) * (self.boundaries.normals[bent] @ left) >= -rounding):
                ways.append(choice)
        return bent[np.ptp(ways, axis=0) > 0] if len(ways) > 1 else bent[:0]

    @cached_property
    def _active(self) -> Array:
        return self.boundaries.active(self.sides)

    @cached_property
    def _projectors(self) -> tuple[list[int], Array]:
        """Return the sliding neurons and their projectors (k, d, d)."""
        return [slide.neuron for slide in self.slides], np.array([slide.projector for slide in self.slides])

    @cached_property
    def _pairs(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
        """Return lines and neurons of all slides that may end, (q,) each, and their rows of the inverses (q, d)."""
        ending = [slide for slide in self.slides if not self.rests(slide.neuron)]
        if not ending:
            return np.zeros(0, dtype=np.intp), np.zeros(0, dtype=np.intp), np.zeros((0, 0))
        return (
            np.concatenate([slide.lines for slide in ending]),
            np.repeat([slide.neuron for slide in ending], [len(slide.lines) for slide in ending]),
            np.concatenate([slide.inverse for slide in ending]),
        )

    def rests(self, j: int) -> bool:
        """Return whether a neuron is at the origin, where it stays: on all boundaries, and more than one."""
        return len(self.sides) > 1 and not np.any(self.sides[:, j])

    def split(self, state: Array) -> tuple[Array, Array]:
        """Return hidden weights (d, m) and output weights (m,) of a state."""
        m = self.sides.shape[1]
        return state[:-m].reshape(-1, m), state[-m:]

    def velocity(self, _: float, state: Array) -> Array:
        """Return the velocity of a state, flattened."""
        hidden, output = self.split(state)
        beta = self.objective.beta
        activations = self._active * (self.objective.samples.X @ hidden)
        pull, r = self._pull(activations, output)
        if self.slides:
            neurons, projectors = self._projectors
            pull[:, neurons] -= np.einsum("kde,ek->dk", projectors, pull[:, neurons])
        return np.concatenate([(pull - beta * hidden).ravel(), -(activations.T @ r) - beta * output])

    def margins(self, state: Array) -> tuple[Array, Array]:
        """Return what stays positive on this piece, and below what it counts as zero: each (L m + 2 q,).

        First the distances ``+-e_l^T u_j``, infinite where the neuron slides; then how far the multipliers of the q
        lines of slides are from their bounds for the negative side, then for the positive side.
        """
        hidden, output = self.split(state)
        distances = np.where(self.sides == 0, np.inf, self.sides * (self.boundaries.normals @ hidden))
        least = np.broadcast_to(width(hidden, output), self.sides.shape)
        lines, neurons, inverse = self._pairs
        if len(lines) == 0:
            return distances.ravel(), least.ravel()
        pull, r = self._pull(self._active * (self.objective.samples.X @ hidden), output)
        negative, positive = self.boundaries.bounds(r)
        multipliers = np.einsum("qd,dq->q", inverse, pull[:, neurons])
        below = multipliers - output[neurons] * negative[lines]
        above = output[neurons] * positive[lines] - multipliers
        rounding = ON_BOUNDARY * np.linalg.norm(pull[:, neurons], axis=0)
        return np.concatenate([distances.ravel(), below, above]), np.concatenate(
            [least.ravel(), rounding, rounding]
        )

    def margin(self, state: Array, index: int) -> float:
        """Return one of the margins."""
        if index >= self.sides.size:
            return float(self.margins(state)[0][index])
        line, neuron = divmod(index, self.sides.shape[1])
        u = self.split(state)[0][:, neuron]
        return float(self.sides[line, neuron] * (self.boundaries.normals[line] @ u))

    def event(self, index: int) -> Event:
        """Return what a margin stands for."""
        if index < self.sides.size:
            line, neuron = divmod(index, self.sides.shape[1])
            return Event(line, neuron, "meets")
        lines, neurons, _ = self._pairs
        leaves, pair = divmod(index - self.sides.size, len(lines))
        return Event(int(lines[pair]), int(neurons[pair]), "leaves to +" if leaves else "leaves to -")

    def after(self, event: Event, state: Array) -> tuple[FlowPiece, Array]:
        """Return the piece that follows an event, and the state with sliding neurons exactly on their boundaries.

        All boundaries that the neuron is on are decided anew.
        """
        j = event.neuron
        sides = self.sides[:, j]
        distances, least = self._distances(state, j)
        undecided = (np.abs(distances) <= least) | (sides == 0)
        undecided[event.line] = True
        fallback = np.where(sides * distances < 0, -sides, sides).astype(np.int8)
        fallback[fallback == 0] = -1
        if event.kind == "leaves to +" and self.is_unique(event, state):
            fallback[event.line] = 1
        return self._decided(j, fallback, np.flatnonzero(undecided), state)

    def _distances(self, state: Array, j: int) -> tuple[Array, float]:
        """Return ``e_l^T u_j`` for all lines l, and below what it counts as zero."""
        hidden, output = self.split(state)
        return self.boundaries.normals @ hidden[:, j], width(hidden[:, j : j + 1], output[j : j + 1])[0]

    def _decided(
        self, j: int, sides: Sides, lines: NDArray[np.intp], state: Array
    ) -> tuple[FlowPiece, Array]:
        """Decide on which side of some lines neuron j goes on, or along which of them it slides.

        Where the objective is concave across a line, neither side pushes back: the neuron goes to the side given if
        the field there does not push it over. Across the others it takes the multipliers of the element of least
        norm, and the sides that these stand for.
        """
        hidden, output = self.split(state)
        if 1 < len(lines) == len(self.sides):  # at the origin
            return self._with(j, np.zeros_like(sides), state)
        _, r = self._pull(self._active * (self.objective.samples.X @ hidden), output)
        low, high = (output[j] * side[lines] for side in self.boundaries.bounds(r))
        convex = high > low
        concave, normals = lines[~convex], self.boundaries.normals[lines[~convex]]
        for _ in range(1 + len(concave)):
            sides, left = self._least_norm(sides, lines[convex], low[convex], high[convex], -output[j] * r)
            pushed = concave[(normals @ left) * sides[concave] < 0]
            if len(pushed) == 0:
                break
            sides[pushed] = -sides[pushed]
        return self._with(j, sides, state)

    def _with(self, j: int, own: Sides, state: Array) -> tuple[FlowPiece, Array]:
        """Return the piece on which neuron j has other sides, and the state with that neuron exactly on its lines."""
        sides = self.sides.copy()
        sides[:, j] = own
        slides = [slide for slide in self.slides if slide.neuron != j]
        lines = np.flatnonzero(own == 0)
        if len(lines):
            slides.append(Slide.along(j, lines, self.boundaries.normals[lines]))
            state = state.copy()
            u = self.split(state)[0][:, j]
            u -= slides[-1].projector @ u
        return FlowPiece(self.objective, self.boundaries, sides, tuple(slides)), state

    def _least_norm(
        self, sides: Sides, lines: NDArray[np.intp], low: Array, high: Array, pulls: Array
    ) -> tuple[Sides, Array]:
        """Return the sides of the element of least norm over the multipliers of some lines, and that element."""
        sides = sides.copy()
        sides[lines] = 0
        pull = self.objective.samples.X.T @ (self.boundaries.active(sides[:, None])[:, 0] * pulls)
        normals = self.boundaries.normals[lines]
        multipliers = least_norm_in_box(normals, -pull, low, high)
        close = _AT_BOUND * (high - low)
        sides[lines] = np.where(multipliers <= low + close, -1, np.where(multipliers >= high - close, 1, 0))
        return sides, pull - normals.T @ multipliers

    def _pull(self, activations: Array, output: Array) -> tuple[Array, Array]:
        """Return ``-a_j X^T D_j r`` (d, m) before sliding, and r."""
        r = self.objective.samples.loss_gradients((activations @ output)[None])[0]
        return -(self.objective.samples.X.T @ (self._active * r[:, None])) * output, r
