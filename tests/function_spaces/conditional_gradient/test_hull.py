"""Loss over a hull of columns against CVXPY."""

import cvxpy as cp
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from cvxnn import Problem
from cvxnn.function_spaces.conditional_gradient.hull import best_weights, slope, step_on_line

LOSSES = ["squared", "huber", "logistic", "squared_hinge"]


def drawn(loss, n=8, m=12, seed=0, weighted=False):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    y = np.sign(y) if loss in ("logistic", "squared_hinge") else y
    weights = rng.uniform(0.5, 2.0, n) if weighted else None
    problem = Problem(rng.standard_normal((n, 2)), y, 0.0, loss, sample_weight=weights)
    return problem, np.column_stack([np.zeros(n), 2.0 * rng.standard_normal((n, m))])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("m", [1, 3, 12])
@pytest.mark.parametrize("weighted", [False, True])
def test_best_weights_against_cvxpy(loss, m, weighted):
    problem, columns = drawn(loss, m=m, weighted=weighted)
    start = np.zeros(m + 1)
    start[0] = 1.0
    w = best_weights(problem, columns, start)
    assert np.all(w >= 0)
    assert np.sum(w) == pytest.approx(1.0, abs=1e-14)
    variable = cp.Variable(m + 1, nonneg=True)
    objective = problem.loss.to_cvxpy(columns @ variable, problem.y, problem.sample_weight)
    statement = cp.Problem(cp.Minimize(objective), [cp.sum(variable) == 1])
    reference = statement.solve(solver=cp.CLARABEL)
    value = problem.loss_value(columns @ w, np.zeros(1))
    assert value <= reference + 1e-7  # Clarabel's own precision
    # What proves it without a reference: no column descends.
    g = slope(problem, columns @ w)
    assert g @ columns @ w - np.min(g @ columns) <= 1e-9 * (1 + np.linalg.norm(g))


def test_it_starts_anywhere_and_never_rises():
    problem, columns = drawn("squared", m=6)
    rng = np.random.default_rng(1)
    best = problem.loss_value(columns @ best_weights(problem, columns, np.eye(7)[0]), np.zeros(1))
    for _ in range(10):
        start = rng.dirichlet(np.ones(7))
        w = best_weights(problem, columns, start)
        assert problem.loss_value(columns @ w, np.zeros(1)) == pytest.approx(best, rel=1e-10)


def test_repeated_and_dependent_columns():
    problem, columns = drawn("squared", n=4, m=3)
    many = np.column_stack([columns, columns, 0.5 * (columns[:, :1] + columns[:, 1:2])])
    few = best_weights(problem, columns, np.eye(4)[0])
    all_of_them = best_weights(problem, many, np.eye(9)[0])
    np.testing.assert_allclose(many @ all_of_them, columns @ few, atol=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("longest", [0.05, 1.0, 30.0])
def test_step_on_line_minimises(loss, longest):
    problem, columns = drawn(loss, m=2)
    f = columns[:, 1]
    d = -slope(problem, f)

    def along(t):
        return problem.loss_value(f + t * d, np.zeros(1))

    t = step_on_line(problem, f, d, longest)
    reference = minimize_scalar(along, bounds=(0.0, longest), method="bounded", options={"xatol": 1e-10})
    assert 0.0 <= t <= longest
    assert along(t) <= min(float(reference.fun), along(longest)) + 1e-12
    assert step_on_line(problem, f, -d, longest) == 0.0  # uphill
