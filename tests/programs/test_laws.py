"""Every convex program of the package obeys the laws of programs, on every kind of data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ActivationPatterns, GatedReLUNetwork, GatedReLUProgram, Problem, ReLUNetwork, ReLUProgram
from cvxnn.programs import ConvexProgram
from cvxnn.testing import (
    check_adjoint,
    check_blocks_to_network,
    check_critical_beta,
    check_dual_scaling,
    check_free_directions,
    check_images,
    check_network_to_blocks,
    check_projection,
    check_prox,
    check_prox_by_cvxpy,
    check_weak_duality,
    members,
    samplers,
)

seeds = st.integers(0, 2**32 - 1)
ONE_OUTPUT = [GatedReLUProgram, ReLUProgram]
every_program = pytest.mark.parametrize("kind", ONE_OUTPUT, ids=lambda kind: kind.__name__)
every_sampler = pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
shapes = st.tuples(st.integers(1, 9), st.integers(1, 4))


def sample(seed, sampler, shape, kind, beta=None, output_offset=None):
    """A program with a few random patterns of random data, and a generator."""
    rng = np.random.default_rng(seed)
    X = sampler(rng, *shape) if shape[1] > 1 or sampler is not samplers.with_bias_column else np.ones(shape)
    y = 10.0 ** rng.integers(-8, 9) * (rng.standard_normal(shape[0]) + rng.integers(-2, 3))
    beta = 10.0 ** rng.uniform(-3, 1) if beta is None else beta
    offset = bool(rng.integers(2)) if output_offset is None else output_offset
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((shape[1], 6)))
    return kind(Problem(X, y, beta, output_offset=offset), patterns), rng


def blocks(program, rng):
    return samplers.blocks(rng, program.problem.n_features, program.n_blocks)


def test_every_program_of_the_package_is_found():
    assert set(members(ConvexProgram)) >= set(ONE_OUTPUT)


@every_program
@every_sampler
@given(seed=seeds, shape=shapes)
def test_adjoint_and_images(kind, sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, kind)
    W = blocks(program, rng)
    check_adjoint(program, W, rng.standard_normal(shape[0]))
    check_images(program, W)


@every_program
@every_sampler
@given(seed=seeds, shape=shapes)
def test_projection_on_the_cones(kind, sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, kind)
    V = blocks(program, rng)
    check_projection(program, V, rng)
    check_projection(program, program.adjoint(rng.standard_normal(shape[0])), rng)


@every_program
@pytest.mark.parametrize("sampler", [samplers.general_position, samplers.gaussian, samplers.off_origin])
@given(seed=seeds, shape=shapes)
def test_free_directions_span_the_face_of_the_projection(kind, sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, kind)
    check_free_directions(program, rng.standard_normal((shape[1], program.n_blocks)))


@every_program
@every_sampler
@given(seed=seeds, shape=shapes, step=st.sampled_from([1e-4, 0.3, 1.0, 30.0]))
def test_prox_minimises_its_subproblem(kind, sampler, seed, shape, step):
    program, rng = sample(seed, sampler, shape, kind)
    check_prox(program, blocks(program, rng), step, rng)


@every_program
@pytest.mark.parametrize("sampler", [samplers.off_origin, samplers.rank_deficient, samplers.with_zero_row])
@settings(max_examples=4)
@given(seed=seeds, step=st.sampled_from([0.3, 3.0]))
def test_prox_agrees_with_cvxpy(kind, sampler, seed, step):
    program, rng = sample(seed, sampler, (6, 3), kind, beta=0.5)
    check_prox_by_cvxpy(program, rng.standard_normal((3, program.n_blocks)), step)


@every_program
@every_sampler
@given(seed=seeds, shape=shapes)
def test_weak_duality_at_any_point_and_any_scale(kind, sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, kind)
    target = program.target
    for lam in (
        target,
        rng.standard_normal(shape[0]),
        program.dual_variable(program.project(blocks(program, rng))),
    ):
        check_weak_duality(program, blocks(program, rng), lam)
        check_dual_scaling(program, lam)


@every_program
@every_sampler
@pytest.mark.parametrize("output_offset", [False, True])
@settings(max_examples=10)
@given(seed=seeds, shape=st.tuples(st.integers(2, 9), st.integers(1, 4)))
def test_zero_is_optimal_exactly_from_critical_beta_on(kind, sampler, output_offset, seed, shape):
    program, _ = sample(seed, sampler, shape, kind, output_offset=output_offset)
    patterns = program.patterns if kind is GatedReLUProgram else program.masks[:, : program.n_blocks // 2]
    check_critical_beta(lambda beta: kind(program.problem.with_beta(beta), patterns))


@every_program
@every_sampler
@given(seed=seeds, shape=shapes)
def test_blocks_to_network_keeps_the_objective(kind, sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, kind)
    check_blocks_to_network(program, blocks(program, rng))
    check_blocks_to_network(program, np.zeros((shape[1], program.n_blocks)))


@every_sampler
@given(seed=seeds, shape=shapes)
def test_network_to_blocks_never_raises_the_objective(sampler, seed, shape):
    """Unbalanced neurons, several in a cell: the blocks are cheaper. Balanced, one in each: they cost the same."""
    rng = np.random.default_rng(seed)
    X = sampler(rng, *shape) if shape[1] > 1 or sampler is not samplers.with_bias_column else np.ones(shape)
    hidden, output = rng.standard_normal((shape[1], 6)), rng.standard_normal(6)
    problem = Problem(X, rng.standard_normal(shape[0]), beta=0.3, output_offset=bool(rng.integers(2)))
    offset = rng.standard_normal(1) if problem.output_offset else None
    patterns = ActivationPatterns.from_gates(X, hidden)
    program = ReLUProgram(problem, patterns)
    check_network_to_blocks(program, ReLUNetwork(hidden, output, offset))
    one_each = ReLUNetwork(patterns.gates, rng.standard_normal(len(patterns)), offset).balance()
    check_network_to_blocks(program, one_each, keeps=True)


@every_sampler
@given(seed=seeds, shape=shapes)
def test_gated_network_to_blocks_never_raises_the_objective(sampler, seed, shape):
    program, rng = sample(seed, sampler, shape, GatedReLUProgram)
    gates = np.hstack([program.patterns.gates, 2 * program.patterns.gates])
    offset = rng.standard_normal(1) if program.problem.output_offset else None
    weights = rng.standard_normal(gates.shape), rng.standard_normal(gates.shape[1])
    check_network_to_blocks(program, GatedReLUNetwork(gates, *weights, offset))
    balanced = program.to_network(blocks(program, rng), offset)
    check_network_to_blocks(program, balanced, keeps=True)


@every_program
@given(seed=seeds, shape=shapes)
def test_blocks_inside_their_cones_survive_the_way_to_a_network_and_back(kind, seed, shape):
    """Inside: on the boundary of a cell rounding may show a neuron in the next one."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal(shape)
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((shape[1], 6)))
    program = kind(Problem(X, rng.standard_normal(shape[0]), 0.1), patterns)
    gates = np.tile(patterns.gates, program.n_blocks // len(patterns))
    W = gates * 10.0 ** rng.uniform(-6, 6, program.n_blocks) * (rng.random(program.n_blocks) < 0.8)
    back = program.to_blocks(program.to_network(W))
    assert np.all(np.abs(back - W) <= 1e-14 * np.abs(W))  # a square root and its square
