"""The gated program: one block for a gate, parts of it, other weight decays, any number of outputs."""

from __future__ import annotations

import numpy as np
import pytest

import cvxnn.programs
from cvxnn import (
    ActivationPatterns,
    GatedReLUNetwork,
    GatedReLUProgram,
    Problem,
    ReLUProgram,
    activation_patterns,
    solve,
)
from cvxnn.testing import samplers


def sample(n=12, d=3, P=9, beta=0.3):
    rng = np.random.default_rng(6)
    X = samplers.off_origin(rng, n, d)
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, P)))
    return GatedReLUProgram(Problem(X, rng.standard_normal(n), beta), patterns), rng


def test_signs_are_in_the_blocks_so_that_a_gate_has_one():
    program, rng = sample()
    assert program.n_blocks == len(program.patterns)
    assert ReLUProgram(program.problem, program.patterns).n_blocks == 2 * len(program.patterns)
    W = rng.standard_normal((3, program.n_blocks))
    np.testing.assert_allclose(program.forward(-W), -program.forward(W), rtol=0, atol=1e-13)
    # An optimum of this problem uses both signs: negated targets negate it.
    negated = GatedReLUProgram(Problem(program.problem.X, -program.problem.y, 0.3), program.patterns)
    ours, theirs = solve(program, tol=1e-9), solve(negated, tol=1e-9)
    assert ours.objective == pytest.approx(theirs.objective, rel=2e-9)


def test_masks_are_the_patterns():
    program, _ = sample()
    assert np.array_equal(program.masks, np.asarray(program.patterns))


def test_a_part_has_the_gates_asked_for_in_their_order():
    program, rng = sample()
    blocks = np.array([3, 0, 2])
    part = program.restrict(blocks)
    assert np.array_equal(part.masks, program.masks[:, blocks])
    assert np.array_equal(part.patterns.gates, program.patterns.gates[:, blocks])
    direct = GatedReLUProgram(program.problem, program.patterns[blocks])
    W = rng.standard_normal((3, 3))
    assert part.objective(W) == direct.objective(W)
    assert part.to_network(W).predict(program.problem.X) == pytest.approx(direct.forward(W))


def test_with_another_weight_decay_only_the_penalty_changes():
    program, rng = sample()
    other = program.with_beta(0.6)
    W = rng.standard_normal((3, program.n_blocks))
    assert other.problem.beta == 0.6
    assert program.problem.beta == 0.3
    assert other.penalty(W) == pytest.approx(2 * program.penalty(W), rel=1e-14)
    assert np.array_equal(other.forward(W), program.forward(W))
    with pytest.raises(ValueError, match="beta must be"):
        program.with_beta(0.0)


def test_thousands_of_patterns_are_solved():
    """The size of program that an interior-point method takes minutes for; the judge is the proven gap."""
    rng = np.random.default_rng(9)
    X = samplers.with_bias_column(rng, 60, 6)
    y = np.maximum(X @ rng.standard_normal((6, 3)), 0) @ rng.standard_normal(3)
    program = GatedReLUProgram(
        Problem(X, y, 0.1), ActivationPatterns.from_gates(X, rng.standard_normal((6, 3000)))
    )
    solution = solve(program, tol=1e-8)
    assert solution.certificate.proven
    assert "working set" in solution.certificate.method


def test_an_array_of_patterns_gets_gates_that_show_it():
    program, rng = sample()
    found = GatedReLUProgram(program.problem, program.masks)
    np.testing.assert_array_equal(found.masks, program.masks)
    np.testing.assert_array_equal(activation_patterns(program.problem.X, found.patterns.gates), program.masks)
    W = rng.standard_normal((program.problem.n_features, program.n_blocks))
    # One neuron a gate, whatever the gate: the same function on X, and the same objective.
    assert found.objective(W) == program.objective(W)
    assert program.problem.objective(found.to_network(W)) == pytest.approx(program.objective(W), rel=1e-12)


@pytest.mark.parametrize("shape", [(12,), (12, 1), (12, 3)], ids=str)
def test_one_class_serves_every_shape_of_targets(shape):
    plain, rng = sample()
    problem = Problem(plain.problem.X, rng.standard_normal(shape), 0.3)
    program = GatedReLUProgram(problem, plain.patterns)
    C = problem.n_outputs
    assert (program.n_gates, program.n_outputs, program.n_blocks) == (
        len(plain.patterns),
        C,
        C * len(plain.patterns),
    )
    assert program.target.shape == ((12,) if C == 1 else (12, C))
    W = rng.standard_normal((3, program.n_blocks))
    assert program.forward(W).shape == program.target.shape
    network = program.to_network(W)
    assert network.output.shape[1:] == shape[1:]
    assert problem.objective(network) == pytest.approx(program.objective(W), rel=1e-12)
    np.testing.assert_allclose(program.to_blocks(network), W, rtol=0, atol=1e-13)
    solution = solve(program, tol=1e-8)
    assert solution.certificate.proven
    assert problem.objective(solution.network) == pytest.approx(solution.objective, rel=1e-10)


def test_a_column_is_solved_as_a_vector():
    program, _ = sample()
    column = GatedReLUProgram(program.problem.with_targets(program.problem.y[:, None]), program.patterns)
    ours, theirs = solve(column), solve(program)
    assert np.array_equal(ours.blocks, theirs.blocks)
    assert ours.objective == theirs.objective
    assert np.array_equal(ours.network.output[:, 0], theirs.network.output)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_an_output_without_targets_leaves_the_program_of_the_other(norm):
    """Targets (y, 0): rank one in the second output can only cost, so the optimum is that of y alone."""
    program, _ = sample()
    targets = np.column_stack([program.problem.y, np.zeros(12)])
    two = GatedReLUProgram(Problem(program.problem.X, targets, 0.3, output_norm=norm), program.patterns)
    alone = solve(program, tol=1e-9).objective
    assert solve(two, tol=1e-9).objective == pytest.approx(alone, rel=2e-9)
    # Blocks of the one are blocks of the other.
    blocks = solve(program).blocks
    wide = np.zeros((3, two.n_blocks))
    wide[:, ::2] = blocks
    assert two.penalty(wide) == pytest.approx(program.penalty(blocks), rel=1e-12)
    assert two.objective(wide) == pytest.approx(program.objective(blocks), rel=1e-12)


def test_networks_and_factors_that_do_not_fit_are_named():
    program, rng = sample()
    gates = program.patterns.gates
    pair = GatedReLUNetwork(gates, gates, rng.standard_normal((gates.shape[1], 2)))
    with pytest.raises(ValueError, match="network must have as many outputs as y, 1; got 2"):
        program.to_blocks(pair)
    with pytest.raises(ValueError, match=r"roots must be None for one output: .* got shape \(12, 1\)"):
        program.with_problem(program.problem, np.ones((12, 1)))
    with pytest.raises(ValueError, match="problem must be a Problem; got ndarray"):
        GatedReLUProgram(program.problem.X, program.patterns)


@pytest.mark.parametrize("name", ["GatedOutputsProgram", "gated_program"])
def test_old_names_mean_the_one_class(name):
    with pytest.warns(DeprecationWarning, match=f"{name} is now called GatedReLUProgram"):
        assert getattr(cvxnn.programs, name) is GatedReLUProgram
