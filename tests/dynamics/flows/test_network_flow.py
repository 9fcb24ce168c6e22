"""Gradient flow with located crossings: conservation, energy, closed forms, and kinks by hand."""

import time
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate._ivp import radau, rk

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import MiniBatches
from cvxnn.dynamics.flows.integrator import NetworkFlow
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.initialisation import balanced, he, sphere
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.statuses import TrajectoryStatus


def random_problem(seed, n=8, d=3, beta=0.0, **settings):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(n)
    if settings.get("loss", "squared") in ("logistic", "squared_hinge"):
        y = np.sign(y)
    return Problem(rng.standard_normal((n, d)), y, beta=beta, **settings)


def imbalances(path):
    return np.sum(path["hidden"] ** 2, axis=2) - path["output"] ** 2


@pytest.mark.parametrize("loss", ["squared", "logistic", "squared_hinge", "huber"])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_imbalances_are_kept_times_their_factor(loss, beta):
    problem = random_problem(1, beta=beta, loss=loss)
    path = gradient_flow(problem, he(3, 6, n_networks=3), t_end=1.5, record="weights")
    assert path.events.n_crossings > 10
    expected = imbalances(path)[0] * np.exp(-2 * beta * path.times)[:, None, None]
    np.testing.assert_allclose(imbalances(path), expected, rtol=0, atol=1e-8)
    if beta:  # a planted fault: the factor of a penalty without its half
        assert np.max(np.abs(imbalances(path) - imbalances(path)[0] * np.exp(-4 * beta * 1.5))) > 1e-2


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), beta=st.sampled_from([0.0, 0.2]), n=st.integers(1, 10))
def test_laws_of_flow_on_random_problems(seed, beta, n):
    path = gradient_flow(
        random_problem(seed, n, 2, beta),
        he(2, 4, random_state=seed),
        t_end=2.0,
        record=["objective", "weights"],
        n_records=41,
    )
    assert path.status is TrajectoryStatus.FINISHED
    assert np.all(np.diff(path["objective"], axis=0) <= 1e-9)  # energy never rises
    expected = imbalances(path)[0] * np.exp(-2 * beta * path.times)[:, None, None]
    np.testing.assert_allclose(imbalances(path), expected, rtol=0, atol=1e-8)


@pytest.mark.parametrize("stiff", [False, True])
def test_what_memory_held_before_changes_nothing(monkeypatch, stiff):
    """The integrators' own memory starts as it was found: the same flow bit for bit, and no warning (errors here)."""
    problem, start = random_problem(1), he(3, 3)
    expected = gradient_flow(problem, start, t_end=0.3, stiff=stiff, record="weights")
    filled = []

    def empty(shape, dtype=np.float64):
        filled.append(np.zeros(shape, dtype=dtype))
        filled[-1].view(np.uint64)[...] = 0x7FF0000000000001  # NaN of which any arithmetic warns
        return filled[-1]

    patched = SimpleNamespace(**{**vars(np), "empty": empty, "empty_like": lambda a: empty(a.shape, a.dtype)})
    for module in (rk, radau):
        monkeypatch.setattr(module, "np", patched)
    path = gradient_flow(problem, start, t_end=0.3, stiff=stiff, record="weights")
    assert len(filled) > 0
    np.testing.assert_array_equal(path["hidden"], expected["hidden"])


def test_descent_without_location_breaks_conservation():
    """A planted fault: explicit Euler steps of 1e-3 instead of the flow."""
    path = simulate(random_problem(1), he(3, 6), n_steps=1500, step_size=1e-3, record="weights")
    assert np.max(np.abs(imbalances(path) - imbalances(path)[0])) > 1e-4


@pytest.mark.parametrize("beta", [0.0, 0.4])
def test_one_linear_neuron_in_closed_form(beta):
    """x = 1, balanced: v = u^2 obeys v' = 2 v (y - beta - v), a logistic equation."""
    u, y, t = 0.1, 2.0, 3.0
    path = gradient_flow(Problem([[1.0]], [y], beta=beta), Weights([[u]], [u]), t_end=t, record="weights")
    limit = y - beta
    v = limit / (1 + (limit / u**2 - 1) * np.exp(-2 * limit * path.times))
    np.testing.assert_allclose(path["hidden"][:, 0, 0, 0] ** 2, v, rtol=1e-8)
    np.testing.assert_allclose(path["output"][:, 0, 0] ** 2, v, rtol=1e-8)


def test_a_neuron_crosses_where_its_field_says():
    """Output weight -1 of large imbalance, x = (1, 0) and (0, 1): u_1 falls linearly at first and crosses zero.

    Only sample 1 pulls on u_1, with residual f - y: u_1' = -a (f - y) and a' = -u_1 (f - y): a linear oscillator in the
    clock of the residual. Here y is so large that the crossing happens at tanh(clock) = -u_1/a.
    """
    u, a, y = 0.5, -1.0, 1e3
    start = Weights([[u], [2.0]], [a])
    problem = Problem([[1.0, 0.0]], [y], beta=0.0)
    path = gradient_flow(problem, start, t_end=1e-2, record="weights")
    events = path.events
    assert (events.n_crossings, events.n_slides) == (1, 0)
    assert (events.neurons[0], events.samples[0], events.directions[0]) == (0, 0, -1)
    # u_1' = a s, a' = u_1 s with s = y - f, between y and y + 1/2: u_1 = u cosh(S) + a sinh(S) vanishes.
    clock = np.arctanh(u / -a)
    assert clock / (y + 0.5) < events.times[0] < clock / y
    np.testing.assert_allclose(path.final.hidden[0, :, 0], [0.0, 2.0], atol=1e-10)


def test_a_neuron_slides_along_a_convex_kink():
    """Sample 1 pushes the neuron out of its half-space, sample 2 pulls it in: it slides on u_1 = 0."""
    X = np.array([[1.0, 0.0], [0.6, 0.8]])
    problem = Problem(X, [-1.0, 1.0], beta=0.0)
    path = gradient_flow(problem, Weights([[0.5], [0.1]], [0.8]), t_end=8.0, record=["weights", "objective"])
    assert (path.events.n_crossings, path.events.n_slides, path.events.n_rests) == (0, 1, 0)
    after = path.times > path.events.times[0]
    np.testing.assert_allclose(path["hidden"][after, 0, 0, 0], 0.0, atol=1e-14)
    # On the kink the neuron is (0, u_2) and a: it fits sample 2, 0.8 u_2 a = 1, and keeps its imbalance.
    u, a = path.final.hidden[0, 1, 0], path.final.output[0, 0]
    assert 0.8 * u * a == pytest.approx(1.0, abs=1e-4)
    assert u**2 - a**2 == pytest.approx(0.5**2 + 0.1**2 - 0.8**2, abs=1e-9)
    assert path["objective"][-1, 0] == pytest.approx(0.5, abs=1e-9)


def test_slides_are_the_limit_of_descent_and_of_nothing_else():
    """Flow that crossed where it should slide would end elsewhere: descent with small steps tells."""
    problem = random_problem(5, n=12, d=2, beta=0.1)
    start = balanced(2, 6, 0.5, random_state=2)
    path = gradient_flow(problem, start, t_end=2.0)
    assert path.events.n_slides > 0
    assert np.all(path.events.unique)  # balanced neurons meet no fork
    end = simulate(problem, start, n_steps=20_000, step_size=1e-4).final
    np.testing.assert_allclose(end.hidden, path.final.hidden, atol=2e-3)


def test_samples_on_one_line_share_a_boundary():
    X = np.array([[1.0, 0.5], [-2.0, -1.0], [2.0, 1.0], [0.3, -1.0]])
    problem = Problem(X, [1.0, 2.0, -1.0, 0.5], beta=0.05)
    path = gradient_flow(problem, he(2, 6, random_state=3), t_end=3.0, record=["objective", "weights"])
    assert set(path.events.samples) <= {0, 3, -1}
    assert np.all(np.diff(path["objective"], axis=0) <= 1e-9)
    expected = imbalances(path)[0] * np.exp(-0.1 * path.times)[:, None, None]
    np.testing.assert_allclose(imbalances(path), expected, rtol=0, atol=1e-8)


def test_zero_rows_and_one_feature_are_no_exception():
    problem = Problem([[1.0], [-1.0], [0.0]], [-1.0, 2.0, 0.0], beta=0.0)
    # u > 0 with a large a > 0: sample 1 pushes u to 0, sample 2 pulls it on to the other side.
    path = gradient_flow(problem, Weights([[0.3]], [1.0]), t_end=5.0, record="weights")
    assert path.events.directions.tolist() == [-1]
    assert path.final.hidden[0, 0, 0] * path.final.output[0, 0] == pytest.approx(-2.0, abs=1e-6)
    nothing = gradient_flow(
        Problem([[0.0]], [1.0], beta=0.5), Weights([[1.0]], [1.0]), t_end=2.0, record="weights"
    )
    np.testing.assert_allclose(nothing["hidden"][:, 0, 0, 0], np.exp(-0.5 * nothing.times), rtol=1e-8)


def test_a_neuron_that_slides_into_the_origin_rests_there_and_says_so():
    """All residuals push towards zero and |a| > ||u||: the hidden weight is used up."""
    problem = Problem(np.array([[1.0, 0.0], [0.0, 1.0]]), [-5.0, -4.0], beta=0.0)
    path = gradient_flow(problem, Weights([[0.1], [0.3]], [1.0]), t_end=2.0, record="weights")
    assert path.events.n_rests == 1
    assert not path.events.unique[path.events.samples < 0].any()
    np.testing.assert_allclose(path.final.hidden[0, :, 0], 0.0, atol=1e-15)
    assert path.final.output[0, 0] == pytest.approx(np.sqrt(1.0 - 0.1), abs=1e-8)


def test_a_slide_may_end_in_a_fork_where_the_output_weight_vanishes():
    """||u|| > |a|: a neuron slides while a > 0 and residuals turn a negative; the kink is concave from then on."""
    rng = np.random.default_rng(0)
    forks = 0
    for seed in range(12):
        problem = Problem(rng.standard_normal((10, 2)), rng.standard_normal(10), beta=0.0)
        path = gradient_flow(problem, sphere(2, 6, 1.0, random_state=seed), t_end=2.0, n_records=11)
        forks += int(np.sum(~path.events.unique & (path.events.samples >= 0)))
        assert np.all(np.diff(path["objective"], axis=0) <= 1e-9)
    assert forks > 0


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "squared_relu", "identity", "step"])
def test_smooth_activations_have_no_events_and_agree_with_descent(activation):
    problem, start = random_problem(2, beta=0.1), he(3, 4)
    path = gradient_flow(problem, start, t_end=0.2, activation=activation)
    assert len(path.events) == 0
    end = simulate(problem, start, n_steps=4000, step_size=5e-5, activation=activation).final
    np.testing.assert_allclose(end.hidden, path.final.hidden, atol=2e-3)
    np.testing.assert_allclose(end.output, path.final.output, atol=2e-3)


def test_stiff_and_explicit_integrators_agree():
    problem, start = random_problem(3, beta=0.1), he(3, 4)
    explicit = gradient_flow(problem, start, t_end=1.0)
    implicit = gradient_flow(problem, start, t_end=1.0, stiff=True, rtol=1e-8)
    np.testing.assert_allclose(implicit.final.hidden, explicit.final.hidden, atol=1e-6)
    assert implicit.events.n_crossings == explicit.events.n_crossings


def test_a_batch_is_a_loop_and_records_its_events():
    problem, start = random_problem(4), he(3, 4, n_networks=3)
    batch = gradient_flow(problem, start, t_end=1.0, spacing="log", n_records=20)
    assert batch["objective"].shape == (20, 3)
    np.testing.assert_allclose(batch.times[1:], np.geomspace(1e-6, 1.0, 19))
    for b in range(3):
        alone = gradient_flow(problem, start.select(b), t_end=1.0, spacing="log", n_records=20)
        np.testing.assert_allclose(batch["objective"][:, b], alone["objective"][:, 0], rtol=1e-12)
        np.testing.assert_allclose(batch.events.of_network(b).times, alone.events.times, rtol=1e-12)


def test_a_time_limit_keeps_what_is_there(monkeypatch):
    problem, start = random_problem(4), he(3, 4, n_networks=3)
    calls = iter(range(10**9))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(calls)))
    path = gradient_flow(problem, start, t_end=1.0, max_seconds=60, n_records=6, record="weights")
    assert path.status is TrajectoryStatus.MAX_SECONDS
    assert_ended_early(path)
    monkeypatch.undo()
    # All networks are at one time, the last one recorded.
    whole = gradient_flow(problem, start, t_end=float(path.times[-1]))
    np.testing.assert_allclose(path.final.hidden, whole.final.hidden, atol=1e-8)


def assert_ended_early(path):
    assert 0.0 < path.times[-1] < 1.0
    assert not np.any(np.isclose(path.times[-1], np.linspace(0.0, 1.0, 6)))  # a row of its own
    assert len(path["hidden"]) == len(path.times)
    np.testing.assert_array_equal(path["hidden"][-1], path.final.hidden)
    assert np.all(path.events.times <= path.times[-1])


def stopping(error, after):
    """Return a step of a flow that raises after so many calls."""
    steps, calls = NetworkFlow.advance, iter(range(10**9))

    def advance(flow):
        if next(calls) >= after:
            raise error
        steps(flow)

    return advance


def test_an_interrupt_keeps_what_is_there(monkeypatch):
    monkeypatch.setattr(NetworkFlow, "advance", stopping(KeyboardInterrupt(), 60))
    path = gradient_flow(random_problem(4), he(3, 4, n_networks=3), t_end=1.0, n_records=6, record="weights")
    assert path.status is TrajectoryStatus.INTERRUPTED
    assert_ended_early(path)


def test_a_network_that_cannot_be_continued_leaves_the_others_alone(monkeypatch):
    problem, start = random_problem(4), he(3, 4, n_networks=3)
    whole = gradient_flow(problem, start, t_end=1.0, n_records=6)
    steps, doomed = NetworkFlow.advance, []

    def advance(flow):
        if flow.reach > 0.5:
            doomed.append(flow)
            if flow is doomed[0]:
                raise ArithmeticError("planted")
        steps(flow)

    monkeypatch.setattr(NetworkFlow, "advance", advance)
    path = gradient_flow(problem, start, t_end=1.0, n_records=6)
    assert path.status is TrajectoryStatus.FINISHED
    assert np.sum(path.diverged) == 1
    kept, lost = np.flatnonzero(~path.diverged), np.flatnonzero(path.diverged)
    np.testing.assert_array_equal(path["objective"][:, kept], whole["objective"][:, kept])
    np.testing.assert_array_equal(path["objective"][:3, lost], whole["objective"][:3, lost])
    assert np.isnan(path["objective"][-1, lost]).all()


def test_a_batch_of_which_none_can_be_continued_is_kept(monkeypatch):
    monkeypatch.setattr(NetworkFlow, "advance", stopping(ArithmeticError("planted"), 20))
    path = gradient_flow(random_problem(4), he(3, 4, n_networks=1), t_end=1.0, n_records=6, record="weights")
    assert path.status is TrajectoryStatus.STALLED
    assert_ended_early(path)


CONCAVE = Problem([[1.0, 0.0], [-0.5, 1.0]], [2.0, 3.0], beta=0.0)


@pytest.mark.parametrize("u", [0.0, 1e-17, -1e-17])
def test_a_start_on_a_concave_kink_is_a_fork(u):
    """Both sides lead away from u_1 = 0: the field there is (-1, 2) where sample 1 is inactive, (1, 2) where active."""
    path = gradient_flow(CONCAVE, Weights([[u], [1.0]], [1.0]), t_end=1.0)
    first = path.events.of_network(0)
    assert (first.times[0], first.neurons[0], first.samples[0], first.directions[0]) == (0.0, 0, 0, -1)
    assert not first.unique[0]
    sides = [gradient_flow(CONCAVE, Weights([[s * 1e-9], [1.0]], [1.0]), t_end=1.0) for s in (-1, 1)]
    for side in sides:
        assert np.all(side.events.unique)
    np.testing.assert_allclose(path.final.hidden, sides[0].final.hidden, atol=1e-7)
    assert np.max(np.abs(sides[1].final.hidden - sides[0].final.hidden)) > 0.1


def test_starts_on_other_kinks_are_none():
    """Convex ones, and concave ones from which one side leads back: there flow has one way."""
    slides = Problem([[1.0, 0.0], [0.6, 0.8]], [-1.0, 1.0], beta=0.0)
    assert len(gradient_flow(slides, Weights([[0.0], [0.1]], [0.8]), t_end=0.1).events) == 0
    passes = Problem([[1.0, 0.0], [0.5, 1.0]], [2.0, 3.0], beta=0.0)
    path = gradient_flow(passes, Weights([[0.0], [1.0]], [1.0]), t_end=0.1, record="weights")
    assert len(path.events) == 0
    assert path.final.hidden[0, 0, 0] > 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"t_end": 0.0}, "t_end must be a finite number > 0"),
        ({"rtol": -1.0}, "rtol must be"),
        ({"atol": 0.0}, "atol must be"),
        ({"spacing": "square"}, "spacing must be"),
        ({"n_records": 1}, "n_records must be"),
        ({"activation": "swish"}, "activation must be"),
        ({"max_bytes": 10.0}, "more than max_bytes"),
    ],
)
def test_wrong_arguments_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        gradient_flow(random_problem(0), he(3, 4), **{"t_end": 1.0, **given})


def test_problems_and_networks_outside_the_model_are_refused():
    with pytest.raises(ValueError, match="smooth loss; its loss 'hinge' has kinks"):
        gradient_flow(Problem(np.eye(2), [1.0, -1.0], beta=0.1, loss="hinge"), he(2, 3), t_end=1.0)
    with pytest.raises(ValueError, match="start must have 3 features"):
        gradient_flow(random_problem(0), he(2, 3), t_end=1.0)
    with pytest.raises(ValueError, match="problem must be a Problem; got MiniBatches"):
        gradient_flow(MiniBatches(random_problem(0)), he(3, 4), t_end=1.0)
    with pytest.raises(ValueError, match="start must be a Weights or ReLUNetwork"):
        gradient_flow(random_problem(0), np.eye(3), t_end=1.0)
