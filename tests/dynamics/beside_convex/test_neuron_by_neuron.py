"""Two descents from one network, neuron by neuron."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.beside_convex.neuron_by_neuron import block_velocities, side_by_side
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError

# Fits its two samples with a neuron each, which no step takes across a boundary.
TWO = Problem([[1.0, 0.2], [-1.0, 0.3]], [1.0, 2.0], beta=0.1)


def random_case(seed, beta=0.1, loss="squared", n=8, d=3, m=4):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n) if loss == "squared" else rng.choice([-1.0, 1.0], n)
    network = ReLUNetwork(rng.standard_normal((d, m)), rng.standard_normal(m))
    return Problem(rng.standard_normal((n, d)), y, beta, loss=loss), network.balance()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), beta=st.floats(1e-3, 2.0), loss=st.sampled_from(["squared", "logistic"]))
def test_blocks_move_down_the_convex_objective_in_their_own_metric(seed, beta, loss):
    problem, network = random_case(seed, beta, loss)
    assume(np.min(np.abs(problem.X @ network.hidden)) > 1e-6)
    assert block_velocities(problem, network).difference.holds


def test_the_velocity_is_that_of_a_small_step():
    problem, network = random_case(1)
    step = 1e-7
    both = side_by_side(problem, network, n_steps=1, step_size=step)
    moved = (both.network_blocks[1] - both.network_blocks[0]) / step
    # the quotient's error: the step times second derivatives of order 10, and rounding / step
    np.testing.assert_allclose(moved, block_velocities(problem, network).predicted, atol=1e-5)


def test_the_gradient_without_the_metric_is_not_the_velocity():
    problem, network = random_case(2)
    found = block_velocities(problem, network)
    norms = network.output**2
    plain = found.predicted / norms  # the same directions but for the factor of the radial part
    cosines = np.sum(found.measured * plain, axis=0)
    assert np.all(cosines > 0)
    assert not np.allclose(plain, found.measured, rtol=0.1)


def test_velocities_refuse_what_the_statement_leaves_out():
    problem, network = random_case(3)
    with pytest.raises(HypothesisError, match="balanced"):
        block_velocities(problem, ReLUNetwork(2 * network.hidden, network.output))
    with pytest.raises(HypothesisError, match="neuron 0 is zero"):
        block_velocities(problem, ReLUNetwork(np.zeros((3, 1)), [0.0]))
    on_kink = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.1)
    with pytest.raises(HypothesisError, match="kink"):
        block_velocities(on_kink, ReLUNetwork([[1.0], [0.0]], [1.0]))
    # a zero row is on no kink: it is never active
    zero_row = Problem([[1.0, 0.0], [0.0, 0.0]], [1.0, 1.0], beta=0.1)
    assert block_velocities(zero_row, ReLUNetwork([[1.0], [0.0]], [1.0])).difference.holds


def test_both_reach_the_optimum_where_no_pattern_changes():
    start = ReLUNetwork([[0.3, -0.3], [0.02, 0.02]], [0.3, 0.3]).balance()
    both = side_by_side(TWO, start, n_steps=1200, step_size=0.05)
    assert not np.any(both.left)
    assert both.network_against_optimum().holds
    assert both.convex_against_optimum().holds
    assert both.network_objective[-1] == pytest.approx(both.solution.objective, rel=1e-6)
    np.testing.assert_allclose(both.cosines[[0, -1]], 1.0, rtol=1e-7)
    np.testing.assert_allclose(both.network_norms[-1], both.convex_norms[-1], rtol=1e-4)
    np.testing.assert_allclose(both.network_blocks[0], both.convex_blocks[0], rtol=1e-15)
    assert both.network_objective[0] == pytest.approx(both.convex_objective[0], rel=1e-12)


def test_an_unbalanced_start_costs_the_network_more():
    start = ReLUNetwork([[0.3, -0.3], [0.02, 0.02]], [0.9, 0.3])
    both = side_by_side(TWO, start, n_steps=10, step_size=0.01)
    assert both.network_objective[0] > both.convex_objective[0] + 1e-3


def test_neurons_that_leave_make_no_prediction_and_may_go_lower():
    problem, network = random_case(6, beta=0.01)
    small = ReLUNetwork(0.05 * network.hidden, 0.05 * network.output)
    both = side_by_side(problem, small, n_steps=1000, step_size=0.02, n_records=21)
    assert np.any(both.left)
    assert both.convex_objective[-1] >= both.solution.certificate.lower_bound
    assert both.network_objective[-1] < 0.9 * both.solution.certificate.lower_bound
    with pytest.raises(HypothesisError, match="keep to their patterns"):
        both.network_against_optimum()


def test_zero_blocks_have_no_direction():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=5.0)
    both = side_by_side(problem, ReLUNetwork([[0.1, -0.1]], [0.1, 0.1]), n_steps=200, step_size=0.05)
    np.testing.assert_array_equal(both.convex_norms[-1], 0.0)
    np.testing.assert_array_equal(both.cosines[-1], 0.0)


def test_refusals():
    problem, network = random_case(5)
    with pytest.raises(ValueError, match="non-zero neuron"):
        side_by_side(problem, ReLUNetwork(np.zeros((3, 2)), np.zeros(2)), n_steps=1, step_size=0.1)
    with pytest.raises(ValueError, match="diverge"):
        side_by_side(problem, network, n_steps=50, step_size=1e3)
    with pytest.raises(ValueError, match="beta"):
        side_by_side(problem.with_beta(0.0), network, n_steps=1, step_size=0.1)


def test_the_time_limit_keeps_the_steps_of_both(monkeypatch):
    start = ReLUNetwork([[0.1, -0.1], [0.0, 0.0]], [0.1, 0.1])
    whole = side_by_side(TWO, start, n_steps=300, step_size=0.1)
    assert whole.status is TrajectoryStatus.FINISHED
    nothing = side_by_side(TWO, start, n_steps=300, step_size=0.1, max_seconds=0.0)
    assert nothing.status is TrajectoryStatus.MAX_SECONDS
    np.testing.assert_array_equal(nothing.steps, [0.0])
    # A clock that every look moves on by a second: 100 and some for descent, what is left for the other two.
    looks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(looks)))
    cut = side_by_side(TWO, start, n_steps=300, step_size=0.1, max_seconds=300.0)
    assert cut.status is TrajectoryStatus.MAX_SECONDS
    k = len(cut.steps) - 1
    assert 10 < k < 100
    for name in ("steps", "network_blocks", "convex_blocks", "network_objective", "convex_objective", "left"):
        np.testing.assert_array_equal(getattr(cut, name)[:k], getattr(whole, name)[:k])
    assert len(cut.cosines) == len(cut.left) == len(cut.convex_objective) == k + 1
