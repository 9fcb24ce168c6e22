"""A zero neuron at a local minimum: global; and what happens outside the hypotheses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns, solve
from cvxnn.landscape.stationary_points.neuron_at_zero import zero_neuron
from cvxnn.theorems import HypothesisError


def with_zero_neuron(network):
    hidden = np.column_stack([network.hidden, np.zeros(network.n_features)])
    return ReLUNetwork(hidden, np.append(network.output, 0.0), network.offset)


def random_problem(seed, loss, output_offset):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    if loss == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
        y[:2] = 1.0, -1.0
    return Problem(X, y, 0.1 * beta_max(X, y, loss=loss, output_offset=output_offset), loss, output_offset)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000), loss=st.sampled_from(["squared", "logistic"]), output_offset=st.booleans()
)
def test_local_minima_with_a_zero_neuron_are_global(seed, loss, output_offset):
    """Stationary points of random sub-programs with a zero neuron: the hypotheses fail, or the network is optimal."""
    problem = random_problem(seed, loss, output_offset)
    patterns = np.asarray(enumerate_patterns(problem.X))
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(patterns.shape[1])[: rng.integers(1, patterns.shape[1] + 1)]
    found = solve(ReLUProgram(problem, patterns[:, chosen]), tol=1e-12).network
    optimum = solve(ReLUProgram(problem, patterns), tol=1e-12).objective
    network = with_zero_neuron(found)
    if problem.objective(network) <= optimum * (1 + 1e-8):
        theorem = zero_neuron(problem, network)
        assert theorem.constraint.holds
        assert theorem.objective.holds
    elif problem.objective(network) > optimum * (1 + 1e-4):
        with pytest.raises(HypothesisError, match="must be a local minimum"):
            zero_neuron(problem, network)


def test_many_are_recognised():
    """The law above is not vacuous: optima of the whole program pass the hypotheses."""
    for seed in range(5):
        problem = random_problem(seed, "squared", False)
        network = solve(ReLUProgram(problem, enumerate_patterns(problem.X)), tol=1e-12).network
        assert zero_neuron(problem, with_zero_neuron(network)).objective.holds


def test_a_spurious_minimum_is_none_with_a_zero_neuron():
    """One neuron on (-1, 1), (1, 1/2): each direction has a minimum; with a zero neuron the other side is open."""
    problem = Problem([[-1.0], [1.0]], [1.0, 0.5], beta=0.1)
    # On the side x > 0: min 1/2 (c - 1/2)^2 + 0.1 c at c = 0.4, a local minimum of one neuron but not the best.
    spurious = ReLUNetwork([[np.sqrt(0.4)]], [np.sqrt(0.4)])
    with pytest.raises(HypothesisError, match="a neuron must be zero"):
        zero_neuron(problem, spurious)
    with pytest.raises(HypothesisError, match="must be a local minimum: moving the zero neuron"):
        zero_neuron(problem, with_zero_neuron(spurious))
    best = ReLUNetwork([[np.sqrt(0.4), -np.sqrt(0.9), 0.0]], [np.sqrt(0.4), np.sqrt(0.9), 0.0])
    theorem = zero_neuron(problem, best)
    assert theorem.objective.holds
    assert theorem.constraint.measured == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("problem", "network", "message"),
    [
        (Problem([[1.0]], [1.0], 0.1, "hinge"), ReLUNetwork([[0.0]], [0.0]), "differentiable"),
        (Problem([[1.0]], [1.0], 0.5), ReLUNetwork([[2.0, 0.0]], [0.5, 0.0]), "balanced"),
        (
            Problem([[1.0]], [1.0], 0.5),
            ReLUNetwork([[1.0, 0.0]], [1.0, 0.0]),
            "output weights must be stationary",
        ),
        (
            Problem([[1.0]], [1.0], 0.5, output_offset=True),
            ReLUNetwork([[0.0]], [0.0], [0.5]),
            "output offset must be stationary",
        ),
    ],
)
def test_the_failed_hypothesis_is_named(problem, network, message):
    with pytest.raises(HypothesisError, match=message):
        zero_neuron(problem, network)
