"""Descent on the non-convex objective: its gradient is right and its result never worse than its start."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from cvxnn import Problem, ReLUNetwork
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.training import descent as module
from cvxnn.training.descent import (
    DescentInterrupted,
    _Metric,
    _Objective,
    affordable_width,
    descend,
    small_random_network,
)


def example(n=12, d=3, output_offset=False, seed=0):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), 0.1, output_offset=output_offset)


def network_of(problem, m=5):
    return small_random_network(problem, m, np.random.default_rng(1), size=1.0)


# With no time left for correlations the metric is that of the columns' sizes.
DEADLINES = [NEVER, Deadline(0.0)]


@pytest.mark.parametrize("deadline", DEADLINES)
@pytest.mark.parametrize("output_offset", [False, True])
def test_gradient_matches_finite_differences(output_offset, deadline):
    problem = example(output_offset=output_offset)
    network = network_of(problem)
    objective = _Objective.of(problem, network, deadline)
    assert objective.metric.is_diagonal == (deadline is not NEVER)
    error = check_grad(lambda w: objective(w)[0], lambda w: objective(w)[1], objective.pack(network))
    # Forward differences of a function of size 10 with step 1.5e-8 are good to about 1e-6.
    assert error < 1e-5


@pytest.mark.parametrize("deadline", DEADLINES)
@pytest.mark.parametrize("output_offset", [False, True])
def test_value_is_the_problems_objective_and_packing_is_undone(output_offset, deadline):
    problem = example(output_offset=output_offset)
    network = network_of(problem)
    objective = _Objective.of(problem, network, deadline)
    value, _ = objective(objective.pack(network))
    assert value == pytest.approx(problem.objective(network), rel=1e-13)
    again = objective.unpack(objective.pack(network))
    np.testing.assert_allclose(again.hidden, network.hidden, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(again.offset, network.offset, rtol=1e-12, atol=1e-14)


def test_metric_whitens_by_half_and_takes_out_units():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 4)) @ rng.standard_normal((4, 4))
    T = _Metric.of(X, NEVER).T
    gram = X.T @ X
    units = np.diag(1.0 / np.sqrt(np.diag(gram)))
    whitened = np.linalg.cond(T.T @ gram @ T)
    assert whitened == pytest.approx(np.sqrt(np.linalg.cond(units @ gram @ units)), rel=1e-6)
    scales = np.array([1e-6, 1.0, 1e3, 1e6])
    scaled = _Metric.of(X * scales, NEVER).T
    ratio = (scaled * scales[:, None]) / T
    np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-8)


def test_metric_gives_weights_no_longer_steps_than_decay_allows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3)) * np.array([1.0, 1.0, 1e-6])
    free, held = _Metric.of(X, Deadline(0.0)).T, _Metric.of(X, Deadline(0.0), floor=0.1).T
    assert free[2] > 1e5 * free[0]
    assert 30.0 * held[0] < held[2] < 300.0 * held[0]  # norms of about 7 against one of .1


def test_metric_without_time_for_correlations_takes_out_units():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 4)) * [1e-6, 1.0, 1e3, 1e6]
    metric = _Metric.of(X, Deadline(0.0))
    sizes = np.linalg.norm(metric.data(X), axis=0)
    np.testing.assert_allclose(sizes, sizes[0], rtol=1e-14)
    assert np.prod(metric.T) == pytest.approx(1.0, rel=1e-12)


def test_metric_of_correlations_is_left_out_where_it_takes_a_seventh_of_the_time(monkeypatch):
    X = np.random.default_rng(0).standard_normal((20, 10))
    monkeypatch.setattr(module, "_METRIC_SECONDS", 1.0 / (100 * 40))  # a second
    assert not _Metric.of(X, Deadline(60.0)).is_diagonal
    assert _Metric.of(X, Deadline(6.0)).is_diagonal


def test_large_problems_descend_in_single_precision_to_the_same_objective(monkeypatch):
    problem = example(n=300, d=4)
    start = small_random_network(problem, 200, np.random.default_rng(0))
    assert _Objective.of(problem, start).X.dtype == np.float32
    single = problem.objective(descend(problem, start, max_iterations=300))
    monkeypatch.setattr(module, "_SINGLE", np.inf)
    assert _Objective.of(problem, start).X.dtype == np.float64
    double = problem.objective(descend(problem, start, max_iterations=300))
    # Paths part after some tens of iterations; over four seeds their ends differ by 5 %, either way.
    assert single == pytest.approx(double, rel=0.15)


def test_data_of_extreme_size_descend_in_double_precision():
    problem = Problem(1e8 * np.ones((300, 1)), np.ones(300), 0.1)
    start = small_random_network(problem, 200, np.random.default_rng(0))
    assert _Objective.of(problem, start).X.dtype == np.float64


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
def test_descent_does_not_depend_on_the_size_of_the_targets(scale):
    base = example(n=40)
    problem = Problem(base.X, scale * base.y, scale * base.beta)
    end = descend(problem, small_random_network(problem, 30, np.random.default_rng(0)), max_iterations=100)
    reference = descend(base, small_random_network(base, 30, np.random.default_rng(0)), max_iterations=100)
    # The optimum scales by scale^2; the paths differ by rounding, which a hundred iterations amplify.
    assert problem.objective(end) / scale**2 == pytest.approx(base.objective(reference), rel=0.05)


def test_an_interrupt_carries_the_best_network_so_far(monkeypatch):
    problem = example()
    start = small_random_network(problem, 10, np.random.default_rng(2))
    kernel, calls = module.relu_value_and_gradients, []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 20:
            raise KeyboardInterrupt
        return kernel(*args)

    monkeypatch.setattr(module, "relu_value_and_gradients", interrupted)
    with pytest.raises(DescentInterrupted) as caught:
        descend(problem, start)
    assert problem.objective(caught.value.network) < problem.objective(start)


def test_descent_never_ends_above_its_start():
    problem = example()
    start = small_random_network(problem, 10, np.random.default_rng(2))
    end = descend(problem, start, max_iterations=50)
    assert problem.objective(end) < problem.objective(start)
    assert problem.objective(descend(problem, end, max_iterations=50)) <= problem.objective(end)


def test_time_limit_returns_the_best_point_so_far():
    problem = example()
    start = small_random_network(problem, 10, np.random.default_rng(2))
    end = descend(problem, start, max_iterations=10_000, max_seconds=0.0)
    assert problem.objective(end) <= problem.objective(start)


def test_a_network_without_neurons_stays_as_it_is():
    problem = example()
    empty = ReLUNetwork(np.zeros((3, 0)), np.zeros(0))
    assert descend(problem, empty) is empty


def test_start_is_balanced_of_both_signs_and_of_the_size_asked_for():
    problem = example(output_offset=True)
    network = small_random_network(problem, 6, np.random.default_rng(0), size=0.1)
    norms = np.linalg.norm(network.hidden, axis=0)
    np.testing.assert_allclose(norms, norms[0])
    np.testing.assert_allclose(np.abs(network.output), norms[0])
    assert set(np.sign(network.output)) == {-1.0, 1.0}
    f = network.predict(problem.X) - network.offset[0]
    assert np.linalg.norm(f) == pytest.approx(0.1 * np.linalg.norm(problem.y - problem.y.mean()))


def test_short_descents_have_fewer_neurons():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((2000, 5))
    one = Problem(X, X[:, 0], 1.0)
    many = Problem(X, X[:, :1] * np.ones((1, 40)), 1.0)
    assert affordable_width(one, 800, 1e-9, rng) == 50
    assert affordable_width(many, 800, 1e-9, rng) == 100
    assert affordable_width(one, 800, 1e9, rng) == 800
    assert affordable_width(one, 30, 1e-9, rng) == 30
