"""The regularisation path: each solution is that of its own program, found from the one before."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from cvxnn import ActivationPatterns, GatedReLUProgram, Problem, ReLUProgram, solve
from cvxnn.solvers import path_betas, solve_path
from cvxnn.solvers.path import critical_beta
from cvxnn.solvers.restriction import with_beta
from cvxnn.statuses import SolveStatus
from cvxnn.testing import check_solution, samplers

every_program = pytest.mark.parametrize("kind", [GatedReLUProgram, ReLUProgram])
offsets = pytest.mark.parametrize("output_offset", [False, True], ids=["no offset", "offset"])
TOL = 1e-8


def sample(kind, n=16, d=3, P=12, *, output_offset=False, scale=1.0):
    rng = np.random.default_rng(4)
    X, y = scale * samplers.with_bias_column(rng, n, d), rng.standard_normal(n) + 0.5
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, P)))
    return kind(Problem(X, y, 1.0, output_offset=output_offset), patterns)


@every_program
@offsets
@pytest.mark.parametrize(
    ("solver", "scale"), [("newton", 1.0), ("working_set", 1e-8), ("working_set", 1.0), ("working_set", 1e8)]
)
def test_a_path_has_the_objectives_of_separate_solves(kind, output_offset, solver, scale):
    program = sample(kind, output_offset=output_offset, scale=scale)
    betas = path_betas(program, 5, 1e-2)
    path = solve_path(program, betas, solver=solver, tol=TOL)
    assert len(path) == 5
    for beta, solution in zip(betas, path, strict=True):
        check_solution(solution)
        assert solution.status is SolveStatus.SOLVED
        assert solution.program.problem.beta == beta
        alone = solve(with_beta(program, beta), "newton", tol=TOL).objective
        assert solution.objective == pytest.approx(alone, rel=2 * TOL)


@every_program
def test_the_path_starts_at_zero_and_falls(kind):
    program = sample(kind)
    path = solve_path(program, path_betas(program, 10, 1e-2), tol=TOL)
    objectives = [solution.objective for solution in path]
    assert not path[0].blocks.any()
    assert path[1].blocks.any()
    assert all(low <= high * (1 + TOL) for high, low in pairwise(objectives))
    losses = [s.objective - s.program.penalty(s.blocks) for s in path]
    assert all(low <= high + 1e-3 * losses[0] for high, low in pairwise(losses))


@every_program
@offsets
def test_the_first_beta_of_a_path_is_where_blocks_appear(kind, output_offset):
    program = sample(kind, output_offset=output_offset)
    critical = critical_beta(program)
    assert path_betas(program)[0] == pytest.approx(critical, rel=1e-14)
    assert path_betas(program, 5, 0.01)[-1] == pytest.approx(0.01 * critical)
    assert not solve(with_beta(program, 1.001 * critical), tol=1e-9).blocks.any()
    assert solve(with_beta(program, 0.99 * critical), tol=1e-9).blocks.any()


def test_every_solve_starts_from_the_solution_before():
    program = sample(GatedReLUProgram, n=40, d=4, P=100)
    path = solve_path(program, path_betas(program, 5, 1e-2))
    for before, solution in pairwise(path[1:]):
        zero, start = solution.history[:2]
        assert start.objective == solution.program.objective(before.blocks) < zero.objective


def test_a_path_without_betas_takes_twenty():
    assert len(solve_path(sample(GatedReLUProgram, n=8, P=4))) == 20


@every_program
def test_a_path_that_runs_out_of_time_or_is_interrupted_ends_with_what_there_is(kind, monkeypatch):
    program = sample(kind)
    betas = path_betas(program, 5)
    path = solve_path(program, betas[1:], max_seconds=0.0)
    assert [solution.status for solution in path] == [SolveStatus.MAX_SECONDS]
    check_solution(path[0])

    def interrupt(self, program, iterate):
        raise KeyboardInterrupt

    monkeypatch.setattr("cvxnn.solvers.working_set.WorkingSet.step", interrupt)
    path = solve_path(program, betas, solver="working_set")
    assert [solution.status for solution in path] == [SolveStatus.SOLVED, SolveStatus.INTERRUPTED]
    check_solution(path[-1])


def test_a_callback_sees_every_solution_and_ends_the_path_by_returning_true():
    program, seen = sample(GatedReLUProgram), []
    path = solve_path(program, path_betas(program, 6), callback=lambda s: seen.append(s) or len(seen) == 3)
    assert len(path) == 3
    assert tuple(seen) == path


@pytest.mark.parametrize("betas", [[1.0, 1.0], [1.0, 2.0], [1.0, 0.0], [-1.0], [[1.0]], [np.nan]])
def test_bad_betas_are_refused_by_name(betas):
    with pytest.raises(ValueError, match="betas must be"):
        solve_path(sample(ReLUProgram), betas)


def test_bad_sizes_of_a_path_are_refused_by_name():
    program = sample(ReLUProgram)
    with pytest.raises(ValueError, match="n_betas must be an integer >= 2; got 1"):
        path_betas(program, 1)
    with pytest.raises(ValueError, match=r"ratio must be < 1; got 1\.0"):
        path_betas(program, 3, 1.0)
    with pytest.raises(ValueError, match="max_seconds must be"):
        solve_path(program, [1.0], max_seconds=-1.0)
    zero = ReLUProgram(Problem([[1.0]], [0.0], 1.0), [[True]])
    with pytest.raises(ValueError, match="the critical one is 0"):
        path_betas(zero)
