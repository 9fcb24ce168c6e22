"""Upper bounds on the dual constraint, and the lower bounds on the optimum that they prove."""

import time

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import (
    RowSpace,
    dual_bound,
    exact_oracle,
    joint_dual_sdp,
    norm_bound,
    relaxed_upper_bound,
)
from cvxnn.certificates.bounds import norms
from cvxnn.certificates.bounds.relaxation import ball_maximum, relaxed_value
from cvxnn.certificates.relaxations.joint_program import affordable_groups
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

UPPER_BOUNDS = [norm_bound, relaxed_upper_bound]


def phi(X, lam):
    """Return max lam^T (X u)_+, exactly: the best of the positive sign's local maxima."""
    result = exact_oracle(X).maximise(lam)
    return max(result.values[result.signs > 0], default=0.0)


def random_problem(seed, output_offset=False, scale=1.0):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, 8)), int(rng.integers(1, 4))
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    if seed % 3 == 0:
        X[-1] = -2 * X[0]  # a collinear pair
    beta = float(10 ** rng.uniform(-2, 0))
    return Problem(scale * X, y, scale * beta, output_offset=output_offset)


@pytest.mark.parametrize("bound", UPPER_BOUNDS)
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 12), d=st.integers(1, 3), exponent=st.integers(-6, 6))
def test_bounds_are_above_the_exact_value(bound, seed, n, d, exponent):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 10.0**exponent + rng.integers(0, 2) * 10.0**exponent
    lam = rng.standard_normal(n) * (rng.random(n) < 0.8)
    assert phi(X, lam) <= bound(RowSpace(X), lam)


@pytest.mark.parametrize("bound", UPPER_BOUNDS)
@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 12), d=st.integers(1, 15), exponent=st.integers(-6, 6))
def test_bounds_without_time_hold_and_are_no_tighter(bound, seed, n, d, exponent):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((n, d)) * 10.0**exponent, rng.standard_normal(n)
    space, sample = RowSpace(X), rng.standard_normal((d, 500))
    attained = np.max(lam @ np.maximum(X @ (sample / np.linalg.norm(sample, axis=0)), 0.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(norms, "_CHEAP", 0.0)
        late = bound(space, lam, deadline=Deadline(0.0))
    assert attained <= late
    assert bound(space, lam) <= late * (1 + 1e-9)


def test_norms_without_time_are_as_tight_where_they_are_cheap(monkeypatch):
    rng = np.random.default_rng(6)
    space, lam = RowSpace(rng.standard_normal((40, 5))), rng.standard_normal(40)
    bound = norm_bound(space, lam)
    assert norm_bound(space, lam, deadline=Deadline(0.0)) == bound
    monkeypatch.setattr(norms, "_CHEAP", 0.0)
    assert norm_bound(space, lam, deadline=Deadline(0.0)) > bound


def test_a_late_relaxation_is_evaluated_once(monkeypatch):
    rng, calls = np.random.default_rng(3), []

    def counted(*args):
        calls.append(1)
        return relaxed_value(*args)

    monkeypatch.setattr("cvxnn.certificates.bounds.relaxation.relaxed_value", counted)
    space, lam = RowSpace(rng.standard_normal((40, 5))), rng.standard_normal(40)
    relaxed_upper_bound(space, lam, deadline=Deadline(0.0))
    assert len(calls) == 1
    seconds = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0] + len(calls))
    relaxed_upper_bound(space, lam, deadline=Deadline(3.5))
    assert len(calls) == 1 + 4 + 1  # each of a second, the last one for the proof
    relaxed_upper_bound(space, lam)
    assert len(calls) > 15


@pytest.mark.parametrize("bound", UPPER_BOUNDS)
def test_no_positive_entry_gives_zero(bound):
    X = np.random.default_rng(0).standard_normal((8, 3))
    assert bound(RowSpace(X), -np.ones(8)) <= 1e-10


def test_norm_bound_is_never_above_the_textbook_bounds():
    rng = np.random.default_rng(1)
    for _ in range(50):
        X, lam = rng.standard_normal((9, 3)), rng.standard_normal(9)
        p = np.maximum(lam, 0.0)
        textbook = min(np.linalg.norm(p) * np.linalg.norm(X, 2), p @ np.linalg.norm(X, axis=1))
        assert norm_bound(RowSpace(X), lam) <= textbook * (1 + 1e-9)


def test_relaxation_is_tighter_than_norms_and_tight_on_one_sample():
    rng = np.random.default_rng(2)
    for _ in range(20):
        X, lam = rng.standard_normal((12, 3)), rng.standard_normal(12)
        assert relaxed_upper_bound(RowSpace(X), lam) <= norm_bound(RowSpace(X), lam) * (1 + 1e-6)
    # one sample: max lam (x^T u)_+ = lam ||x||
    assert relaxed_upper_bound(RowSpace(np.array([[3.0, 4.0]])), np.array([2.0])) == pytest.approx(
        10.0, rel=1e-6
    )


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_any_multipliers_give_a_bound(seed):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((8, 3)), rng.standard_normal(8)
    tau, a = np.exp(2 * rng.standard_normal(8)), rng.uniform(-1, 1, 8)
    assert phi(X, lam) <= relaxed_value(X, lam, tau, a).bound * (1 + 1e-12)


def test_ball_maximum_is_attained_by_its_maximiser():
    rng = np.random.default_rng(3)
    for _ in range(20):
        G, c = rng.standard_normal((5, 4)), rng.standard_normal(4)
        bound, u = ball_maximum(G.T @ G, c)
        assert np.linalg.norm(u) == pytest.approx(1.0, rel=1e-6)
        assert c @ u + np.sum((G @ u) ** 2) == pytest.approx(bound, rel=1e-6)


def test_ball_maximum_in_the_hard_case():
    # c is orthogonal to the top eigenvector: mu = 4, value 4 + 1/4 * 1 / (4 - 1)
    bound, _ = ball_maximum(np.diag([4.0, 1.0]), np.array([0.0, 1.0]))
    assert bound == pytest.approx(4.0 + 0.25 / 3.0, rel=1e-12)


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_lower_bounds_never_exceed_the_optimum(seed, output_offset, convex_optimum):
    problem = random_problem(seed, output_offset)
    optimum = convex_optimum(problem).value
    space, oracle = RowSpace(problem.X), exact_oracle(problem.X)
    rng = np.random.default_rng(seed)
    tolerance = 1e-6 * optimum + 1e-9  # the interior-point reference's own accuracy
    for _ in range(20):
        lam = problem.project_dual(problem.y + 0.5 * rng.standard_normal(len(problem.y)))
        uppers = [oracle.maximise(lam).upper]
        uppers += [max(bound(space, lam), bound(space, -lam)) for bound in UPPER_BOUNDS]
        assert all(dual_bound(problem, lam, upper) <= optimum + tolerance for upper in uppers)
    point = joint_dual_sdp(problem, space, max_seconds=10.0)
    assert oracle.maximise(point.lam).value <= point.upper
    assert 0 <= point.lower_bound <= optimum + tolerance


def test_a_bound_that_forgets_to_scale_is_rejected(convex_optimum):
    # planted fault: the dual objective of the zero network's residual, not scaled to be feasible
    problems = [random_problem(seed) for seed in range(4)]
    excess = [problem.dual_objective(problem.y) / convex_optimum(problem).value for problem in problems]
    assert max(excess) > 1.1


def test_a_bound_that_forgets_one_sign_is_rejected(convex_optimum):
    # planted fault: scaling by phi(lam) alone, where phi(-lam) is the larger
    problem = Problem([[1.0], [-1.0]], [1.0, -3.0], 0.5)
    faulty = dual_bound(problem, problem.y, phi(problem.X, problem.y))
    assert faulty > convex_optimum(problem).value * 1.1


def test_exact_bound_is_tight_at_the_optimum(convex_optimum):
    for seed in range(4):
        problem = random_problem(seed)
        optimum = convex_optimum(problem)
        lam = problem.dual_variable(optimum.network.predict(problem.X))
        upper = exact_oracle(problem.X).maximise(lam).upper
        assert dual_bound(problem, lam, upper) == pytest.approx(optimum.value, rel=1e-5)


@pytest.mark.parametrize("bound", ["sdp", "norm"])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), exponent=st.integers(-3, 3))
def test_lower_bounds_are_below_the_objective_of_any_network(bound, seed, exponent):
    problem = random_problem(seed, bool(seed % 2), 10.0**exponent)
    rng = np.random.default_rng(seed)
    space = RowSpace(problem.X)
    width = int(rng.integers(0, 6))
    offset = [rng.standard_normal()] if problem.output_offset else None
    network = ReLUNetwork(
        rng.standard_normal((problem.n_features, width)), rng.standard_normal(width), offset
    )
    if bound == "sdp":
        lower = joint_dual_sdp(problem, space, max_seconds=10.0).lower_bound
    else:
        lam = problem.dual_variable(network.predict(problem.X))
        lower = dual_bound(problem, lam, max(norm_bound(space, lam), norm_bound(space, -lam)))
    assert lower <= problem.objective(network) * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_joint_dual_sdp_is_free_of_scale(scale):
    # X -> s X, beta -> s beta leaves the problem unchanged: the neurons shrink by s
    problem = random_problem(5, scale=scale)
    reference = joint_dual_sdp(random_problem(5), RowSpace(random_problem(5).X), max_seconds=10.0)
    point = joint_dual_sdp(problem, RowSpace(problem.X), max_seconds=10.0)
    assert point.lower_bound == pytest.approx(reference.lower_bound, rel=1e-5)


def test_joint_dual_sdp_is_at_least_as_good_as_the_scaled_residual(convex_optimum):
    for seed in range(4):
        problem = random_problem(seed)
        space = RowSpace(problem.X)
        lam = problem.dual_variable(convex_optimum(problem).network.predict(problem.X))
        upper = max(relaxed_upper_bound(space, lam), relaxed_upper_bound(space, -lam))
        scaled = dual_bound(problem, lam, upper)
        assert joint_dual_sdp(problem, space, max_seconds=10.0).lower_bound >= scaled * (1 - 1e-5)


def test_joint_dual_sdp_at_n_one_thousand():
    # the size at which badly chosen units make the interior-point method break down at its first step
    rng = np.random.default_rng(0)
    X = np.c_[rng.standard_normal((1000, 3)), np.ones(1000)]
    problem, space = Problem(X, np.sin(2 * X[:, 0]) + X[:, 1], 5.0), RowSpace(X)
    point = joint_dual_sdp(problem, space, max_seconds=30.0)
    scaled = dual_bound(problem, problem.y, max(norm_bound(space, problem.y), norm_bound(space, -problem.y)))
    assert point.upper <= problem.beta * (1 + 1e-4)
    assert point.lower_bound > 1.5 * scaled > 0


def test_zero_targets_prove_zero():
    problem = Problem([[1.0], [2.0]], [0.0, 0.0], 1.0)
    assert dual_bound(problem, np.zeros(2), 0.0) == 0.0
    assert joint_dual_sdp(problem, RowSpace(problem.X), max_seconds=1.0) is None


def test_the_joint_dual_of_high_rank_takes_the_time_of_its_dense_blocks():
    rng = np.random.default_rng(4)
    plane, wide = (RowSpace(rng.standard_normal((60, d))) for d in (10, 300))
    assert affordable_groups(plane, 5.0) > 1000
    assert affordable_groups(wide, 5.0) == 0  # one iteration at rank 60 took 30 s
    assert affordable_groups(wide, np.inf) > 10**6


def test_the_joint_dual_keeps_to_leading_directions_where_time_is_short(monkeypatch):
    orders = []

    def without_answer(objective, constraints, max_seconds):
        orders.append(
            max(constraint.shape[0] for constraint in constraints if isinstance(constraint, cp.PSD))
        )
        return False

    monkeypatch.setattr("cvxnn.certificates.relaxations.joint_program._solve", without_answer)
    X = np.random.default_rng(5).standard_normal((40, 30))
    problem = Problem(X, X[:, 0], 0.5)
    for limit in (0.05, None):
        joint_dual_sdp(problem, RowSpace(X), max_seconds=limit)
    first, *_, last = orders
    assert first < 20 < last == 31
