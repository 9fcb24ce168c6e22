"""The solution path: closed forms of breakpoints, the envelope of the optimum, what stays between breakpoints."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, ReLUProgram, beta_max, enumerate_patterns, solve
from cvxnn.certificates import exact_oracle
from cvxnn.deadlines import Deadline
from cvxnn.landscape.solution_paths import active_directions
from cvxnn.landscape.solution_paths.breakpoints import envelope, solution_path


def random_problem(seed, loss="squared", output_offset=False, n=5, d=2):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, d)), rng.standard_normal(n)
    if loss == "logistic":
        y = np.where(y > 0, 1.0, -1.0)
        y[:2] = 1.0, -1.0
    return Problem(X, y, 1.0, loss, output_offset)


def test_closed_form_of_opposite_rows():
    # Opposite rows have a neuron each, from beta = |x_i y_i| on, of weight (|y_i| - beta / |x_i|) / |x_i|.
    problem = Problem([[1.0], [-2.0]], [3.0, -1.0], 1.0)
    path = solution_path(problem, [4.0, 0.1], n_betas=6, tol=1e-5)
    assert [one.kind for one in path.breakpoints] == ["enters", "enters"]
    np.testing.assert_allclose([one.beta for one in path.breakpoints], [3.0, 2.0], rtol=1e-5)
    for point in path.points:
        expected = {1: max(3.0 - point.beta, 0.0), -1: max(1.0 - point.beta / 2.0, 0.0) / 2.0}
        for direction in point.directions:
            # A weight that has just entered is worth its square: below the root of the program's gap it may stay zero.
            slack = 5e-5 if direction.weight == 0.0 else 1e-9
            assert direction.weight == pytest.approx(expected[direction.sign], abs=slack)


@pytest.mark.parametrize(("seed", "loss", "output_offset"), [(0, "squared", False), (1, "logistic", True)])
def test_laws_along_two_paths(seed, loss, output_offset):
    check_laws(seed, loss, output_offset)


@pytest.mark.slow
@settings(max_examples=30)
@given(
    seed=st.integers(0, 10_000), loss=st.sampled_from(["squared", "logistic"]), output_offset=st.booleans()
)
def test_laws_along_random_paths(seed, loss, output_offset):
    check_laws(seed, loss, output_offset)


def check_laws(seed, loss, output_offset):
    problem = random_problem(seed, loss, output_offset)
    path = solution_path(problem, n_betas=6, ratio=0.05, tol=2e-2)
    # The first breakpoint is the critical beta.
    assert path.breakpoints[0].lower <= beta_max(problem) * (1 + 1e-6)
    assert path.breakpoints[0].upper >= beta_max(problem) * (1 - 1e-6)
    for step in envelope(path):
        assert step.from_above.holds, step
        assert step.from_below.holds, step
    objectives = np.array([point.certificate.objective for point in path.points])
    norms, losses = (np.array([getattr(p, name) for p in path.points]) for name in ("norm", "loss"))
    # Falling beta: objective and loss fall, the norm rises; to the gaps of 1e-6 or less.
    assert np.all(np.diff(objectives) <= 1e-6)
    assert np.all(np.diff(losses) <= 1e-5)
    assert np.all(np.diff(norms) >= -1e-5 * norms.max())
    for point in path.points:
        assert point.certificate.proven
        weights = sum(direction.weight for direction in point.directions)
        assert weights == pytest.approx(point.norm, rel=1e-6, abs=1e-12)


def test_points_are_optima_and_directions_reach_beta():
    problem = random_problem(3)
    path = solution_path(problem, n_betas=5, ratio=0.05, tol=0.5)
    patterns = enumerate_patterns(problem.X)
    for point in path.points:
        optimum = solve(ReLUProgram(problem.with_beta(point.beta), patterns), tol=1e-10).objective
        assert point.certificate.objective == pytest.approx(optimum, rel=1e-9)
        for direction in point.directions:
            value = direction.sign * point.lam @ np.maximum(problem.X @ direction.vector, 0.0)
            assert value == pytest.approx(point.beta, rel=1e-6)
            np.testing.assert_array_equal(direction.sides == 0, np.abs(problem.X @ direction.vector) < 1e-8)


@pytest.mark.slow
def test_between_breakpoints_nothing_changes():
    problem = random_problem(1)
    path = solution_path(problem, n_betas=40, ratio=0.02, tol=1e-3)
    optimum = active_directions.OptimumAt(problem, exact_oracle(problem.X))
    ends = [path.betas[0], *(b for one in path.breakpoints for b in (one.upper, one.lower)), path.betas[-1]]
    assert len(path.breakpoints) >= 3
    for upper, lower in zip(ends[::2], ends[1::2], strict=True):
        # Off the ends, where rounding may tell.
        inside = np.geomspace(upper, lower, 6)[1:-1]
        assert len({optimum(float(beta)).active for beta in inside}) == 1


def test_both_ends_of_a_breakpoint_are_kept_and_close():
    path = solution_path(random_problem(1), n_betas=6, ratio=0.05, tol=1e-3)
    for one in path.breakpoints:
        assert one.lower < one.upper <= one.lower * 1.001
        assert {one.lower, one.upper} <= set(path.betas)
        assert one.appeared | one.vanished
    few = solution_path(random_problem(1), n_betas=6, ratio=0.05, tol=1e-3, max_optima=8)
    assert any(one.upper > 1.001 * one.lower for one in few.breakpoints)  # the budget ended the search
    assert (path.is_complete, few.is_complete) == (True, False)


def test_a_path_ends_at_its_time_limit_and_says_so(monkeypatch):
    problem = Problem([[1.0], [-2.0]], [3.0, -1.0], 1.0)
    whole = solution_path(problem, [4.0, 0.1], n_betas=6)
    assert whole.is_complete
    none = solution_path(problem, [4.0, 0.1], n_betas=6, max_seconds=0)
    np.testing.assert_array_equal(none.betas, [4.0])
    assert not none.is_complete
    assert none.breakpoints == ()
    # By a clock that ticks at every optimum.
    honest, ticks = active_directions.OptimumAt.__call__, []

    def ticking(self, beta, deadline):
        point = honest(self, beta, deadline)
        ticks.append(beta)
        monkeypatch.setattr(Deadline, "elapsed", len(ticks))
        return point

    def in_time(max_seconds):
        ticks.clear()
        monkeypatch.setattr(Deadline, "elapsed", 0)
        return solution_path(problem, [4.0, 0.1], n_betas=6, max_seconds=max_seconds)

    monkeypatch.setattr(active_directions.OptimumAt, "__call__", ticking)
    grid = np.geomspace(4.0, 0.1, 6)
    short = in_time(2)
    np.testing.assert_allclose(short.betas, grid[:3])
    assert [(one.upper, one.lower) for one in short.breakpoints] == [tuple(short.betas[:2])]
    long = in_time(8)
    assert len(ticks) == 9
    assert set(grid) <= set(long.betas)
    for beta in (3.0, 2.0):
        assert any(one.lower <= beta <= one.upper for one in long.breakpoints)
    assert (short.is_complete, long.is_complete, in_time(None).is_complete) == (False, False, True)


def test_an_opposite_pair_counts_as_one():
    # With an output offset a kink may face either way: both directions come and go together.
    x = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    problem = Problem(np.column_stack([x, np.ones(5)]), np.abs(x), 1.0, output_offset=True)
    path = solution_path(problem, n_betas=6, ratio=0.1, tol=1e-3)
    first = path.breakpoints[0]
    assert first.kind == "enters"
    assert len(first.appeared) == 2
    assert path.points[-1].n_neurons <= len(path.points[-1].directions)


def test_a_network_that_is_not_optimal_breaks_the_envelope(monkeypatch):
    """Planted fault: networks of a wrong weight decay, with certificates that claim too much."""
    problem = random_problem(2)
    honest = active_directions.OptimumAt.__call__

    def wrong(self, beta, deadline):
        right, other = honest(self, beta), honest(self, 0.8 * beta)
        return type(right)(beta, other.network, right.certificate, right.lam, right.loss, right.directions)

    monkeypatch.setattr(active_directions.OptimumAt, "__call__", wrong)
    path = solution_path(problem, n_betas=4, ratio=0.1, tol=0.5)
    assert not all(step.from_above.holds and step.from_below.holds for step in envelope(path))


@pytest.mark.parametrize(
    ("problem", "betas", "options", "message"),
    [
        (Problem([[1.0]], [1.0], 1.0), [1.0, 2.0], {}, "betas must be decreasing and > 0"),
        (Problem([[1.0]], [1.0], 1.0), [1.0], {}, "betas must be decreasing and at least 2"),
        (Problem([[1.0]], [0.0], 1.0), None, {}, "betas must be given"),
        (Problem([[1.0]], [1.0], 1.0), None, {"ratio": 2.0}, "ratio must be < 1"),
        (
            Problem([[1.0]], [1.0], 1.0),
            None,
            {"max_seconds": -1.0},
            "max_seconds must be a finite number >= 0",
        ),
        (Problem([[1.0]], [1.0], 1.0, "hinge"), None, {}, "loss must be differentiable"),
        (Problem([[1.0]], [[1.0, 2.0]], 1.0), None, {}, r"y must have one output, \(n,\) or \(n, 1\)"),
    ],
)
def test_bad_input(problem, betas, options, message):
    with pytest.raises(ValueError, match=message):
        solution_path(problem, betas, **options)


def test_data_of_a_million_cells_are_refused_with_their_number():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"at most 1 s; X has shape \(60, 5\) and up to 978,812 cells"):
        solution_path(Problem(rng.standard_normal((60, 5)), rng.standard_normal(60), 1.0), [1.0, 0.5])
