"""All local minima of small networks: the worked examples, completeness against descents, counts."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, beta_max, enumerate_patterns
from cvxnn.landscape.optimum.fixed_outputs import FixedOutputs
from cvxnn.landscape.stationary_points.directional import directional_slopes
from cvxnn.landscape.stationary_points.kink_descent import descend_to_stationarity
from cvxnn.landscape.stationary_points.minima import local_minima
from cvxnn.testing.solvers import reference_optimum
from cvxnn.training.descent import small_random_network
from cvxnn.validation import PrecisionError


def check_counts(found):
    lost = found.n_failed + found.n_smaller + found.n_not_stationary + found.n_saddles + found.n_repeated
    assert found.n_programs == len(found.networks) + lost
    assert list(found.objectives) == sorted(found.objectives)


def descend_hidden(problem, network, step=0.1, steps=1000):
    """Run gradient descent on the hidden weights, with the gradient of the active side at kinks."""
    U = np.array(network.hidden)
    for _ in range(steps):
        Z = problem.X @ U
        lam = problem.y - np.maximum(Z, 0.0) @ network.output
        U += step * (problem.X.T @ ((Z > 0) * lam[:, None]) * network.output - problem.beta * U)
    return problem.objective(ReLUNetwork(U, network.output))


def test_two_points_two_neurons_with_output_weights_one_end_at_zero_one_or_four():
    # (-1, 1) and (1, 2), no decay; the reference's loss has no factor 1/2.
    problem = Problem([[-1.0], [1.0]], [1.0, 2.0], beta=0.0)
    found = local_minima(problem, 2, output=[1.0, 1.0])
    # The data are fitted by Newton's method, to rounding.
    assert 2.0 * np.array(found.objectives) == pytest.approx([0.0, 1.0, 4.0], abs=1e-12)
    check_counts(found)
    rng = np.random.default_rng(0)
    ends = {
        round(2.0 * descend_hidden(problem, ReLUNetwork(rng.standard_normal((1, 2)), [1.0, 1.0])), 6)
        for _ in range(20)
    }
    assert ends == {0.0, 1.0, 4.0}


def test_one_neuron_has_two_minima_of_which_descent_finds_either():
    # (-1, 1) and (1, 0.5): each minimum leaves the other point alone.
    problem = Problem([[-1.0], [1.0]], [1.0, 0.5], beta=0.0)
    found = local_minima(problem, 1, output=[1.0])
    assert 2.0 * np.array(found.objectives) == pytest.approx([0.25, 1.0], abs=1e-12)
    assert [float(network.hidden[0, 0]) for network in found.networks] == pytest.approx([-1.0, 0.5])
    for start, end in ((-0.3, 0.25), (0.3, 1.0)):
        assert 2.0 * descend_hidden(problem, ReLUNetwork([[start]], [1.0])) == pytest.approx(end, abs=1e-9)


def test_one_sample_of_target_one():
    # (1 - (u)_+ a)^2 + 1/2 (u^2 + a^2) is twice our objective at beta 1/2: u a = 1/2, value 3/4.
    found = local_minima(Problem([[1.0]], [1.0], beta=0.5), 1)
    assert 2.0 * found.objectives[0] == pytest.approx(0.75, abs=1e-14)
    network = found.networks[0]
    assert network.hidden[0, 0] * network.output[0] == pytest.approx(0.5, abs=1e-14)
    # The zero network is stationary, and no minimum below the critical decay, 1; above, it is the only one.
    assert (len(found.networks), found.n_saddles) == (1, 1)
    check_counts(found)
    above = local_minima(Problem([[1.0]], [1.0], beta=1.5), 1)
    assert above.objectives == (0.5,)
    assert not above.networks[0].hidden.any()


def test_trained_output_weights_and_decay_leave_three_minima_of_two_points():
    # One neuron for each point, or both on one. A point costs beta |y| - beta^2 / 2 fitted, and y^2 / 2 not fitted.
    beta = 0.1
    found = local_minima(Problem([[-1.0], [1.0]], [1.0, 2.0], beta=beta), 2)
    fitted = [beta * y - beta**2 / 2 for y in (1.0, 2.0)]
    expected = [sum(fitted), 0.5 + fitted[1], 2.0 + fitted[0]]
    assert list(found.objectives) == pytest.approx(expected, abs=1e-13)
    assert {network.n_neurons for network in found.networks} == {2}


@pytest.mark.parametrize(("n", "loss", "seed"), [(3, "squared", 0), (3, "logistic", 1), (4, "squared", 2)])
def test_every_descent_ends_in_the_list_and_the_best_is_the_optimum_of_its_width(n, loss, seed):
    rng = np.random.default_rng(100 + seed)
    X, y = rng.standard_normal((n, 2)), rng.standard_normal(n)
    problem = Problem(X, y if loss == "squared" else np.sign(y), 0.1 if loss == "squared" else 0.05, loss)
    found = local_minima(problem, 2)
    check_counts(found)
    values, ends = np.array(found.objectives), []
    for _ in range(10):
        start = small_random_network(problem, 2, rng, size=1.0)
        ends.append(descend_to_stationarity(problem, start, max_iterations=100).objective)
    # Both are exact to rounding.
    assert np.max(np.min(np.abs(values - np.array(ends)[:, None]), axis=1)) <= 1e-10
    assert np.min(values) >= reference_optimum(ReLUProgram(problem, enumerate_patterns(X))) - 1e-7


def test_nothing_near_a_minimum_in_the_list_is_lower():
    rng = np.random.default_rng(5)
    problem = Problem(rng.standard_normal((3, 2)), rng.standard_normal(3), 0.1)
    found = local_minima(problem, 2)
    for network, objective in zip(found.networks, found.objectives, strict=True):
        for size in (1e-2, 1e-4):
            for _ in range(200):
                near = ReLUNetwork(
                    network.hidden + size * rng.standard_normal(network.hidden.shape),
                    network.output + size * rng.standard_normal(network.output.shape),
                )
                assert problem.objective(near) >= objective * (1 - 1e-14)


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_fixed_output_weights_of_both_signs(beta):
    rng = np.random.default_rng(3)
    problem = Problem(rng.standard_normal((3, 2)), rng.standard_normal(3), beta)
    output = [1.0, -0.5]
    found = local_minima(problem, 2, output=output)
    check_counts(found)
    for network, objective in zip(found.networks, found.objectives, strict=True):
        assert network.output.tolist() == output
        for _ in range(200):
            near = network.hidden + 1e-4 * rng.standard_normal((2, 2))
            # Without decay a perfect fit has an objective of zero, to rounding.
            assert problem.objective(ReLUNetwork(near, output)) >= objective * (1 - 1e-14) - 1e-28
    values = np.array(found.objectives)
    for _ in range(10):
        end = change_cells(problem, ReLUNetwork(rng.standard_normal((2, 2)), output))
        assert np.min(np.abs(values - end)) <= 1e-10


def change_cells(problem, network):
    """Descend from program to program, into cells that go down, and return the objective where none does."""
    programs = FixedOutputs.of(problem, network.output, network.n_neurons)
    masks = network.patterns(problem.X)
    for _ in range(50):
        cells = [int(np.flatnonzero(np.all(programs.masks == masks[:, [j]], axis=0))[0]) for j in range(2)]
        network, kinks = programs.optimum(np.array(cells))
        found = directional_slopes(problem, network, kinks=kinks, fixed_output=True)
        if np.max(found.slopes) <= 1e-9:
            return problem.objective(network)
        masks = np.where(found.slopes > 1e-9, found.patterns, masks)
    raise AssertionError("no end")


def test_no_saddle_is_counted_among_the_minima():
    # Planted fault: without the test for minima the zero network and a lone neuron beside a zero one would count.
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5)
    found = local_minima(problem, 2)
    assert len(found.networks) == 3
    assert found.n_saddles == 1
    assert all(np.all(network.hidden != 0) for network in found.networks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_neurons": 0}, "n_neurons must be"),
        ({"n_neurons": 2, "output": [1.0]}, "output must have shape"),
        ({"n_neurons": 1, "output": [0.0]}, "no zero"),
        ({"n_neurons": 3, "max_programs": 3}, "max_programs = 3 is less than"),
        ({"n_neurons": 1, "tol": 0.0}, "tol must be"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        local_minima(Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.5), **arguments)


def test_problems_without_optima_or_of_other_kinds_are_refused():
    X, y = [[1.0], [-1.0]], [1.0, -1.0]
    with pytest.raises(ValueError, match="beta must be > 0"):
        local_minima(Problem(X, y, 0.0), 1)
    with pytest.raises(ValueError, match="beta > 0 or the squared loss"):
        local_minima(Problem(X, y, 0.0, "logistic"), 1, output=[1.0])
    with pytest.raises(ValueError, match="smooth loss"):
        local_minima(Problem(X, y, 0.1, "hinge"), 1)


def five_samples(data=1.0, target=1.0):
    rng = np.random.default_rng(2)
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    return Problem(X * data, y * target, beta_max(X, y) * data * target)


@pytest.mark.parametrize("share", [1e-8, 1e-9, 1e-10])
def test_minima_stay_where_weight_decay_is_tiny(share):
    problem = five_samples()
    near, nearer = (local_minima(problem.with_beta(s * problem.beta), 1) for s in (1e-7, share))
    assert len(near.networks) >= 3
    assert near.n_failed == nearer.n_failed == 0
    # One neuron cannot fit five samples: objectives have limits, and differ from these by beta times a norm of about 1.
    np.testing.assert_allclose(nearer.objectives, near.objectives, rtol=1e-5)


@pytest.mark.parametrize(("data", "target"), [(1e-100, 1e70), (1e140, 1e140), (1e-75, 1e-75)])
def test_minima_in_any_units(data, target):
    problem, scaled = five_samples(), five_samples(data, target)
    found, expected = (local_minima(p.with_beta(0.05 * p.beta), 1) for p in (scaled, problem))
    np.testing.assert_allclose(np.array(found.objectives) / target**2, expected.objectives, rtol=1e-9)
    fits = [
        network.predict(p.X) / p.y
        for p, (network, *_) in ((scaled, found.networks), (problem, expected.networks))
    ]
    np.testing.assert_allclose(*fits, atol=1e-8)


@pytest.mark.parametrize(("data", "target"), [(1e-100, 1e70), (1e75, 1e75)])
def test_minima_of_given_outputs_in_any_units(data, target):
    problem, scaled = five_samples(), five_samples(data, target)
    # beta/2 ||u||^2 of hidden weights alone is of the order y^2, with u of the order y / x, where beta is of x^2.
    found = local_minima(scaled.with_beta(0.1 * data**2), 1, output=[1.0])
    expected = local_minima(problem.with_beta(0.1), 1, output=[1.0])
    # Less the penalty of the output weight.
    values = (np.array(found.objectives) - 0.05 * data**2) / target**2
    np.testing.assert_allclose(values, np.array(expected.objectives) - 0.05, rtol=1e-9)


def test_a_weight_decay_beyond_double_precision_is_refused():
    problem = five_samples()
    with pytest.raises(PrecisionError, match="beta must be large enough for double precision"):
        local_minima(problem.with_beta(1e-14 * problem.beta), 2)


def test_programs_that_fail_are_counted(monkeypatch):
    def fails(self, masks):
        raise PrecisionError("planted")

    problem = five_samples()
    monkeypatch.setattr(FixedOutputs, "_interior_point", fails)
    found = local_minima(problem, 1, output=[1.0])
    assert found.networks == ()
    assert found.n_failed == found.n_programs > 0
