import numpy as np
import pytest

from cvxnn import ReLUNetwork, solve
from cvxnn.landscape import locate
from cvxnn.landscape.optimal_sets.location import Location
from cvxnn.programs import ReLUProgram
from cvxnn.testing import samplers


def excess_without_balance(location: Location) -> float:
    """Return a wrong decomposition: it forgets that neurons may be unbalanced."""
    return location.fit_part + location.direction_part


def turned(network: ReLUNetwork, angle: float) -> ReLUNetwork:
    """Return the network with its first neuron's direction turned."""
    hidden = np.array(network.hidden)
    hidden[:, 0] += (
        angle * np.linalg.norm(hidden[:, 0]) * np.eye(len(hidden))[np.argmin(np.abs(hidden[:, 0]))]
    )
    return ReLUNetwork(hidden, network.output, network.offset)


def test_the_excess_is_the_sum_of_three_non_negative_parts(instances):
    for k, instance in enumerate(instances):
        optimal = instance.optimal
        problem = optimal.problem
        network = samplers.network(
            np.random.default_rng(k), problem.n_features, 4, offset=problem.output_offset
        )
        location = locate(optimal, network)
        assert location.decomposition.holds, instance.name
        scale = 1e-10 * (1 + abs(location.excess))
        assert min(location.fit_part, location.direction_part, location.balance_part) >= -scale
        assert not location.is_optimal
        assert abs(excess_without_balance(location) - location.excess) > scale, "the planted fault shows"


def test_mixes_and_splittings_of_optima_are_optimal(instances):
    for instance in instances:
        optimal = instance.optimal
        rng = np.random.default_rng(0)
        first, second = optimal.polytope.sample(rng), optimal.polytope.sample(rng)
        mixed = optimal.network(0.3 * first + 0.7 * second)
        for network in (mixed, optimal.sample(1, split=True)):
            location = locate(optimal, network, tol=1e-11)
            assert location.is_optimal, instance.name
            assert location.distance < 1e-8
            assert abs(location.violation) < 1e-8 or network.n_neurons == 0


def test_a_location_names_the_element(instances):
    for instance in instances:
        optimal = instance.optimal
        coefficients = optimal.polytope.sample(np.random.default_rng(1))
        found = locate(optimal, optimal.network(coefficients)).coefficients
        np.testing.assert_allclose(found, coefficients, atol=1e-9 * max(1.0, optimal.polytope.total))


@pytest.mark.parametrize("change", ["turned", "unbalanced", "scaled", "dropped", "flipped"])
def test_networks_that_are_not_optimal_are_refused(instances, change):
    for instance in instances:
        optimal = instance.optimal
        network = optimal.sample(0)
        if network.n_neurons == 0:
            continue
        wrong = {
            "turned": lambda n=network: turned(n, 1e-2),
            "unbalanced": lambda n=network: ReLUNetwork(1.1 * n.hidden, n.output / 1.1, n.offset),
            "scaled": lambda n=network: ReLUNetwork(1.001 * n.hidden, 1.001 * n.output, n.offset),
            "dropped": lambda n=network: n.select(slice(1, None)),
            "flipped": lambda n=network: ReLUNetwork(-n.hidden, n.output, n.offset),
        }[change]()
        location = locate(optimal, wrong)
        if change == "flipped" and location.is_optimal:
            assert optimal.dimension > 0  # symmetric sets hold some networks with all neurons turned round
            continue
        assert not location.is_optimal, instance.name
        assert location.excess > 0


def test_solutions_of_other_solvers_are_elements(instances):
    for instance in instances[1::6]:
        optimal = instance.optimal
        masks = np.unique(optimal.problem.X @ optimal.directions >= 0, axis=1)
        solution = solve(ReLUProgram(optimal.problem, masks), "interior_point", tol=1e-8)
        location = locate(optimal, solution.network, tol=1e-4)
        assert location.relative_excess < 1e-4, instance.name
        assert location.decomposition.holds


def test_a_network_of_a_smaller_problem_is_refused(instances):
    with pytest.raises(ValueError, match="features"):
        locate(instances[0].optimal, ReLUNetwork([[1.0]], [1.0]))


def test_the_forms_of_old_say_what_to_write(instances):
    optimal = instances[0].optimal
    network = optimal.sample(0)
    expected = locate(optimal, network, tol=1e-7)
    with pytest.warns(
        DeprecationWarning, match=r"OptimalSet.locate is now called cvxnn.landscape.locate"
    ) as told:
        found = optimal.locate(network, tol=1e-7)
    assert told[0].filename == __file__
    np.testing.assert_array_equal(found.coefficients, expected.coefficients)
    with pytest.warns(
        DeprecationWarning, match=r"locate\(optimal_set\(problem, network\), network\)"
    ) as told:
        found = locate(optimal.problem, network, tol=1e-7)
    assert told[0].filename == __file__
    # The set is found anew, from the network: its numbers agree to the rounding of the optimum.
    assert found.is_optimal == expected.is_optimal
    assert found.excess == pytest.approx(expected.excess, abs=1e-10 * optimal.value)
