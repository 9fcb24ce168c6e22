import time

import numpy as np
import pytest

from cvxnn.certificates import beta_max, certify, critical, estimate_beta_max, exact_oracle
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


@pytest.fixture
def many_rows():
    rng = np.random.default_rng(5)
    return Problem(rng.standard_normal((300, 4)), rng.standard_normal(300), 0.0)


def test_a_time_limit_gives_the_largest_value_so_far(many_rows):
    value = beta_max(many_rows)
    # starts alone: the best of some hundred directions in four dimensions is not far from the best of all
    assert 0.5 * value < beta_max(many_rows, max_seconds=1e-6) < value
    assert beta_max(many_rows, max_seconds=1e6) == value


def test_when_time_is_up_no_oracle_is_asked_and_no_start_climbs_on(many_rows, monkeypatch):
    seconds, steps = [0.0], []

    def step(A, c, b, *rest):
        steps.append(seconds[0])
        seconds[0] += 1.0
        return b

    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])
    monkeypatch.setattr("cvxnn.certificates.local_search.ascent.box_least_squares", step)
    monkeypatch.setattr("cvxnn.certificates.critical.exact_oracle", lambda *args, **kwargs: 1 / 0)
    assert beta_max(many_rows, max_seconds=4.0) > 0
    assert max(steps) <= 4.0
    with pytest.raises(ZeroDivisionError):  # without a limit the oracle is asked
        beta_max(many_rows)


def test_kinks_share_the_time(monkeypatch):
    rng = np.random.default_rng(6)
    X, limits = rng.standard_normal((40, 3)), []

    def search(*args, max_seconds, **kwargs):
        limits.append(max_seconds)
        return found(*args, **kwargs)

    found = critical.search
    monkeypatch.setattr(critical, "search", search)
    beta_max(X, np.sign(X[:, 0]), loss="hinge", output_offset=True, max_seconds=80.0)
    assert len(limits) > 1
    assert max(limits) <= 10.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, "soon"])
def test_time_limits_are_positive_numbers(wrong, many_rows):
    with pytest.raises(ValueError, match="max_seconds must be a finite number > 0"):
        beta_max(many_rows, max_seconds=wrong)


def test_two_columns_are_swept_without_a_search(monkeypatch):
    problem = random_problem(7)
    value = exact_oracle(problem.X).maximise(problem.y).value
    monkeypatch.setattr(critical, "search", lambda *args, **kwargs: 1 / 0)
    assert beta_max(problem) == pytest.approx(value, rel=1e-12)  # in units of its own, hence the rounding


@pytest.mark.parametrize(("n_outputs", "norm"), [(1, "l2"), (3, "l2"), (3, "l1")])
def test_estimate_is_never_above_the_critical_weight_decay_and_near_it(monkeypatch, n_outputs, norm):
    rng = np.random.default_rng(3)
    X = np.hstack([rng.standard_normal((150, 3)), np.ones((150, 1))])
    Y = np.abs(X @ rng.standard_normal((4, n_outputs))) + 0.1 * rng.standard_normal((150, n_outputs))
    problem = Problem(X, Y if n_outputs > 1 else Y[:, 0], 0.0, output_offset=True, output_norm=norm)
    small = estimate_beta_max(problem)
    assert small.value == beta_max(problem)
    assert not small.is_exact  # a search found it: four columns of 150 rows have too many cells
    monkeypatch.setattr(critical, "_SMALL", 0)
    monkeypatch.setattr(critical, "_FEWEST_ROWS", 64)
    monkeypatch.setattr(critical, "_SAMPLE_ENTRIES", 256)
    found = estimate_beta_max(problem)
    assert not found.is_exact
    # A value of the constraint at a unit vector: below the maximum to rounding; four smooth columns leave few maxima.
    assert 0.95 * beta_max(problem) <= found.value <= beta_max(problem) * (1 + 1e-9)
    assert estimate_beta_max(problem) == found
    scaled = estimate_beta_max(Problem(1e90 * X, problem.y, 0.0, output_offset=True, output_norm=norm))
    assert scaled.value == pytest.approx(1e90 * found.value, rel=1e-9)


def test_only_what_an_exact_oracle_found_is_called_exact():
    rng = np.random.default_rng(0)
    plane = Problem(rng.standard_normal((30, 2)), rng.standard_normal(30), 0.0)
    assert estimate_beta_max(plane) == critical.CriticalBeta(beta_max(plane), is_exact=True)
    assert estimate_beta_max(Problem(np.eye(3), np.zeros(3), 0.0)) == critical.CriticalBeta(
        0.0, is_exact=True
    )
    high = Problem(rng.standard_normal((30, 12)), rng.standard_normal(30), 0.0)
    assert not estimate_beta_max(high).is_exact
    kinked = Problem(plane.X, np.sign(plane.y), 0.0, "hinge")
    assert estimate_beta_max(kinked) == critical.CriticalBeta(beta_max(kinked), is_exact=False)


@pytest.mark.parametrize("seed", [0, 1])
def test_on_small_data_of_several_classes_an_estimate_asks_no_dear_oracle_and_is_as_good(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    X, classes = np.hstack([rng.standard_normal((20, 3)), np.ones((20, 1))]), rng.integers(0, 3, 20)
    problem = Problem(X, np.eye(3)[classes], 0.0, "multinomial", output_offset=True)
    exact = beta_max(problem)
    asked = []
    found = critical.exact_oracle
    monkeypatch.setattr(critical, "exact_oracle", lambda *a, **k: asked.append(found(*a, **k)) or asked[-1])
    # The oracle of several outputs is exact to 1e-4.
    assert estimate_beta_max(problem).value == pytest.approx(exact, rel=1e-4)
    assert asked == [None]


def test_an_estimate_with_next_to_no_time_is_a_lower_one_and_not_far_off():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((600, 8))
    problem = Problem(X, np.abs(X[:, 0]) + 0.1 * rng.standard_normal(600), 0.0)
    hurried, full = (estimate_beta_max(problem, max_seconds=limit).value for limit in (1e-9, None))
    assert 0.8 * full < hurried <= full * (1 + 1e-9)
