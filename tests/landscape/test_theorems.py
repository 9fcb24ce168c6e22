"""The theorems of the landscape together: descents finished on their kinks, and what each law says of where they end.

Wide starts mostly end at the global optimum p*, narrow ones also at other minima; p* is proven to rounding by the dual
bound of the convex program on all patterns. Every law is a function, which the planted faults below must fail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, train
from cvxnn.datasets import load_planted
from cvxnn.landscape.cones.distances import function_distance
from cvxnn.landscape.connections.routes import Connection, connect_to_nearly_minimal, connect_to_optimum
from cvxnn.landscape.minimal_networks.mappings import round_trip, to_blocks
from cvxnn.landscape.minimal_networks.minimality import is_basic, is_minimal, is_nearly_minimal
from cvxnn.landscape.minimal_networks.pruning import minimal, prune
from cvxnn.landscape.optimal_sets.elements import OptimalSet
from cvxnn.landscape.optimal_sets.finding import locate, optimal_set
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.kink_descent import KinkDescent, descend_to_stationarity
from cvxnn.landscape.stationary_points.sub_programs import kinked_example, optimal_on_own_patterns
from cvxnn.theorems import HypothesisError
from cvxnn.training.descent import small_random_network

from .random_optima import LOSSES, ORDINARY, optimal, shattered, small_problem

_DRAWS = 16
# Width of starts and size of their weights: small and wide, as training has them, and narrow.
_STARTS = ((12, 1e-3), (3, 1.0))
# Relative excess over p* of networks that count as having reached it.
_REACHED = 1e-8
# What the optimum and the points of descent are exact to, relative; measured below 1e-12.
_EXACT = 1e-10


@dataclass(frozen=True, eq=False)
class Case:
    """A random problem with its program on all patterns, its optimum, its optimal set, and where descents ended."""

    problem: Problem
    program: ReLUProgram
    optimum: ReLUNetwork
    optimal_set: OptimalSet
    starts: tuple[ReLUNetwork, ...]
    limits: tuple[KinkDescent, ...]
    rng: np.random.Generator

    @classmethod
    def draw(cls, seed: int, loss: str, *, data: str = "gaussian") -> Case:
        rng = np.random.default_rng(1000 + seed)
        problem = small_problem(seed, loss, data=data, output_offset=seed % 4 == 3)
        program, optimum = optimal(problem)
        starts = tuple(small_random_network(problem, m, rng, size=size) for m, size in _STARTS)
        limits = tuple(descend_to_stationarity(problem, start, max_iterations=60) for start in starts)
        return cls(problem, program, optimum, optimal_set(problem), starts, limits, rng)

    @property
    def value(self) -> float:
        """Return p*."""
        return self.problem.objective(self.optimum)

    @property
    def reached(self) -> list[ReLUNetwork]:
        """Return the limits that reach p*."""
        ceiling = self.value * (1.0 + _REACHED)
        return [limit.network for limit in self.limits if limit.objective <= ceiling]

    @property
    def stuck(self) -> list[KinkDescent]:
        """Return the limits that are clearly worse."""
        return [limit for limit in self.limits if limit.objective > self.value * (1.0 + 1e-4)]


@pytest.fixture(scope="module")
def cases():
    return [Case.draw(seed, loss) for loss in LOSSES for seed in range(_DRAWS)]


def check_member(case, network):
    """Law: a network that reaches p* is an element of the optimal set, whatever its form."""
    location = locate(case.optimal_set, network)
    assert location.is_optimal
    assert case.optimal_set.contains(network)
    assert location.decomposition.holds
    # An excess e leaves directions sqrt(e) off.
    assert location.distance <= _REACHED**0.5 or case.optimum.n_neurons == 0
    element = case.optimal_set.network(location.coefficients)
    assert case.problem.objective(element) <= case.value * (1.0 + _EXACT)


def check_minimal_form(case, network, small):
    """Law: an optimal network's minimal form keeps its function and is a convex optimum, from which it comes back."""
    assert is_minimal(case.problem, small)
    assert function_distance(small, network) <= 1e-8 * (1.0 + network.path_norm)
    check_convex_optimum(case, to_blocks(case.program, small), small.offset)
    trip = round_trip(case.program, small)
    assert trip.distance.holds
    assert trip.objective.holds
    assert trip.violation.holds


def check_convex_optimum(case, blocks, offset):
    """Law: blocks are feasible, and their objective is the bound that their own dual variable proves."""
    assert case.program.violation(blocks) <= 1e-12
    dual = case.problem.dual_variable(case.program.forward(blocks) + offset[0])
    gap = case.program.objective(blocks, offset) - case.program.dual_bound(dual)
    assert gap <= _EXACT * case.value


def check_limit(problem, network, kinks):
    """Law: a limit of descent is nearly minimal and equals the optimum of the program on its own patterns to 1e-6."""
    assert is_nearly_minimal(problem, network)
    own = optimal_on_own_patterns(problem, network, kinks=kinks)
    assert own.objective.holds
    assert own.spread.holds


def check_connection(connection, *, strict):
    """Law: sampled at 1,000 points the objective never rises by more than 1e-10, or falls each time."""
    descent = connection.descent(1000, tol=1e-10)
    assert descent.largest_rise.holds
    if strict and connection.stages:
        assert descent.falls_strictly


def widened(network, width):
    """Return the network with zero neurons added to a width."""
    free = width - network.n_neurons
    hidden = np.hstack([network.hidden, np.zeros((network.n_features, free))])
    return ReLUNetwork(hidden, np.concatenate([network.output, np.zeros(free)]), network.offset)


def test_descents_end_stationary_and_at_least_twenty_at_the_optimum(cases):
    limits = [limit for case in cases for limit in case.limits]
    assert all(limit.residual <= 1e-8 for limit in limits)
    assert all(limit.objective >= case.value * (1.0 - _EXACT) for case in cases for limit in case.limits)
    for loss in LOSSES:
        assert sum(len(case.reached) for case in cases if case.problem.loss.name == loss) >= 20
    assert sum(len(case.stuck) for case in cases) >= 5  # and others end at other minima


def test_every_network_that_reaches_the_optimum_is_an_element_of_the_set(cases):
    for case in cases:
        assert case.optimal_set.value == pytest.approx(case.value, rel=_EXACT)
        for network in case.reached:
            check_member(case, network)
            check_member(case, shattered(network, case.rng))


def test_every_network_that_reaches_the_optimum_becomes_minimal_and_maps_to_a_convex_optimum_and_back(cases):
    for case in cases:
        for network in case.reached:
            parts = shattered(network, case.rng)
            assert network.n_neurons == 0 or not is_minimal(case.problem, parts)
            check_minimal_form(case, parts, minimal(case.problem, parts))


def test_every_limit_of_descent_is_nearly_minimal_and_solves_its_own_program(cases):
    for case in cases:
        for limit in case.limits:
            assert limit.stationarity.is_stationary(1e-8)
            check_limit(case.problem, limit.network, limit.kinks)


def test_no_limit_elsewhere_is_taken_for_an_element(cases):
    for case in cases:
        for limit in case.stuck:
            location = locate(case.optimal_set, limit.network)
            assert not location.is_optimal
            assert location.violation > 1e-6  # a new neuron would lower the objective
            assert location.excess == pytest.approx(limit.objective - case.value, rel=1e-6)


def test_along_connections_from_the_starts_the_objective_falls(cases):
    for case in cases[::5]:
        for start in case.starts:
            connection = connect_to_nearly_minimal(case.problem, start)
            check_connection(connection, strict=True)
            assert is_nearly_minimal(case.problem, connection.end)


def test_along_connections_to_the_optima_that_descent_reached_the_objective_never_rises(cases):
    stuck = 0
    for case in cases[::2]:
        ends = case.reached[:1] or [case.optimum]
        width = case.problem.n_samples + minimal(case.problem, ends[0]).n_neurons
        wide = small_random_network(case.problem, width, case.rng, size=1.0)
        for start in (wide, *(widened(limit.network, width) for limit in case.stuck)):
            connection = connect_to_optimum(case.problem, start, ends[0])
            check_connection(connection, strict=False)
            assert case.problem.objective(connection.end) <= case.value * (1.0 + _REACHED)
            stuck += start is not wide
    assert stuck >= 2  # from other minima too, with neurons to spare


@pytest.fixture(scope="module")
def case():
    """Give a problem whose optimum has neurons of both signs."""
    drawn = (Case.draw(seed, "squared") for seed in range(100))
    return next(one for one in drawn if len(set(np.sign(one.optimum.output))) == 2 and one.reached)


def turned(network):
    hidden = np.array(network.hidden)
    hidden[0] += 1e-3 * np.linalg.norm(hidden, axis=0)
    return ReLUNetwork(hidden, network.output, network.offset)


def wrong_sign(network):
    output = np.array(network.output)
    output[0] *= -1.0
    return ReLUNetwork(network.hidden, output, network.offset)


def too_large(network):
    return ReLUNetwork(1.001 * network.hidden, 1.001 * network.output, network.offset)


def unbalanced(network):
    return ReLUNetwork(1.01 * network.hidden, network.output / 1.01, network.offset)


def one_dropped(network):
    return network.select(slice(1, None))


FAULTS = [turned, wrong_sign, too_large, unbalanced, one_dropped]


@pytest.mark.parametrize("fault", FAULTS)
def test_networks_that_are_slightly_off_are_rejected_as_elements(case, fault):
    check_member(case, case.reached[0])
    with pytest.raises(AssertionError):
        check_member(case, fault(case.reached[0]))


@pytest.mark.parametrize("fault", FAULTS)
def test_networks_that_are_slightly_off_are_rejected_as_limits(case, fault):
    network = case.reached[0]
    check_limit(case.problem, network, None)
    with pytest.raises((AssertionError, HypothesisError), match=r"Clarke stationary|is_nearly_minimal"):
        check_limit(case.problem, fault(network), None)


def first_of_each_cone(problem, parts):
    """A planted fault: of the neurons of one cone and sign the first instead of the sum."""
    alive = parts.prune_zeros()
    keys = np.vstack([alive.patterns(problem.X), alive.output > 0])
    return alive.select(np.unique(keys, axis=1, return_index=True)[1])


def signs_forgotten(problem, parts):
    """A planted fault: positive output weights only."""
    small = minimal(problem, parts)
    return ReLUNetwork(small.hidden, np.abs(small.output), small.offset)


def not_merged(problem, parts):
    """A planted fault: zero neurons dropped, split ones left."""
    return parts.prune_zeros()


@pytest.mark.parametrize("fault", [first_of_each_cone, signs_forgotten, not_merged])
def test_faulty_minimal_forms_are_rejected(case, fault):
    parts = shattered(case.reached[0], np.random.default_rng(0))
    check_minimal_form(case, parts, minimal(case.problem, parts))
    with pytest.raises(AssertionError):
        check_minimal_form(case, parts, fault(case.problem, parts))


def square_roots_forgotten(program, network):
    """A planted fault: hidden weights as blocks."""
    blocks = to_blocks(program, network)
    lengths = np.linalg.norm(blocks, axis=0)
    return blocks / np.sqrt(np.where(lengths > 0, lengths, 1.0))


def next_cone(program, network):
    """A planted fault: every block in its neighbour's place."""
    return np.roll(to_blocks(program, network), 1, axis=1)


@pytest.mark.parametrize("fault", [square_roots_forgotten, next_cone])
def test_faulty_maps_to_the_convex_program_are_rejected(case, fault):
    small = minimal(case.problem, case.reached[0])
    check_convex_optimum(case, to_blocks(case.program, small), small.offset)
    with pytest.raises(AssertionError):
        check_convex_optimum(case, fault(case.program, small), small.offset)


def test_a_half_of_a_split_neuron_turned_is_not_nearly_minimal(case):
    parts = shattered(case.reached[0], np.random.default_rng(0)).prune_zeros()
    assert is_nearly_minimal(case.problem, parts)
    hidden = np.array(parts.hidden)
    hidden[:, 0] = turned(parts).hidden[:, 0]
    assert not is_nearly_minimal(case.problem, ReLUNetwork(hidden, parts.output, parts.offset).balance())


def test_a_limit_that_is_no_optimum_is_refused_as_one(cases):
    refused = 0
    for case in cases:
        for limit in case.stuck:
            width = case.problem.n_samples + limit.network.n_neurons
            near = widened(case.optimum, max(width, case.optimum.n_neurons))
            if near.n_neurons > width:
                continue
            with pytest.raises(HypothesisError, match="globally optimal"):
                connect_to_optimum(case.problem, near, limit.network)
            refused += 1
    assert refused >= 5


def test_without_the_hypothesis_on_bends_the_law_of_limits_fails():
    example = kinked_example(1.0)
    assert stationarity(example.problem, example.network, kinks=example.kinks).is_stationary(1e-8)
    with pytest.raises(HypothesisError, match="concave at a kink"):
        check_limit(example.problem, example.network, example.kinks)


def backwards(connection):
    """A planted fault: a connection from its end to its start."""

    class Backwards(Connection):
        def __call__(self, t):
            return super().__call__(1.0 - t)

    return Backwards(connection.problem, connection.start, connection.stages, connection.times)


def straight(connection):
    """A planted fault: weights, instead of blocks, along straight lines."""

    class Straight(Connection):
        def __call__(self, t):
            first, last = self.start, self.end
            hidden = (1.0 - t) * first.hidden + t * last.hidden
            return ReLUNetwork(hidden, (1.0 - t) * first.output + t * last.output)

    return Straight(connection.problem, connection.start, connection.stages, connection.times)


@pytest.mark.parametrize("fault", [backwards, straight])
def test_faulty_connections_are_rejected(fault):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((6, 2))
    start = ReLUNetwork(rng.standard_normal((2, 14)), rng.standard_normal(14))
    problem = Problem(X, start.predict(X), beta=0.01)  # what changes a perfect fit goes uphill
    _, optimum = optimal(problem)
    connection = connect_to_optimum(problem, start, optimum)
    check_connection(connection, strict=False)
    with pytest.raises(AssertionError):
        check_connection(fault(connection), strict=False)


def test_the_planted_problem_is_within_reach(data_home):
    data = load_planted(data_home=data_home)
    problem = Problem(data.X, data.y, beta=0.5)
    trained = train(problem, tol=1e-5, prove=False).network
    ended = descend_to_stationarity(problem, trained)
    assert ended.residual <= 1e-8
    check_limit(problem, ended.network, ended.kinks)
    optimal = optimal_set(problem, ended.network)
    # A search ends training at a violation of 1e-5; where no direction is left out of it, at the optimum itself.
    assert 0.0 <= locate(optimal, ended.network).excess <= 1e-5 * optimal.value
    element = optimal.sample(0)
    location = locate(optimal, shattered(element, np.random.default_rng(0)))
    assert location.is_optimal
    assert location.distance <= 1e-6
    basic = prune(problem, shattered(element, np.random.default_rng(0)))
    assert is_basic(problem, basic)
    assert problem.objective(basic) == pytest.approx(optimal.value, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("data", ORDINARY)
def test_many_draws_of_any_data(loss, data):
    reached = 0
    for seed in range(10):
        case = Case.draw(seed, loss, data=data)
        for limit in case.limits:
            assert limit.residual <= 1e-8
            check_limit(case.problem, limit.network, limit.kinks)
        for network in case.reached:
            check_member(case, network)
            parts = shattered(network, case.rng)
            check_minimal_form(case, parts, minimal(case.problem, parts))
        reached += len(case.reached)
    assert reached >= 8
