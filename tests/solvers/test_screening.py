"""Gap-safe screening: no block that is non-zero at the optimum is ever discarded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ActivationPatterns, GatedReLUProgram, Problem, ReLUProgram, solve
from cvxnn.programs import WorkingSets
from cvxnn.solvers.restriction import norm_bounds, restrict, with_beta
from cvxnn.solvers.screening import cone_norms, dual_point, is_zero_at_optimum
from cvxnn.testing import samplers

every_program = pytest.mark.parametrize("kind", [GatedReLUProgram, ReLUProgram])
every_sampler = pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
seeds = st.integers(0, 2**32 - 1)
SOLVED = 1e-9


def sample(seed, sampler, kind, n=10, d=3):
    rng = np.random.default_rng(seed)
    X, y = sampler(rng, n, d), rng.standard_normal(n) + 0.5
    offset = bool(rng.integers(2))
    n_gates = 10 if kind is GatedReLUProgram else 5
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, n_gates)))
    probe = kind(Problem(X, y, 1.0, output_offset=offset), patterns)
    critical = probe.critical_beta(probe.dual_variable(np.zeros((d, probe.n_blocks))))
    return with_beta(probe, max(10.0 ** rng.uniform(-2, 0) * critical, 1e-12)), rng


def discarded_at(program, W, shrink=1.0):
    """What a pass at blocks W discards; ``shrink`` < 1 plants a sphere that is too small."""
    objective = program.objective(W)
    point = dual_point(program, program.dual_variable(W), WorkingSets.empty(program.n_blocks))
    return is_zero_at_optimum(program, point, objective, shrink * norm_bounds(program))


def check_keeps_the_optimum(program, W, optimum, shrink=1.0):
    """The law: blocks in use at an optimum are kept, and the kept blocks alone have the same optimum."""
    discarded = discarded_at(program, W, shrink)
    # A block of a point solved to this gap may be non-zero by the root of it, no more.
    sizes = np.linalg.norm(optimum.blocks, axis=0)
    in_use = sizes > 1e-3 * np.max(sizes, initial=0.0)
    assert not np.any(discarded & in_use)
    kept = np.flatnonzero(~discarded)
    if kept.size:
        assert solve(restrict(program, kept), "newton", tol=SOLVED).objective == pytest.approx(
            optimum.objective, rel=4 * SOLVED
        )


@every_program
@every_sampler
@settings(max_examples=4)
@given(seed=seeds)
def test_no_block_of_the_optimum_is_discarded_from_any_point(kind, sampler, seed):
    program, rng = sample(seed, sampler, kind)
    optimum = solve(program, "newton", tol=SOLVED)
    assert optimum.certificate.relative_gap <= 1e-6
    noise = program.project(samplers.blocks(rng, program.problem.n_features, program.n_blocks))
    for W in (np.zeros_like(noise), 1e-3 * noise, optimum.blocks, 0.99 * optimum.blocks):
        check_keeps_the_optimum(program, W, optimum)
    for max_steps in (2, 6):
        check_keeps_the_optimum(
            program, solve(program, "newton", tol=SOLVED, max_steps=max_steps).blocks, optimum
        )


def test_the_law_rejects_a_sphere_that_is_too_small():
    """Planted fault: a tenth of the radius loses blocks of the optimum."""
    faults = 0
    for seed in range(40):
        program, _ = sample(seed, samplers.gaussian, GatedReLUProgram)
        optimum = solve(program, "newton", tol=SOLVED)
        try:
            check_keeps_the_optimum(program, np.zeros_like(optimum.blocks), optimum, shrink=0.1)
        except AssertionError:
            faults += 1
    assert faults > 0


@every_program
def test_near_the_optimum_every_block_with_a_slack_constraint_is_discarded(kind):
    program, _ = sample(5, samplers.gaussian, kind)
    optimum = solve(program, "newton", tol=1e-12)
    sets = WorkingSets.empty(program.n_blocks)
    norms = cone_norms(program, program.adjoint(optimum.dual_variable), sets)
    slack = norms < 0.99 * program.problem.beta
    assert slack.any()
    assert np.array_equal(discarded_at(program, optimum.blocks), slack)


@every_program
@every_sampler
def test_the_dual_point_is_the_programs_bound(kind, sampler):
    program, rng = sample(11, sampler, kind)
    for lam in (program.target, rng.standard_normal(10), np.zeros(10), -program.target):
        lam = program.problem.project_dual(lam)
        point = dual_point(program, lam, WorkingSets.empty(program.n_blocks))
        assert point.value == pytest.approx(program.dual_bound(lam), rel=1e-10)
        # Feasible, and the norms bound those of the cones from above.
        assert point.scale * np.max(point.norms) <= program.problem.beta * (1 + 1e-12)
        G = program.adjoint(point.scale * lam)
        exact = np.linalg.norm(program.project(G), axis=0)
        assert np.all(exact <= point.scale * point.norms * (1 + 1e-9))


@every_program
@every_sampler
def test_norm_bounds_hold(kind, sampler):
    program, _ = sample(17, sampler, kind)
    X = program.problem.X
    exact = [np.linalg.norm(X * mask[:, None], 2) for mask in program.masks.T]
    assert np.all(norm_bounds(program) >= np.array(exact) * (1 - 1e-12))


def test_restriction_keeps_the_blocks_asked_for():
    for kind in (GatedReLUProgram, ReLUProgram):
        program, rng = sample(23, samplers.gaussian, kind)
        blocks = np.array([4, 1, 3])
        part, W = restrict(program, blocks), rng.standard_normal((3, 3))
        whole = np.zeros((3, program.n_blocks))
        whole[:, blocks] = W
        assert part.n_blocks == 3
        assert part.objective(W) == pytest.approx(program.objective(whole), rel=1e-13)
        lam = rng.standard_normal(10)
        np.testing.assert_allclose(part.adjoint(lam), program.adjoint(lam)[:, blocks], rtol=0, atol=1e-13)
        assert np.array_equal(part.project(W), program.project(whole)[:, blocks])


def test_another_program_is_refused_by_name():
    class Alien:
        pass

    for call in (lambda: restrict(Alien(), np.array([0])), lambda: with_beta(Alien(), 1.0)):
        with pytest.raises(TypeError, match="program must be a ReLUProgram or a gated program; got Alien"):
            call()
