"""The gated program of several outputs: laws of programs, maps to networks, relations between norms."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ActivationPatterns, GatedReLUNetwork, GatedReLUProgram, Problem, solve
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)
norms = pytest.mark.parametrize("norm", ["l2", "l1"])
offsets = pytest.mark.parametrize("offset", [False, True], ids=["no offset", "offset"])


def sample(seed=0, norm="l2", *, n=9, d=3, C=2, G=5, offset=False, beta=0.5, sampler=samplers.off_origin):
    rng = np.random.default_rng(seed)
    X, y = sampler(rng, n, d), rng.standard_normal((n, C)) + 0.5
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, G)))
    problem = Problem(X, y, beta, output_offset=offset, output_norm=norm)
    return GatedReLUProgram(problem, patterns), rng


def blocks(program, rng):
    return samplers.blocks(rng, program.problem.n_features, program.n_blocks)


@norms
@given(seed=seeds, C=st.integers(2, 4), d=st.integers(1, 4))
def test_adjoint_images_and_scaled_predictions(norm, seed, C, d):
    plain, rng = sample(seed, norm, C=C, d=d, sampler=samplers.gaussian)
    n = plain.problem.n_samples
    for roots in (None, rng.standard_normal((n, C)), rng.standard_normal((n, C, C))):
        program = plain.with_problem(plain.problem, roots)
        W, lam = rng.standard_normal((d, program.n_blocks)), rng.standard_normal((n, C))
        left, right = np.vdot(program.forward(W), lam), np.vdot(W, program.adjoint(lam))
        # Rounding of some hundred products of numbers of size one to ten.
        assert left == pytest.approx(right, abs=1e-11)
        images = program.images(np.arange(program.n_blocks), W)
        assert images.shape == (n, C, program.n_blocks)
        np.testing.assert_allclose(images.sum(axis=2), program.forward(W), rtol=0, atol=1e-11)


def test_predictions_are_those_of_the_formula():
    program, rng = sample(C=3)
    Z = rng.standard_normal((program.n_gates, 3, 3))
    W = Z.transpose(1, 0, 2).reshape(3, -1)
    X, masks = program.problem.X, program.masks
    expected = sum(masks[:, b, None] * (X @ Z[b]) for b in range(program.n_gates))
    np.testing.assert_allclose(program.forward(W), expected, rtol=0, atol=1e-12)
    nuclear = sum(np.sum(np.linalg.svd(z, compute_uv=False)) for z in Z)
    assert program.penalty(W) == pytest.approx(0.5 * nuclear, rel=1e-13)


@norms
@given(seed=seeds, step=st.sampled_from([1e-3, 0.3, 3.0]))
@settings(max_examples=10)
def test_the_prox_minimises_its_subproblem(norm, seed, step):
    program, rng = sample(seed, norm)
    V = 3.0 * rng.standard_normal((3, program.n_blocks))
    best = program.prox(V, step)

    def value(W):
        return 0.5 / step * float(np.sum((W - V) ** 2)) + program.penalty(W)

    for size in (1e-3, 0.1, 1.0):
        other = best + size * rng.standard_normal(V.shape)
        # Strong convexity of modulus 1 / step.
        assert value(other) >= value(best) + 0.5 / step * np.sum((other - best) ** 2) - 1e-10 * value(best)


@norms
@offsets
@given(seed=seeds)
@settings(max_examples=10)
def test_weak_duality_and_the_critical_beta(norm, offset, seed):
    program, rng = sample(seed, norm, offset=offset)
    W = blocks(program, rng)
    for lam in (program.target, rng.standard_normal(program.target.shape), program.dual_variable(W)):
        for scale in (1e-3, 1.0, 1e3):
            bound = program.dual_bound(scale * lam)
            assert 0.0 <= bound <= program.objective(np.zeros_like(W)) * (1 + 1e-12)
            assert bound <= program.objective(W) * (1 + 1e-12)
        G = program.adjoint(lam).reshape(3, program.n_gates, 2)
        exact = [
            np.linalg.norm(g, 2) if norm == "l2" else np.max(np.linalg.norm(g, axis=0))
            for g in np.moveaxis(G, 1, 0)
        ]
        assert program.critical_beta(lam) == pytest.approx(max(exact), rel=1e-12)
    zero = np.zeros_like(W)
    lam = program.dual_variable(zero)
    critical = program.critical_beta(lam)
    above, below = program.with_beta(1.001 * critical), program.with_beta(0.99 * critical)
    assert above.dual_bound(lam) == pytest.approx(above.objective(zero), rel=1e-12)
    assert solve(below, tol=1e-9).objective < below.objective(zero)


@norms
@offsets
@given(seed=seeds, d=st.integers(1, 4))
@settings(max_examples=10)
def test_blocks_to_network_and_back_keep_the_objective(norm, offset, seed, d):
    program, rng = sample(seed, norm, d=d, C=3, offset=offset, sampler=samplers.gaussian)
    W = rng.standard_normal((d, program.n_blocks))
    W[:, 3:6] = 0.0
    network = program.to_network(W)
    expected = program.objective(W)
    assert network.n_neurons <= program.n_gates * (min(d, 3) if norm == "l2" else 3)
    assert program.problem.objective(network) == pytest.approx(expected, rel=1e-12)
    back = program.to_blocks(network)
    np.testing.assert_allclose(back, W, rtol=0, atol=1e-12)
    if norm == "l1":
        assert np.all(np.count_nonzero(network.output, axis=1) == 1)


def test_an_unbalanced_network_costs_no_less_than_its_blocks():
    program, rng = sample(C=3)
    gates = program.patterns.gates[:, [0, 0, 1, 2]]
    network = GatedReLUNetwork(gates, rng.standard_normal((3, 4)), rng.standard_normal((4, 3)))
    assert program.objective(program.to_blocks(network)) <= program.problem.objective(network)
    other = GatedReLUNetwork(-gates, network.hidden, network.output)
    with pytest.raises(ValueError, match="network must keep to the program's patterns; gate 0"):
        GatedReLUProgram(program.problem, program.patterns[:1]).to_blocks(other)


def test_a_part_has_the_gates_asked_for_in_their_order():
    program, rng = sample(sampler=samplers.gaussian)
    part = program.restrict(np.array([3, 0]))
    W = rng.standard_normal((3, 4))
    whole = np.zeros((3, program.n_blocks))
    whole[:, 6:8], whole[:, 0:2] = W[:, :2], W[:, 2:]
    assert part.objective(W) == pytest.approx(program.objective(whole), rel=1e-13)
    assert np.array_equal(part.patterns.gates, program.patterns.gates[:, [3, 0]])


@offsets
def test_the_statement_is_the_program(offset):
    for norm in ("l2", "l1"):
        program, _ = sample(norm=norm, offset=offset)
        statement = program.to_cvxpy()
        statement.problem.solve(solver=cp.CLARABEL)
        found = program.objective(statement.blocks.value)
        assert found == pytest.approx(statement.problem.value, rel=1e-6)  # Clarabel's default gap is 1e-8
        lam = statement.fit.dual_value
        assert program.dual_bound(lam) == pytest.approx(found, rel=1e-5)


def test_norms_of_output_weights_are_ordered():
    """||Z||_* <= sum of column norms <= sqrt(C) ||Z||_*, so optima are ordered too."""
    nuclear, columns = (solve(sample(norm=norm)[0], tol=1e-8).objective for norm in ("l2", "l1"))
    stronger = solve(sample(norm="l2", beta=0.5 * np.sqrt(2.0))[0], tol=1e-8).objective
    assert nuclear <= columns * (1 + 1e-8)
    assert columns <= stronger * (1 + 1e-8)


def test_outputs_of_the_per_class_variant_decouple():
    program, _ = sample(norm="l1", C=3)
    problem = program.problem
    alone = [
        solve(
            GatedReLUProgram(Problem(problem.X, column, problem.beta), program.patterns), tol=1e-9
        ).objective
        for column in problem.y.T
    ]
    assert solve(program, tol=1e-9).objective == pytest.approx(sum(alone), rel=1e-8)


def test_orthonormal_data_have_a_closed_form():
    """One gate that is always on and X^T X = I: singular values of X^T y, shrunk."""
    rng = np.random.default_rng(2)
    X = np.linalg.qr(rng.standard_normal((6, 3))).Q
    X *= np.sign(X @ np.ones(3))[:, None]  # the gate (1, 1, 1) is on everywhere; X^T X stays I
    y = rng.standard_normal((6, 2))
    program = GatedReLUProgram(Problem(X, y, 0.4), ActivationPatterns.from_gates(X, np.ones((3, 1))))
    assert np.all(program.masks)
    values = np.linalg.svd(X.T @ y, compute_uv=False)
    inside = 0.5 * np.minimum(values, 0.4) ** 2 + 0.4 * np.maximum(values - 0.4, 0.0)
    outside = 0.5 * (np.sum(y**2) - np.sum(values**2))
    assert solve(program, tol=1e-10).objective == pytest.approx(np.sum(inside) + outside, rel=1e-9)


def test_an_array_of_patterns_and_another_weight_decay():
    program, _ = sample()
    found = GatedReLUProgram(program.problem, program.masks)
    np.testing.assert_array_equal(found.patterns.columns(), program.masks)
    with pytest.raises(ValueError, match="beta must be"):
        program.with_beta(0.0)
