"""What is proved about a trained network or a solved program: a value with a scope."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from cvxnn.short_reprs import short_repr

Scope = Literal["network", "program"]

# A bound may exceed the objective by the rounding of two float64 sums; more than this is a contradiction.
_ROUNDING = 1e-9


@short_repr
@dataclass(frozen=True)
class Certificate:
    """A proven lower bound on an optimum, next to an attained objective.

    Made by `make_certificate`, which checks that the two numbers do not contradict each other.

    Parameters
    ----------
    objective : float
        The attained objective, recomputed from data and weights.
    lower_bound : float
        A proven lower bound on the optimum; at worst 0, since loss and penalty are non-negative.
    gap : float
        ``objective - lower_bound``.
    relative_gap : float
        ``gap / objective``; 0 when both are 0.
    proven : bool
        Whether ``relative_gap <= tol``.
    method : str
        The name of the proof.
    scope : {"network", "program"}
        "network": the bound holds for the training problem, over all activation patterns. "program": only for
        the convex program on the given patterns.
    search_violation : float or None
        ``max ||lambda^T (X u)_+|| / beta - 1`` over every direction that a search tried. The result of a
        search, not a proof; None when no search ran.
    tol : float
        The relative gap asked for.
    """

    objective: float
    lower_bound: float
    gap: float
    relative_gap: float
    proven: bool
    method: str
    scope: Scope
    search_violation: float | None
    tol: float

    def in_units(self, objective: Callable[[float], float]) -> Certificate:
        """Return the certificate with objective, bound and gap measured in another unit; ratios stay.

        Parameters
        ----------
        objective : callable
            Multiplies a number by the positive factor between the units.
        """
        return replace(
            self,
            objective=objective(self.objective),
            lower_bound=objective(self.lower_bound),
            gap=objective(self.gap),
        )

    def __str__(self) -> str:
        sign, verdict = ("<=", "proven") if self.proven else (">", "not proven")
        subject = (
            "training problem, all activation patterns"
            if self.scope == "network"
            else "convex program, the given patterns only"
        )
        lines = [
            f"objective {self.objective:.8g}, lower bound {self.lower_bound:.8g} ({subject})",
            f"relative gap {self.relative_gap:.3g} {sign} tol {self.tol:.3g}: {verdict} by {self.method}",
        ]
        if self.search_violation is not None:
            lines.append(
                f"largest dual violation that a search found: {self.search_violation:.3g} (not a proof)"
            )
        return "\n".join(lines)


def make_certificate(
    objective: float,
    lower_bound: float,
    *,
    tol: float,
    method: str,
    scope: Scope,
    search_violation: float | None = None,
) -> Certificate:
    """Return the certificate of an objective and a proven lower bound.

    A negative bound becomes 0; a bound above the objective by no more than rounding becomes the objective.

    Parameters
    ----------
    objective, lower_bound : float
        The attained value and the bound.
    tol : float
        The relative gap asked for.
    method : str
        The name of the proof.
    scope : {"network", "program"}
        What the bound is about.
    search_violation : float, optional
        What a search found.

    Raises
    ------
    ArithmeticError
        If a number is NaN, or the bound exceeds the objective by more than a relative 1e-9: one of them is
        wrong.

    Examples
    --------
    >>> options = {"tol": 1e-3, "method": "exact sweep", "scope": "network", "search_violation": 2e-4}
    >>> print(make_certificate(2.0, 1.999, **options))
    objective 2, lower bound 1.999 (training problem, all activation patterns)
    relative gap 0.0005 <= tol 0.001: proven by exact sweep
    largest dual violation that a search found: 0.0002 (not a proof)
    """
    if math.isnan(objective) or math.isnan(lower_bound):
        raise ArithmeticError(f"objective {objective!r} and lower bound {lower_bound!r} must be numbers")
    bound = max(float(lower_bound), 0.0)
    if bound > objective * (1 + _ROUNDING):
        raise ArithmeticError(f"lower bound {bound!r} exceeds the attained objective {objective!r}")
    bound = min(bound, objective)
    gap = objective - bound
    relative_gap = gap / objective if objective > 0 else 0.0
    return Certificate(
        objective=objective,
        lower_bound=bound,
        gap=gap,
        relative_gap=relative_gap,
        proven=relative_gap <= tol,
        method=method,
        scope=scope,
        search_violation=search_violation,
        tol=tol,
    )
