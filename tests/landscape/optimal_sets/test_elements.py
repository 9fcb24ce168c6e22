import numpy as np
import pytest

from cvxnn.landscape.minimal_networks.minimality import is_basic, is_minimal
from cvxnn.landscape.optimal_sets.finding import optimal_set, smallest


def test_elements_keep_fit_and_objective(instances):
    for instance in instances:
        optimal = instance.optimal
        problem = optimal.problem
        for network in (
            optimal.sample(2),
            optimal.min_norm(),
            optimal.sparsest(),
            optimal.sample(3, split=True),
        ):
            np.testing.assert_allclose(
                network.predict(problem.X), optimal.fit, atol=1e-9, err_msg=instance.name
            )
            assert problem.objective(network) == pytest.approx(optimal.value, rel=1e-11), instance.name


def test_vertices_are_minimal_networks(instances):
    for instance in instances:
        optimal = instance.optimal
        if optimal.dimension > 3:
            continue
        sizes = []
        for c in optimal.vertices():
            network = optimal.network(c)
            activations = np.maximum(optimal.problem.X @ network.hidden, 0.0) * network.output
            if optimal.problem.output_offset:
                activations = activations - activations.mean(axis=0)
            assert np.linalg.matrix_rank(activations) == network.n_neurons, instance.name
            sizes.append(network.n_neurons)
        assert optimal.smallest_support().upper == min(sizes)
        assert optimal.sparsest().n_neurons == min(sizes)


def test_the_least_norm_is_below_that_of_samples(instances):
    for instance in instances:
        optimal = instance.optimal
        least = np.sum(np.linalg.norm(optimal.min_norm().hidden, axis=0) ** 4)
        for seed in range(3):
            other = np.sum(np.linalg.norm(optimal.sample(seed).hidden, axis=0) ** 4)
            assert least <= other * (1 + 1e-9), instance.name


def test_the_same_seed_gives_the_same_network(instances):
    optimal = instances[-1].optimal
    first, again = optimal.sample(7, split=True), optimal.sample(7, split=True)
    np.testing.assert_array_equal(first.hidden, again.hidden)
    assert optimal.sample(8).hidden.tobytes() != first.hidden.tobytes()


def test_prediction_dimension_of_symmetric_sets(instances):
    """On the hexagon all optimal networks are one function; on the cross they differ off the axes."""
    hexagon, cross = instances[-2].optimal, instances[-1].optimal
    X = np.random.default_rng(0).standard_normal((10, 2))
    assert (hexagon.dimension, hexagon.prediction_dimension(X)) == (1, 0)
    assert (cross.dimension, cross.prediction_dimension(X)) == (1, 1)
    assert cross.prediction_dimension(cross.problem.X) == 0


def test_coefficients_outside_the_set_are_refused(instances):
    optimal = instances[-1].optimal
    with pytest.raises(ValueError, match="coefficients must have shape"):
        optimal.network(np.ones(optimal.n_directions + 1))
    with pytest.raises(ValueError, match="give the optimal fit"):
        optimal.network(1.1 * optimal.polytope.point)


def test_near_directions_stay_apart(instances):
    problem = instances[-1].optimal.problem
    assert optimal_set(problem, tol=1e-6).n_directions == instances[-1].optimal.n_directions


def test_the_smallest_network_is_basic_minimal_and_of_the_fewest_neurons(instances):
    wider = 0
    for instance in instances[::4] + instances[-2:]:
        optimal = instance.optimal
        wide = optimal.sample(1, split=True)
        network, size = smallest(optimal.problem, wide)
        assert size.is_exact, instance.name
        assert network.n_neurons == size.upper == optimal.smallest_support().upper, instance.name
        assert optimal.contains(network), instance.name
        assert is_minimal(optimal.problem, network), instance.name
        assert is_basic(optimal.problem, network), instance.name
        wider += wide.n_neurons > network.n_neurons
    assert wider > 0
