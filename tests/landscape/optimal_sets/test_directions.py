import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.certificates import exact_oracle
from cvxnn.landscape.optimal_sets.directions import SearchedDirections, across_kinks


def none_known(problem: Problem) -> np.ndarray:
    return np.zeros((problem.n_features, 0))


def test_values_are_what_the_directions_attain_and_no_more_is_possible(instances):
    for instance in instances:
        optimal = instance.optimal
        problem = optimal.problem
        hidden = np.maximum(problem.X @ optimal.directions, 0.0)
        pulls = optimal.signs * (optimal.dual @ hidden)
        np.testing.assert_allclose(pulls, problem.beta, rtol=1e-8, err_msg=instance.name)
        np.testing.assert_allclose(np.linalg.norm(optimal.directions, axis=0), 1.0, rtol=1e-12)
        # Another proof that the dual variable is feasible: the exact oracle, whose own rounding is 1e-12.
        oracle = exact_oracle(problem.X)
        assert oracle is not None
        assert oracle.maximise(optimal.dual).value <= problem.beta * (1 + 1e-9), instance.name


def test_no_direction_is_listed_twice(instances):
    for instance in instances:
        directions, signs = instance.optimal.directions, instance.optimal.signs
        apart = np.linalg.norm(directions[:, :, None] - directions[:, None, :], axis=0)
        same = (apart < 1e-6) & (signs[:, None] == signs)
        assert np.sum(same) == len(signs), instance.name


@pytest.mark.parametrize("place", range(0, 24, 5))
def test_a_search_finds_what_the_cells_have_on_small_data(instances, place):
    optimal = instances[place].optimal
    found = SearchedDirections(optimal.problem).find(optimal.dual, none_known(optimal.problem))
    usable = found.select(found.values >= (1 - 1e-8) * optimal.problem.beta)
    assert len(usable.values) == optimal.n_directions
    for u, s in zip(usable.directions.T, usable.signs, strict=True):
        gaps = np.linalg.norm(optimal.directions.T - u, axis=1) + 2 * (optimal.signs != s)
        assert np.min(gaps) < 1e-6


def test_known_directions_are_polished_to_maximisers(instances):
    optimal = instances[0].optimal
    rng = np.random.default_rng(0)
    rough = optimal.directions + 1e-4 * rng.standard_normal(optimal.directions.shape)
    _, _, values = SearchedDirections(optimal.problem)._known(optimal.dual, 3.0 * rough)
    np.testing.assert_allclose(values, optimal.problem.beta, rtol=1e-10)


def test_steps_across_kinks_go_to_both_sides():
    starts = across_kinks(np.eye(2), np.array([[1.0], [0.0]]))
    np.testing.assert_allclose(starts, [[1.0, 1.0, 1.0], [0.0, 1e-3, -1e-3]])
