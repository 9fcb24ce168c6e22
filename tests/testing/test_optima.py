"""Planted faults: every law of the optimum rejects a way of training that breaks it."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.testing import (
    check_added_pattern,
    check_duplicated_patterns,
    check_gated_below_relu,
    check_monotone_in_beta,
    check_order_of_patterns,
    check_scaling,
    check_scaling_of_data,
    samplers,
)

rng = np.random.default_rng(11)
X = samplers.gaussian(rng, 5, 2)
problem = Problem(X, rng.standard_normal(5), beta=0.2)
masks = np.asarray(enumerate_patterns(X))
TOL = 1e-7


def right(problem, masks):
    return solve(ReLUProgram(problem, masks), tol=1e-8).objective


def squared_norms(problem, masks):
    """The penalty of a ridge regression: splitting a block over copies makes it cheaper."""
    W = cp.Variable((problem.n_features, masks.shape[1]))
    f = cp.sum(cp.multiply(masks.astype(float), problem.X @ W), axis=1)
    objective = 0.5 * cp.sum_squares(f - problem.y) + problem.beta * cp.sum_squares(W)
    return cp.Problem(cp.Minimize(objective)).solve(solver=cp.CLARABEL)


def first_pattern_only(problem, masks):
    return right(problem, masks[:, :1])


def last_pattern_only(problem, masks):
    return right(problem, masks[:, -1:])


def squares_beta(problem, masks):
    return right(problem.with_beta(problem.beta**2), masks)


def mean_loss(problem, masks):
    return right(problem, masks) / problem.n_samples**problem.beta


def convex_in_beta(problem, masks):
    return problem.beta**2


def falls_with_beta(problem, masks):
    return 1.0 / problem.beta


def above_zero(problem, masks):
    return 10.0 + problem.beta


FAULTS = [
    (lambda f: check_duplicated_patterns(f, problem, masks, tol=TOL), squared_norms, "duplicated"),
    (lambda f: check_added_pattern(f, problem, masks, tol=TOL), last_pattern_only, "added pattern"),
    (lambda f: check_order_of_patterns(f, problem, masks, tol=TOL), first_pattern_only, "order"),
    (lambda f: check_scaling(f, problem, masks, 3.0, tol=TOL), squares_beta, "scale by c"),
    (lambda f: check_scaling_of_data(f, problem, masks, 3.0, tol=TOL), squares_beta, "change nothing"),
    (lambda f: check_scaling_of_data(f, problem, masks, 3.0, tol=TOL), mean_loss, "change nothing"),
    (lambda f: check_monotone_in_beta(f, problem, masks, tol=TOL), convex_in_beta, "concave"),
    (lambda f: check_monotone_in_beta(f, problem, masks, tol=TOL), falls_with_beta, "rise with beta"),
    (lambda f: check_monotone_in_beta(f, problem, masks, tol=TOL), above_zero, "zero network"),
    (
        lambda f: check_gated_below_relu(lambda *a: 0.99 * right(*a), f, problem, masks, tol=TOL),
        lambda *a: 0.98 * right(*a),
        "gated optimum",
    ),
]


@pytest.mark.parametrize(("check", "wrong", "message"), FAULTS)
def test_the_law_rejects(check, wrong, message):
    check(right)
    with pytest.raises(AssertionError, match=message):
        check(wrong)
