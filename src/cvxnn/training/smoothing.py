"""Losses with a kink: trained as smooth ones, with a stated error."""

from __future__ import annotations

import numpy as np

from cvxnn.certificates import make_certificate
from cvxnn.problem import Problem
from cvxnn.training.result import TrainingResult, TrainingStatus

# Error of a smoothed loss, in units of tol times the objective of no neurons, and for descents of that objective.
_SMOOTHING, _ROUGH_SMOOTHING = 0.1, 3e-2


def smoothed(problem: Problem, tol: float) -> tuple[Problem, Problem]:
    """Return the problem with a smooth loss, and one with a smoother loss for descents; itself where it is smooth.

    A smoothed loss is nowhere above the loss, so that its lower bounds are the problem's too; by how much it can be
    below, summed over the samples, is a small part of ``tol`` times the objective of no neurons.
    """
    if problem.loss.is_smooth:
        return problem, problem
    weights = problem.n_samples if problem.sample_weight is None else float(np.sum(problem.sample_weight))
    null = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    if null == 0.0:
        null = weights
    # width is the error of one output of one sample
    share = null / (weights * problem.n_outputs)
    fine, rough = _SMOOTHING * tol * share, _ROUGH_SMOOTHING * share
    return problem.with_loss(problem.loss.smoothed(fine)), problem.with_loss(
        problem.loss.smoothed(max(fine, rough))
    )


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
    if status is TrainingStatus.PROVEN and not certificate.proven:
        status = TrainingStatus.SMOOTHED
    return TrainingResult(result.network, certificate, status, result.history)
