"""KKT points of max margin over networks: multipliers with Clarke's choice at ties, and which points are global."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork, enumerate_patterns
from cvxnn.margin.columns import basic_network, solve_blocks
from cvxnn.margin.dual_constraint import DualConstraint
from cvxnn.margin.kkt_points import kkt
from cvxnn.margin.widest import max_margin
from cvxnn.programs import MaxMarginProgram
from cvxnn.theorems import HypothesisError

from .labelled import random_data

seeds = st.integers(0, 2**32 - 1)
shapes = st.sampled_from([(4, 2), (6, 2), (6, 3)])
# One optimum in some hundred is left as the interior-point method has it, with a residual of its 1e-6.
TOL = 1e-5


@settings(max_examples=20)
@given(seed=seeds, shape=shapes)
def test_the_optimum_is_a_global_kkt_point(seed, shape):
    """And stays one when neurons are split, permuted and all are scaled."""
    X, y = random_data(seed, *shape)
    best = max_margin(X, y)
    rng = np.random.default_rng(seed)
    network = best.network
    share = np.sqrt(rng.uniform(0.2, 0.8, network.n_neurons))
    hidden = np.hstack([network.hidden * share, network.hidden * np.sqrt(1 - share**2)])
    output = np.concatenate([network.output * share, network.output * np.sqrt(1 - share**2)])
    order, factor = rng.permutation(len(output)), rng.uniform(0.1, 10)
    point = kkt(X, y, ReLUNetwork(factor * hidden[:, order], factor * output[order]), tol=TOL)
    assert point.is_kkt
    assert point.is_global
    assert point.value == pytest.approx(best.value, rel=1e-7)
    assert point.lower_bound <= best.value * (1 + 1e-9)
    assert abs(point.relative_gap) <= 1e-5


def one_neuron_each(seed):
    """Rows at obtuse angles, some of one class, and a neuron for each: stationary, as each is off at the others."""
    rng = np.random.default_rng(seed)
    simplex = np.eye(4) - 0.25
    turn, _ = np.linalg.qr(rng.standard_normal((4, 4)))
    X = rng.uniform(0.5, 2.0, (4, 1)) * ((simplex + 0.05 * rng.standard_normal((4, 4))) @ turn)
    y, norms = rng.choice([-1.0, 1.0], 4), np.linalg.norm(X, axis=1)
    return X, y, ReLUNetwork((X / norms[:, None] ** 1.5).T, y / np.sqrt(norms))


def optimum_of_few_patterns(seed):
    """The optimum over half of the patterns; often not stationary, as its cones bind where kinks are convex."""
    X, y = random_data(seed, 5, 2)
    rng = np.random.default_rng(seed)
    masks = np.asarray(enumerate_patterns(X))
    kept = rng.choice(masks.shape[1], 5, replace=False)
    return X, y, basic_network(solve_blocks(MaxMarginProgram(X, y, masks[:, kept])))[0]


def stationary_points(n_draws):
    """KKT points that were not chosen for being optimal, with their data."""
    for seed in range(n_draws):
        for make in (one_neuron_each, optimum_of_few_patterns):
            try:
                X, y, network = make(seed)
            except ArithmeticError:
                continue  # these patterns do not separate the data
            point = kkt(X, y, network, tol=TOL)
            if point.is_kkt:
                yield X, y, point


@pytest.mark.parametrize("n_draws", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_global_exactly_if_a_multiplier_is_dual_feasible(n_draws):
    """Both sides of the correspondence: at least 20 of either in the long run."""
    n_global = n_other = 0
    for X, y, point in stationary_points(n_draws):
        best = max_margin(X, y).value
        # Values further apart than the tolerances of both sides; none of these points falls between.
        is_optimal = point.value <= best * (1 + 1e-5)
        assert point.is_global == is_optimal
        assert point.lower_bound <= best * (1 + 1e-9)
        if not is_optimal:
            assert point.dual_norm.value > 1 + 1e-3
        n_global += is_optimal
        n_other += not is_optimal
    assert n_global >= n_draws // 5
    assert n_other >= n_draws // 5


def test_one_multiplier_of_many():
    """Three tight rows on a line, one neuron: ``lam = (t, 1 - 2t, t)``, of which only small t are dual feasible."""
    X, y = np.array([[1.0, -3.0], [1.0, 0.0], [1.0, 3.0]]), np.ones(3)
    network = ReLUNetwork([[1.0], [0.0]], [1.0])
    point = kkt(X, y, network)
    assert point.is_global
    assert point.value == pytest.approx(1.0)
    # Planted fault: to judge by any one multiplier.
    other = DualConstraint(X).evaluate(np.array([0.4, 0.2, 0.4]))
    assert other.value > 1.1


@pytest.mark.parametrize("gate", [0.0, 1.0])
def test_a_wrong_gate_at_a_tie_leaves_a_residual(gate):
    """A neuron held on a kink by a sample of the other class. Planted faults: a tie is active; a tie is not."""
    X, y, point = next((X, y, p) for X, y, p in stationary_points(60) if np.any(between(p.gates)))
    network = point.network
    gates = np.where(between(point.gates), gate, point.gates)

    def left(gates):
        pull = X.T @ ((y * point.multipliers)[:, None] * gates)
        return np.linalg.norm(network.hidden - network.output * pull) / np.linalg.norm(network.hidden)

    assert left(point.gates) <= 1e-6
    assert left(gates) > 1e-3


def test_the_tolerance_of_kinks_is_that_of_margins_unless_it_is_given():
    """Kinks left by 1e-8: to a kink_tol below, samples there are active or not, and the stationary point is lost."""
    X, y, point = next((X, y, p) for X, y, p in stationary_points(60) if np.any(between(p.gates)))
    sample, neuron = np.argwhere(between(point.gates))[0]
    hidden = np.array(point.network.hidden)
    hidden[:, neuron] += 1e-8 * X[sample]
    moved = ReLUNetwork(hidden, point.network.output)
    near, off = (kkt(X, y, moved, tol=TOL, kink_tol=k) for k in (None, 1e-10))
    assert near.is_kkt
    assert between(near.gates[sample, neuron])
    assert not off.is_kkt
    assert off.gates[sample, neuron] == 1.0


def between(gates):
    """Return where a Clarke multiplier is neither of its ends."""
    return (gates > 0.1) & (gates < 0.9)


@settings(max_examples=8)
@given(seed=seeds)
def test_what_is_not_stationary(seed):
    X, y = random_data(seed, 6, 3)
    best, rng = max_margin(X, y).network, np.random.default_rng(seed)
    moved = ReLUNetwork(best.hidden + 0.05 * rng.standard_normal(best.hidden.shape), best.output)
    with suppress(HypothesisError):  # it may no longer separate the data
        assert not kkt(X, y, moved).is_kkt
    assert not kkt(X, y, ReLUNetwork(2.0 * best.hidden, 0.5 * best.output)).is_kkt  # not balanced


def test_what_is_refused():
    X, y = np.eye(2), np.array([1.0, -1.0])
    with pytest.raises(HypothesisError, match="sample 1 has the margin 0"):
        kkt(X, y, ReLUNetwork([[1.0], [0.0]], [1.0]))
    with pytest.raises(ValueError, match="network must have 2 features"):
        kkt(X, y, ReLUNetwork([[1.0]], [1.0]))
    with pytest.raises(ValueError, match="no output offset"):
        kkt(X, y, ReLUNetwork([[1.0], [0.0]], [1.0], [0.5]))
    with pytest.raises(ValueError, match="tol must be"):
        kkt(X, y, ReLUNetwork(np.eye(2), [1.0, -1.0]), tol=0.0)
