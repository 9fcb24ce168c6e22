"""The Newton system: its three ways of solving agree; limits take effect inside long steps."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest

from cvxnn import ActivationPatterns, Problem, ReLUProgram, solve
from cvxnn.deadlines import Deadline
from cvxnn.programs import OutOfTime, WorkingSets
from cvxnn.solvers import SemismoothNewton, newton
from cvxnn.solvers.newton_system import FaceGram, solve_by_conjugate_gradients
from cvxnn.statuses import SolveStatus
from cvxnn.testing import check_solution, check_solves, samplers


def make_program(output_offset=False, n=60, d=4, P=12, beta=0.5, seed=0):
    rng = np.random.default_rng(seed)
    X = samplers.with_bias_column(rng, n, d)
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0) @ rng.standard_normal(3)
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, P)))
    return ReLUProgram(Problem(X, y, beta, output_offset=output_offset), patterns)


def a_prox(program, sets, rng, sigma=3.0):
    """Return blocks of a prox, and the faces that they are on."""
    V = program.project(rng.standard_normal((program.problem.n_features, program.n_blocks)))
    return program.prox(3.0 * sigma * V + rng.standard_normal(V.shape), sigma, sets)


def hessian(program, sets, W, sigma):
    """Return ``I + sigma P A J A^T P`` from the definition of the Jacobian, block by block."""
    n = program.problem.n_samples
    H = np.eye(n)
    for b in np.flatnonzero(np.any(W, axis=0)):
        N, size = program.free_directions(sets, b), np.linalg.norm(W[:, b])
        c, theta = sigma * program.problem.beta / (size + sigma * program.problem.beta), W[:, b] / size
        J = (1 - c) * N @ N.T + c * np.outer(theta, theta)
        A = program.problem.project_dual(program.images(np.full(len(J), b), np.eye(len(J))))
        H += sigma * A @ J @ A.T
    return H


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("sigma", [0.1, 3.0, 1e3])
def test_the_gram_matrix_solves_the_system_while_faces_come_and_go(output_offset, sigma, rng):
    program, gram = make_program(output_offset), FaceGram()
    sets = WorkingSets.empty(program.n_blocks)
    gradient = program.problem.project_dual(rng.standard_normal(60))
    W = a_prox(program, sets, rng)
    for move in (0.0, 1e-3, 0.3, 0.3, 3.0):
        W = program.prox(W + 1.5 + move * rng.standard_normal(W.shape), 1.0, sets)
        gram.update(program, sets, np.flatnonzero(np.any(W, axis=0)))
        expected = np.linalg.solve(hessian(program, sets, W, sigma), gradient)
        found = gram.solve(program, W, sigma, gradient)
        # Woodbury loses as many digits as the Hessian's condition has, at most 10^6 here.
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9 * np.linalg.norm(gradient))
        fresh = FaceGram()
        fresh.update(program, sets, np.flatnonzero(np.any(W, axis=0)))
        assert len(fresh.owners) == len(gram.owners)
        np.testing.assert_allclose(fresh.solve(program, W, sigma, gradient), found, rtol=0, atol=1e-9)


def test_a_gram_matrix_of_other_faces_solves_another_system(rng):
    """The planted fault: blocks that stay while their faces change."""
    program, gram, sets = make_program(), FaceGram(), WorkingSets.empty(24)
    W = a_prox(program, sets, rng)
    used = np.flatnonzero(np.any(W, axis=0))
    gram.update(program, WorkingSets.empty(24), used[:0])
    other = sets.copy()
    other.rows[:] = -1
    gram.update(program, other, used)
    gradient = rng.standard_normal(60)
    wrong = gram.solve(program, W, 3.0, gradient)
    assert np.linalg.norm(hessian(program, sets, W, 3.0) @ wrong - gradient) > 1e-3


@pytest.mark.parametrize("output_offset", [False, True])
def test_conjugate_gradients_solve_the_system_to_their_tolerance(output_offset, rng):
    program, sets = make_program(output_offset), WorkingSets.empty(24)
    W = a_prox(program, sets, rng)
    gradient = program.problem.project_dual(rng.standard_normal(60))
    x = solve_by_conjugate_gradients(program, sets, W, 3.0, gradient)
    residual = np.linalg.norm(hessian(program, sets, W, 3.0) @ x - gradient)
    assert residual <= 1.01e-2 * np.linalg.norm(gradient)


@pytest.mark.parametrize("output_offset", [False, True])
def test_systems_too_large_to_store_lead_to_the_same_optimum(output_offset, monkeypatch):
    monkeypatch.setattr("cvxnn.solvers.newton._STORED", 0)
    check_solves(make_program(output_offset), SemismoothNewton(), tol=1e-6)


def test_systems_of_few_samples_are_summed_up_over_blocks(monkeypatch):
    program = make_program(n=12, d=8, P=20, beta=0.05)
    whole = solve(program, tol=1e-9)
    monkeypatch.setattr(newton, "_ROOT_ENTRIES", 3 * 12 * 8)
    assert solve(program, tol=1e-9).objective == pytest.approx(whole.objective, rel=2e-9)

    seconds, sizes, root = [0.0], [], newton._jacobian_root

    def slow(program, memory, used):
        seconds[0] += 1.0
        sizes.append(len(used))
        return root(program, memory, used)

    monkeypatch.setattr(newton, "_jacobian_root", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])
    assert solve(program, tol=1e-9, max_seconds=1.5).status is SolveStatus.MAX_SECONDS
    assert sizes == [3, 3]


@pytest.mark.parametrize("seconds", [0.05, 0.3, 1.0])
def test_a_time_limit_holds_inside_a_step(seconds):
    """One evaluation of this program takes a second; the best blocks so far come back with their certificate."""
    program = make_program(n=20_000, d=8, P=400, beta=20.0)
    started = time.perf_counter()
    solution = solve(program, max_seconds=seconds)
    # What is left is a batch of projections, a pass over the data and the final evaluation.
    assert time.perf_counter() - started < seconds + 2.0
    assert solution.status is SolveStatus.MAX_SECONDS
    check_solution(solution)


def test_a_late_deadline_ends_each_way_of_solving(rng):
    program, sets = make_program(), WorkingSets.empty(24)
    W = a_prox(program, sets, rng)
    used = np.flatnonzero(np.any(W, axis=0))
    sets.deadline = Deadline(0.0)
    with pytest.raises(OutOfTime):
        FaceGram().update(program, sets, used)
    with pytest.raises(OutOfTime):
        solve_by_conjugate_gradients(program, sets, W, 3.0, np.ones(60))


def test_conjugate_gradients_keep_no_bases_of_faces(rng):
    n, d, B = 30, 300, 40
    X = rng.standard_normal((n, d))
    problem = Problem(X, rng.standard_normal(n), beta=0.1)
    program = ReLUProgram(problem, ActivationPatterns.from_gates(X, rng.standard_normal((d, B))), np.ones(B))
    sets = WorkingSets.empty(B)
    W = program.prox(rng.standard_normal((d, B)), 1.0, sets)
    assert sets.counts.max() > 0
    tracemalloc.start()
    solve_by_conjugate_gradients(program, sets, W, 3.0, rng.standard_normal(n))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Faces have 285 dimensions or so each, 27 MB in all; the blocks are 0.1 MB, normals and their images 4 MB.
    assert peak <= 12e6
