"""The same networks at any scale of weights, inputs and targets."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, beta_max, certify, train
from cvxnn.certificates import improving_bounds
from cvxnn.patterns import enumerate_patterns
from cvxnn.programs import GatedReLUProgram, ReLUProgram
from cvxnn.solvers import path_betas, solve
from cvxnn.statuses import SolveStatus
from cvxnn.units import Units


def data(loss="squared"):
    """Give X (12, 2), targets for a loss, and weights that differ."""
    rng = np.random.default_rng(5)
    X = rng.standard_normal((12, 2))
    y = np.abs(X[:, 0]) + 0.3 * rng.standard_normal(12)
    if loss == "logistic":
        y = np.where(y > 0.8, 1.0, -1.0)
    if loss == "multinomial":
        y = np.eye(3)[np.argsort(np.argsort(y)) // 4]
    return X, y, rng.uniform(0.5, 2.0, 12)


def test_numbers_of_order_one_need_no_units():
    X, y, weights = data()
    X, y = X / np.max(np.abs(X)), y / np.max(np.abs(y))
    problem = Problem(X, y, 0.1, sample_weight=weights)
    units = Units.of(problem)
    assert units.problem is problem
    network = ReLUNetwork(np.ones((2, 1)), np.ones(1))
    assert units.network(network) is network


@pytest.mark.parametrize(
    ("loss", "scale"),
    [
        *(("squared", scale) for scale in (4e6, 1e-8, 1e-160, 1e-300, 1e160, 1e300)),
        *(("logistic", scale) for scale in (1e-300, 1e300)),
        ("multinomial", 1e-160),
        ("quantile", 1e160),
    ],
)
def test_networks_depend_on_ratios_of_weights_only(loss, scale):
    X, y, weights = data(loss)
    plain = Problem(X, y, 0.0, loss, True, weights)
    scaled = Problem(X, y, 0.0, loss, True, scale * weights)
    critical = beta_max(plain)
    assert beta_max(scaled) == pytest.approx(scale * critical, rel=1e-6)  # kinks are settled to 1e-6
    reference = train(plain.with_beta(0.05 * critical))
    result = train(scaled.with_beta(0.05 * critical * scale))
    assert result.network.n_neurons > 0
    # Each is within tol = 1e-3 of the optimum.
    assert result.certificate.objective == pytest.approx(scale * reference.certificate.objective, rel=2e-3)
    assert result.certificate.lower_bound == pytest.approx(
        scale * reference.certificate.lower_bound, rel=2e-3
    )
    assert result.history[-1].objective >= result.certificate.lower_bound
    certificate = certify(scaled.with_beta(0.05 * critical * scale), result.network, max_seconds=0.5)
    assert certificate.relative_gap == pytest.approx(result.certificate.relative_gap, abs=2e-3)


@pytest.mark.parametrize("inputs", [1e-150, 1.0, 1e150])
@pytest.mark.parametrize("targets", [1e-145, 1.0, 1e145])
def test_networks_at_extreme_scales_of_inputs_and_targets(inputs, targets):
    X, y, _ = data()
    beta = 0.3
    reference = train(Problem(X, y, beta, output_offset=True))
    problem = Problem(inputs * X, targets * y, inputs * targets * beta, output_offset=True)
    result = train(problem)
    assert result.certificate.proven
    expected = reference.certificate.objective * targets**2
    assert result.certificate.objective == pytest.approx(expected, rel=2e-3)
    f = result.network.predict(problem.X) / targets
    # The objective is 1-strongly convex in f: both are within tol of it, and (sum of squares) / 2 <= 2 tol.
    np.testing.assert_allclose(
        f, reference.network.predict(X), atol=2 * np.sqrt(2e-3 * expected / targets**2)
    )
    bounds = [bound.value for bound in improving_bounds(problem, result.network, max_seconds=0.5)]
    assert bounds == sorted(bounds)
    assert 0.5 * expected < bounds[-1] <= result.certificate.objective * (1 + 1e-9)


def test_powers_of_four_give_the_same_network_bit_for_bit():
    X, y, weights = data()
    plain = train(Problem(X, y, 0.25, "squared", True, weights))
    k = 2.0**200
    scaled = train(Problem(X / 2.0**100, y * 2.0**50, 0.25 * k / 2.0**50, "squared", True, k * weights))
    np.testing.assert_array_equal(scaled.network.hidden, plain.network.hidden * 2.0**75)
    np.testing.assert_array_equal(scaled.network.output, plain.network.output * 2.0**75)
    assert scaled.certificate.objective == plain.certificate.objective * k * 2.0**100
    assert scaled.certificate.lower_bound == plain.certificate.lower_bound * k * 2.0**100


def test_start_patterns_callback_and_matrix_targets_are_in_the_users_units():
    X, y, weights = data()
    scale = 1e200
    problem = Problem(X, y[:, None], 0.2 * scale, sample_weight=scale * weights)
    records = []
    result = train(problem, callback=records.append)
    assert [record.objective for record in records] == [record.objective for record in result.history]
    assert records[-1].objective == pytest.approx(result.certificate.objective, rel=1e-6)
    again = train(problem, start=result.network, max_rounds=0, prove=False)
    assert again.certificate.objective <= result.certificate.objective * (1 + 1e-12)
    given = train(problem, patterns=enumerate_patterns(X))
    assert given.certificate.scope == "program"
    assert given.certificate.objective == pytest.approx(result.certificate.objective, rel=2e-3)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
@pytest.mark.parametrize("kind", [ReLUProgram, GatedReLUProgram])
@pytest.mark.parametrize("loss", ["squared", "logistic"])
def test_programs_depend_on_ratios_of_weights_only(kind, loss, scale):
    X, y, weights = data(loss)
    patterns = enumerate_patterns(X)
    plain = kind(Problem(X, y, 0.2, loss, True, weights), patterns)
    scaled = kind(Problem(X, y, 0.2 * scale, loss, True, scale * weights), patterns)
    records = []
    solution = solve(scaled, callback=records.append)
    reference = solve(plain)
    assert solution.program is scaled
    assert solution.certificate.proven
    assert solution.objective == pytest.approx(scale * reference.objective, rel=2e-6)
    assert scaled.objective(solution.blocks, solution.offset) == pytest.approx(solution.objective, rel=1e-12)
    assert records[-1].objective == pytest.approx(solution.objective, rel=1e-6)
    assert path_betas(scaled)[0] == pytest.approx(scale * path_betas(plain)[0], rel=1e-9)
    warm = solve(scaled, start=solution.blocks)
    assert warm.history[-1].step <= 1


@pytest.mark.parametrize(
    ("targets", "weights", "found"),
    [
        (1e180, 1.0, "y must have entries whose losses are numbers"),
        (1e152, 1e3, "y and sample_weight must be such .*got y with entries up to 9.*it is about 1e307"),
        (1e-160, 1e12, "between 1e-305 and 1e307, .*sample_weight up to .*e[+]12, where it is about 1e-308"),
        (1e100, 1e200, "y must have entries .*with sample weights up to"),
    ],
)
def test_an_objective_beyond_float64_is_refused(targets, weights, found):
    X, y, ones = data()
    problem = Problem(X, targets * y, 1.0, sample_weight=weights * ones)
    with pytest.raises(ValueError, match=found):
        train(problem)
    with pytest.raises(ValueError, match=found):
        certify(problem, ReLUNetwork(np.zeros((2, 0)), np.zeros(0)))


def test_a_weight_decay_that_vanishes_against_the_data_is_refused():
    X, y, _ = data()
    with pytest.raises(ValueError, match=r"beta must be a number for which.*got 1e-200"):
        train(Problem(1e150 * X, 1e-10 * y, 1e-200))


def test_a_weight_decay_far_above_the_critical_one_gives_no_neurons():
    X, y, _ = data()
    result = train(Problem(1e-100 * X, y, 1e200))
    assert result.network.n_neurons == 0
    assert result.status is SolveStatus.PROVEN
