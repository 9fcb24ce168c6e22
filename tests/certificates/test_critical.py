import numpy as np
import pytest

from cvxnn.certificates import beta_max, certify, exact_oracle
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem


def random_problem(seed, d=2, output_offset=False):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((6, d)), rng.standard_normal(6), 0.0, output_offset=output_offset)


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_zero_is_optimal_exactly_from_beta_max_on(seed, output_offset, convex_optimum):
    problem = random_problem(seed, output_offset=output_offset)
    critical = beta_max(problem)
    zero = ReLUNetwork(np.zeros((2, 0)), np.zeros(0), problem.null_offset())
    null = problem.with_beta(critical).objective(zero)
    above = convex_optimum(problem.with_beta(1.001 * critical)).value
    below = convex_optimum(problem.with_beta(0.9 * critical)).value
    assert above == pytest.approx(null, rel=1e-6)
    assert below < null * (1 - 1e-5)
    assert certify(problem.with_beta(critical * (1 + 1e-9)), zero, tol=1e-8).proven


def test_exact_value_by_hand():
    # rows 1 and -2 with targets 3 and 1: max(3 * 1, 1 * 2)
    assert beta_max([[1.0], [-2.0]], [3.0, 1.0]) == 3.0


def test_search_agrees_with_enumeration_beyond_the_plane():
    problem = random_problem(0, d=3)
    assert beta_max(problem) == pytest.approx(exact_oracle(problem.X).maximise(problem.y).value, rel=1e-12)


def test_beta_of_the_problem_is_not_looked_at():
    problem = random_problem(1)
    assert beta_max(problem) == beta_max(problem.with_beta(3.0)) == beta_max(problem.X, problem.y)


def test_perfect_null_fit_is_zero():
    X = np.eye(3)
    assert beta_max(X, np.zeros(3)) == 0.0
    assert beta_max(X, np.full(3, 2.0), output_offset=True) == 0.0


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_homogeneous_in_data_and_targets(scale):
    problem = random_problem(2)
    value = beta_max(problem)
    assert beta_max(scale * problem.X, problem.y) == pytest.approx(scale * value, rel=1e-9)
    assert beta_max(problem.X, scale * problem.y) == pytest.approx(scale * value, rel=1e-9)


def test_a_file_of_single_precision(tmp_path):
    problem = random_problem(4, d=3)
    path = tmp_path / "X.npy"
    np.save(path, problem.X.astype(np.float32))
    assert beta_max(np.load(path, mmap_mode="r"), problem.y) == beta_max(np.load(path), problem.y)


def test_column_targets():
    problem = random_problem(3)
    assert beta_max(problem.X, problem.y[:, None]) == beta_max(problem)


def test_bad_calls_are_refused():
    with pytest.raises(ValueError, match="y must be left out"):
        beta_max(random_problem(0), [1.0])
    with pytest.raises(ValueError, match="y must be given"):
        beta_max(np.eye(2))


def test_several_outputs_take_the_euclidean_norm_or_the_largest():
    # X = I and lam >= 0: u = X^T lam q, so the value is the largest singular value, and per class the longest column.
    lam = np.array([[3.0, 0.0], [0.0, 4.0]])
    assert beta_max(np.eye(2), lam) == pytest.approx(4.0)
    lam = np.array([[3.0, 4.0], [3.0, 4.0]])
    both, each = Problem(np.eye(2), lam, 0.0), Problem(np.eye(2), lam, 0.0, output_norm="l1")
    assert beta_max(both) == pytest.approx(np.sqrt(50.0))
    assert beta_max(each) == pytest.approx(np.sqrt(32.0))


def test_losses_with_a_kink_have_one_too():
    y = np.array([1.0, 1.0, -1.0, -1.0])
    problem = Problem(np.array([[1.0], [2.0], [-1.0], [-2.0]]), y, 0.0, "hinge", True)
    assert beta_max(problem) == pytest.approx(3.0, rel=1e-3)  # lam = y at no neurons, 1 + 2 on either side
