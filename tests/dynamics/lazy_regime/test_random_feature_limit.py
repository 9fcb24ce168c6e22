"""Training output weights alone is ridge regression on random features, at every step."""

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.lazy_regime.random_feature_limit import output_training, ridge_output
from cvxnn.theorems import HypothesisError


def case(seed, beta, n=8, d=3, m=5):
    rng = np.random.default_rng(seed)
    problem = Problem(rng.standard_normal((n, d)), rng.standard_normal(n), beta=beta)
    return problem, ReLUNetwork(rng.standard_normal((d, m)), rng.standard_normal(m))


@pytest.mark.parametrize(("beta", "m"), [(0.3, 5), (0.0, 5), (0.0, 20)])
def test_the_end_is_that_of_the_convex_program(beta, m):
    problem, start = case(0, beta, m=m)
    features, a = np.maximum(problem.X @ start.hidden, 0), cp.Variable(m)
    found = ridge_output(problem, start)
    if beta:
        cp.Problem(
            cp.Minimize(0.5 * cp.sum_squares(features @ a - problem.y) + 0.5 * beta * cp.sum_squares(a))
        ).solve(cp.CLARABEL, tol_gap_rel=1e-11, tol_gap_abs=1e-12, tol_feas=1e-11)
    else:  # the least-squares solution nearest to the start
        normal = features.T @ (features @ a - problem.y) == 0
        cp.Problem(cp.Minimize(cp.sum_squares(a - start.output)), [normal]).solve(
            cp.CLARABEL, tol_gap_rel=1e-11, tol_gap_abs=1e-12, tol_feas=1e-11
        )
    np.testing.assert_allclose(found, a.value, atol=1e-6)  # square root of the solver's gap


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), beta=st.sampled_from([0.0, 1e-3, 1.0]), m=st.sampled_from([3, 12]))
def test_every_step_is_the_closed_form(seed, beta, m):
    problem, start = case(seed, beta, m=m)
    trained = output_training(problem, start, n_steps=200)
    assert trained.course.measured < 1e-10  # rounding of 200 steps
    assert trained.limit.holds
    assert trained.hidden_movement == 0.0


def test_the_limit_is_reached_to_eight_digits():
    problem, start = case(1, 0.5)
    trained = output_training(problem, start, n_steps=3000)
    assert trained.limit.measured < 1e-8


def test_a_step_that_diverges_and_other_losses_are_refused():
    problem, start = case(0, 0.1)
    with pytest.raises(HypothesisError, match="step_size"):
        output_training(problem, start, step_size=1e3)
    logistic = Problem(problem.X, np.sign(problem.y), beta=0.1, loss="logistic")
    with pytest.raises(HypothesisError, match="squared"):
        ridge_output(logistic, start)
    with pytest.raises(HypothesisError, match="something to do"):
        output_training(Problem([[1.0]], [0.0], beta=0.0), ReLUNetwork([[1.0]], [0.0]))
    with pytest.raises(HypothesisError, match="something to do"):
        output_training(Problem([[1.0]], [1.0], beta=0.0), ReLUNetwork([[-1.0]], [1.0]))
