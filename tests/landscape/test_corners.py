"""Every public function of the landscape on data where theory goes wrong: the right value, or a refusal in words."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns, landscape, train
from cvxnn.landscape import (
    cell_count,
    connect_to_nearly_minimal,
    connect_to_optimum,
    descend_to_stationarity,
    directional_slopes,
    envelope,
    free_bias_spline,
    function_distance,
    interpolation_limit,
    is_basic,
    is_local_minimum,
    is_minimal,
    is_nearly_minimal,
    is_scaled,
    l1_equivalence,
    l1_objective,
    largest_spread,
    local_minima,
    locate,
    merge_cones,
    merge_directions,
    minimal,
    minimum_norm_interpolation,
    neuron_distance,
    optimal_on_own_patterns,
    optimal_set,
    optimal_spline,
    permute,
    program_size,
    prune,
    round_trip,
    smallest,
    solution_path,
    solve_dual,
    spline_kinks,
    split,
    stationarity,
    strong_duality,
    sub_sampled_program,
    to_blocks,
    to_l1_form,
    value_by_neurons,
    what_changed,
    width_bounds,
    zero_neuron,
)
from cvxnn.testing import CORNERS, check_answers

# These take seconds on a corner.
LONG = {"envelope", "solution_path", "value_by_neurons"}
# Numbers, slopes of measured times, and a worked example take no data.
WITHOUT_DATA = {"fitted_slope", "interior_point_growth", "interior_point_operations", "kinked_example"}


def size_of(array):
    return float(np.max(np.abs(array))) or 1.0


def random_network(problem, m=4):
    """A network of the size that units of X and y ask for."""
    rng = np.random.default_rng(1)
    root = math.sqrt(size_of(problem.y)) / math.sqrt(size_of(problem.X))
    return ReLUNetwork(rng.standard_normal((problem.n_features, m)) * root, rng.standard_normal(m) * root)


def trained(problem):
    return train(problem, tol=1e-7, max_seconds=5.0).network


def program(problem):
    return ReLUProgram(problem, enumerate_patterns(problem.X))


def objectives(problem, *networks):
    return [problem.objective(network) for network in networks]


def with_a_zero_neuron(network):
    hidden = np.hstack([network.hidden, np.zeros((network.n_features, 1))])
    return ReLUNetwork(hidden, np.append(network.output, 0.0))


def two_inputs(network):
    hidden = network.hidden if network.n_features > 1 else np.vstack([network.hidden, network.hidden])
    return ReLUNetwork(hidden, network.output)


# What each gives that scales as the objective does, with the square of y; () for what has no such value.
CALLS = {
    "cell_count": lambda p: (cell_count(p.X), ())[1],
    "connect_to_nearly_minimal": lambda p: list(
        connect_to_nearly_minimal(p, random_network(p)).objectives(3)
    ),
    "connect_to_optimum": lambda p: list(
        connect_to_optimum(p, random_network(p, 8), trained(p)).objectives(3)
    )[-1:],
    "descend_to_stationarity": lambda p: objectives(p, descend_to_stationarity(p, random_network(p)).network),
    "directional_slopes": lambda p: (directional_slopes(p, random_network(p)), ())[1],
    "envelope": lambda p: (envelope(solution_path(p, n_betas=3, ratio=0.2), tol=1e-2), ())[1],
    "free_bias_spline": lambda p: [free_bias_spline(p.X[:, 0], p.y, p.beta).objective],
    "function_distance": lambda p: (function_distance(random_network(p), random_network(p, 3)), ())[1],
    "interpolation_limit": lambda p: (interpolation_limit(p.X, p.y, [p.beta]), ())[1],
    "is_basic": lambda p: (is_basic(p, trained(p)), is_basic(p, random_network(p)), ())[2],
    "is_local_minimum": lambda p: (is_local_minimum(p, random_network(p)), ())[1],
    "is_minimal": lambda p: (is_minimal(p, trained(p)), is_minimal(p, random_network(p)), ())[2],
    "is_nearly_minimal": lambda p: (is_nearly_minimal(p, random_network(p)), ())[1],
    "is_scaled": lambda p: (is_scaled(random_network(p)), ())[1],
    "l1_equivalence": lambda p: (l1_equivalence(p, random_network(p)), ())[1],
    "l1_objective": lambda p: [l1_objective(p, to_l1_form(random_network(p)))],
    "largest_spread": lambda p: (largest_spread(p, random_network(p)), ())[1],
    "local_minima": lambda p: local_minima(p, 1).objectives,
    "locate": lambda p: (locate(optimal_set(p, trained(p)), trained(p)), ())[1],
    "merge_cones": lambda p: objectives(p, merge_cones(random_network(p), p.X)),
    "merge_directions": lambda p: objectives(p, merge_directions(random_network(p))),
    "minimal": lambda p: objectives(p, minimal(p, trained(p))),
    "minimum_norm_interpolation": lambda p: (minimum_norm_interpolation(p.X, p.y), ())[1],
    "neuron_distance": lambda p: (neuron_distance(random_network(p), random_network(p, 3)), ())[1],
    "optimal_on_own_patterns": lambda p: (
        optimal_on_own_patterns(p, descend_to_stationarity(p, random_network(p)).network),
        (),
    )[1],
    "optimal_set": lambda p: objectives(p, optimal_set(p).min_norm()),
    "optimal_spline": lambda p: [optimal_spline(p.X[:, 0], p.y, p.beta, bias_column=size_of(p.X)).objective],
    "permute": lambda p: objectives(p, permute(random_network(p), [3, 1, 2, 0])),
    "program_size": lambda p: (program_size(p.X), ())[1],
    "prune": lambda p: objectives(p, prune(p, random_network(p), keep_penalty=True)),
    "round_trip": lambda p: (round_trip(program(p), minimal(p, trained(p))), ())[1],
    "smallest": lambda p: objectives(p, smallest(p)[0]),
    "solution_path": lambda p: (solution_path(p, n_betas=3, ratio=0.2), ())[1],
    "solve_dual": lambda p: [solve_dual(p).value, solve_dual(p, method="cells").value],
    "spline_kinks": lambda p: (spline_kinks(two_inputs(random_network(p)), p.X[:, 0]), ())[1],
    "split": lambda p: objectives(p, split(random_network(p), 1, [0.3, 0.7])),
    "stationarity": lambda p: (stationarity(p, random_network(p)), ())[1],
    "strong_duality": lambda p: [strong_duality(p).values.measured],
    "sub_sampled_program": lambda p: (sub_sampled_program(p, random_network(p)), ())[1],
    "to_blocks": lambda p: (to_blocks(program(p), random_network(p)), ())[1],
    "to_l1_form": lambda p: (to_l1_form(random_network(p)), ())[1],
    "value_by_neurons": lambda p: (value_by_neurons(p, 1, n_restarts=1), ())[1],
    "what_changed": lambda p: (
        what_changed(p, random_network(p), split(random_network(p), 0, [0.5, 0.5])),
        (),
    )[1],
    "width_bounds": lambda p: (width_bounds(p, trained(p)), ())[1],
    "zero_neuron": lambda p: [zero_neuron(p, with_a_zero_neuron(trained(p)), tol=1e-4).objective.predicted],
}


def corner(name, share, data=1.0, target=1.0):
    X, y = CORNERS[name]
    critical = beta_max(X, y) or 1.0
    return Problem(X * data, y * target, share * critical * data * target)


def test_every_function_is_tried():
    functions = {name for name in landscape.__all__ if inspect.isfunction(getattr(landscape, name))}
    assert functions == set(CALLS) | WITHOUT_DATA


@pytest.mark.parametrize("name", sorted(CALLS.keys() - LONG))
def test_corners_get_numbers_or_words(name):
    for where in ("a zero row", "opposite rows", "one row"):
        problem = corner(where, 0.1)
        check_answers(lambda problem=problem: CALLS[name](problem))


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 0.1, 1e-6, 1e-12])
@pytest.mark.parametrize("name", CALLS)
def test_all_corners_at_any_weight_decay(name, share):
    for where in CORNERS:
        problem = corner(where, share)
        check_answers(lambda problem=problem: CALLS[name](problem))


def check_units(name, data, target):
    expected = CALLS[name](corner("ordinary rows", 0.1))
    problem = corner("ordinary rows", 0.1, data, target)
    values = check_answers(lambda: CALLS[name](problem))
    if values is not None:
        # Solvers with a stopping rule end within their gap, 1e-7 relative at most.
        np.testing.assert_allclose(np.array(values) / target**2, expected, rtol=1e-6)
    return values


@pytest.mark.parametrize("name", sorted(CALLS.keys() - LONG))
def test_units_change_values_by_their_square(name):
    assert check_units(name, 2.0**-60, 2.0**100) is not None


@pytest.mark.slow
@pytest.mark.parametrize("name", CALLS)
def test_units_as_far_as_they_go(name):
    check_units(name, 2.0**300, 1.0)
    check_units(name, 2.0**-500, 2.0**-500)
    check_units(name, 2.0**-200, 2.0**200)
