"""Steps of learning on orthogonal data: levels, times, and the limit of small starts."""

import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.small_starts.learning_steps import predicted_steps, saddle_to_saddle
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError


def orthogonal(rng, n, d, norms=1.0):
    return np.linalg.qr(rng.standard_normal((d, n)))[0].T * np.broadcast_to(norms, (n,))[:, None]


def covering_start(rng, X, y, m, size):
    """Return a balanced start in which every second neuron sees all samples of its sign."""
    signs = np.where(np.arange(m) % 2 == 0, 1.0, -1.0)
    wanted = np.where(np.sign(y)[:, None] == signs, 1.0, -1.0) * rng.uniform(0.3, 1.0, (len(y), m))
    U = X.T @ (wanted / np.sum(X**2, axis=1)[:, None])
    U /= np.linalg.norm(U, axis=0)
    return ReLUNetwork(size * U, size * signs)


def test_two_groups_make_two_steps_at_times_inverse_to_their_strengths():
    rng = np.random.default_rng(0)
    X, y = orthogonal(rng, 4, 5), np.array([2.0, 1.0, -0.5, -1.0])
    found = saddle_to_saddle(Problem(X, y, beta=0.0), covering_start(rng, X, y, 6, 1e-5))
    plus, minus = np.linalg.norm(y[:2]), np.linalg.norm(y[2:])
    assert [step.time for step in found.steps] == pytest.approx([1 / plus, 1 / minus])
    assert [step.level for step in found.steps] == pytest.approx([0.5 * minus**2, 0.0])
    for comparison in found.levels + found.slopes + found.escapes:
        # Euler steps of 5e-3 are a relative error of half that; levels are exact to the size's power
        assert abs(comparison.difference) < 5e-3
    assert len(found.escapes) == 2


def test_norms_decide_who_is_first():
    """Equal targets, unequal norms: the time of a group goes with ||y_k x_k||, the level with y_k alone."""
    rng = np.random.default_rng(1)
    y = np.array([1.0, 1.0, -1.0, -1.0])
    X = orthogonal(rng, 4, 4, np.array([0.7, 0.7, 2.0, 2.0]))
    found = saddle_to_saddle(Problem(X, y, beta=0.0), covering_start(rng, X, y, 4, 1e-5))
    assert [step.samples.tolist() for step in found.steps] == [
        [False, False, True, True],
        [True, True, False, False],
    ]
    assert found.steps[1].time / found.steps[0].time == pytest.approx(2.0 / 0.7)
    assert all(comparison.holds for comparison in found.levels + found.slopes + found.escapes)


def test_levels_become_exact_as_the_start_shrinks():
    rng = np.random.default_rng(2)
    X, y = orthogonal(rng, 3, 4), np.array([1.5, 0.8, -0.7])
    start = covering_start(rng, X, y, 4, 1.0)
    errors = []
    for size in (5e-3, 5e-5, 5e-7):
        scaled = ReLUNetwork(size * start.hidden, size * start.output)
        found = saddle_to_saddle(Problem(X, y, beta=0.0), scaled, shrink=0.5)
        errors.append(max(abs(comparison.difference) for comparison in found.levels))
    # like size^(1 - t_1 / t_2): each factor 100 is worth at least 5
    assert errors[1] < errors[0] / 5
    assert errors[2] < errors[1] / 5


def test_what_no_neuron_sees_is_never_fitted():
    X, y = np.eye(3), np.array([2.0, 1.0, -1.0])
    start = ReLUNetwork(np.array([[1e-4], [-1e-4], [1e-4]]), [3**0.5 * 1e-4])
    found = saddle_to_saddle(Problem(X, y, beta=0.0), start)
    assert [step.level for step in found.steps] == [1.0]
    assert found.levels[0].holds


def test_partial_views_make_more_steps():
    """Each neuron sees one sample more: the first step fits what the strongest sees, the rest follows."""
    X, y = np.eye(3), np.array([3.0, 1.0, 0.5])
    U = np.array([[1.0, -1.0, -1.0], [-1.0, 1.0, -1.0], [-1.0, -1.0, 1.0]]) * 1e-6
    found = saddle_to_saddle(Problem(X, y, beta=0.0), ReLUNetwork(U, np.full(3, 3**0.5 * 1e-6)))
    assert [step.time for step in found.steps] == pytest.approx([1 / 3, 1.0, 2.0])
    assert [step.level for step in found.steps] == pytest.approx([0.625, 0.125, 0.0])
    assert all(comparison.holds for comparison in found.levels + found.slopes + found.escapes)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_predicted_levels_fall_and_account_for_every_sample_that_is_seen(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 6))
    X, y = orthogonal(rng, n, 6), rng.standard_normal(n)
    U = rng.standard_normal((6, 5))
    start = ReLUNetwork(U, np.linalg.norm(U, axis=0) * np.where(np.arange(5) % 2, 1, -1))
    steps = predicted_steps(Problem(X, y, beta=0.0), start)
    levels, times = [step.level for step in steps], [step.time for step in steps]
    assert levels == sorted(levels, reverse=True)
    assert times == sorted(times)
    seen = np.any((X @ U > 0) & (y[:, None] * start.output > 0), axis=1)
    fitted = np.sum([step.samples for step in steps], axis=0) if steps else np.zeros(n)
    np.testing.assert_array_equal(fitted, seen)


def test_hypotheses_are_named():
    start = ReLUNetwork([[1e-4], [0.0]], [1e-4])
    good = Problem(np.eye(2), [1.0, -1.0], beta=0.0)
    cases = [
        (Problem(np.eye(2), [1.0, -1.0], beta=0.1), start, "weight decay"),
        (Problem([[1.0, 0.5], [0.0, 1.0]], [1.0, -1.0], beta=0.0), start, "orthogonal"),
        (Problem(np.eye(2), [1.0, 0.0], beta=0.0), start, "zero"),
        (good, ReLUNetwork([[1e-4], [0.0]], [1e-3]), "balanced"),
        (good, ReLUNetwork([[1.0], [0.0]], [1.0]), "small"),
        (good, ReLUNetwork([[-1e-4], [0.0]], [1e-4]), "sees"),
    ]
    for problem, network, word in cases:
        with (
            pytest.raises(HypothesisError, match=word)
            if word != "sees"
            else pytest.raises(HypothesisError, match="must see")
        ):
            saddle_to_saddle(problem, network)


def test_the_time_limit_leaves_what_was_not_reached_unmeasured(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = orthogonal(rng, 4, 5), np.array([2.0, 1.0, -0.5, -1.0])
    problem, start = Problem(X, y, beta=0.0), covering_start(rng, X, y, 6, 1e-5)
    nothing = saddle_to_saddle(problem, start, max_seconds=0.0)
    assert nothing.status is TrajectoryStatus.MAX_SECONDS
    assert nothing.levels + nothing.slopes + nothing.escapes == ()
    assert len(nothing.steps) == 2
    whole = saddle_to_saddle(problem, start, resolution=2e-2)
    assert whole.status is TrajectoryStatus.FINISHED
    # A clock that every look moves on by a second: the limit comes with the first of the two steps done.
    looks = itertools.count()
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(looks)))
    n_steps = np.rint(whole.times[-1] * np.linalg.norm(y) / 2e-2)
    part = saddle_to_saddle(problem, start, resolution=2e-2, max_seconds=float(0.33 * n_steps))
    assert part.status is TrajectoryStatus.MAX_SECONDS
    assert part.levels == ()
    assert part.slopes == whole.slopes[:1]
    assert part.escapes == whole.escapes[:1]


def test_flows_that_would_not_end_are_refused_with_their_steps():
    problem = Problem(np.eye(2), [1.0, 1e-9], beta=0.0)
    start = ReLUNetwork([[1e-8, -1e-8], [-1e-8, 1e-8]], [2**0.5 * 1e-8, 2**0.5 * 1e-8])
    with pytest.raises(ValueError, match=r"at most 1e\+08 steps.* max_seconds"):
        saddle_to_saddle(problem, start)
