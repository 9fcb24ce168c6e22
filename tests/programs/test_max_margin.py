"""The max-margin program: its maps, its cones, weak duality, and CVXPY's answer."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ActivationPatterns, Problem, ReLUNetwork, ReLUProgram, enumerate_patterns
from cvxnn.programs import MaxMarginProgram
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)
TIGHT = {"solver": cp.CLARABEL, "tol_gap_abs": 1e-10, "tol_gap_rel": 1e-10, "tol_feas": 1e-10}


def sample(seed, n=6, d=2):
    """All patterns of random data with random labels, and a generator."""
    rng = np.random.default_rng(seed)
    X = samplers.general_position(rng, n, d)
    return MaxMarginProgram(X, rng.choice([-1.0, 1.0], n), enumerate_patterns(X)), rng


@given(seed=seeds)
def test_margins_and_adjoint(seed):
    """``sum_i lam_i margin_i(W) = <adjoint(lam), W>``, to rounding of sums of n d terms."""
    program, rng = sample(seed)
    W, lam = rng.standard_normal((2, program.n_blocks)), rng.random(6)
    products = np.sum(program.adjoint(lam) * W)
    np.testing.assert_allclose(
        lam @ program.margins(W), products, rtol=1e-12, atol=1e-12 * program.objective(W)
    )


@given(seed=seeds)
def test_weak_duality_at_any_point(seed):
    """Blocks in their cones, scaled to a smallest margin of one, cost at least any multipliers' bound."""
    program, rng = sample(seed)
    W = program.project(rng.standard_normal((2, program.n_blocks)))
    smallest = np.min(program.margins(W))
    lam = rng.random(6)
    if smallest > 0:
        assert program.dual_bound(lam) <= program.objective(W) / smallest * (1 + 1e-12)
    assert program.violation(W) <= 1e-12


@given(seed=seeds)
def test_blocks_to_network_and_back(seed):
    program, rng = sample(seed)
    W = program.project(rng.standard_normal((2, program.n_blocks)))
    network = program.to_network(W)
    np.testing.assert_allclose(program.y * network.predict(program.X), program.margins(W), atol=1e-12)
    assert network.weight_decay == pytest.approx(program.objective(W), rel=1e-12)
    loose = ReLUNetwork(2.0 * network.hidden, 0.5 * network.output)
    assert program.objective(program.to_blocks(loose)) <= network.weight_decay * (1 + 1e-12)


@settings(max_examples=20)
@given(seed=seeds)
def test_strong_duality_of_the_statement(seed):
    """The dual value of the margins is feasible and its sum is the optimum, to the interior point's 1e-10."""
    program, _ = sample(seed)
    statement = program.to_cvxpy()
    value = statement.problem.solve(**TIGHT)
    lam = np.maximum(statement.fit.dual_value, 0.0)
    assert program.dual_norm(lam) <= 1 + 1e-7
    assert program.dual_bound(lam) == pytest.approx(value, rel=1e-7)
    assert np.min(program.margins(statement.blocks.value)) >= 1 - 1e-7


@settings(max_examples=10)
@given(seed=seeds)
def test_a_price_above_the_multipliers_changes_nothing_and_the_hinge_loss_agrees(seed):
    """An exact penalty: from ``max lam`` on; ``beta <= 1 / max lam`` for the hinge loss, whose sum is then zero."""
    program, _ = sample(seed)
    statement = program.to_cvxpy()
    value, price = statement.problem.solve(**TIGHT), 2.0 * float(np.max(statement.fit.dual_value))
    assert program.to_cvxpy(price).problem.solve(**TIGHT) == pytest.approx(value, rel=1e-6)
    hinge = ReLUProgram(Problem(program.X, program.y, 1.0 / price, "hinge"), program.masks, program.signs)
    assert price * hinge.to_cvxpy().problem.solve(**TIGHT) == pytest.approx(value, rel=1e-5)
    # Planted fault: a price below the largest multiplier buys margins.
    assert program.to_cvxpy(0.25 * price).problem.solve(**TIGHT) < value * (1 - 1e-6)


def test_the_other_sign_convention():
    """``max y^T lambda`` with ``y lambda >= 0``: the same number, for ``lambda = y lam``."""
    program, _ = sample(3)
    statement = program.to_cvxpy()
    value, lam = statement.problem.solve(**TIGHT), statement.fit.dual_value
    theirs = program.y * lam
    assert program.y @ theirs == pytest.approx(value, rel=1e-7)
    adjoint = program.signs * (program.X.T @ (program.masks * theirs[:, None]))
    np.testing.assert_allclose(adjoint, program.adjoint(lam), atol=1e-12 * np.max(lam))


def test_what_is_refused():
    X, y = np.eye(2), [1.0, -1.0]
    patterns = ActivationPatterns.from_gates(X, [[1.0], [1.0]])
    with pytest.raises(ValueError, match="y must hold -1 and \\+1 only"):
        MaxMarginProgram(X, [0.0, 1.0], patterns)
    with pytest.raises(ValueError, match="y must have one output"):
        MaxMarginProgram(X, np.eye(2) * 2 - 1, patterns)
    with pytest.raises(ValueError, match="patterns must have shape"):
        MaxMarginProgram(X, y, np.ones((3, 1)))
    with pytest.raises(ValueError, match="price must be"):
        MaxMarginProgram(X, y, patterns).to_cvxpy(-1.0)
    with pytest.raises(ValueError, match="lam must have shape"):
        MaxMarginProgram(X, y, patterns).dual_bound(np.array([-1.0, 1.0]))


def test_how_it_prints():
    assert repr(MaxMarginProgram(np.eye(2), [1.0, -1.0], np.eye(2))) == "MaxMarginProgram(n=2, d=2, blocks=4)"
