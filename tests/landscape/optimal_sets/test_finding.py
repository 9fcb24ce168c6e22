import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns, solve, train
from cvxnn.landscape.optimal_sets.finding import locate, optimal_set
from cvxnn.testing import reference_optimum
from cvxnn.theorems import HypothesisError


def test_random_problems_have_sets_of_zero_and_positive_dimension(instances):
    dimensions = [instance.optimal.dimension for instance in instances]
    assert sum(d > 0 for d in dimensions) >= 8
    assert sum(d == 0 for d in dimensions) >= 8
    assert all(instance.optimal.is_complete for instance in instances)


def test_fit_and_dual_are_exact_and_far_from_the_next_direction(instances):
    for instance in instances:
        optimal = instance.optimal
        # Between the rounding of the directions here and the distance of those left out there is a wide gap.
        assert optimal.shortfall < 1e-10, instance.name
        assert optimal.separation > 10 * optimal.tol, instance.name


def test_the_value_is_the_optimum_by_an_interior_point_method(instances):
    for instance in instances[::4]:
        problem = instance.optimal.problem
        program = ReLUProgram(problem, enumerate_patterns(problem.X))
        assert instance.optimal.value == pytest.approx(reference_optimum(program), rel=1e-6), instance.name


def test_uniqueness_is_what_two_linear_programs_a_direction_say(instances):
    for instance in instances:
        ranges, total = instance.optimal.polytope.ranges, instance.optimal.polytope.total
        fixed = bool(np.all(ranges[:, 1] - ranges[:, 0] <= 1e-7 * total))
        assert instance.optimal.is_unique == fixed, instance.name


def test_the_hexagon_has_a_segment_of_optima():
    angles = np.arange(6) * np.pi / 3 + 0.1
    problem = Problem(np.stack([np.cos(angles), np.sin(angles)], axis=1), np.ones(6), beta=0.1)
    optimal = optimal_set(problem)
    assert (optimal.n_directions, optimal.dimension, optimal.is_unique) == (6, 1, False)
    np.testing.assert_allclose(optimal.polytope.ranges, np.tile([0.0, 0.95], (6, 1)), atol=1e-10)
    assert len(optimal.vertices()) == 2
    middle = optimal.min_norm()
    np.testing.assert_allclose(np.linalg.norm(middle.hidden, axis=0) ** 2, 0.475, rtol=1e-10)
    assert (optimal.smallest_support().upper, optimal.largest_support().upper) == (3, 3)


def test_a_larger_dimension_comes_with_a_free_linear_part(instances):
    """Opposite directions are both optimal where ``X^T theta = 0``: then weight moves between pairs."""
    for instance in instances[:24]:
        optimal = instance.optimal
        if optimal.dimension == 0:
            continue
        assert np.linalg.norm(optimal.problem.X.T @ optimal.dual) < 1e-9 * optimal.problem.beta
        for v, s in zip(optimal.directions.T, optimal.signs, strict=True):
            gaps = np.linalg.norm(optimal.directions.T + v, axis=1) + 2 * (optimal.signs != s)
            assert np.min(gaps) < 1e-6, instance.name


@pytest.mark.parametrize("place", range(0, 24, 6))
def test_networks_trained_by_other_means_are_in_the_set(instances, place):
    optimal = instances[place].optimal
    network = train(optimal.problem, tol=1e-9, random_state=3).network
    assert optimal.contains(network, tol=1e-8)
    assert locate(optimal_set(optimal.problem, network), network, tol=1e-8).is_optimal


def test_a_smooth_local_minimum_is_refused():
    # One neuron fits (-1, 1), (1, 0.5) with one side only; two do better.
    problem = Problem([[-1.0], [1.0]], [1.0, 0.5], beta=0.01)
    one = train(problem, patterns=np.array([[False], [True]])).network
    found = locate(optimal_set(problem, one), one)
    assert not found.is_optimal
    assert found.violation > 0.1


def test_the_zero_network_is_the_whole_set_from_the_critical_beta_on():
    problem = Problem([[1.0, 0.0], [0.5, 1.0]], [1.0, -1.0], beta=1.0)
    above = problem.with_beta(1.01 * beta_max(problem))
    optimal = optimal_set(above)
    assert (optimal.n_directions, optimal.dimension) == (0, 0)
    assert optimal.contains(ReLUNetwork(np.zeros((2, 0)), np.zeros(0)))
    assert not optimal.contains(ReLUNetwork([[0.1], [0.0]], [0.1]))
    assert optimal.sample(0).n_neurons == 0


def test_given_patterns_give_the_set_of_their_program():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.05)
    patterns = enumerate_patterns(problem.X)
    some = patterns[:4]
    optimal = optimal_set(problem, patterns=some)
    assert (optimal.scope, optimal.is_complete) == ("program", True)
    assert optimal.value == pytest.approx(solve(ReLUProgram(problem, some), tol=1e-10).objective, rel=1e-8)
    whole = optimal_set(problem, patterns=patterns)
    assert whole.scope == "network"
    assert whole.value < optimal.value
    with pytest.raises(ValueError, match="network must be left out"):
        optimal_set(problem, whole.sample(), patterns=some)


def test_a_network_to_start_from_changes_nothing():
    rng = np.random.default_rng(5)
    problem = Problem(rng.standard_normal((8, 3)), rng.standard_normal(8), beta=0.02)
    with_none, with_one = optimal_set(problem), optimal_set(problem, train(problem).network)
    assert with_one.value == pytest.approx(with_none.value, rel=1e-12)
    assert with_one.n_directions == with_none.n_directions
    np.testing.assert_allclose(with_one.dual, with_none.dual, atol=1e-10)


def test_a_large_tolerance_gives_nearly_optimal_networks_of_the_same_fit():
    rng = np.random.default_rng(2)
    problem = Problem(rng.standard_normal((10, 2)), rng.standard_normal(10), beta=0.02)
    exact, near = optimal_set(problem), optimal_set(problem, tol=0.05)
    assert near.n_directions > exact.n_directions
    assert exact.largest_excess < 1e-10
    bound = 0.05 * problem.beta * near.polytope.total / 0.95
    assert 0.0 < near.largest_excess <= bound
    for seed in range(5):
        network = near.sample(seed)
        np.testing.assert_allclose(network.predict(problem.X), exact.fit, atol=1e-9)
        assert problem.objective(network) <= near.value + near.largest_excess + 1e-10


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (Problem(np.eye(2), np.eye(2), 0.1), "one output"),
        (Problem(np.eye(2), [1.0, -1.0], 0.1, "hinge"), "must be smooth"),
        (Problem(np.eye(2), [1.0, -1.0], 1e-3, "squared", sample_weight=[1.0, 0.0]), "strictly convex"),
    ],
)
def test_hypotheses_are_named(problem, message):
    with pytest.raises(HypothesisError, match=message):
        optimal_set(problem)


def test_bad_arguments_are_named():
    problem = Problem(np.eye(2), [1.0, -1.0], 0.1)
    with pytest.raises(ValueError, match="tol must be at most"):
        optimal_set(problem, tol=0.6)
    with pytest.raises(ValueError, match="network must take 2 features"):
        optimal_set(problem, ReLUNetwork([[1.0]], [1.0]))
    with pytest.raises(ValueError, match="beta must be > 0"):
        optimal_set(problem.with_beta(0.0))


def test_data_with_too_many_cells_give_the_known_part():
    rng = np.random.default_rng(1)
    X = np.hstack([rng.standard_normal((40, 5)), np.ones((40, 1))])
    problem = Problem(X, np.maximum(X @ rng.standard_normal(6), 0.0), beta=0.5)
    network = train(problem, tol=1e-8).network
    optimal = optimal_set(problem, network)
    assert not optimal.is_complete
    assert optimal.contains(network, tol=1e-7)
    assert not optimal.contains(ReLUNetwork(1.01 * network.hidden, network.output))


@pytest.mark.slow
def test_the_planted_problem_takes_seconds():
    rng = np.random.default_rng(0)
    X = np.hstack([rng.standard_normal((200, 9)), np.ones((200, 1))])
    y = np.maximum(X @ rng.standard_normal((10, 5)), 0.0) @ rng.standard_normal(5)
    problem = Problem(X, (y + 0.1 * rng.standard_normal(200)) / y.std(), beta=0.5)
    network = train(problem, tol=1e-6).network
    optimal = optimal_set(problem, network)
    assert optimal.contains(network, tol=1e-4)
    assert optimal.contains(optimal.sample(0, split=True), tol=1e-10)
    assert not optimal.contains(network.select(slice(1, None)), tol=1e-4)


def test_of_more_features_than_samples_only_the_row_space_counts():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 3)), rng.standard_normal(6)
    turn = np.linalg.qr(rng.standard_normal((40, 3)))[0].T
    narrow, wide = optimal_set(Problem(X, y, 0.2)), optimal_set(Problem(X @ turn, y, 0.2))
    # Both are exact to some 1e-12.
    assert wide.value == pytest.approx(narrow.value, rel=1e-11)
    np.testing.assert_allclose(wide.dual, narrow.dual, atol=1e-9)
    assert wide.directions.shape[0] == 40
    assert wide.problem.objective(wide.network(wide.polytope.point)) == pytest.approx(wide.value, rel=1e-11)
    network = narrow.network(narrow.polytope.point)
    assert locate(wide, ReLUNetwork(turn.T @ network.hidden, network.output)).is_optimal


def test_a_network_to_start_from_is_taken_to_the_row_space():
    rng = np.random.default_rng(1)
    problem = Problem(rng.standard_normal((4, 9)), rng.standard_normal(4), 0.3)
    plain = optimal_set(problem)
    start = ReLUNetwork(rng.standard_normal((9, 3)), [1.0, -1.0, 1.0])
    assert optimal_set(problem, start).value == pytest.approx(plain.value, rel=1e-11)


@pytest.mark.parametrize("shape", [(12, 4), (60, 300)], ids=["cells", "search"])
def test_a_limit_of_time_says_the_size(shape):
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal(shape), rng.standard_normal(shape[0]), 1.0)
    text = f"max_seconds must be long enough for {shape[0]} samples and {shape[1]} features; after .* s the optimum"
    with pytest.raises(ValueError, match=text):
        optimal_set(problem, max_seconds=1e-3)
