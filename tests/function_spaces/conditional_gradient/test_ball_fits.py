"""Constrained fits against enumerated programs, and the multiplier in both directions."""

import itertools

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, beta_max, train
from cvxnn.deadlines import Deadline
from cvxnn.function_spaces.conditional_gradient.ball_fits import constrained_fit, penalty_and_constraint
from cvxnn.function_spaces.oracles.neuron_oracles import ReLUOracle
from cvxnn.patterns import enumerate_patterns
from cvxnn.theorems import HypothesisError


def enumerated(X, y, delta, loss="squared", sample_weight=None):
    """Return the optimum of the constrained form over all patterns, by an interior point."""
    problem = Problem(X, y, 1.0, loss, sample_weight=sample_weight)
    D = np.asarray(enumerate_patterns(X), dtype=np.float64)
    V, W = (cp.Variable((X.shape[1], D.shape[1])) for _ in range(2))
    f = cp.sum(cp.multiply(D, X @ (V - W)), axis=1)
    cones = [cp.multiply(2 * D - 1, X @ U) >= 0 for U in (V, W)]
    size = cp.sum(cp.norm(V, 2, axis=0)) + cp.sum(cp.norm(W, 2, axis=0))
    ball = size <= delta
    statement = cp.Problem(
        cp.Minimize(problem.loss.to_cvxpy(f, problem.y, problem.sample_weight)), [ball, *cones]
    )
    return statement.solve(solver=cp.CLARABEL), float(ball.dual_value)


@pytest.mark.parametrize("loss", ["squared", "logistic", "huber"])
@pytest.mark.parametrize("delta", [0.5, 2.0])
def test_the_relu_against_the_enumerated_program(loss, delta):
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((7, 2)), rng.standard_normal(7)
    y = np.sign(y) if loss == "logistic" else y
    weights = rng.uniform(0.5, 2.0, 7)
    fit = constrained_fit(X, y, delta, loss=loss, sample_weight=weights)
    value, multiplier = enumerated(X, y, delta, loss, weights)
    assert fit.objective == pytest.approx(value, rel=1e-6)
    assert fit.lower_bound <= fit.objective
    assert fit.gap <= 1e-7 * fit.objective
    assert fit.status.name in ("PROVEN", "ROUNDING")
    assert fit.multiplier == pytest.approx(multiplier, rel=1e-3)  # roots of the two gaps
    assert fit.network.total_variation <= delta * (1 + 1e-12)


def test_threshold_units_against_all_patterns():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((8, 3)), rng.standard_normal(8)
    D = np.asarray(enumerate_patterns(X), dtype=np.float64)
    w = cp.Variable(D.shape[1])
    statement = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(D @ w - y)), [cp.norm1(w) <= 1.5])
    assert constrained_fit(X, y, 1.5, 0).objective == pytest.approx(
        statement.solve(solver=cp.CLARABEL), rel=1e-6
    )


def test_squared_units_against_a_semidefinite_program():
    # With X and -X both in the data and even targets, sum w_j (v^T x)_+^2 averages to a quadratic form x^T S x / 2 on
    # either row, of nuclear norm sum |w_j|; and a form S needs two neurons, v and -v, for each eigenvector.
    rng = np.random.default_rng(2)
    half, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    S = cp.Variable((2, 2), symmetric=True)
    f = cp.hstack([x @ S @ x for x in half])
    size = 2.0 * cp.normNuc(S)
    statement = cp.Problem(cp.Minimize(cp.sum_squares(f - y)), [size <= 1.0])
    fit = constrained_fit(np.vstack([half, -half]), np.tile(y, 2), 1.0, 2)
    assert fit.objective == pytest.approx(statement.solve(solver=cp.CLARABEL), rel=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.floats(0.05, 0.9), st.sampled_from(["squared", "logistic"]))
def test_penalty_and_constraint(seed, share, loss):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
    y = np.sign(y) if loss == "logistic" else y
    problem = Problem(X, y, 1.0, loss)
    forms = penalty_and_constraint(problem.with_beta(share * beta_max(problem)), tol=1e-5)
    assert forms.holds, forms


def test_the_other_direction_the_multiplier_is_the_weight_decay():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((10, 2)), rng.standard_normal(10)
    fit = constrained_fit(X, y, 1.0)
    trained = train(Problem(X, y, fit.multiplier), tol=1e-9).network
    assert trained.path_norm == pytest.approx(1.0, rel=1e-4)  # the root of a gap
    value = 0.5 * np.sum((trained.predict(X) - y) ** 2) + fit.multiplier * trained.path_norm
    assert value == pytest.approx(fit.objective + fit.multiplier * 1.0, rel=1e-8)


def test_the_multiplier_is_minus_the_slope_of_the_optimum():
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
    for degree in (0, 1, 2):
        low, mid, high = (constrained_fit(X, y, 0.7 + h, degree, tol=1e-12) for h in (-1e-3, 0.0, 1e-3))
        # Central difference of a convex function, smooth up to kinks of its derivative: O(h).
        assert (low.objective - high.objective) / 2e-3 == pytest.approx(mid.multiplier, rel=1e-2)


def test_a_ball_that_holds_the_targets_has_no_multiplier():
    fit = constrained_fit([[1.0], [-1.0]], [1.0, 2.0], 10.0)
    assert fit.objective == pytest.approx(0.0, abs=1e-12)
    assert fit.multiplier == pytest.approx(0.0, abs=1e-6)


def test_hypotheses():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], 50.0)
    with pytest.raises(HypothesisError, match="zero"):
        penalty_and_constraint(problem)
    with pytest.raises(HypothesisError, match="offset"):
        penalty_and_constraint(Problem([[1.0]], [1.0], 0.1, output_offset=True))
    for wrong, name in (
        ({"delta": 0.0}, "delta"),
        ({"oracle_seconds": -1.0}, "oracle_seconds"),
        ({"max_seconds": -1.0}, "max_seconds"),
    ):
        with pytest.raises(ValueError, match=name):
            constrained_fit(**{"X": [[1.0]], "y": [1.0], "delta": 1.0, **wrong})
    with pytest.raises(ValueError, match="problem must be a Problem"):
        penalty_and_constraint("p")


def test_a_search_stops_where_it_finds_nothing_more():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((10, 3)), rng.standard_normal(10)
    searched = constrained_fit(X, y, 1.0, oracle_seconds=0)
    assert searched.status.name == "NO_DESCENT"
    assert searched.rounds < 50
    # found, not proved: what the proof of the exact oracle confirms
    assert searched.objective == pytest.approx(constrained_fit(X, y, 1.0).objective, rel=1e-7)
    assert "NO_DESCENT" in repr(searched)


def test_a_gap_of_zero_ends_in_rounding_not_after_all_rounds():
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((7, 2)), rng.standard_normal(7)
    fit = constrained_fit(X, y, 0.5, tol=0.0)
    assert fit.status.name in ("PROVEN", "ROUNDING")
    assert fit.rounds < 50


def interrupting(monkeypatch, call):
    """Have the oracle interrupted at a call."""
    calls, maximise = [], ReLUOracle.maximise

    def interrupted(self, lam, *, starts=None):
        calls.append(lam)
        if len(calls) == call:
            raise KeyboardInterrupt
        return maximise(self, lam, starts=starts)

    monkeypatch.setattr(ReLUOracle, "maximise", interrupted)


def test_interrupts_return_the_best_so_far(monkeypatch):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    whole, two = constrained_fit(X, y, 2.0), constrained_fit(X, y, 2.0, max_rounds=2)
    assert (whole.status.name, two.status.name) == ("PROVEN", "MAX_ROUNDS")
    interrupting(monkeypatch, 3)
    fit = constrained_fit(X, y, 2.0)
    assert (fit.status.name, fit.rounds) == ("INTERRUPTED", 1)
    assert (fit.objective, fit.lower_bound, fit.multiplier) == (
        two.objective,
        two.lower_bound,
        two.multiplier,
    )
    assert fit.lower_bound <= whole.objective < fit.objective


def test_an_interrupt_before_any_answer_claims_nothing(monkeypatch):
    interrupting(monkeypatch, 1)
    fit = constrained_fit([[1.0], [2.0]], [1.0, 3.0], 2.0)
    assert (fit.status.name, fit.objective, fit.lower_bound, fit.is_exact) == ("INTERRUPTED", 5.0, 0.0, False)
    assert np.isnan(fit.multiplier)


def test_a_theorem_passes_interrupts_on(monkeypatch):
    interrupting(monkeypatch, 1)
    with pytest.raises(KeyboardInterrupt):
        penalty_and_constraint(Problem([[1.0], [2.0]], [1.0, 3.0], 0.1))


def test_the_time_limit(monkeypatch):
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    ticks = itertools.count()
    # read once a round; oracles have deadlines of their own
    monkeypatch.setattr(
        Deadline, "is_over", property(lambda its: its.max_seconds == 2.0 and next(ticks) == its.max_seconds)
    )
    fit = constrained_fit(X, y, 2.0, max_seconds=2.0)
    assert (fit.status.name, fit.rounds) == ("MAX_SECONDS", 2)
    assert fit.gap > 0
