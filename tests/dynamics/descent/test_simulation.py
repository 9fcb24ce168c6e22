"""Simulated descent: one batch is a loop over networks, and each network a loop over numbers."""

import time

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork
from cvxnn.dynamics.descent.methods import Adagrad, Adam, GradientDescent, Momentum
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.descent.sources import FreshSamples, MiniBatches
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.starts.objectives import BatchedObjective, Samples
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.record_book import Record
from cvxnn.statuses import TrajectoryStatus

METHODS = [GradientDescent(), Momentum(), Momentum(nesterov=True), Adam(), Adagrad()]


@pytest.fixture
def problem(rng):
    return Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.1)


def by_hand(problem, network, n_steps, step, output_step=None):
    """Return a network after gradient descent, neuron by neuron and sample by sample."""
    U, a = network.hidden.copy(), network.output.copy()
    for _ in range(n_steps):
        f = [sum(max(x @ U[:, j], 0.0) * a[j] for j in range(len(a))) for x in problem.X]
        new_U, new_a = U.copy(), a.copy()
        for j in range(len(a)):
            gu, ga = problem.beta * U[:, j], problem.beta * a[j]
            for x, target, value in zip(problem.X, problem.y, f, strict=True):
                if x @ U[:, j] > 0:
                    gu = gu + (value - target) * a[j] * x
                    ga = ga + (value - target) * (x @ U[:, j])
            new_U[:, j] -= step * gu
            new_a[j] -= (step if output_step is None else output_step) * ga
        U, a = new_U, new_a
    return U, a


def test_gradient_descent_is_the_loop_over_neurons_and_samples(problem):
    start = he(2, 3)
    end = simulate(problem, start, n_steps=60, step_size=0.05).final
    U, a = by_hand(problem, start.network(), 60, 0.05)
    np.testing.assert_allclose(end.hidden[0], U, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(end.output[0], a, rtol=1e-11, atol=1e-13)


def test_the_loop_rejects_a_wrong_step(problem):
    """A planted fault: the step of hidden weights applied to output weights."""
    start = he(2, 3)
    end = simulate(problem, start, n_steps=60, step_size=0.05, output_step_size=0.01).final
    _, a = by_hand(problem, start.network(), 60, 0.05, 0.01)
    np.testing.assert_allclose(end.output[0], a, rtol=1e-11, atol=1e-13)
    assert np.max(np.abs(a - by_hand(problem, start.network(), 60, 0.05)[1])) > 1e-3


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_batch_is_a_loop(problem, method):
    start, steps = he(2, 4, n_networks=7), np.geomspace(1e-4, 3e-3, 7)
    settings = {"n_steps": 50, "method": method, "record": ["objective", "unique_patterns"]}
    batch = simulate(problem, start, step_size=steps, **settings)
    for b in range(7):
        alone = simulate(problem, start.select(b), step_size=steps[b], **settings)
        np.testing.assert_allclose(batch["objective"][:, b], alone["objective"][:, 0], rtol=1e-11)
        np.testing.assert_allclose(batch.final.hidden[b], alone.final.hidden[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_array_equal(batch["unique_patterns"][:, b], alone["unique_patterns"][:, 0])


@pytest.mark.parametrize("method", [GradientDescent(), Adam()], ids=repr)
def test_networks_train_as_in_torch(problem, method):
    torch = pytest.importorskip("torch")
    start = he(2, 4, random_state=3)
    U, a = (torch.tensor(w[0], requires_grad=True) for w in (start.hidden, start.output))
    make = torch.optim.Adam if isinstance(method, Adam) else torch.optim.SGD
    optimizer = make([U, a], lr=0.02)
    X, y = torch.tensor(problem.X), torch.tensor(problem.y)
    for _ in range(100):
        optimizer.zero_grad()
        fit = 0.5 * ((torch.relu(X @ U) @ a - y) ** 2).sum()
        (fit + 0.05 * ((U**2).sum() + (a**2).sum())).backward()
        optimizer.step()
    end = simulate(problem, start, n_steps=100, step_size=0.02, method=method).final
    np.testing.assert_allclose(end.hidden[0], U.detach().numpy(), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(end.output[0], a.detach().numpy(), rtol=1e-8, atol=1e-10)


def test_each_network_may_have_targets_of_its_own(rng):
    X, y = rng.standard_normal((8, 2)), rng.standard_normal((3, 8))
    start, settings = he(2, 4, n_networks=3), {"n_steps": 40, "step_size": 0.1}
    batch = simulate(FreshSamples(lambda _: (X, y), (X, y)), start, **settings)
    for b in range(3):
        source = FreshSamples(lambda _, b=b: (X, y[b]), (X, y[b]))
        alone = simulate(source, start.select(b), **settings)
        np.testing.assert_allclose(batch["objective"][:, b], alone["objective"][:, 0], rtol=1e-12)
    with pytest.raises(ValueError, match="start must have 3 networks, one for each row of targets"):
        simulate(FreshSamples(lambda _: (X, y), (X, y)), start.select([0, 1]), **settings)


def test_a_network_that_diverges_harms_no_other(problem):
    start = he(2, 4).repeat(3)
    batch = simulate(problem, start, n_steps=80, step_size=[0.01, 50.0, 0.01])
    np.testing.assert_array_equal(batch.diverged, [False, True, False])
    assert batch.status is TrajectoryStatus.FINISHED
    alone = simulate(problem, start.select(0), n_steps=80, step_size=0.01)
    np.testing.assert_allclose(batch["objective"][:, [0]], alone["objective"], rtol=1e-12)
    np.testing.assert_array_equal(batch["objective"][:, 0], batch["objective"][:, 2])


@pytest.mark.parametrize("steps", [{"step_size": 50.0}, {"step_size": 0.0, "output_step_size": 5e3}])
def test_when_all_networks_have_diverged_the_rest_of_the_steps_is_spared(problem, steps):
    ended = simulate(problem, he(2, 4, n_networks=2), n_steps=100_000, n_records=1001, **steps)
    assert ended.status is TrajectoryStatus.DIVERGED
    assert ended.diverged.all()
    assert ended.times[-1] < 1000


def test_hidden_weights_that_diverge_alone_end_a_simulation(problem):
    ended = simulate(
        Problem(problem.X, problem.y, beta=1.0),
        he(2, 4),
        n_steps=100_000,
        step_size=1e3,
        output_step_size=0.0,
        n_records=1001,
    )
    assert ended.status is TrajectoryStatus.DIVERGED


@pytest.mark.parametrize(("hidden", "output"), [(0.0, 0.05), (0.05, 0.0)])
def test_a_step_size_of_zero_keeps_a_layer(problem, hidden, output):
    start = he(2, 4)
    end = simulate(problem, start, n_steps=20, step_size=hidden, output_step_size=output).final
    assert np.array_equal(end.hidden, start.hidden) == (hidden == 0.0)
    assert np.array_equal(end.output, start.output) == (output == 0.0)


def test_schedules_multiply_step_sizes(problem):
    start = he(2, 3)
    scheduled = simulate(problem, start, n_steps=3, step_size=0.1, schedule=lambda t: 1.0 / (1 + t))
    point = start
    for t in range(3):
        point = simulate(problem, point, n_steps=1, step_size=0.1 / (1 + t)).final
    np.testing.assert_allclose(scheduled.final.hidden, point.hidden, rtol=1e-12)


def test_the_objective_never_rises_at_small_steps(problem):
    values = simulate(problem, he(2, 4, n_networks=5), n_steps=500, step_size=1e-3, n_records=501)[
        "objective"
    ]
    assert np.all(np.diff(values, axis=0) <= 1e-12)


def test_random_samples_are_the_seeds(problem):
    runs = [
        simulate(MiniBatches(problem, 2), he(2, 3), n_steps=30, step_size=0.02, random_state=seed)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0].final.hidden, runs[1].final.hidden)
    assert np.any(runs[0].final.hidden != runs[2].final.hidden)


def test_records_are_of_the_step_they_name(problem):
    start = he(2, 3)
    path = simulate(problem, start, n_steps=40, step_size=0.05, record=["weights"], n_records=5)
    np.testing.assert_array_equal(path.times, [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(path["hidden"][0], start.hidden)
    np.testing.assert_array_equal(path["hidden"][-1], path.final.hidden)
    U, a = by_hand(problem, start.network(), 20, 0.05)
    np.testing.assert_allclose(path.weights(2).hidden[0], U, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(path.weights(2).output[0], a, rtol=1e-11, atol=1e-13)
    with pytest.raises(ValueError, match="'loss' was not recorded"):
        path["loss"]


def test_memory_of_records_is_bounded_before_the_first_step(problem):
    settings = {"n_steps": 1000, "step_size": 0.01, "record": ["weights"], "n_records": 1000}
    with pytest.raises(ValueError, match="more than max_bytes=1e"):
        simulate(problem, he(2, 3), max_bytes=1e4, **settings)
    simulate(problem, he(2, 3), max_bytes=8 * 9 * 1002, **settings)


class Interrupt(Record):
    """Raise what Ctrl-C raises, at the third measurement."""

    name = "interrupt"

    def __init__(self):
        self.count = 0

    def measure(self, objective, weights):
        self.count += 1
        if self.count == 3:
            raise KeyboardInterrupt
        return np.zeros(weights.n_networks)


def test_an_interrupted_simulation_keeps_what_it_has(problem):
    path = simulate(
        problem, he(2, 3), n_steps=100, step_size=0.01, record=["objective", Interrupt()], n_records=11
    )
    assert path.status is TrajectoryStatus.INTERRUPTED
    np.testing.assert_array_equal(path.times, [0, 10, 20])
    whole = simulate(problem, he(2, 3), n_steps=20, step_size=0.01)
    np.testing.assert_array_equal(path.final.hidden, whole.final.hidden)


def test_a_time_limit_ends_between_steps(problem, monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    path = simulate(problem, he(2, 3), n_steps=100, step_size=0.01, max_seconds=7)
    assert path.status is TrajectoryStatus.MAX_SECONDS
    np.testing.assert_array_equal(path.times, np.arange(8))
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))
    done = simulate(problem, he(2, 3), n_steps=7, step_size=0.01, max_seconds=7)
    assert done.status is TrajectoryStatus.FINISHED


def test_networks_start_as_they_are_and_predictions_stay_theirs(problem):
    network = ReLUNetwork([[1.0, -1.0], [0.5, 2.0]], [1.0, -2.0])
    first = simulate(problem, network, n_steps=1, step_size=0.0).final
    f = BatchedObjective(Samples.of(problem)).predictions(np.moveaxis(first.hidden, 0, 1), first.output)
    np.testing.assert_allclose(f[0], network.predict(problem.X), rtol=1e-14)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_steps": 0}, "n_steps must be an integer >= 1"),
        ({"step_size": -1.0}, "step_size must be a number >= 0, or 1 of them"),
        ({"step_size": [0.1, 0.2]}, "step_size must be a number >= 0, or 1 of them"),
        ({"output_step_size": np.nan}, "output_step_size must be finite"),
        ({"n_records": 1}, "n_records must be an integer >= 2"),
        ({"record": "speed"}, "record must hold names"),
        ({"max_bytes": 0}, "max_bytes must be"),
        ({"max_seconds": -1}, "max_seconds must be"),
        ({"activation": "swish"}, "activation must be one of"),
        ({"start": Weights(np.ones((3, 4)), np.ones(4))}, "start must have 2 features"),
        ({"source": 3}, "source must be a Problem"),
    ],
)
def test_wrong_arguments_are_refused(problem, settings, message):
    given = {"source": problem, "start": he(2, 3), "n_steps": 5, "step_size": 0.1, **settings}
    with pytest.raises(ValueError, match=message):
        simulate(given.pop("source"), given.pop("start"), **given)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "d", "m", "most_against_one", "least_against_loop"),
    [(5, 2, 5, 3.0, 30.0), (100, 10, 50, 60.0, 2.0)],
)
def test_a_batch_is_cheap(n, d, m, most_against_one, least_against_loop):
    """CPU seconds of 100 networks, in turns and the best of several: 1.6 and 63, 42 and 2.4 where this was written."""
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((n, d)) / np.sqrt(n), rng.standard_normal(n), beta=0.1)
    start = he(d, m, n_networks=100)

    def spent(networks):
        began = time.process_time()
        for weights in networks:
            simulate(problem, weights, n_steps=300, step_size=1e-4, n_records=2)
        return time.process_time() - began

    runs = [start], [start.select(0)], [start.select(b) for b in range(100)]
    seconds = [[spent(networks) for networks in runs] for _ in range(4)]
    batch, one, loop = np.min(seconds, axis=0)
    assert batch < most_against_one * one
    assert loop > least_against_loop * batch


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "adam"}, r"method must be a Method object, such as Adam\(\); got 'adam'"),
        ({"schedule": 0.5}, "schedule must be a function of the step; got 0.5"),
        ({"schedule": lambda t: -1.0}, "schedule must return numbers >= 0; got -1.0 at step 0"),
        ({"record": None}, "record must be a name, a Record or several of them; got None"),
        ({"record": [{}]}, "record must hold names of"),
        (
            {"random_state": -1},
            "random_state must be an integer >= 0, a Generator, a RandomState or None; got -1",
        ),
        (
            {"random_state": "a"},
            "random_state must be an integer >= 0, a Generator, a RandomState or None; got 'a'",
        ),
        ({"start": np.ones((2, 3))}, "start must be a Weights or ReLUNetwork; got ndarray"),
    ],
)
def test_wrong_settings_are_refused(problem, settings, message):
    given = {"start": he(2, 3), "n_steps": 3, "step_size": 0.1, **settings}
    with pytest.raises(ValueError, match=message):
        simulate(problem, given.pop("start"), **given)


def test_a_record_that_does_not_measure_each_network_is_refused(problem):
    class Total(Record):
        name = "total"

        def measure(self, objective, weights):
            return np.sum(weights.penalty)

    with pytest.raises(ValueError, match="record 'total' must measure each of 2 networks"):
        simulate(problem, he(2, 3, n_networks=2), n_steps=1, step_size=0.1, record=Total())


def test_divergence_is_noticed_between_records(problem):
    run = simulate(problem, he(2, 3), n_steps=10**6, step_size=1e6, n_records=2)
    assert run.status is TrajectoryStatus.DIVERGED
    assert run.times[-1] <= 64


def test_a_test_set_of_the_same_seed_is_not_what_networks_are_trained_on(problem):
    seen = []

    def sampler(rng):
        X = rng.standard_normal((5, 2))
        seen.append(X)
        return X, X[:, 0]

    test = np.random.default_rng(0).standard_normal((5, 2))
    simulate(FreshSamples(sampler, (test, test[:, 0])), he(2, 3), n_steps=1, step_size=0.1, random_state=0)
    assert not np.any(np.isin(seen[0], test))


def test_divergence_in_a_few_steps_is_said_too(problem):
    run = simulate(problem, he(2, 3), n_steps=30, step_size=1e30, n_records=2)
    assert run.status is TrajectoryStatus.DIVERGED
