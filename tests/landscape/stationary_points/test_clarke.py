"""The Clarke residual: gradients where smooth, the hull of limits of gradients at kinks, scales, several outputs."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, enumerate_patterns
from cvxnn.landscape.stationary_points.clarke import stationarity
from cvxnn.landscape.stationary_points.kink_descent import descend_to_stationarity
from cvxnn.losses import LogisticLoss
from cvxnn.testing.samplers import DATA
from cvxnn.testing.samplers import network as sample_network


def numeric_gradient(problem, network):
    """Return the gradient by hidden weights, output weights and offset, by central differences."""
    parts = [network.hidden, network.output, network.offset]
    gradients = []
    for k, part in enumerate(parts):
        gradient = np.zeros(part.shape)
        for index in np.ndindex(part.shape):
            step = 1e-6 * max(1.0, abs(part[index]))
            values = []
            for sign in (1.0, -1.0):
                moved = [np.array(p) for p in parts]
                moved[k][index] += sign * step
                values.append(problem.objective(ReLUNetwork(*moved)))
            gradient[index] = (values[0] - values[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


@pytest.mark.parametrize("norm", ["l2", "l1"])
@pytest.mark.parametrize("outputs", [None, 3])
@pytest.mark.parametrize("offset", [False, True])
def test_where_the_objective_is_smooth_it_is_the_length_of_the_gradient(norm, outputs, offset):
    rng = np.random.default_rng(3)
    n, d, m = 7, 3, 4
    y = rng.standard_normal(n if outputs is None else (n, outputs))
    problem = Problem(rng.standard_normal((n, d)), y, 0.3, "squared", offset, rng.uniform(0.5, 2, n), norm)
    hidden = rng.standard_normal((d, m))
    output = rng.standard_normal(m if outputs is None else (m, outputs))
    network = ReLUNetwork(hidden, output, rng.standard_normal(outputs or 1) if offset else None)
    found = stationarity(problem, network)
    U, A, b = numeric_gradient(
        problem if offset else Problem(problem.X, y, 0.3, "squared", True, problem.sample_weight, norm),
        network,
    )
    expected = np.sqrt(np.sum(U**2, axis=0) + np.sum(A.reshape(m, -1) ** 2, axis=1))
    # Central differences of step 1e-6 leave 1e-9 or so of values of size ten.
    np.testing.assert_allclose(found.distances, expected, rtol=1e-6)
    assert found.offset_distance == pytest.approx(np.linalg.norm(b) if offset else 0.0, rel=1e-6)
    assert not found.kinks.any()
    assert found.are_exact.all()


def test_zero_output_weights_of_the_per_class_variant_have_an_interval_of_subgradients():
    problem = Problem([[1.0]], [[1.0, 0.2]], beta=0.5, output_norm="l1")
    root = np.sqrt(0.5)
    assert stationarity(problem, ReLUNetwork([[root]], [[root, 0.0]])).is_stationary(1e-12)
    # With the l2 norm the second output pays for its weight at first order.
    other = Problem([[1.0]], [[1.0, 0.2]], beta=0.5)
    assert not stationarity(other, ReLUNetwork([[root]], [[root, 0.0]])).is_stationary(1e-2)


def kinked_network(rng, X, n_kinks, m=3):
    """Return a network each of whose neurons is on the kinks of some samples, and the kinks asked for."""
    hidden = np.zeros((X.shape[1], m))
    for j in range(m):
        rows = X[rng.choice(len(X), n_kinks, replace=False)]
        _, s, Vt = np.linalg.svd(rows)
        null = Vt[int(np.sum(s > 1e-12)) :]
        hidden[:, j] = null.T @ rng.standard_normal(len(null))
    return ReLUNetwork(hidden, rng.standard_normal(m))


def clarke_distance(problem, network, j, kinks):
    """Return the distance of zero from the hull of the limits of gradients, by CVXPY; hidden weights of neuron j."""
    X, u, a = problem.X, network.hidden[:, j], network.output[j]
    lam = -problem.loss_gradient(network.predict(X), network.offset)
    base = problem.beta * u - a * X.T @ (((X @ u > 0) & ~kinks) * lam)
    rows = X[kinks]
    if len(rows) == 0:
        return float(np.linalg.norm(base))
    sides = np.asarray(enumerate_patterns(rows)).astype(float)  # the cells that the neuron touches
    vertices = base[:, None] - a * rows.T @ (lam[kinks][:, None] * sides)
    c = cp.Variable(sides.shape[1], nonneg=True)
    statement = cp.Problem(cp.Minimize(cp.norm(vertices @ c)), [cp.sum(c) == 1])
    return float(statement.solve(solver=cp.CLARABEL))


NAMES = ["gaussian", "duplicated_rows", "collinear_rows", "rank_deficient", "with_zero_row", "integer_rows"]


@pytest.mark.parametrize("name", NAMES)
def test_at_kinks_it_is_the_distance_from_the_hull_of_the_limits_of_gradients(name):
    exact = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X = DATA[name](rng, 8, 4)
        problem = Problem(X, rng.standard_normal(8), 0.4)
        network = kinked_network(rng, X, 2)
        found = stationarity(problem, network, fixed_output=True)
        for j in range(3):
            expected = clarke_distance(problem, network, j, found.kinks[:, j])
            # Clarabel's tolerance is 1e-8, of the size of the gradients' terms.
            assert found.distances[j] <= expected + 1e-6 * max(1.0, expected)
            if found.are_exact[j]:
                assert found.distances[j] == pytest.approx(expected, rel=1e-6, abs=1e-6)
                exact += 1
        assert found.kinks.any()
    assert exact >= 12


def test_multipliers_are_what_they_say():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((8, 3))
    problem = Problem(X, rng.standard_normal(8), 0.4)
    network = kinked_network(rng, X, 2)
    found = stationarity(problem, network, fixed_output=True)
    lam = problem.y - network.predict(X)
    for j in range(3):
        u, a, D = network.hidden[:, j], network.output[j], found.multipliers[:, j]
        assert np.all((0 <= D) & (D <= 1))
        off = ~found.kinks[:, j]
        assert np.array_equal(D[off], (X @ u > 0)[off])
        subgradient = problem.beta * u - a * X.T @ (D * lam)
        assert np.linalg.norm(subgradient) == pytest.approx(found.distances[j], rel=1e-9)


def test_of_lines_that_depend_on_each_other_the_multipliers_only_bound_the_distance():
    # In the plane three lines have six cells of eight: with bends of both signs the box is larger than the hull.
    X = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    loose = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        problem = Problem(X, rng.standard_normal(3), 0.0)
        network = ReLUNetwork(np.zeros((2, 1)), [1.0])
        found = stationarity(problem, network, fixed_output=True)
        expected = clarke_distance(problem, network, 0, found.kinks[:, 0])
        assert found.distances[0] <= expected + 1e-6
        assert found.are_exact[0] == (np.all(problem.y >= 0) or np.all(problem.y <= 0))
        loose += found.distances[0] < expected - 1e-3
    assert loose > 0


def test_zero_neurons_are_stationary_and_zero_factors_alone_are_not():
    problem = Problem([[1.0]], [1.0], beta=0.5)
    assert stationarity(problem, ReLUNetwork([[0.0]], [0.0])).residual == 0.0
    assert not stationarity(problem, ReLUNetwork([[1.0]], [0.0])).is_stationary(0.1)
    assert not stationarity(problem, ReLUNetwork([[0.0]], [1.0])).is_stationary(0.1)
    assert stationarity(problem, ReLUNetwork(np.zeros((1, 0)), np.zeros(0))).residual == 0.0


def test_an_optimum_on_kinks_is_stationary_and_one_sided_gradients_do_not_see_it():
    # A dent at the middle point: optimal neurons have their kinks at data points.
    problem = Problem([[1.0, 1.0], [0.0, 1.0], [-1.0, 1.0]], [0.0, -1.0, 0.0], beta=0.1)
    start = ReLUNetwork([[0.1, -0.1, 0.0], [0.0, 0.0, 1.0]], [0.1, 0.1, -0.1])
    network = descend_to_stationarity(problem, start).network
    found = stationarity(problem, network)
    assert found.is_stationary(1e-12)
    assert np.any((found.multipliers > 0.01) & (found.multipliers < 0.99))
    lam = problem.y - network.predict(problem.X)
    for side in (0.0, 1.0):  # planted fault: one of the limits of gradients for the whole hull
        D = np.where(found.kinks, side, found.multipliers)
        gradient = 0.1 * network.hidden - problem.X.T @ (D * lam[:, None]) * network.output
        assert np.linalg.norm(gradient) > 0.01 * found.scale


def test_scaling_targets_and_decay_leaves_the_residual():
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    network = sample_network(rng, 2, 3)
    found = stationarity(Problem(X, y, 0.2, output_offset=True), network).residual
    for c in (1e-8, 1e8):
        # f and lam scale by c, u and a by its root.
        scaled = ReLUNetwork(np.sqrt(c) * network.hidden, np.sqrt(c) * network.output)
        other = stationarity(Problem(X, c * y, c * 0.2, output_offset=True), scaled).residual
        assert other == pytest.approx(found, rel=1e-9)


def test_kinks_can_be_given_and_their_tolerance_chosen():
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], beta=0.5)
    network = ReLUNetwork([[1.0], [1e-6]], [1.0])
    assert not stationarity(problem, network).kinks.any()
    assert stationarity(problem, network, kink_tol=1e-5).kinks.ravel().tolist() == [False, True]
    assert stationarity(problem, network, kinks=np.array([[False], [True]])).kinks.sum() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinks": np.zeros((2, 3), dtype=bool)}, "kinks must be a bool array of shape"),
        ({"kinks": np.zeros((2, 1))}, "kinks must be a bool array of shape"),
        ({"kink_tol": -1.0}, "kink_tol must be"),
    ],
)
def test_bad_arguments_are_named(change, message):
    problem = Problem([[1.0], [2.0]], [1.0, -1.0], beta=0.5)
    with pytest.raises(ValueError, match=message):
        stationarity(problem, ReLUNetwork([[1.0]], [1.0]), **change)


def test_losses_with_kinks_are_refused():
    problem = Problem([[1.0], [2.0]], [1.0, -1.0], beta=0.5, loss="hinge")
    with pytest.raises(ValueError, match="smooth loss"):
        stationarity(problem, ReLUNetwork([[1.0]], [1.0]))
    smooth = problem.with_loss(LogisticLoss())
    assert stationarity(smooth, ReLUNetwork([[1.0]], [1.0])).residual > 0
