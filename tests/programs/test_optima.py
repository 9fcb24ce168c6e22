"""The optimum over given patterns: laws, closed forms, and statements written by hand from the formula."""

from __future__ import annotations

import cvxpy as cp
import numpy as np
import pytest

from cvxnn import ActivationPatterns, GatedReLUProgram, Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.testing import (
    check_added_pattern,
    check_duplicated_patterns,
    check_gated_below_relu,
    check_monotone_in_beta,
    check_order_of_patterns,
    check_scaling,
    check_scaling_of_data,
    reference_optimum,
    samplers,
)

ONE_OUTPUT = [GatedReLUProgram, ReLUProgram]
every_program = pytest.mark.parametrize("kind", ONE_OUTPUT, ids=lambda kind: kind.__name__)
every_sampler = pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
offsets = pytest.mark.parametrize("output_offset", [False, True], ids=["no offset", "offset"])
SOLVED = 1e-8  # the gap asked of the solver; laws compare two solves
TOL = 4 * SOLVED


def optimum(kind):
    return lambda problem, patterns: solve(kind(problem, patterns), tol=SOLVED).objective


def sample(sampler, n=7, d=3, *, output_offset=False, ratio=0.05):
    """Random targets, and beta a fraction of the critical one, so that scales of data do not matter."""
    rng = np.random.default_rng(7)
    X, y = sampler(rng, n, d), rng.standard_normal(n) + 0.5
    patterns = ActivationPatterns.from_gates(X, rng.standard_normal((d, 8)))
    probe = ReLUProgram(Problem(X, y, 1.0, output_offset=output_offset), patterns)
    beta = ratio * probe.critical_beta(probe.dual_variable(np.zeros((d, probe.n_blocks))))
    return Problem(X, y, beta, output_offset=output_offset), patterns


@every_program
@every_sampler
@offsets
def test_laws_of_the_optimum(kind, sampler, output_offset):
    problem, patterns = sample(sampler, output_offset=output_offset)
    check_added_pattern(optimum(kind), problem, patterns, tol=TOL)
    check_order_of_patterns(optimum(kind), problem, patterns, tol=TOL)
    check_monotone_in_beta(optimum(kind), problem, patterns, tol=TOL)
    for factor in (1e-8, 0.1, 1e8):
        check_scaling_of_data(optimum(kind), problem, patterns, factor, tol=TOL)
        check_scaling(optimum(kind), problem, patterns, factor, tol=TOL)


@every_sampler
@offsets
def test_duplicated_patterns_change_nothing(sampler, output_offset):
    problem, patterns = sample(sampler, output_offset=output_offset)
    check_duplicated_patterns(optimum(ReLUProgram), problem, np.asarray(patterns), tol=TOL)


@every_sampler
@offsets
@pytest.mark.parametrize(("n", "d"), [(7, 3), (3, 5)])
def test_gated_is_a_lower_bound_of_relu(sampler, output_offset, n, d):
    problem, patterns = sample(sampler, n, d, output_offset=output_offset)
    check_gated_below_relu(optimum(GatedReLUProgram), optimum(ReLUProgram), problem, patterns, tol=TOL)


def test_the_sign_of_the_targets_does_not_matter():
    problem, patterns = sample(samplers.off_origin, output_offset=True)
    turned = Problem(problem.X, -problem.y, problem.beta, output_offset=True)
    for kind in ONE_OUTPUT:
        there, back = optimum(kind)(problem, patterns), optimum(kind)(turned, patterns)
        assert there == pytest.approx(back, rel=TOL)


@every_program
def test_one_sample_in_closed_form(kind):
    """X = 1, y = 1, beta = 1/2: 1/2 (1 - v)^2 + v / 2 is least at v = 1/2, where it is 3/8."""
    problem = Problem([[1.0]], [1.0], beta=0.5)
    solution = solve(kind(problem, enumerate_patterns(problem.X)), tol=1e-12)
    assert solution.objective == pytest.approx(3 / 8, rel=1e-11)
    network = solution.network
    assert problem.objective(network) == pytest.approx(3 / 8, rel=1e-11)
    assert float(network.predict([[1.0]])[0]) == pytest.approx(0.5, abs=1e-6)  # square root of the gap
    assert np.abs(network.hidden * network.output).sum() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("beta", [0.2, 1.0, 1.9, 2.1])
def test_orthonormal_rows_shrink_the_positive_and_the_negative_targets(beta):
    """X = I: one neuron for each sign; min 1/2 ||f - y||^2 + beta (||f+|| + ||f-||) soft-thresholds both parts."""
    y = np.array([2.0, 0.0, -1.0, 0.5])
    problem = Problem(np.eye(4), y, beta)
    expected = 0.0
    for part in (np.maximum(y, 0), np.maximum(-y, 0)):
        norm = np.linalg.norm(part)
        expected += beta * norm - beta**2 / 2 if norm > beta else norm**2 / 2
    found = solve(ReLUProgram(problem, enumerate_patterns(problem.X)), tol=1e-10).objective
    assert found == pytest.approx(expected, rel=1e-9)


def test_an_offset_fits_the_mean_for_nothing():
    """Constant targets cost nothing with an offset, and ||y|| beta - beta^2 / 2 at unit data without."""
    problem = Problem(np.ones((4, 1)) / 2, np.full(4, 3.0), 0.5, output_offset=True)
    patterns = enumerate_patterns(problem.X)
    assert solve(ReLUProgram(problem, patterns)).objective == pytest.approx(0.0, abs=1e-15)
    without = Problem(problem.X, problem.y, 0.5)
    expected = 6 * 0.5 - 0.5**2 / 2
    assert solve(ReLUProgram(without, patterns), tol=1e-10).objective == pytest.approx(expected, rel=1e-9)


def relu_by_hand(X, y, beta, masks, output_offset):
    """min 1/2 ||sum_i D_i X (v_i - w_i) + b - y||^2 + beta sum (||v_i|| + ||w_i||), v_i, w_i in K_i: loop by loop."""
    b = cp.Variable() if output_offset else 0.0
    f, penalty, constraints = b, 0, []
    for mask in masks.T:
        D = np.diag(mask.astype(float))
        S = 2 * D - np.eye(len(y))
        for sign in (1.0, -1.0):
            w = cp.Variable(X.shape[1])
            f = f + sign * (D @ X) @ w
            penalty = penalty + cp.norm2(w)
            constraints.append((S @ X) @ w >= 0)
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + beta * penalty), constraints)
    return problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)


def gated_by_hand(X, y, beta, masks, output_offset):
    """min 1/2 ||sum_i D_i X z_i + b - y||^2 + beta sum ||z_i||."""
    f, penalty = cp.Variable() if output_offset else 0.0, 0
    for mask in masks.T:
        z = cp.Variable(X.shape[1])
        f, penalty = f + np.diag(mask.astype(float)) @ X @ z, penalty + cp.norm2(z)
    problem = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + beta * penalty))
    return problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)


@offsets
@pytest.mark.parametrize(("n", "d", "beta"), [(6, 2, 0.2), (5, 3, 0.1), (3, 4, 0.3), (8, 1, 0.05)])
def test_statements_by_hand(n, d, beta, output_offset):
    rng = np.random.default_rng(12)
    X, y = samplers.off_origin(rng, n, d), rng.standard_normal(n)
    patterns = enumerate_patterns(X)
    problem = Problem(X, y, beta, output_offset=output_offset)
    for kind, by_hand in ((ReLUProgram, relu_by_hand), (GatedReLUProgram, gated_by_hand)):
        expected = by_hand(X, y, beta, np.asarray(patterns), output_offset)
        # Clarabel at 1e-10, relative to sums of squares of y: seven digits are left for certain
        assert optimum(kind)(problem, patterns) == pytest.approx(expected, rel=1e-7, abs=1e-9)
        assert reference_optimum(kind(problem, patterns)) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@offsets
def test_a_program_of_some_signs_is_stated_by_hand(output_offset):
    rng = np.random.default_rng(13)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    masks, signs = np.asarray(enumerate_patterns(X))[:, :5], np.array([1.0, -1.0, -1.0, 1.0, 1.0])
    W, b = cp.Variable((2, 5)), cp.Variable()
    f = sum(
        s * cp.multiply(m.astype(float), X @ W[:, k])
        for k, (s, m) in enumerate(zip(signs, masks.T, strict=True))
    )
    f = f + b if output_offset else f
    cones = [cp.multiply(2.0 * masks - 1.0, X @ W) >= 0]
    statement = cp.Problem(cp.Minimize(0.5 * cp.sum_squares(f - y) + 0.1 * cp.sum(cp.norm(W, axis=0))), cones)
    expected = statement.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    program = ReLUProgram(Problem(X, y, 0.1, output_offset=output_offset), masks, signs)
    assert solve(program, tol=SOLVED).objective == pytest.approx(expected, rel=1e-7)


def test_relu_and_gated_networks_train_to_their_programs_values():
    """Descent on the non-convex objectives, from many starts, ends at the convex optimum and never below it."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(12)
    X, y, beta, m = rng.standard_normal((5, 2)), rng.standard_normal(5), 0.2, 10
    problem, patterns = Problem(X, y, beta), enumerate_patterns(X)

    def train(features):
        def objective(weights):
            U, a = weights[: 2 * m].reshape(2, m), weights[2 * m :]
            hidden, slopes = features(X @ U)
            residual = hidden @ a - y
            gradient = [
                X.T @ (slopes * np.outer(residual, a)) + beta * U,
                (hidden.T @ residual + beta * a)[None, :],
            ]
            value = 0.5 * residual @ residual + beta / 2 * weights @ weights
            return value, np.concatenate([part.ravel() for part in gradient])

        runs = [
            minimize(objective, rng.standard_normal(3 * m), jac=True, method="L-BFGS-B").fun
            for _ in range(20)
        ]
        return min(runs)

    gates = np.asarray(patterns, dtype=float)
    assert gates.shape == (5, m)  # one neuron for every gate
    for kind, features in (
        (ReLUProgram, lambda Z: (np.maximum(Z, 0), (Z > 0).astype(float))),
        (GatedReLUProgram, lambda Z: (gates * Z, gates)),
    ):
        value, trained = optimum(kind)(problem, patterns), train(features)
        assert value * (1 - TOL) <= trained <= value * (1 + 1e-3)  # L-BFGS stalls at kinks: three digits


def test_bad_patterns_and_signs_are_refused_by_name():
    problem = Problem([[1.0], [2.0]], [1.0, 2.0], beta=1.0)
    for wrong in (np.ones(2, bool), np.ones((3, 1), bool), np.ones((2, 0), bool)):
        with pytest.raises(ValueError, match=r"patterns must have shape \(2, P\) with P >= 1; got"):
            ReLUProgram(problem, wrong)
    with pytest.raises(ValueError, match="patterns must hold 0 and 1 only; got dtype float64"):
        ReLUProgram(problem, np.full((2, 1), 0.5))
    for signs in ([1.0, 1.0], [0.5], [[1.0, 1.0]]):
        with pytest.raises(ValueError, match=r"signs must have shape \(1,\) and hold \+1 and -1 only; got"):
            ReLUProgram(problem, np.ones((2, 1)), signs)
    with pytest.raises(ValueError, match="found none for column 1"):
        GatedReLUProgram(problem, [[1, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"patterns must have shape \(2, P\)"):
        GatedReLUProgram(problem, enumerate_patterns([[1.0]]))


@every_program
def test_a_problem_that_is_not_trainable_is_refused(kind):
    patterns = enumerate_patterns([[1.0], [2.0]])
    for y in (np.ones(2), np.ones((2, 2))):
        with pytest.raises(ValueError, match="beta must be > 0"):
            kind(Problem([[1.0], [2.0]], y, beta=0.0), patterns)


@every_program
def test_a_network_with_a_pattern_that_has_no_block_is_refused(kind):
    problem = Problem([[1.0], [2.0]], [1.0, 2.0], beta=1.0)
    program = kind(problem, enumerate_patterns(problem.X)[[0]])
    network = kind(problem, enumerate_patterns(problem.X)[[1]]).to_network(
        np.full(
            (1, 2 if kind is ReLUProgram else 1),
            -1.0 if enumerate_patterns(problem.X).gates[0, 1] < 0 else 1.0,
        )
    )
    with pytest.raises(
        ValueError, match=r"network must keep to the program's patterns; .* 0 shows a pattern"
    ):
        program.to_blocks(network)


@every_program
def test_column_targets_give_networks_with_column_outputs(kind):
    problem = Problem([[1.0], [-2.0]], [[1.0], [2.0]], beta=0.1, output_offset=True)
    solution = solve(kind(problem, enumerate_patterns(problem.X)))
    assert solution.network.output.ndim == 2
    assert solution.network.predict(problem.X).shape == (2, 1)
    assert problem.objective(solution.network) == pytest.approx(solution.objective, rel=1e-12)


@every_program
def test_repr_names_problem_and_size(kind):
    problem = Problem([[1.0]], [1.0], beta=0.5)
    text = repr(kind(problem, enumerate_patterns(problem.X)))
    assert text.startswith(f"{kind.__name__}(Problem(n=1")
