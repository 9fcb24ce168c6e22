"""Connections are continuous, hit their way-points, and do not go uphill, sampled at 1,000 points to 1e-10."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.datasets import load_planted
from cvxnn.landscape.cones.distances import neuron_distance
from cvxnn.landscape.connections.routes import Connection, connect_to_nearly_minimal, connect_to_optimum
from cvxnn.landscape.connections.stages import BlockLine
from cvxnn.landscape.minimal_networks.minimality import is_nearly_minimal
from cvxnn.landscape.minimal_networks.operations import network_of_blocks, signed_blocks
from cvxnn.testing.samplers import network as sample
from cvxnn.theorems import HypothesisError
from cvxnn.training.descent import descend, small_random_network

from ..random_optima import LOSSES, ORDINARY, on_kinks, optimal, shattered, small_problem

CASES = settings(max_examples=24)


def check_continuous(connection):
    """Law: weights move by at most the square root of the time step, up to a factor that halving does not change.

    Blocks move linearly, so that weights, their square roots, are continuous with exponent 1/2; balancing is smooth.
    """
    for stage in connection.stages:
        # The first and last tenth, and the middle; on [0, h] a jump at a way-point would not shrink with h.
        for t in (0.0, 0.5, 1.0):
            steps = [weight_change(stage, t, h) for h in (1e-4, 1e-8)]
            assert steps[1] <= 0.02 * steps[0] + 1e-7
    for stage, following in zip(connection.stages, connection.stages[1:], strict=False):
        assert weights_apart(stage.end, following.start) == 0.0


def weight_change(stage, t, h):
    def at(s):
        return stage.start if s <= 0 else stage.end if s >= 1 else stage.at(s)

    return max(weights_apart(at(t), at(t + h)), weights_apart(at(t), at(t - h)))


def weights_apart(first, second):
    return max(
        float(np.abs(first.hidden - second.hidden).max(initial=0.0)),
        float(np.abs(first.output - second.output).max(initial=0.0)),
        float(np.abs(first.offset - second.offset).max()),
    )


def check_connection(connection, network, *, strict):
    """Law: starts at the network, keeps its width, is continuous, hits its way-points, and descends."""
    assert connection.start is network
    assert all(point.n_neurons == network.n_neurons for point in connection.way_points)
    for time, point in zip(connection.times, connection.way_points, strict=True):
        assert connection(time) is point
    check_continuous(connection)
    descent = connection.descent()
    assert len(descent.objectives) == 1000
    assert descent.largest_rise.holds
    if strict and connection.stages:
        assert descent.falls_strictly
        assert all(
            connection.problem.objective(s.end) < connection.problem.objective(s.start)
            for s in connection.stages
        )


@CASES
@given(st.sampled_from(LOSSES), st.sampled_from(ORDINARY), st.integers(0, 300), st.booleans())
def test_the_objective_falls_strictly_to_a_nearly_minimal_network(loss, data, seed, output_offset):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, loss, data=data, output_offset=output_offset)
    network = on_kinks(
        sample(rng, problem.n_features, int(rng.integers(1, 12)), offset=output_offset), problem.X, rng
    )
    connection = connect_to_nearly_minimal(problem, network)
    check_connection(connection, network, strict=True)
    assert is_nearly_minimal(problem, connection.end)
    scale = max(1.0, network.path_norm)
    np.testing.assert_allclose(
        connection(0.37).predict(problem.X), network.predict(problem.X), atol=1e-8 * scale
    )


@CASES
@given(st.sampled_from(LOSSES), st.sampled_from(ORDINARY), st.integers(0, 300), st.booleans())
def test_the_objective_never_rises_to_an_optimum(loss, data, seed, output_offset):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, loss, data=data, output_offset=output_offset)
    _, optimum = optimal(problem)
    width = problem.n_samples + optimum.n_neurons + int(rng.integers(0, 3))
    network = on_kinks(sample(rng, problem.n_features, width, offset=output_offset), problem.X, rng)
    connection = connect_to_optimum(problem, network, optimum)
    check_connection(connection, network, strict=False)
    assert problem.objective(connection.end) == pytest.approx(problem.objective(optimum), rel=1e-9)
    assert is_nearly_minimal(problem, connection.end)


@pytest.mark.parametrize("seed", range(4))
def test_several_outputs(seed):
    rng = np.random.default_rng(seed)
    problem = Problem(rng.standard_normal((4, 2)), rng.standard_normal((4, 2)), 0.1)
    network = sample(rng, 2, 12, n_outputs=2)
    # Output directions repeat, so that there is something to merge.
    network = ReLUNetwork(network.hidden, network.output[np.arange(12) % 3])
    connection = connect_to_nearly_minimal(problem, network)
    check_connection(connection, network, strict=True)
    assert is_nearly_minimal(problem, connection.end)
    zero = ReLUNetwork(np.zeros((2, 0)), np.zeros((0, 2)))
    heavy = problem.with_beta(1e3)  # the zero network is optimal
    wide = sample(rng, 2, 9, n_outputs=2)
    down = connect_to_optimum(heavy, wide, zero)
    check_connection(down, wide, strict=False)
    assert neuron_distance(down.end, zero) == 0.0


def test_stages_are_named_and_in_order():
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.01)
    _, optimum = optimal(problem)
    hidden = [[1.0, 0.0, 1.0, 1.0, -1.0, 0.0], [0.0, 1.0, -1.0, -2.0, -1.0, 0.0]]
    connection = connect_to_optimum(problem, ReLUNetwork(hidden, [2.0, 1.0, 3.0, -1.0, 1.0, 5.0]), optimum)
    assert [stage.name for stage in connection.stages] == [
        "balance",
        "drop neurons that no sample activates",
        "merge neurons of one cone",
        "Caratheodory moves",
        "mix with the optimum",
    ]


def test_a_nearly_minimal_network_stays():
    problem = small_problem(0, "squared")
    _, network = optimal(problem)
    connection = connect_to_nearly_minimal(problem, shattered(network.balance(), np.random.default_rng(0)))
    # Splitting leaves norms equal to rounding.
    assert not connection.stages
    assert connection(0.5) is connection.start
    assert connection.end is connection.start
    assert connection.descent(10).largest_rise.measured == 0.0


def straight_line(problem, network):
    """A planted fault: a straight line of weights to the right end."""
    good = connect_to_nearly_minimal(problem, network)

    class Line(BlockLine):
        def at(self, t):
            return ReLUNetwork(
                (1 - t) * self.start.hidden + t * self.end.hidden,
                (1 - t) * self.start.output + t * self.end.output,
            )

    return Connection.of_stages(problem, network, [Line(network, good.end, "line")], 0.1)


def jump(problem, network):
    """A planted fault: the last stage alone, which does not begin where the connection does."""
    good = connect_to_nearly_minimal(problem, network)
    return Connection.of_stages(problem, network, [good.stages[0], good.stages[-1]], 0.1)


def merge_regardless_of_cones(problem, network):
    """A planted fault: all neurons of one sign added up."""
    first = connect_to_nearly_minimal(problem, network).stages[0]
    blocks, signs = signed_blocks(first.end)
    total = np.zeros_like(blocks)
    for sign in (1.0, -1.0):
        members = np.flatnonzero(signs == sign)
        if members.size:
            total[:, members[0]] = blocks[:, members].sum(axis=1)
    end = network_of_blocks(total, signs)
    return Connection.of_stages(problem, network, [first, BlockLine(first.end, end, "all")], 0.1)


@pytest.mark.parametrize("fault", [straight_line, jump, merge_regardless_of_cones])
def test_faulty_connections_are_rejected(fault):
    rng = np.random.default_rng(4)
    X = rng.standard_normal((6, 2))
    network = ReLUNetwork(rng.standard_normal((2, 12)), rng.standard_normal(12))
    problem = Problem(X, network.predict(X), beta=0.01)  # a perfect fit: what changes it goes uphill
    check_connection(connect_to_nearly_minimal(problem, network), network, strict=True)
    with pytest.raises(AssertionError):
        check_connection(fault(problem, network), network, strict=True)


def test_too_narrow_networks_are_refused_and_the_bound_is_enough():
    problem = Problem([[1.0], [-1.0]], [1.0, 1.0], beta=0.1)
    _, optimum = optimal(problem)
    assert optimum.n_neurons == 2
    narrow = sample(np.random.default_rng(0), 1, 3)
    with pytest.raises(HypothesisError, match=r"at least n C \+ m_0 = 4 neurons, with m_0 = 2 .* it has 3"):
        connect_to_optimum(problem, narrow, optimum)
    wide = sample(np.random.default_rng(0), 1, 4)
    check_connection(connect_to_optimum(problem, wide, optimum), wide, strict=False)


def test_one_neuron_in_a_spurious_minimum_is_outside_the_hypotheses():
    """Outside the hypotheses the conclusion fails: every change of the neuron at the worse minimum is uphill."""
    problem = Problem([[-1.0], [1.0]], [1.0, 0.5], beta=1e-3)
    _, optimum = optimal(problem)

    def one_neuron(w):
        return ReLUNetwork([[np.sign(w) * abs(w) ** 0.5]], [abs(w) ** 0.5])

    stuck, better = one_neuron(0.499), one_neuron(-0.999)
    assert problem.objective(better) < problem.objective(stuck)
    line = [problem.objective(one_neuron(w)) for w in np.linspace(0.499, -0.999, 201)]
    assert max(line) > problem.objective(stuck) + 0.1  # any connection of one neuron crosses w = 0
    with pytest.raises(HypothesisError, match="network must have at least n C"):
        connect_to_optimum(problem, stuck, optimum)


def test_what_is_not_an_optimum_is_found_out():
    problem = Problem([[1.0], [-1.0]], [1.0, 1.0], beta=0.1)
    _, optimum = optimal(problem)
    wide = sample(np.random.default_rng(0), 1, 4)
    too_large = ReLUNetwork(1.5 * optimum.hidden, 1.5 * optimum.output)
    with pytest.raises(HypothesisError, match="optimum must be globally optimal"):
        connect_to_optimum(problem, wide, too_large)


def test_bad_input():
    problem = Problem([[1.0], [-1.0]], [1.0, 1.0], beta=0.1)
    network = ReLUNetwork([[1.0]], [2.0])
    connection = connect_to_nearly_minimal(problem, network)
    for t in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"t must be in \[0, 1\]"):
            connection(t)
    with pytest.raises(ValueError, match="n_points"):
        connection.objectives(1)
    with pytest.raises(ValueError, match="beta must be > 0"):
        connect_to_nearly_minimal(problem.with_beta(0.0), network)
    with pytest.raises(ValueError, match="network must take 1 features"):
        connect_to_nearly_minimal(problem, ReLUNetwork([[1.0], [1.0]], [2.0]))
    per_class = Problem([[1.0]], [[1.0, 1.0]], beta=0.1, output_norm="l1")
    with pytest.raises(HypothesisError, match="output_norm"):
        connect_to_nearly_minimal(per_class, ReLUNetwork([[1.0]], [[1.0, 1.0]]))


def test_the_planted_problem(data_home):
    data = load_planted(data_home=data_home)
    problem = Problem(data.X, data.y, beta=0.5)
    network = descend(
        problem, small_random_network(problem, 300, np.random.default_rng(0)), max_iterations=50
    )
    connection = connect_to_nearly_minimal(problem, network)
    descent = connection.descent()
    assert descent.falls_strictly
    assert is_nearly_minimal(problem, connection.end)
