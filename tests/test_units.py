"""Units: objectives, duals and networks of a problem in units are those of the problem given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.losses import HuberLoss
from cvxnn.losses.quantile import SmoothedQuantileLoss
from cvxnn.units import Units
from cvxnn.validation import PrecisionError

LOSSES = ["squared", "quantile", "logistic", "hinge", HuberLoss(delta=0.3), SmoothedQuantileLoss(width=0.2)]
scales = st.sampled_from([1e-70, 1e-9, 1.0, 1e9, 1e70])


def scaled_problem(seed, loss, data, target, output_offset=False):
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(5)
    if loss in ("logistic", "hinge"):
        y, target = np.array([1.0, -1.0, 1.0, 1.0, -1.0]), 1.0
    weights = rng.uniform(0.5, 2.0, 5) * 1e20
    problem = Problem(rng.standard_normal((5, 2)) * data, y * target, 1.0, loss, output_offset, weights)
    network = ReLUNetwork(rng.standard_normal((2, 3)), rng.standard_normal(3), [0.3 * output_offset])
    root = np.sqrt(target / data)
    return problem, ReLUNetwork(network.hidden * root, network.output * root, network.offset * target)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@given(seed=st.integers(0, 1000), data=scales, target=scales, output_offset=st.booleans())
def test_values_are_carried_over(loss, seed, data, target, output_offset):
    problem, network = scaled_problem(seed, loss, data, target, output_offset)
    # beta as large as the loss over the network's weights, so that both count.
    problem = problem.with_beta(problem.objective(network) / (2.0 * network.weight_decay))
    units = Units.of(problem)
    inner = units.network_in_units(network)
    assert 1.0 <= np.max(np.abs(units.problem.X)) < 4.0
    value = problem.objective(network)
    # Powers of two round nothing but sums of what they scale: a few roundings of 1e-16.
    assert units.objective(units.problem.objective(inner)) == pytest.approx(value, rel=1e-13)
    back = units.network(inner)
    np.testing.assert_array_equal(back.hidden, network.hidden)
    np.testing.assert_array_equal(back.offset, network.offset)
    f = network.predict(problem.X)
    lam = problem.dual_variable(f)
    found = units.problem.dual_variable(inner.predict(units.problem.X))
    np.testing.assert_allclose(units.dual(found), lam, atol=1e-13 * np.max(np.abs(lam)))
    u = np.array([0.6, 0.8])
    product = found @ np.maximum(units.problem.X @ u, 0.0)
    expected = lam @ np.maximum(problem.X @ u, 0.0)
    size = np.max(np.abs(lam)) * np.max(np.abs(problem.X))
    assert units.correlation(product) == pytest.approx(expected, rel=1e-12, abs=1e-12 * size)


@given(seed=st.integers(0, 1000), data=scales, target=scales)
def test_values_of_given_output_weights(seed, data, target):
    problem, network = scaled_problem(seed, "squared", data, target)
    network = ReLUNetwork(network.hidden * np.sqrt(target / data), network.output * np.sqrt(data / target))
    size = float(np.sum(network.hidden**2))
    problem = problem.with_beta(problem.objective(network.prune_zeros()) / size if size < 1e200 else 1e-100)
    units = Units.of(problem, fixed_output=True)
    inner = units.network_in_units(network)
    np.testing.assert_array_equal(inner.output, network.output)

    def objective(of, at):
        return of.loss_value(at.predict(of.X), at.offset) + 0.5 * of.beta * float(np.sum(at.hidden**2))

    assert units.objective(objective(units.problem, inner)) == pytest.approx(
        objective(problem, network), rel=1e-13
    )


def test_moderate_numbers_keep_their_sizes():
    units = Units.of(Problem([[1.5], [-3.9]], [1.0, 2.0], 0.1))
    assert (units.data, units.target, units.value) == (1.0, 1.0, 1.0)


def test_zeros_have_the_unit_one():
    units = Units.of(Problem([[0.0]], [0.0], 0.1))
    assert (units.data, units.target, units.value) == (1.0, 1.0, 1.0)


def test_losses_that_are_no_numbers_are_refused():
    with pytest.raises(PrecisionError, match="y must have entries whose losses"):
        Units.of(Problem([[1.0]], [1e200], 1.0))


def test_weight_decays_that_vanish_in_units_are_refused():
    with pytest.raises(PrecisionError, match="beta must be a number for which"):
        Units.of(Problem([[1e150]], [1e150], 1e-300))
