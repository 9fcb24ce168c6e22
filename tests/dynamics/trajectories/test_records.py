"""What trajectories record."""

import tracemalloc

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.descent.simulation import simulate
from cvxnn.dynamics.initialisation import he
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.dynamics.starts.weights import Weights
from cvxnn.dynamics.trajectories.records import ActivationPoints, Objective, as_records


def measured(name, problem, weights):
    (record,) = as_records(name)
    return record.measure(BatchedObjective.of(problem), weights)


@pytest.fixture
def problem(rng):
    return Problem(rng.standard_normal((11, 2)), rng.standard_normal(11), beta=0.3)


@pytest.fixture
def weights(rng):
    return Weights(rng.standard_normal((3, 2, 5)), rng.standard_normal((3, 5)))


def test_objectives_and_losses(problem, weights):
    objectives = measured("objective", problem, weights)
    np.testing.assert_allclose(
        objectives, [problem.objective(weights.network(b)) for b in range(3)], rtol=1e-13
    )
    losses = measured("loss", problem, weights)
    np.testing.assert_allclose(objectives - losses, 0.3 * weights.penalty, rtol=1e-12)


def test_patterns_are_those_of_the_network(problem, weights):
    packed = measured("patterns", problem, weights)
    assert packed.shape == (3, 2, 5)
    for b in range(3):
        found = np.unpackbits(packed[b], axis=-2, count=11).astype(bool)
        np.testing.assert_array_equal(found, weights.network(b).patterns(problem.X))


def test_unique_patterns_are_counted_per_network(problem, rng):
    u, v = rng.standard_normal((2, 2))
    hidden = np.stack([np.column_stack([u, 2 * u, u]), np.column_stack([u, -u, v])])
    counts = measured("unique_patterns", problem, Weights(hidden, np.ones((2, 3))))
    np.testing.assert_array_equal(counts, [1, len({tuple(problem.X @ w >= 0) for w in (u, -u, v)})])


def test_activation_points_are_where_neurons_switch():
    problem = Problem([[0.5, 1.0], [2.0, 1.0]], [0.0, 1.0], beta=0.1)
    weights = Weights([[2.0, 0.0], [-1.0, 3.0]], [1.0, 1.0])
    np.testing.assert_array_equal(measured("activation_points", problem, weights), [[0.5, np.inf]])
    with pytest.raises(ValueError, match="two columns, a feature and a constant"):
        measured(
            "activation_points", Problem(np.eye(3), np.ones(3), beta=0.1), Weights(np.ones((3, 1)), [1.0])
        )


def test_wrong_records_are_refused():
    with pytest.raises(ValueError, match="record must hold names of"):
        as_records("speed")
    with pytest.raises(ValueError, match="must not hold a name twice"):
        as_records(["objective", Objective()])
    assert [record.name for record in as_records(["weights", ActivationPoints()])] == [
        "hidden",
        "output",
        "activation_points",
    ]


def test_directions_and_norms(problem, weights):
    directions = measured("directions", problem, weights)
    norms = np.linalg.norm(weights.hidden, axis=1)
    np.testing.assert_allclose(directions * norms[:, None], weights.hidden, rtol=1e-14)
    np.testing.assert_allclose(
        measured("norms", problem, weights).sum(axis=1),
        [weights.network(b).path_norm for b in range(3)],
        rtol=1e-13,
    )
    dead = Weights(np.zeros((2, 3)), np.ones(3))
    np.testing.assert_array_equal(measured("directions", problem, dead), 0.0)


def test_alignment_is_recorded_by_name(problem, weights):
    cosines = measured("alignment", problem, weights)
    assert cosines.shape == (3, 5)
    u, a = weights.hidden[1, :, 2], weights.output[1, 2]
    pull = np.sign(a) * problem.X.T @ ((problem.X @ u > 0) * problem.y)
    assert cosines[1, 2] == pytest.approx(u @ pull / np.linalg.norm(u) / np.linalg.norm(pull))


def test_patterns_take_little_memory_beside_their_rows(rng):
    """A network at a time: (n, m) signs of one, never (B, n, m) numbers of all."""
    problem = Problem(rng.standard_normal((1000, 5)), rng.standard_normal(1000), 0.0)
    start = he(5, 50, n_networks=30)
    tracemalloc.start()
    simulate(problem, start, n_steps=1, step_size=1e-6, record=("patterns", "unique_patterns"), n_records=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # All at once would be 1.5 million numbers of 8 bytes; a chunk of the gradient is 32,768 of them, a few times.
    assert peak < 6e6
