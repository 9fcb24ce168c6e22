"""Losses with a kink: trained as smooth ones, with a stated error."""

from __future__ import annotations

from cvxnn.certificates import make_certificate
from cvxnn.problem import Problem
from cvxnn.statuses import SolveStatus
from cvxnn.training.result import TrainingResult

# Error of a smoothed loss, in units of tol times the objective of no neurons, and for descents of that objective.
_SMOOTHING, _ROUGH_SMOOTHING = 0.1, 3e-2


def smoothed(problem: Problem, tol: float) -> tuple[Problem, Problem]:
    """Return the problem with a smooth loss, and one with a smoother loss for descents; itself where it is smooth.

    By how much it can be below the loss is a small part of ``tol`` times the objective of no neurons.
    """
    fine = _SMOOTHING * tol
    return problem.smoothed(fine), problem.smoothed(max(fine, _ROUGH_SMOOTHING))


def under_loss(problem: Problem, result: TrainingResult) -> TrainingResult:
    """Return the result with the objective of the problem's own loss; its lower bound holds for that loss too."""
    found = result.certificate
    certificate = make_certificate(
        problem.objective(result.network),
        found.lower_bound,
        tol=found.tol,
        method=found.method,
        scope=found.scope,
        search_violation=found.search_violation,
    )
    status = result.status
    if status is SolveStatus.PROVEN and not certificate.proven:
        status = SolveStatus.SMOOTHED
    return TrainingResult(result.network, certificate, status, result.history)
