"""Gradient flow of small networks before they fit anything: every neuron for itself, in closed form between kinks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cvxnn.cones import least_norm_in_box
from cvxnn.short_reprs import short_repr
from cvxnn.validation import Array, as_finite_array, within_float64

# A pull along a row this small, as a cosine, is rounding: the sample's pre-activation does not change.
_FLAT = 1e-12
# Gates this close to 0 or 1 are at the bound: the neuron leaves the kink.
_AT_BOUND = 1e-9
# A pull this close to opposing the neuron, as a sine, opposes it.
_OPPOSED = 1e-9


class EarlyEnd(Enum):
    """What kind of direction a neuron tends to while the network is small."""

    CONSISTENT = "the pull of its own pattern, ``u = s X^T D(u) r`` up to a factor"
    BOUNDARY = "on kinks, held there by both sides: the pull projected to its cell"
    DEAD = "active on no sample: it stands still"
    FADING = "pulled back along itself from every side: it shrinks for ever"


@short_repr
@dataclass(frozen=True, eq=False)
class EarlyPath:
    """One balanced neuron's path while the network's predictions are negligible.

    With the residual ``r = -grad loss(0)`` held fixed, ``u' = a X^T D(u) r`` and ``a' = r^T (X u)_+``. From a
    balanced start, ``a = s ||u||``, the unit direction moves by ``P (s X^T D(u) r)``, P the projection off the
    direction: it depends neither on the size nor on other neurons. In a cell the pull ``g = s X^T D r`` is constant and

    ``cos(u(t), g) = tanh(||g|| t + artanh cos(u(0), g))``,

    ``||u(t)|| = ||u(0)|| (cosh(||g|| t) + cos(u(0), g) sinh(||g|| t))``.

    Where both sides of a sample's kink pull towards it the neuron slides along it, by the element of least norm of
    Clarke's subdifferential.

    Parameters
    ----------
    times : ndarray of shape (k,)
        Where pieces begin: 0, and when a kink is met.
    directions : ndarray of shape (k, d)
        Unit directions there.
    log_growths : ndarray of shape (k,)
        ``log(||u|| / ||u(0)||)`` there.
    pulls : ndarray of shape (k, d)
        What moves the neuron on each piece.
    own_pulls : ndarray of shape (k, d)
        ``s X^T D(u) r`` of the pattern with strict ``> 0``; differs from the pull while sliding.
    end : EarlyEnd
        What kind of direction it tends to.
    """

    times: Array  # (k,)
    directions: Array  # (k, d)
    log_growths: Array  # (k,)
    pulls: Array  # (k, d)
    own_pulls: Array  # (k, d)
    end: EarlyEnd

    @property
    def limit(self) -> Array:
        """Return the direction it tends to, shape (d,)."""
        moves = self.end in (EarlyEnd.CONSISTENT, EarlyEnd.BOUNDARY)
        return np.asarray(self.pulls[-1] / self.rate if moves else self.directions[-1])

    @property
    def rate(self) -> float:
        """Return the g of the last piece along the limit: the size grows like ``exp(rate t)`` in the end."""
        speed = float(np.linalg.norm(self.pulls[-1]))
        return -speed if self.end is EarlyEnd.FADING else speed

    @property
    def slide_time(self) -> float:
        """Return when it first slides along a kink, infinite where it never does."""
        slides = np.any(self.pulls != self.own_pulls, axis=1)
        return float(self.times[np.argmax(slides)]) if slides.any() else float("inf")

    def direction(self, time: float) -> Array:
        """Return the unit direction at a time, shape (d,)."""
        k = self._piece(time)
        return _moved(self.directions[k], self.pulls[k], time - self.times[k])[0]

    def log_growth(self, time: float) -> float:
        """Return ``log(||u(time)|| / ||u(0)||)``."""
        k = self._piece(time)
        return float(self.log_growths[k] + _moved(self.directions[k], self.pulls[k], time - self.times[k])[1])

    def cosine(self, time: float) -> float:
        """Return the cosine between the neuron and ``s X^T D(u) r``, D with strict ``> 0``; nan where that is 0."""
        own = self.own_pulls[self._piece(time)]
        size = float(np.linalg.norm(own))
        return float(self.direction(time) @ own / size) if size > 0 else float("nan")

    def alignment_time(self, delta: float) -> float:
        """Return the first time at which `cosine` is at least ``1 - delta``, infinite where there is none."""
        ends = np.append(self.times[1:], np.inf)
        for start, stop, u, g, own in zip(
            self.times, ends, self.directions, self.pulls, self.own_pulls, strict=True
        ):
            speed, size = float(np.linalg.norm(g)), float(np.linalg.norm(own))
            # Sliding, u is orthogonal to what the two pulls differ by: u^T own = u^T g.
            needed = (1.0 - delta) * size / speed if speed > 0 else np.inf
            if needed >= 1.0:
                continue
            cosine = float(np.clip(u @ g / speed, -1.0, 1.0))
            with np.errstate(divide="ignore"):
                wait = max(0.0, np.arctanh(needed) - np.arctanh(cosine)) / speed
            if start + wait <= stop:
                return float(start + wait)
        return float("inf")

    def _piece(self, time: float) -> int:
        return int(np.searchsorted(self.times, time, side="right")) - 1


def early_path(X: Any, residual: Any, direction: Any, sign: float) -> EarlyPath:
    """Follow one neuron from kink to kink until none is ahead.

    Parameters
    ----------
    X : array_like of shape (n, d)
        Data.
    residual : array_like of shape (n,)
        ``r = -grad loss(0)``: y for the squared loss, y/2 for the logistic one.
    direction : array_like of shape (d,)
        Where it starts; its length does not matter. Samples that it is on the kink of count as inactive.
    sign : {1, -1}
        Sign s of the output weight, which is balanced.

    Raises
    ------
    ValueError
        If a shape or value is wrong.

    References
    ----------
    H. Maennel, O. Bousquet, S. Gelly, "Gradient descent quantizes ReLU network features", 2018; M. Phuong and C. H.
    Lampert, "The inductive bias of ReLU networks on orthogonally separable data", ICLR 2021, section 4.

    Examples
    --------
    >>> path = early_path([[1.0, 0.0], [1.0, 1.0]], [1.0, -1.0], [1.0, 0.0], 1)
    >>> path.limit.round(6), path.end.name  # comes to rest on the second sample's kink
    (array([ 0.707107, -0.707107]), 'BOUNDARY')
    """
    with within_float64("X and residual"):
        X, residual = as_finite_array(X, "X", (2,)), as_finite_array(residual, "residual", (1,))
        u = as_finite_array(direction, "direction", (1,))
        if residual.shape != X.shape[:1] or u.shape != X.shape[1:]:
            raise ValueError(
                f"residual and direction must have shapes {X.shape[:1]} and {X.shape[1:]}; "
                f"got {residual.shape} and {u.shape}"
            )
        if sign not in (1, -1) or not np.any(u):
            raise ValueError(
                f"sign must be 1 or -1 and direction not zero; got {sign!r} and a norm of {np.linalg.norm(u)}"
            )
        walker = _Walker(X, sign * residual, u / np.linalg.norm(u))
        while walker.advance():
            pass
        return walker.path()


class _Walker:
    """State of a neuron between kinks: its direction, strictly active samples, and samples it slides on."""

    def __init__(self, X: Array, weights: Array, u: Array) -> None:
        self._X, self._weights, self._norms = X, weights, np.linalg.norm(X, axis=1)
        self._time, self._u, self._growth = 0.0, u, 0.0
        self._active: NDArray[np.bool_] = X @ u > 0
        self._tied: NDArray[np.bool_] = np.zeros(len(X), dtype=bool)
        self._pieces: list[tuple[float, Array, float, Array, Array]] = []

    def advance(self) -> bool:
        """Record a piece and move to its end; return False where it has none."""
        own = self._X.T @ (self._weights * self._active)
        pull = self._slide(own)
        if pull is None:  # a gate reached its bound: the sample left the kink, the sets have changed
            return self.advance()
        self._pieces.append((self._time, self._u, self._growth, pull, own))
        wait, sample = self._next_kink(pull)
        if sample < 0:
            return False
        if len(self._pieces) > 1000 * len(self._X):
            raise ArithmeticError(f"a neuron met {len(self._pieces)} kinks: its path does not settle")
        self._u, grown = _moved(self._u, pull, wait)
        self._time, self._growth = self._time + wait, self._growth + grown
        if self._weights[sample] > 0:  # the kink is convex: the neuron goes through
            self._active[sample] = not self._active[sample]
        else:
            self._active[sample], self._tied[sample] = False, True
        return True

    def path(self) -> EarlyPath:
        """Return what was recorded."""
        times, directions, growths, pulls, own = (
            np.array(column) for column in zip(*self._pieces, strict=True)
        )
        alive = bool(np.any(self._active & (self._weights != 0)))
        if not alive:
            end = EarlyEnd.DEAD
        elif _opposes(pulls[-1], directions[-1]):
            end = EarlyEnd.FADING
        else:
            end = EarlyEnd.BOUNDARY if np.any(self._tied) else EarlyEnd.CONSISTENT
        return EarlyPath(times, directions, growths, pulls, own, end)

    def _slide(self, own: Array) -> Array | None:
        """Return the pull with the gates in [0, 1] that make it shortest; None after samples left their kinks."""
        tied = np.flatnonzero(self._tied)
        if tied.size == 0:
            return own
        sides = self._weights[tied, None] * self._X[tied]
        gates = least_norm_in_box(sides, own, np.zeros(len(tied)), np.ones(len(tied)))
        inner = (gates > _AT_BOUND) & (gates < 1.0 - _AT_BOUND)
        if np.all(inner):
            return np.asarray(own + sides.T @ gates)
        self._active[tied[gates >= 1.0 - _AT_BOUND]] = True
        self._tied[tied[~inner]] = False
        return None

    def _next_kink(self, pull: Array) -> tuple[float, int]:
        """Return how long until the next kink, and its sample; -1 where there is none."""
        speed = float(np.linalg.norm(pull))
        if speed == 0.0 or _opposes(pull, self._u):
            return np.inf, -1
        cosine = float(np.clip(self._u @ pull / speed, -1.0, 1.0))
        along, levels = self._X @ (pull / speed), self._X @ self._u
        leaving = np.where(self._active, along < 0, along > 0) & ~self._tied & (self._weights != 0)
        ahead = np.flatnonzero(leaving & (np.abs(along) > _FLAT * self._norms))
        if ahead.size == 0:
            return np.inf, -1
        # x^T u = 0 where c cosh + sinh of the angle travelled is h: a quadratic in its exponential.
        h = cosine - levels[ahead] / along[ahead]
        root = np.sqrt(h**2 + 1.0 - cosine**2)
        exponential = np.where(h >= 0, h + root, (1.0 - cosine**2) / (root - np.minimum(h, 0.0)))
        first = int(np.argmin(exponential))
        angle = np.log(max(1.0, float(exponential[first]) / (1.0 + cosine)))
        return float(angle / speed), int(ahead[first])


def _opposes(pull: Array, u: Array) -> bool:
    speed = float(np.linalg.norm(pull))
    return speed > 0.0 and bool(np.linalg.norm(pull + speed * u) <= _OPPOSED * speed)


def _moved(u: Array, pull: Array, time: float) -> tuple[Array, float]:
    """Return the unit direction after a time under a constant pull, and the logarithm of the growth."""
    speed = float(np.linalg.norm(pull))
    if speed == 0.0:
        return u, 0.0
    if _opposes(pull, u):
        return u, -speed * time
    unit = pull / speed
    cosine, angle = float(np.clip(u @ unit, -1.0, 1.0)), speed * time
    # Everything is divided by exp(angle), so that late times do not overflow.
    shrunk, twice = np.exp(-angle), np.exp(-2.0 * angle)
    growth = 0.5 * (1.0 + twice) + cosine * 0.5 * (1.0 - twice)
    moved = shrunk * (u - cosine * unit) + (cosine * 0.5 * (1.0 + twice) + 0.5 * (1.0 - twice)) * unit
    return np.asarray(moved / np.linalg.norm(moved)), float(angle + np.log(growth))
