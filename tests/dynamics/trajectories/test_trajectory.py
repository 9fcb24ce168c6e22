"""Trajectories: what they hold, and their files."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.activations import Sigmoid, activation_key, get_activation
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.flows.network_flow import gradient_flow
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.trajectories.trajectory import FlowEvents, Trajectory, load_trajectory
from cvxnn.model_files import read_model, write_model
from cvxnn.statuses import TrajectoryStatus

ROWS = [
    (0.5, 1, 0, 3, 1, True),
    (0.2, 0, 2, 1, 0, True),
    (0.1, 1, 1, 2, -1, False),
    (0.9, 0, 2, -1, 0, False),
]


def test_events_are_ordered_and_counted():
    events = FlowEvents.of(ROWS)
    assert (len(events), events.n_crossings, events.n_slides, events.n_rests) == (4, 2, 1, 1)
    np.testing.assert_array_equal(events.networks, [0, 0, 1, 1])
    np.testing.assert_array_equal(events.times, [0.2, 0.9, 0.1, 0.5])
    own = events.of_network(1)
    np.testing.assert_array_equal(own.unique, [False, True])
    np.testing.assert_array_equal(own.samples, [2, 3])
    assert repr(events) == "FlowEvents(2 crossings, 1 slides, 1 rests)"


def test_no_events_are_a_table_too():
    events = FlowEvents.of([])
    assert len(events) == 0
    assert events.unique.dtype == np.bool_
    assert events.neurons.dtype == np.int64
    again = FlowEvents.of_columns(events.columns)
    assert len(again) == 0


NAMES = ["objective", "weights", "patterns", "unique_patterns", "alignment", "norms"]


@pytest.fixture
def problem(rng):
    return Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), beta=0.1)


def assert_same(one, other):
    np.testing.assert_array_equal(one.times, other.times)
    assert set(one.records) == set(other.records)
    for name in one.records:
        np.testing.assert_array_equal(one[name], other[name])
        assert one[name].dtype == other[name].dtype
    np.testing.assert_array_equal(one.final.hidden, other.final.hidden)
    np.testing.assert_array_equal(one.final.output, other.final.output)
    assert (one.activation, one.status) == (other.activation, other.status)


def test_files_give_trajectories_back_bit_for_bit(problem, tmp_path):
    path = tmp_path / "run.npz"
    run = simulate(problem, he(2, 4, n_networks=3), n_steps=30, step_size=0.01, record=NAMES)
    run.save(path)
    again = load_trajectory(path)
    assert_same(run, again)
    assert again.events is None
    assert list(tmp_path.iterdir()) == [path]  # no temporary file is left


def test_flows_keep_their_events(problem, tmp_path):
    run = gradient_flow(problem, he(2, 4, n_networks=3), t_end=1.0)
    assert len(run.events) > 0
    run.save(tmp_path / "flow")
    again = load_trajectory(tmp_path / "flow")
    for name, column in run.events.columns.items():
        np.testing.assert_array_equal(column, again.events.columns[name])
        assert column.dtype == again.events.columns[name].dtype


def test_networks_that_overflew_can_be_kept(problem, tmp_path):
    run = simulate(
        problem, he(2, 4, n_networks=2), n_steps=200, step_size=[0.01, 100.0], activation="squared_relu"
    )
    assert run.diverged.tolist() == [False, True]
    run.save(tmp_path / "run")
    assert_same(run, load_trajectory(tmp_path / "run"))


def test_files_that_are_no_trajectory_are_refused(problem, tmp_path):
    with pytest.raises(FileNotFoundError):
        load_trajectory(tmp_path / "none")
    he(2, 3).network().save(tmp_path / "network")
    with pytest.raises(ValueError, match="must be a file of kind 'trajectory'"):
        load_trajectory(tmp_path / "network")
    (tmp_path / "text").write_text("no model")
    with pytest.raises(ValueError, match="none or is damaged"):
        load_trajectory(tmp_path / "text")
    run = simulate(problem, he(2, 3), n_steps=5, step_size=0.01)
    run.save(tmp_path / "run")
    whole = (tmp_path / "run").read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="none or is damaged"):
        load_trajectory(tmp_path / "cut")


@pytest.mark.parametrize("fault", ["times", "activation", "status", "record", "hidden", "newer"])
def test_files_with_parts_missing_or_wrong_are_refused(problem, tmp_path, fault):
    run = simulate(problem, he(2, 3), n_steps=5, step_size=0.01)
    run.save(tmp_path / "run")
    header, arrays = read_model(tmp_path / "run", "trajectory", 1)
    version = header.pop("version")
    header.pop("kind")
    if fault == "times":
        del arrays["times"]
    elif fault == "activation":
        header["activation"] = "swish"
    elif fault == "status":
        header["status"] = "GONE"
    elif fault == "record":
        arrays["record:objective"] = arrays["record:objective"][1:]
    elif fault == "hidden":
        arrays["hidden"] = arrays["hidden"][0]
    else:
        version = 2
    write_model(tmp_path / "wrong", "trajectory", version, header, arrays)
    with pytest.raises(ValueError, match="a newer release" if fault == "newer" else "is damaged"):
        load_trajectory(tmp_path / "wrong")


def test_activations_of_ones_own_have_no_name_to_save(problem, tmp_path):
    class Own(Sigmoid):
        pass

    run = simulate(problem, he(2, 3), n_steps=2, step_size=0.01, activation=Own())
    with pytest.raises(ValueError, match="activation must be one that has a name"):
        run.save(tmp_path / "run")
    for name in ("relu", "step", "squared_relu", "sigmoid", "tanh", "identity", 5):
        assert get_activation(activation_key(get_activation(name))) == get_activation(name)


def test_it_prints_what_it_is(problem):
    run = simulate(problem, he(2, 3), n_steps=5, step_size=0.01)
    assert isinstance(run, Trajectory)
    assert run.status is TrajectoryStatus.FINISHED
    assert "at 6 times up to 5, records ['objective'], FINISHED" in repr(run)


def test_a_runs_network_and_predictions_have_its_activation():
    problem = Problem(np.eye(2), [1.0, 2.0], beta=0.0)
    run = simulate(problem, he(2, 3), n_steps=3, step_size=0.1, activation="sigmoid", record="weights")
    np.testing.assert_allclose(run.predict(np.eye(2)), run.final.predict(np.eye(2), "sigmoid"))
    with pytest.raises(ValueError, match="a ReLU network has the activation"):
        run.network()
    with pytest.raises(ValueError, match="weights are kept as 'hidden' and 'output'"):
        run["weights"]
    relu = simulate(problem, he(2, 3), n_steps=3, step_size=0.1)
    np.testing.assert_allclose(relu.network().predict(np.eye(2)), relu.predict(np.eye(2))[0])
