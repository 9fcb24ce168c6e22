"""Frozen fields of gradient flow, and what follows when one ends."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.dynamics.flows.boundaries import Boundaries
from cvxnn.dynamics.flows.pieces import Event, FlowPiece
from cvxnn.dynamics.starts.objectives import BatchedObjective
from cvxnn.landscape import stationarity
from cvxnn.networks import ReLUNetwork


def piece_at(problem, hidden, output):
    objective = BatchedObjective.of(problem)
    state = np.concatenate([np.ravel(hidden), np.ravel(output)]).astype(float)
    return FlowPiece.at(objective, Boundaries.of(problem.X), state, np.size(output))


@pytest.fixture
def problem(rng):
    return Problem(rng.standard_normal((7, 3)), rng.standard_normal(7), beta=0.2)


def test_the_velocity_is_minus_the_gradient_off_all_boundaries(problem, rng):
    hidden, output = rng.standard_normal((3, 4)), rng.standard_normal(4)
    piece, state = piece_at(problem, hidden, output)
    velocity = piece.velocity(0.0, state)
    slopes = piece.objective.gradient(hidden[:, None], output[None])
    np.testing.assert_allclose(velocity[:12].reshape(3, 4), -slopes[0][:, 0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(velocity[12:], -slopes[1][0], rtol=1e-12, atol=1e-14)
    assert np.all(piece.margins(state)[0] > 0)


@pytest.mark.parametrize("seed", range(12))
def test_on_a_boundary_speed_is_the_distance_from_clarkes_subdifferential(problem, seed):
    """The element of least norm, by the landscape's own code, wherever the objective is convex across the boundary."""
    rng = np.random.default_rng(seed)
    hidden, output = rng.standard_normal((3, 2)), rng.standard_normal(2)
    x = problem.X[0]
    hidden[:, 0] -= x * (x @ hidden[:, 0]) / (x @ x)
    piece, state = piece_at(problem, hidden, output)
    exact = ReLUNetwork(hidden, output)
    r = exact.predict(problem.X)[0] - problem.y[0]
    if output[0] * r > 0:
        speed = np.linalg.norm(piece.velocity(0.0, state))
        assert speed == pytest.approx(stationarity(problem, exact).distance, rel=1e-9)
    else:
        # A concave kink: to the side that the field leads to, the inactive one where both do.
        away = x @ piece.velocity(0.0, state)[:6].reshape(3, 2)[:, 0]
        assert away * piece.sides[0, 0] > 0
        other = away + output[0] * r * (x @ x) * (1 if piece.sides[0, 0] == 1 else -1)
        assert piece.sides[0, 0] == -1 or other > 0


def test_margins_one_by_one_are_the_margins(problem, rng):
    hidden, output = rng.standard_normal((3, 4)), rng.standard_normal(4)
    x = problem.X[0]
    hidden -= np.outer(x, x @ hidden) / (x @ x)
    piece, state = piece_at(problem, hidden, output)
    whole, slack = piece.margins(state)
    assert whole.shape == slack.shape
    for k in range(len(whole)):
        if np.isfinite(whole[k]):
            assert piece.margin(state, k) == pytest.approx(whole[k], abs=1e-15)
    if len(whole) > 28:
        assert piece.event(28).kind == "leaves to -"
        assert piece.event(len(whole) - 1).kind == "leaves to +"
    assert piece.event(5) == Event(1, 1, "meets")


def test_a_convex_kink_that_is_met_is_crossed_or_slid_along():
    X = np.array([[1.0, 0.0], [0.6, 0.8]])
    slid, _ = piece_at(Problem(X, [-1.0, 1.0], beta=0.0), [[0.0], [0.1]], [0.8])
    np.testing.assert_array_equal(slid.sides[:, 0], [0, 1])
    crossed, _ = piece_at(Problem(X, [-1.0, -1.0], beta=0.0), [[0.0], [0.1]], [0.8])
    np.testing.assert_array_equal(crossed.sides[:, 0], [-1, 1])
    kept, _ = piece_at(Problem(X, [-1e-3, 9.0], beta=0.0), [[0.0], [0.1]], [0.8])
    np.testing.assert_array_equal(kept.sides[:, 0], [1, 1])


def test_neurons_at_the_origin_rest(problem):
    hidden = np.zeros((3, 2))
    hidden[:, 1] = 1.0
    piece, state = piece_at(problem, hidden, [0.5, 0.5])
    assert piece.rests(0)
    assert not piece.rests(1)
    np.testing.assert_array_equal(piece.velocity(0.0, state)[:6].reshape(3, 2)[:, 0], 0.0)
    assert len(piece.margins(state)[0]) == piece.sides.size


@pytest.mark.parametrize("seed", range(20))
def test_forks_at_the_start_are_where_both_sides_lead_away(seed):
    """One neuron on one boundary: the fields of both sides, by the objective's own gradient a little off it."""
    rng = np.random.default_rng(seed)
    problem = Problem(rng.standard_normal((5, 3)), rng.standard_normal(5), beta=0.1)
    hidden, output = rng.standard_normal((3, 2)), rng.standard_normal(2)
    x = problem.X[0]
    hidden[:, 0] -= x * (x @ hidden[:, 0]) / (x @ x)
    piece, state = piece_at(problem, hidden, output)
    aways = []
    for side in (-1, 1):
        near = hidden.copy()
        near[:, 0] += side * 1e-9 * x
        slope = piece.objective.gradient(near[:, None], output[None])[0][:, 0, 0]
        aways.append(side * (x @ -slope) > 0)
    assert piece.start_forks(state) == ([(0, 0)] if all(aways) else [])


def test_forks_at_the_start_of_neurons_without_an_output_weight():
    """a = 0 grows towards the targets, and the kink of sample 1 becomes concave, or convex, at once."""
    X = np.array([[1.0, 0.0], [-0.5, 1.0]])
    for target, forks in ((2.0, [(0, 0)]), (-2.0, [])):
        piece, state = piece_at(Problem(X, [target, 3.0], beta=0.0), [[0.0], [1.0]], [0.0])
        assert piece.start_forks(state) == forks
    piece, state = piece_at(Problem(X, [2.0, 3.0], beta=0.0), np.zeros((2, 2)), [0.0, 0.5])
    assert piece.start_forks(state) == [(1, -1)]  # zero stays zero; the other rests, and might leave


def test_two_kinks_may_fork_together():
    """Neither side flips alone: both kinks active, or neither."""
    X = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [-1.3, -0.65, 1.0]])
    piece, state = piece_at(Problem(X, [1.0, 1.0, 1.0], beta=0.0), [[0.0], [0.0], [1e-3]], [1.0])
    assert piece.start_forks(state) == [(0, 0), (0, 1)]
