"""The l1 form equals the weight-decay form: for every balanced network, and at the optimum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.landscape.cones.distances import function_distance
from cvxnn.landscape.minimal_networks.l1_form import l1_equivalence, l1_objective, to_l1_form
from cvxnn.testing.samplers import network as sample
from cvxnn.theorems import HypothesisError

from ..random_optima import LOSSES, optimal, small_problem


@given(st.sampled_from(LOSSES), st.integers(0, 300))
def test_both_forms_of_a_network_have_one_objective(loss, seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, loss)
    network = sample(rng, problem.n_features, int(rng.integers(0, 6)))
    forms = l1_equivalence(problem, network)
    assert forms.balanced.holds
    assert forms.given.holds
    back = to_l1_form(network).balance()
    assert function_distance(network, back) <= 1e-12 * max(1.0, network.path_norm)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_optima_of_both_forms_are_equal(loss):
    """Statement to CVXPY of the l1 form on all directions of a fine grid: no direction beats the convex optimum."""
    cp = pytest.importorskip("cvxpy")
    rng = np.random.default_rng(3)
    X = rng.standard_normal((5, 2))
    y = rng.standard_normal(5) if loss == "squared" else np.array([1.0, -1.0, 1.0, 1.0, -1.0])
    problem = Problem(X, y, 0.3, loss)
    _, network = optimal(problem)
    best = problem.objective(network)
    assert l1_objective(problem, to_l1_form(network)) == pytest.approx(best, rel=1e-9)
    angles = np.linspace(0.0, 2 * np.pi, 721)
    H = np.maximum(X @ np.array([np.cos(angles), np.sin(angles)]), 0.0)
    a = cp.Variable(len(angles))
    value = cp.Problem(cp.Minimize(problem.loss.to_cvxpy(H @ a, y, None) + problem.beta * cp.norm1(a))).solve(
        solver="CLARABEL"
    )
    # The grid is a restriction; its directions are within half a degree of the best, whose objective is flat.
    assert best - 1e-7 <= value <= best * (1 + 1e-3)


def test_an_unbalanced_network_costs_more_in_the_weight_decay_form():
    problem = Problem([[1.0]], [1.0], beta=0.5)
    forms = l1_equivalence(problem, ReLUNetwork([[2.0]], [0.25]))
    assert forms.given.difference < -0.5  # a planted fault: taking the network as it is for balanced
    assert forms.balanced.holds


def test_hidden_weights_outside_the_unit_ball_are_refused():
    problem = Problem([[1.0]], [1.0], beta=0.5)
    with pytest.raises(HypothesisError, match="hidden weights must have norm at most 1; the longest has 2"):
        l1_objective(problem, ReLUNetwork([[2.0]], [0.25]))
