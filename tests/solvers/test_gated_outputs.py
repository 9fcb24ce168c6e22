"""Gated programs of several outputs are solved: every loss, offset, weights, norm; working sets, screening, paths."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import ActivationPatterns, Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.programs import GatedReLUProgram, WorkingSets
from cvxnn.solvers import WorkingSet, path_betas, solve_path
from cvxnn.solvers.path import critical_beta
from cvxnn.solvers.restriction import columns_of, norm_bounds, restrict, units_in_use, with_beta
from cvxnn.solvers.screening import cone_norms, dual_point, is_zero_at_optimum
from cvxnn.statuses import SolveStatus
from cvxnn.testing import (
    check_interrupt,
    check_never_worse_than_start,
    check_solution,
    check_solves,
    check_time_limit,
    samplers,
)

LOSSES = ("squared", "huber", "quantile", "logistic", "squared_hinge", "hinge", "multinomial")
norms = pytest.mark.parametrize("norm", ["l2", "l1"])
offsets = pytest.mark.parametrize("offset", [False, True], ids=["no offset", "offset"])
# From the smallest sets, so that programs of a few gates take many rounds.
SMALL = WorkingSet(initial_size=1, growth=1.0)


def sample(loss="squared", norm="l2", offset=False, *, weights=False, n=12, d=3, C=3, G=8, ratio=0.1, seed=3):
    rng = np.random.default_rng(seed)
    X = samplers.with_bias_column(rng, n, d)
    classes = np.eye(C)[np.r_[np.arange(C), rng.integers(0, C, n - C)]]
    numbers = rng.standard_normal((n, C)) + 0.5
    y = {"multinomial": classes}.get(loss, numbers if loss in LOSSES[:3] else 2.0 * classes - 1.0)
    weight = rng.uniform(0.2, 2.0, n) if weights else None
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, G)))
    program = GatedReLUProgram(Problem(X, y, 1.0, loss, offset, weight, norm), patterns)
    return with_beta(program, ratio * critical_beta(program))


@norms
@offsets
@pytest.mark.parametrize("loss", LOSSES)
def test_auto_finds_the_optimum_that_cvxpy_finds(loss, norm, offset):
    """Weights where the norm and the offset are not both plain, or both not: every pair of settings is met."""
    program = sample(loss, norm, offset, weights=offset != (norm == "l1"), ratio=0.2)
    solution = check_solves(program, "auto", tol=1e-6)
    network = solution.network
    assert program.problem.objective(network) == pytest.approx(solution.objective, rel=1e-10)
    back = program.objective(program.to_blocks(network), network.offset)
    assert back == pytest.approx(solution.objective, rel=1e-10)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_gated_optimum_is_below_that_of_relu_networks(loss):
    """On all patterns: of the copositive program by its statement, here of the per-class one, which is above it."""
    program = sample(loss, n=6, d=2)
    problem = program.problem
    patterns = enumerate_patterns(problem.X)
    gated = solve(GatedReLUProgram(problem, patterns)).objective
    assert gated <= solve(ReLUProgram(problem, patterns), "interior_point").objective * (1 + 1e-6)


@norms
@offsets
@pytest.mark.parametrize(("n", "d"), [(3, 6), (4, 1), (20, 2)])
def test_small_sets_at_every_shape(norm, offset, n, d):
    if d > 1:
        check_solves(sample(norm=norm, offset=offset, n=n, d=d), SMALL, tol=1e-6)
    else:
        X = np.arange(1.0, 5.0)[:, None]
        patterns = ActivationPatterns.from_gates(X, np.ones((1, 1)))
        problem = Problem(X, np.random.default_rng(0).standard_normal((n, 3)), 0.1, output_offset=offset)
        check_solves(GatedReLUProgram(problem, patterns), SMALL, tol=1e-6)


@norms
def test_limits_interrupts_and_starts_with_small_sets(norm):
    program = sample(norm=norm, offset=True, n=30, ratio=0.01)
    check_time_limit(program, SMALL)
    for evaluation in (1, 2, 4):
        check_interrupt(program, SMALL, evaluation, tol=1e-12)
    start = samplers.blocks(np.random.default_rng(0), 3, program.n_blocks)
    check_never_worse_than_start(program, SMALL, start)


@norms
@pytest.mark.parametrize("loss", ["squared", "multinomial"])
def test_no_gate_of_the_optimum_is_discarded_from_any_point(norm, loss):
    discarded_ever = 0
    for seed in range(4):
        program = sample(loss, norm, offset=bool(seed % 2), seed=seed, ratio=0.3, weights=seed % 3 == 0)
        optimum = solve(program, tol=1e-8)
        sizes = np.linalg.norm(optimum.blocks.reshape(3, program.n_gates, -1), axis=(0, 2))
        rng = np.random.default_rng(seed)
        noise = 1e-3 * samplers.blocks(rng, 3, program.n_blocks)
        for W in (np.zeros_like(noise), noise, 0.99 * optimum.blocks, optimum.blocks):
            sets = WorkingSets.empty(program.n_blocks)
            point = dual_point(program, program.dual_variable(W), sets)
            discarded = is_zero_at_optimum(program, point, program.objective(W), norm_bounds(program))
            assert discarded.shape == (program.n_gates,)
            # A gate of a point solved to this gap may be non-zero by the root of it, no more.
            assert not np.any(discarded & (sizes > 1e-3 * np.max(sizes)))
            discarded_ever += int(np.sum(discarded))
    assert discarded_ever > 0


@norms
def test_dual_norms_are_one_for_a_gate_and_exact_above_beta(norm):
    program = sample(norm=norm, ratio=0.5)
    lam = program.dual_variable(np.zeros((3, program.n_blocks)))
    found = cone_norms(program, program.adjoint(lam), WorkingSets.empty(program.n_blocks))
    for gate in range(program.n_gates):
        exact = restrict(program, np.array([gate])).critical_beta(lam)
        assert found[gate] >= exact * (1 - 1e-12)
        if found[gate] > program.problem.beta:
            assert found[gate] == pytest.approx(exact, rel=1e-12)


def test_units_are_gates_with_a_column_for_each_output():
    program = sample(C=2)
    assert columns_of(program, np.array([2, 0])).tolist() == [4, 5, 0, 1]
    W = np.zeros((3, program.n_blocks))
    W[0, 5] = 1.0
    assert np.flatnonzero(units_in_use(program, W)).tolist() == [2]


@norms
@pytest.mark.parametrize("loss", ["squared", "logistic", "hinge"])
def test_a_path_has_the_objectives_of_separate_solves(norm, loss):
    program = sample(loss, norm, offset=True)
    betas = path_betas(program, 4, 0.05)
    path = solve_path(program, betas, tol=1e-7)
    assert [solution.status for solution in path] == [SolveStatus.SOLVED] * 4
    for beta, solution in zip(betas, path, strict=True):
        check_solution(solution)
        alone = solve(with_beta(program, beta), tol=1e-7).objective
        assert solution.objective == pytest.approx(alone, rel=2e-7)


@pytest.mark.parametrize("loss", ["quantile", "hinge"])
@offsets
def test_zero_is_optimal_at_the_critical_beta_of_a_loss_with_a_kink(loss, offset):
    program = sample(loss, offset=offset)
    zero = program.objective(np.zeros((3, program.n_blocks)))
    # Optimal to a millionth, and the solver's 1e-7.
    assert solve(with_beta(program, critical_beta(program)), tol=1e-7).objective >= zero * (1 - 1.2e-6)
    assert solve(with_beta(program, 0.3 * critical_beta(program)), tol=1e-7).objective < 0.999 * zero
