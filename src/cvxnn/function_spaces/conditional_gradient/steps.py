"""The four rules by which conditional gradient moves once the oracle has named a neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from cvxnn.function_spaces.conditional_gradient.combinations import Combination
from cvxnn.function_spaces.conditional_gradient.hull import best_weights, slope, step_on_line
from cvxnn.problem import Problem

StepRule = Literal["fixed", "line_search", "fully_corrective", "away"]
StepKind = Literal["start", "forward", "away", "drop", "corrective"]


@dataclass(frozen=True, eq=False)
class Step:
    """One step taken: where to, its length, and its kind.

    Parameters
    ----------
    to : Combination
        The new point.
    rho : float
        Step size on the line that was walked; the new neuron's weight for "corrective".
    kind : {"forward", "away", "drop", "corrective"}
        Towards the oracle's neuron; away from one in use; away from it until it is gone; all weights anew.
    """

    to: Combination
    rho: float
    kind: StepKind


def take_step(rule: StepRule, problem: Problem, at: Combination, place: int | None, t: int) -> Step:
    """Take step t = 1, 2, ... by a rule.

    Parameters
    ----------
    rule : {"fixed", "line_search", "fully_corrective", "away"}
        Which.
    problem : Problem
        Gives J.
    at : Combination
        Where; the oracle's neuron has joined it.
    place : int or None
        That neuron's place in it; None where the oracle's point is zero.
    t : int
        The number of the step.
    """
    if rule == "fixed":
        return fixed_step(at, place, t)
    return _SEARCHING[rule](problem, at, place)


def fixed_step(at: Combination, place: int | None, t: int) -> Step:
    """Take ``rho_t = 2 / (t + 1)``, t = 1, 2, ...: the first step forgets the start."""
    rho = 2.0 / (t + 1)
    return Step(at.towards(place, rho).used(), rho, "forward")


def line_search(problem: Problem, at: Combination, place: int | None) -> Step:
    """Take the step that minimises J on the segment to the oracle's point."""
    f = at.values
    target = 0.0 * f if place is None else at.columns[:, place]
    rho = step_on_line(problem, f, target - f, 1.0)
    return Step(at.towards(place, rho).used(), rho, "forward")


def fully_corrective(problem: Problem, at: Combination, place: int | None) -> Step:
    """Minimise J over the hull of zero and all neurons found so far; those of weight zero stay in it."""
    columns = np.column_stack([np.zeros(len(at.columns)), at.columns])
    weights = best_weights(problem, columns, np.append(at.rest, at.weights))
    to = at.with_weights(weights)
    return Step(to, to.rest if place is None else float(to.weights[place]), "corrective")


def away_step(problem: Problem, at: Combination, place: int | None) -> Step:
    """Go towards the oracle's point or away from the worst neuron in use, whichever descends more steeply.

    Zero counts as a neuron in use while it has weight. Steps are exact on the line.

    References
    ----------
    J. Guelat and P. Marcotte, "Some comments on Wolfe's 'away step'", Mathematical Programming 35 (1986).
    """
    f = at.values
    gradient = slope(problem, f)
    target = 0.0 * f if place is None else at.columns[:, place]
    slopes = np.where(at.weights > 0, gradient @ at.columns, -np.inf)
    worst: int | None = int(np.argmax(slopes)) if len(slopes) else None
    if worst is None or (at.rest > 0 and slopes[worst] < 0.0):
        worst = None
    share = at.rest if worst is None else float(at.weights[worst])
    source = 0.0 * f if worst is None else at.columns[:, worst]
    if share >= 1.0 or gradient @ (target - f) <= gradient @ (f - source):
        return line_search(problem, at, place)
    longest = share / (1.0 - share)
    rho = step_on_line(problem, f, f - source, longest)
    to = at.towards(worst, -rho)
    if rho < longest:
        return Step(to.used(), rho, "away")
    return Step(_without(to, worst).used(), rho, "drop")


def _without(at: Combination, place: int | None) -> Combination:
    """Return the combination with a weight that has come to zero set to it exactly."""
    weights = np.append(at.rest, at.weights)
    weights[0 if place is None else place + 1] = 0.0
    return at.with_weights(weights)


_SEARCHING: dict[StepRule, Callable[[Problem, Combination, int | None], Step]] = {
    "line_search": line_search,
    "fully_corrective": fully_corrective,
    "away": away_step,
}
