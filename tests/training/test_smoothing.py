"""Losses with a kink are trained smoothed, and judged by themselves."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, train
from cvxnn.losses import HingeLoss, LogisticLoss, QuantileLoss
from cvxnn.training.smoothing import smoothed, under_loss


def make_problem(loss, n=20):
    rng = np.random.default_rng(2)
    X = np.column_stack([rng.standard_normal(n), np.ones(n)])
    y = X[:, 0] ** 2 - 0.5 + 0.2 * rng.standard_normal(n)
    return Problem(X, np.where(y > 0, 1.0, -1.0) if loss.is_classification else y, 0.3, loss)


def test_smooth_losses_stay_as_they_are():
    problem = make_problem(LogisticLoss())
    assert smoothed(problem, 1e-3) == (problem, problem)


@pytest.mark.parametrize("loss", [HingeLoss(), QuantileLoss(0.3)], ids=lambda loss: loss.name)
@pytest.mark.parametrize("tol", [1e-1, 1e-3])
def test_the_error_is_a_part_of_tol_of_the_objective_of_no_neurons(loss, tol):
    problem = make_problem(loss)
    fine, rough = smoothed(problem, tol)
    null = problem.loss_value(np.zeros_like(problem.y), problem.null_offset())
    for f in np.random.default_rng(0).standard_normal((20, *problem.y.shape)):
        exact, below, far_below = (p.loss_value(f, np.zeros(1)) for p in (problem, fine, rough))
        assert far_below <= below * (1 + 1e-12)
        assert exact - 0.1 * tol * null * (1 + 1e-9) <= below <= exact * (1 + 1e-12)


def test_results_are_stated_for_the_loss_itself():
    problem = make_problem(HingeLoss())
    fine, _ = smoothed(problem, 1e-2)
    result = under_loss(problem, train(fine, tol=1e-4))
    assert result.certificate.objective == problem.objective(result.network)
    assert result.certificate.objective >= fine.objective(result.network)
    assert not result.certificate.proven
    assert result.status.name == "SMOOTHED"
