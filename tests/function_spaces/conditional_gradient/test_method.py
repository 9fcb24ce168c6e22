"""Conditional gradient: convergence to the enumerated optimum, gaps, counts of neurons, rules compared."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.function_spaces.conditional_gradient import method as module
from cvxnn.function_spaces.conditional_gradient.ball_fits import constrained_fit
from cvxnn.function_spaces.conditional_gradient.method import ConditionalGradient
from cvxnn.function_spaces.conditional_gradient.steps import take_step
from cvxnn.function_spaces.oracles.neuron_oracles import ReLUOracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_norm_form

STEPS = ("fixed", "line_search", "away", "fully_corrective")
# On these data at step 3 both other rules are below the fully corrective one, which has found other neurons.
COUNTER = (
    np.array([[3.0, 0.0], [-4.0, 0.0], [0.0, 4.0], [4.0, 3.0], [3.0, -2.0], [-4.0, -3.0]]),
    np.array([-3.0, 1.0, 0.0, 0.0, -4.0, 2.0]),
)


def drawn(seed, n=8, d=2):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


def objectives(X, y, delta, step, degree=1, steps=30):
    run = ConditionalGradient(delta, step, degree, max_steps=steps, tol=0.0).run(X, y)
    # A run that reaches a gap of zero stops there.
    return np.pad(run.objectives, (0, steps + 1 - len(run.objectives)), mode="edge")


@given(
    st.integers(0, 10_000), st.sampled_from(STEPS), st.sampled_from([0, 1, 2]), st.sampled_from([0.3, 2.0])
)
def test_gaps_bound_the_distance_to_the_optimum(seed, step, degree, delta):
    X, y = drawn(seed)
    run = ConditionalGradient(delta, step, degree, max_steps=15, tol=0.0).run(X, y)
    best = constrained_fit(X, y, delta, degree, tol=1e-12)
    slack = 1e-9 * run.objectives[0]
    assert np.all(run.objectives >= best.lower_bound - slack)
    assert np.all(run.gaps >= run.objectives - best.objective - slack)
    assert run.lower_bound <= best.objective + slack
    assert run.objective == pytest.approx(np.min(run.objectives), rel=1e-9)
    assert run.network.total_variation <= delta * (1 + 1e-12)
    for record in run.history:
        assert record.neurons <= record.step  # at most one neuron a step
        assert record.is_exact
        assert record.found_gap <= record.proven_gap


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("step", ["away", "fully_corrective"])
def test_the_optimum_is_reached(step, degree):
    X, y = drawn(11)
    # Units of degree 1 and 2 are infinitely many: away steps are no faster than 1/t on them.
    tol = 1e-3 if step == "away" and degree > 0 else 1e-8
    run = ConditionalGradient(1.0, step, degree, max_steps=1000, tol=tol).run(X, y)
    assert run.status.name == "PROVEN"
    assert run.objective - constrained_fit(X, y, 1.0, degree).objective <= tol * run.objectives[0]


@pytest.mark.parametrize("loss", ["logistic", "huber", "squared_hinge"])
def test_other_smooth_losses(loss):
    X, y = drawn(2)
    y = y if loss == "huber" else np.sign(y)
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    run = ConditionalGradient(1.0, "fully_corrective", tol=1e-8).run(X, y, loss=loss, sample_weight=weights)
    expected = constrained_fit(X, y, 1.0, loss=loss, sample_weight=weights).objective
    assert run.objective == pytest.approx(expected, rel=1e-6)


def test_fully_corrective_runs_are_below_the_others_on_these_instances():
    # Not a theorem (see the next test): 21 instances on which it holds at every step, to rounding.
    for seed in range(21):
        (X, y), delta = drawn(seed), (0.5, 1.0, 3.0)[seed % 3]
        runs = [
            objectives(X, y, delta, step, steps=20) for step in ("fully_corrective", "line_search", "fixed")
        ]
        assert np.all(runs[0] <= np.minimum(runs[1], runs[2]) + 1e-10 * runs[0][0]), seed


def test_fully_corrective_runs_need_not_be_below_the_others():
    X, y = COUNTER
    corrective, line, fixed = (
        objectives(X, y, 1.0, s, steps=3)[3] for s in ("fully_corrective", "line_search", "fixed")
    )
    assert corrective > 1.15 * line
    assert corrective > 1.15 * fixed


def test_neither_line_search_nor_the_fixed_step_wins_everywhere():
    final = []
    for seed in range(8):
        X, y = drawn(seed)
        line, fixed = (objectives(X, y, 1.0, step, steps=40) for step in ("line_search", "fixed"))
        assert np.all(np.diff(line) <= 1e-12 * line[0])  # line search descends at every step
        final.append((line[1] - fixed[1], line[-1] - fixed[-1]))
    first, last = np.array(final).T
    assert np.all(first <= 0)  # the first fixed step goes all the way
    assert np.any(last > 0)
    assert np.any(last < 0)


def test_the_rho_of_the_fixed_rule():
    run = ConditionalGradient(1.0, "fixed", max_steps=4, tol=0.0).run(*drawn(0))
    assert [record.rho for record in run.history[1:]] == [1.0, 2 / 3, 1 / 2, 2 / 5]


def test_a_start_is_kept_by_line_search_and_forgotten_by_the_fixed_rule():
    X, y = drawn(1)
    start = UnitNetwork(np.array([[1.0, 0.0], [0.0, 1.0]]), [0.4, -0.6])
    line = ConditionalGradient(1.0, max_steps=3, tol=0.0).run(X, y, start=start)
    assert line.history[0].objective == pytest.approx(0.5 * np.sum((start.predict(X) - y) ** 2))
    assert [record.neurons <= 2 + record.step for record in line.history] == [True] * 4
    fixed = ConditionalGradient(1.0, "fixed", max_steps=1, tol=0.0).run(X, y, start=start)
    assert fixed.history[1].neurons == 1
    with pytest.raises(ValueError, match="total variation"):
        ConditionalGradient(0.5).run(X, y, start=start)
    with pytest.raises(ValueError, match="degree"):
        ConditionalGradient(1.0, activation=2).run(X, y, start=start)


def test_a_relu_network_is_a_start_in_its_unit_form():
    X, y = drawn(1)
    network = ReLUNetwork([[2.0, 0.0], [0.0, -0.5]], [0.2, -1.2])
    run = ConditionalGradient(1.0, max_steps=3, tol=0.0).run(X, y, start=network)
    same = ConditionalGradient(1.0, max_steps=3, tol=0.0).run(X, y, start=unit_norm_form(network))
    assert np.array_equal(run.objectives, same.objectives)
    assert run.history[0].objective == pytest.approx(0.5 * np.sum((network.predict(X) - y) ** 2))
    with pytest.raises(ValueError, match="degree"):
        ConditionalGradient(1.0, activation="step").run(X, y, start=network)
    with pytest.raises(ValueError, match="offset"):
        ConditionalGradient(1.0).run(X, y, start=ReLUNetwork([[1.0], [0.0]], [0.1], offset=1.0))
    with pytest.raises(ValueError, match="start must be a UnitNetwork or a ReLUNetwork; got 'zero'"):
        ConditionalGradient(1.0).run(X, y, start="zero")


@pytest.mark.parametrize("degree", [1, 2])
def test_rounding_of_an_exact_oracle_is_not_called_a_search(degree):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 1)) @ rng.standard_normal((1, 3)), rng.standard_normal(6)
    run = ConditionalGradient(100.0, "fully_corrective", degree, tol=1e-14).run(X, y)
    assert run.status.name == "ROUNDING"
    assert run.history[-1].method != "search"
    assert run.history[-1].found_gap < run.history[-1].proven_gap < 1e-9


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_a_search_keeps_a_valid_bracket(degree):
    X, y = drawn(5, n=7, d=3)
    settings = ConditionalGradient(
        1.0, "fully_corrective", degree, max_steps=60, tol=1e-7, oracle_seconds=0.0
    )
    run = settings.run(X, y)
    best = constrained_fit(X, y, 1.0, degree)
    assert run.history[-1].method == "search"
    assert not run.history[-1].is_exact
    assert run.lower_bound <= best.objective + 1e-9
    assert run.status.name == "NO_DESCENT"
    assert run.objective == pytest.approx(best.objective, rel=1e-5)  # found, not proved


def test_the_same_seed_gives_the_same_run():
    X, y = drawn(6, n=6, d=3)
    settings = ConditionalGradient(1.0, activation=0, max_steps=2, oracle_seconds=0.0, random_state=3)
    assert np.array_equal(settings.run(X, y).objectives, settings.run(X, y).objectives)


def test_time_and_interrupts_return_the_best_so_far(monkeypatch):
    X, y = drawn(7)
    stopped = ConditionalGradient(1.0, max_steps=100, tol=0.0, max_seconds=0.0).run(X, y)
    assert stopped.status.name == "MAX_SECONDS"
    assert len(stopped.history) == 1
    calls = []

    def interrupted(*arguments):
        calls.append(time.perf_counter())
        if len(calls) == 4:
            raise KeyboardInterrupt
        return take_step(*arguments)

    monkeypatch.setattr(module, "take_step", interrupted)
    run = ConditionalGradient(1.0, "fixed", max_steps=100, tol=0.0).run(X, y)
    assert run.status.name == "INTERRUPTED"
    assert run.history[-1].step == 3
    assert run.objective == pytest.approx(np.min(run.objectives), rel=1e-12)


def test_an_interrupt_before_any_answer_claims_nothing(monkeypatch):
    def interrupted(self, lam, *, starts=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(ReLUOracle, "maximise", interrupted)
    run = ConditionalGradient(1.0).run(*drawn(7))
    assert (run.status.name, run.history, run.lower_bound) == ("INTERRUPTED", (), 0.0)
    assert np.isnan(run.multiplier)
    assert "steps=0" in repr(run)


def test_zero_targets_are_reached_at_once():
    run = ConditionalGradient(1.0).run([[1.0], [2.0]], [0.0, 0.0])
    assert run.status.name == "PROVEN"
    assert run.network.n_neurons == 0
    assert run.gap == 0.0


def test_bad_settings_are_named():
    for settings, name in (
        ({"delta": 0.0}, "delta"),
        ({"delta": 1.0, "step": "newton"}, "step"),
        ({"delta": 1.0, "activation": "sigmoid"}, "activation"),
        ({"delta": 1.0, "max_steps": -1}, "max_steps"),
        ({"delta": 1.0, "tol": -1.0}, "tol"),
    ):
        with pytest.raises(ValueError, match=name):
            ConditionalGradient(**settings)
    with pytest.raises(ValueError, match="smooth"):
        ConditionalGradient(1.0).run([[1.0], [2.0]], [1.0, -1.0], loss="hinge")
    with pytest.raises(ValueError, match="one output"):
        ConditionalGradient(1.0).run([[1.0], [2.0]], [[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize("degree", [0, 1, 2])
@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e8])
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((3, 2)),
        np.array([[1.0, 2.0], [0.0, 0.0], [2.0, 4.0]]),
        np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]),
        np.array([[1.0, 0.2, 0.3, -1.0], [0.5, 1.0, -0.4, 2.0]]),
    ],
    ids=["zero", "one direction", "cross", "wide"],
)
def test_degenerate_data_at_any_scale(X, scale, degree):
    y = np.array([1.0, -2.0, 0.5, 3.0])[: len(X)]
    settings = ConditionalGradient(1.0 / scale**degree, "fully_corrective", degree, max_steps=40)
    run = settings.run(scale * X, y)
    assert run.status.name == "PROVEN"
    assert run.objective == pytest.approx(
        ConditionalGradient(1.0, "fully_corrective", degree).run(X, y).objective
    )
