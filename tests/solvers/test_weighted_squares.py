"""Least squares with scaled rows: the laws of programs, offsets, and what scaling means."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import GatedReLUProgram, Problem, ReLUProgram, sample_patterns
from cvxnn.solvers.weighted_squares import least_squares, scale, scale_transposed
from cvxnn.testing import check_adjoint, check_images, check_weak_duality

seeds = st.integers(0, 2**32 - 1)


def make(seed, outputs, kind, offset):
    """Return a program, roots and targets."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((9, 3))
    y = rng.standard_normal((9, outputs)) if outputs > 1 else rng.standard_normal(9)
    masks = np.asarray(sample_patterns(X, 5, random_state=seed % 1000))
    signs = rng.standard_normal((masks.shape[1], outputs))
    signs = np.sign(signs[:, 0]) if outputs == 1 else signs / np.linalg.norm(signs, axis=1, keepdims=True)
    program = ReLUProgram(Problem(X, y, 0.2, output_offset=offset), masks, signs)
    roots = rng.uniform(0.2, 2.0, y.shape)
    if kind == "matrices":
        roots = rng.standard_normal((9, outputs, outputs)) + 2 * np.eye(outputs)
    return program, roots, rng.standard_normal(y.shape), rng


kinds = st.sampled_from([(1, "numbers"), (3, "numbers"), (2, "matrices")])


@given(seed=seeds, kind=kinds, offset=st.booleans())
def test_scaled_programs_obey_the_laws_of_programs(seed, kind, offset):
    program, roots, targets, rng = make(seed, *kind, offset)
    scaled = least_squares(program, roots, targets)
    W, lam = rng.standard_normal((3, scaled.n_blocks)), rng.standard_normal(targets.shape)
    check_adjoint(scaled, W, lam)
    check_images(scaled, W)
    check_weak_duality(scaled, W, lam)
    blocks = np.arange(scaled.n_blocks)
    images = scaled.images(blocks, W).reshape(targets.size, -1)
    assert scaled.gram(blocks, W, blocks, W) == pytest.approx(images.T @ images, abs=1e-9)
    assert scaled.forward(W) == pytest.approx(scale(roots, program.forward(W)), abs=1e-10)


@given(seed=seeds, kind=kinds)
def test_the_offset_is_the_best_one(seed, kind):
    program, roots, targets, rng = make(seed, *kind, True)
    scaled = least_squares(program, roots, targets)
    W = rng.standard_normal((3, scaled.n_blocks))
    best = scaled.best_offset(W)
    value = scaled.objective(W, best)
    for step in 1e-3 * rng.standard_normal((5, len(best))):
        assert scaled.objective(W, best + step) >= value
    # The residual is orthogonal to what offsets add, so projecting it changes nothing.
    f, problem = scaled.forward(W), scaled.problem
    residual = -problem.loss_gradient(f, best)
    assert problem.project_dual(residual) == pytest.approx(residual, abs=1e-9)
    assert scaled.dual_variable(W) == pytest.approx(residual, abs=1e-9)


@given(seed=seeds, kind=kinds)
def test_the_objective_is_weighted_least_squares(seed, kind):
    program, roots, targets, rng = make(seed, *kind, True)
    scaled = least_squares(program, roots, targets)
    W, offset = rng.standard_normal((3, scaled.n_blocks)), rng.standard_normal(program.problem.n_outputs)
    rest = program.forward(W) + (offset if targets.ndim == 2 else offset[0]) - targets
    expected = 0.5 * np.sum(scale(roots, rest) ** 2) + program.penalty(W)
    assert scaled.objective(W, offset) == pytest.approx(expected, rel=1e-12)


@given(seed=seeds, kind=kinds)
def test_transposed_scaling_is_the_adjoint_of_scaling(seed, kind):
    _, roots, f, rng = make(seed, *kind, False)
    g = rng.standard_normal(f.shape)
    assert np.vdot(scale(roots, f), g) == pytest.approx(np.vdot(f, scale_transposed(roots, g)), abs=1e-10)


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize(("outputs", "kind"), [(1, "numbers"), (3, "numbers"), (2, "matrices")])
def test_the_statement_is_the_program(outputs, kind, offset):
    """Its optimum has the program's objective there, and no point or dual of the program's contradicts it."""
    program, roots, targets, _ = make(3, outputs, kind, offset)
    for stated in (program, GatedReLUProgram(program.problem, sample_patterns(program.problem.X, 5))):
        scaled = least_squares(stated, roots, targets)
        statement = scaled.to_cvxpy()
        value = statement.problem.solve(solver="CLARABEL")
        W = statement.blocks.value
        # Clarabel's tolerances are 1e-8 on data of size one.
        assert scaled.objective(W) == pytest.approx(value, rel=1e-6)
        assert scaled.dual_bound(scaled.dual_variable(W)) == pytest.approx(value, rel=1e-4)
