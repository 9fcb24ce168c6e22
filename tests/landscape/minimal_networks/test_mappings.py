"""Networks and convex solutions map to each other, one to one on minimal optimal networks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork, ReLUProgram, enumerate_patterns
from cvxnn.landscape.minimal_networks import mappings
from cvxnn.landscape.minimal_networks.mappings import round_trip, to_blocks
from cvxnn.landscape.minimal_networks.minimality import is_minimal, is_nearly_minimal
from cvxnn.landscape.minimal_networks.operations import merge_cones
from cvxnn.landscape.minimal_networks.pruning import minimal
from cvxnn.landscape.stationary_points.sub_programs import sub_sampled_program
from cvxnn.testing.samplers import network as sample
from cvxnn.theorems import HypothesisError

from ..random_optima import LOSSES, ORDINARY, on_kinks, optimal, shattered, small_problem


@settings(max_examples=24)
@given(st.sampled_from(LOSSES), st.sampled_from(ORDINARY), st.integers(0, 300), st.booleans())
def test_every_form_of_an_optimal_network_becomes_minimal_and_maps_to_a_convex_optimum_and_back(
    loss, data, seed, output_offset
):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, loss, data=data, output_offset=output_offset)
    program, network = optimal(problem)
    form = shattered(network, rng)
    assert is_nearly_minimal(problem, form)
    small = minimal(problem, form)
    assert is_minimal(problem, small)
    trip = round_trip(program, small)
    assert trip.distance.holds
    assert trip.objective.holds
    assert trip.violation.holds
    W = to_blocks(program, small)
    bound = program.dual_bound(program.dual_variable(W, small.offset))
    # The objective of form and blocks is exact to rounding; the dual point moves with the fit, by the rounding of that.
    assert program.objective(W, small.offset) - bound <= 1e-10 * max(1.0, bound)


@given(st.sampled_from(ORDINARY), st.integers(0, 300))
def test_every_network_maps_to_the_convex_program_without_raising_the_objective(data, seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, "squared", data=data)
    network = on_kinks(sample(rng, problem.n_features, 6), problem.X, rng)
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    W = to_blocks(program, network)
    before = problem.objective(network)
    assert program.objective(W) <= before + 1e-9 * max(1.0, before)
    assert program.violation(W) <= 1e-9
    fit = program.forward(W) - network.predict(problem.X)
    assert np.max(np.abs(fit)) <= 1e-8 * max(1.0, network.path_norm)


@given(st.integers(0, 300))
def test_off_the_kinks_blocks_are_those_of_the_program(seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, "squared")
    network = sample(rng, problem.n_features, 6)
    for program in (
        ReLUProgram(problem, enumerate_patterns(problem.X)),
        sub_sampled_program(problem, network),
    ):
        np.testing.assert_array_equal(to_blocks(program, network), program.to_blocks(network))


@given(st.integers(0, 300))
def test_minimal_networks_need_not_be_optimal_to_come_back(seed):
    rng = np.random.default_rng(seed)
    problem = small_problem(seed, "squared")
    network = merge_cones(on_kinks(sample(rng, problem.n_features, 6), problem.X, rng), problem.X)
    if network.n_neurons:
        trip = round_trip(
            sub_sampled_program(problem, network), network, tol=1e-8 * max(1.0, network.path_norm)
        )
        assert trip.distance.holds
        assert trip.objective.holds


@given(st.integers(0, 300))
def test_several_outputs(seed):
    rng = np.random.default_rng(seed)
    n, d = 5, 2
    problem = Problem(rng.standard_normal((n, d)), rng.standard_normal((n, 2)), 0.1)
    network = minimal(problem, shattered(sample(rng, d, 4, n_outputs=2).balance(), rng))
    trip = round_trip(sub_sampled_program(problem, network), network, tol=1e-8 * max(1.0, network.path_norm))
    assert trip.distance.holds
    assert trip.objective.holds
    assert trip.violation.holds


def fault_without_output_size(program, network, **kwargs):
    """A planted fault: the hidden weight itself, not times ``|a|``."""
    unit = ReLUNetwork(network.hidden, np.sign(network.output), network.offset)
    return to_blocks(program, unit, **kwargs)


def fault_without_signs(program, network, **kwargs):
    """A planted fault: all neurons in blocks of one sign."""
    return to_blocks(program, ReLUNetwork(network.hidden, np.abs(network.output)), **kwargs)


@pytest.mark.parametrize("fault", [fault_without_output_size, fault_without_signs])
def test_faulty_maps_do_not_come_back(fault, monkeypatch):
    problem = Problem([[1.0], [-1.0]], [1.0, -2.0], beta=0.1)
    program, network = optimal(problem)
    network = minimal(problem, network)
    assert round_trip(program, network).distance.holds
    monkeypatch.setattr(mappings, "to_blocks", fault)
    trip = round_trip(program, network)
    assert not trip.distance.holds
    assert not trip.objective.holds


def test_a_network_that_is_not_minimal_does_not_come_back():
    """Outside the hypotheses the conclusion fails: two neurons of one cone come back as one."""
    problem = Problem([[1.0]], [1.0], beta=0.5)
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    network = ReLUNetwork([[0.5, 0.5]], [0.5, 0.5])
    assert program.to_network(to_blocks(program, network)).n_neurons == 1
    with pytest.raises(HypothesisError, match="network must be minimal"):
        round_trip(program, network)


def test_a_neuron_without_a_cone_is_named():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.1)
    program = ReLUProgram(problem, np.array([[True], [False]]))
    network = ReLUNetwork([[1.0, -1.0]], [1.0, 1.0])
    with pytest.raises(HypothesisError, match="neuron 1 lies in none with its output sign"):
        to_blocks(program, network)


def test_a_network_without_neurons():
    problem = Problem([[1.0]], [1.0], beta=0.5)
    zero = ReLUNetwork(np.zeros((1, 0)), np.zeros(0))
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    np.testing.assert_array_equal(to_blocks(program, zero), np.zeros((1, program.n_blocks)))
    assert round_trip(program, zero).distance.holds
    with pytest.raises(ValueError, match="non-zero neuron"):
        sub_sampled_program(problem, zero)
