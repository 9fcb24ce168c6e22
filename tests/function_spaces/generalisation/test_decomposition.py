"""The decomposition of the excess risk: the inequality, its sharp cases, and faults that it refutes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.function_spaces.generalisation.decomposition import (
    deviation,
    deviation_found,
    error_decomposition,
    largest_deviation,
    largest_pair,
)
from cvxnn.function_spaces.oracles.neuron_oracles import neuron_oracle
from cvxnn.function_spaces.unit_norm.unit_networks import UnitNetwork, unit_norm_form
from cvxnn.patterns import enumerate_patterns
from cvxnn.statuses import SolveStatus
from cvxnn.theorems import HypothesisError


def weights(rng, n):
    shares = rng.integers(0, 4, n).astype(float)
    shares[0] += 1
    return shares / shares.sum() - 1 / n


def brackets(X, w, y, delta):
    oracle, patterns = neuron_oracle(X), enumerate_patterns(X)
    return (
        deviation_found(X, w, y, delta, oracle, patterns),
        largest_deviation(X, w, y, delta, oracle, patterns),
    )


def line(seed):
    """Return a problem on the line, and ``sup |J_n - J|`` on a grid: f = t (x)_+ + s (-x)_+ with |t| + |s| <= delta."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 8))
    X, y, w, delta = rng.standard_normal((n, 1)), rng.standard_normal(n), weights(rng, n), rng.uniform(0.1, 5)
    t, s = np.meshgrid(*[np.linspace(-delta, delta, 101)] * 2)
    inside = np.abs(t) + np.abs(s) <= delta
    f = np.maximum(X, 0) * t[inside] + np.maximum(-X, 0) * s[inside]
    return (X, w, y, delta), np.max(np.abs(0.5 * (w @ (f - y[:, None]) ** 2)))


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_on_the_line_nothing_is_above_the_proven_bound(seed):
    problem, brute = line(seed)
    low, up = brackets(*problem)
    # rounding of sums of n numbers of size delta^2
    assert max(brute, low) <= up * (1 + 1e-9) + 1e-12


def test_on_the_line_the_ascent_finds_the_supremum():
    # An ascent may end at a local maximum that is not the largest: not a law, so on fixed examples. A grid's spacing
    # is delta / 50.
    for seed in range(30):
        problem, brute = line(seed)
        assert brackets(*problem)[0] >= 0.99 * brute


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6))
def test_no_pair_of_atoms_is_above_the_largest(seed):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(1, 8)), int(rng.integers(1, 4))
    X, w = rng.standard_normal((n, d)), weights(rng, n)
    U = rng.standard_normal((d, 200))
    atoms = np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0)
    assert np.max(np.abs(atoms.T @ (w[:, None] * atoms))) <= largest_pair(X, w, enumerate_patterns(X))


def test_a_mixture_of_atoms_can_be_the_worst():
    # W = diag(-1, 1) / 2 and atoms on the axes: single atoms have f^T W f = +-delta^2 / 2 with the linear term alone
    # on one of them; what the ascent finds must be no less than either, and than their best mixture
    X, w, y = np.eye(2), np.array([-0.5, 0.5]), np.array([3.0, -1.0])
    low, up = brackets(X, w, y, 2.0)
    mixtures = [
        deviation(w, np.array([s * t, -r * (2 - t)]), y)
        for t in np.linspace(0, 2, 21)
        for s in (-1, 1)
        for r in (-1, 1)
    ]
    assert max(np.abs(mixtures)) <= low + 1e-9
    assert low <= up


def population(seed, most=9):
    """Return inputs of one or two features, targets, a sample of rows, a network and the radius of a ball."""
    rng = np.random.default_rng(seed)
    N, d = int(rng.integers(2, most)), int(rng.integers(1, 3))
    X = rng.standard_normal((N, d)) + rng.integers(0, 2) * 3.0
    y = rng.standard_normal(N) * 10.0 ** rng.integers(-2, 2)
    network = ReLUNetwork(rng.standard_normal((d, 3)), 0.3 * rng.standard_normal(3))
    return (
        X,
        y,
        rng.integers(0, N, int(rng.integers(1, N + 1))),
        network,
        network.path_norm * rng.uniform(1, 2),
    )


@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_the_inequality_holds(seed):
    errors = error_decomposition(*population(seed))
    assert errors.comparison.holds
    assert errors.proven.holds
    assert errors.estimation_lower <= errors.estimation_upper * (1 + 1e-9)
    # infima of least squares are rounded to 1e-12 of the targets' squares, here below 1e3
    assert min(errors.approximation, errors.optimisation, errors.excess_risk) >= -1e-9


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_the_proven_supremum_is_above_random_members_of_the_ball(seed):
    X, y, sample, network, delta = population(seed)
    errors = error_decomposition(X, y, sample, network, delta)
    rng = np.random.default_rng(seed)
    for _ in range(50):
        U = rng.standard_normal((X.shape[1], 2))
        a = rng.standard_normal(2)
        a *= delta / np.sum(np.abs(a) * np.linalg.norm(U, axis=0))
        losses = 0.5 * (ReLUNetwork(U, a).predict(X) - y) ** 2
        assert abs(np.mean(losses[sample]) - np.mean(losses)) <= errors.estimation_upper * (1 + 1e-9)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
def test_equality_where_the_sample_is_the_population(seed):
    X, y, _, network, delta = population(seed)
    errors = error_decomposition(X, y, np.arange(len(y)), network, delta)
    assert errors.estimation_upper <= 1e-12 * np.sum(y**2 + delta**2 * np.sum(X**2, axis=1))
    assert errors.excess_risk == pytest.approx(errors.approximation + errors.optimisation, rel=1e-6, abs=1e-9)


def test_planted_fault_a_term_left_out():
    X, y = np.array([[1.0], [-1.0]]), np.array([2.0, 1.0])
    errors = error_decomposition(X, y, [0, 1], ReLUNetwork([[1.0]], [-1.0]), 1.0)
    # by hand: best of the ball f = (1, 0): J = (1 + 1)/4; the network's f = (-1, 0): J = (9 + 1)/4; of all, 0
    assert errors.approximation == pytest.approx(0.5)
    assert errors.optimisation == pytest.approx(2.0)
    assert errors.excess_risk > errors.approximation + 2 * errors.estimation_upper
    assert errors.excess_risk > errors.optimisation + 2 * errors.estimation_upper


def test_planted_fault_one_supremum_instead_of_two():
    # Twenty points at 1, of targets +-1 with mean -0.7; a sample of mean 0.2. In the ball |f| <= 0.1 the sample's best
    # is f = 0.1, the population's -0.1: J differs by 0.1 * 2 * 0.7, and sup |J_n - J| = 0.1 * 0.9.
    y = np.repeat([-1.0, 1.0], [17, 3])
    errors = error_decomposition(np.ones((20, 1)), y, [0, 1, 17, 18, 19], ReLUNetwork([[1.0]], [0.1]), 0.1)
    assert errors.estimation_lower == pytest.approx(0.09)
    assert errors.estimation_upper == pytest.approx(0.09)
    assert errors.optimisation == pytest.approx(0.0, abs=1e-9)
    assert errors.excess_risk - errors.approximation == pytest.approx(0.14)
    assert errors.excess_risk > errors.approximation + errors.estimation_upper + errors.optimisation
    assert errors.proven.holds


def test_the_form_of_the_network_does_not_matter():
    X, y, sample, network, delta = population(4)
    unit = error_decomposition(X, y, sample, unit_norm_form(network), delta)
    assert vars(unit) == vars(error_decomposition(X, y, sample, network, delta))


def test_hypotheses_are_named():
    X, y = np.eye(2), np.ones(2)
    with pytest.raises(HypothesisError, match="network must be in the ball of radius 1; its path norm is 2"):
        error_decomposition(X, y, [0], ReLUNetwork([[2.0], [0.0]], [1.0]), 1.0)
    many = np.random.default_rng(0).standard_normal((30, 4))
    with pytest.raises(HypothesisError, match="patterns must be few enough"):
        error_decomposition(many, np.ones(30), [0], ReLUNetwork(np.zeros((4, 0)), []), 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [1.0]}, "y must have one entry for each of the 2 rows of X; got 1"),
        ({"sample": []}, "sample must be a non-empty list of row numbers"),
        ({"sample": [0.5]}, "sample must be a non-empty list of row numbers"),
        ({"sample": [2]}, "sample must hold rows 0 to 1; found 2 to 2"),
        ({"delta": 0.0}, "delta must be a finite number > 0"),
        ({"network": ReLUNetwork([[1.0]], [1.0])}, "network must be of ReLUs on 2 features"),
        ({"network": UnitNetwork([[1.0], [0.0]], [1.0], 0)}, "network must be of ReLUs on 2 features"),
        ({"network": ReLUNetwork([[1.0], [0.0]], [1.0], offset=1.0)}, "network must have no offset"),
        ({"network": [1.0]}, "network must be a ReLUNetwork or UnitNetwork"),
    ],
)
def test_bad_input_is_named(change, message):
    network = ReLUNetwork([[1.0], [0.0]], [1.0])
    arguments = {"X": np.eye(2), "y": [1.0, 2.0], "sample": [0], "network": network, "delta": 1.0}
    with pytest.raises(ValueError, match=message):
        error_decomposition(**{**arguments, **change})


def test_the_time_limit_leaves_true_and_blunter_errors():
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((7, 2)), rng.standard_normal(7)
    network = ReLUNetwork(rng.standard_normal((2, 2)), [0.4, -0.3])
    settings = (X, y, [0, 2, 2, 5], network, 3.0)
    whole, cut = error_decomposition(*settings), error_decomposition(*settings, max_seconds=0.0)
    assert whole.status is not SolveStatus.MAX_SECONDS
    assert cut.status is SolveStatus.MAX_SECONDS
    slack = 1e-9
    assert cut.excess_risk == whole.excess_risk
    assert cut.approximation >= whole.approximation - slack
    assert cut.optimisation >= whole.optimisation - slack
    assert 0.0 < cut.estimation_lower <= whole.estimation_lower + slack
    assert cut.estimation_upper >= whole.estimation_upper - slack
    assert cut.comparison.holds
    assert cut.proven.holds


def test_pairs_of_wide_data_are_those_of_their_span():
    """At d = 400 matrices of pairs of d x d would take 20 GB."""
    rng = np.random.default_rng(4)
    narrow, turn = rng.standard_normal((4, 4)), np.linalg.qr(rng.standard_normal((400, 4)))[0].T
    w = np.array([0.5, -0.25, -0.5, 0.25])
    pairs = [largest_pair(X, w, enumerate_patterns(narrow)) for X in (narrow, narrow @ turn)]
    assert pairs[1] == pytest.approx(pairs[0], rel=1e-9)
