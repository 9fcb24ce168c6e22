"""The loop around solvers: statuses, limits, callbacks, interrupts, history, bad input."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pytest

from cvxnn import ActivationPatterns, Problem, ReLUProgram, SquaredLoss, enumerate_patterns, solve
from cvxnn.losses import HingeLoss, HuberLoss
from cvxnn.solvers import InteriorPoint, ProximalNewton, SemismoothNewton, Solver
from cvxnn.solvers.solver import Iterate
from cvxnn.solvers.solving import SOLVERS
from cvxnn.statuses import SolveStatus
from cvxnn.testing import check_solution, samplers


def make_program(n=30, d=3, beta=0.01):
    rng = np.random.default_rng(8)
    X, y = samplers.with_bias_column(rng, n, d), rng.standard_normal(n)
    return ReLUProgram(Problem(X, y, beta), ActivationPatterns.from_gates(X, rng.standard_normal((d, 20))))


program = make_program()


def test_one_instance_of_a_solver_serves_many_programs():
    solver = SemismoothNewton()
    for other in (program, make_program(n=5), make_program(d=5), program):
        alone, shared = solve(other, SemismoothNewton()), solve(other, solver)
        assert shared.blocks.tobytes() == alone.blocks.tobytes()


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_may_be_named_or_given(name):
    easy = make_program(beta=0.5)
    by_name, given = solve(easy, name, tol=1e-3), solve(easy, SOLVERS[name](), tol=1e-3)
    assert by_name.blocks.tobytes() == given.blocks.tobytes()
    assert SOLVERS[name]().name in by_name.certificate.method


def test_auto_takes_newton_for_the_squared_loss_and_first_order_steps_otherwise():
    @dataclass(frozen=True)
    class OtherLoss(SquaredLoss):
        """Another class with the same values; a solver must not rely on more than a loss offers."""

    assert "semismooth Newton" in solve(program).certificate.method
    other = Problem(program.problem.X, program.problem.y, 0.5, OtherLoss())
    assert solve(ReLUProgram(other, program.masks, program.signs), tol=1e-2).certificate.proven


def test_status_solved_means_a_closed_gap():
    solution = solve(program, tol=1e-5)
    assert solution.status is SolveStatus.SOLVED
    assert solution.certificate.relative_gap <= 1e-5


@pytest.mark.parametrize("solver", SOLVERS)
def test_zero_steps_return_zero_or_the_start(solver):
    solution = solve(program, solver, max_steps=0)
    check_solution(solution)
    assert solution.status is SolveStatus.MAX_STEPS
    assert not solution.blocks.any()
    good = solve(program).blocks
    assert solve(program, solver, max_steps=0, start=0.9 * good, tol=1e-12).blocks == pytest.approx(
        0.9 * good
    )


def test_max_steps_stops_with_what_there_is():
    solution = solve(program, "proximal_gradient", max_steps=2, tol=1e-12)
    check_solution(solution)
    assert solution.status is SolveStatus.MAX_STEPS
    assert [record.step for record in solution.history] == [0, 1, 2]


def test_a_callback_sees_every_evaluation_and_stops_by_returning_true():
    seen = []
    solution = solve(
        program, "proximal_gradient", tol=1e-12, callback=lambda r: seen.append(r) or len(seen) == 3
    )
    assert solution.status is SolveStatus.INTERRUPTED
    assert tuple(seen) == solution.history[1:]  # zero is evaluated before the first step
    seen.clear()
    unmoved = solve(
        program, "proximal_gradient", max_steps=3, tol=1e-12, callback=lambda r: seen.append(r) or 1
    )
    assert unmoved.status is SolveStatus.MAX_STEPS  # only True stops, not any true value
    assert len(seen) == 3


def test_an_error_in_a_callback_is_the_callers():
    def fail(record):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        solve(program, callback=fail)


@pytest.mark.parametrize("evaluation", range(1, 8))
def test_an_interrupt_in_a_callback_keeps_everything_seen_before(evaluation):
    seen = []

    def interrupt(record):
        seen.append(record)
        if len(seen) == evaluation:
            raise KeyboardInterrupt

    solution = solve(program, "proximal_gradient", tol=1e-12, callback=interrupt)
    check_solution(solution)
    assert solution.status is SolveStatus.INTERRUPTED
    assert tuple(seen) == solution.history[1:]
    assert solution.objective == pytest.approx(min(r.objective for r in solution.history), rel=1e-12)
    assert solution.certificate.lower_bound == pytest.approx(seen[-1].lower_bound, rel=1e-12)


def test_a_solve_goes_on_from_an_interrupted_one():
    def interrupt(record):
        if record.step == 3:
            raise KeyboardInterrupt

    first = solve(program, "proximal_gradient", tol=1e-12, callback=interrupt)
    second = solve(program, "newton", start=first.blocks)
    assert second.objective <= first.objective
    assert second.status is SolveStatus.SOLVED


@dataclass(frozen=True)
class Sequence(Solver):
    """Steps to given blocks, one after the other."""

    points: tuple
    name: str = "sequence"

    def start(self, program, blocks, max_seconds):
        return Iterate(blocks, 0)

    def step(self, program, iterate):
        return Iterate(
            self.points[iterate.memory], iterate.memory + 1, finished=iterate.memory + 1 == len(self.points)
        )


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_step_that_is_not_finite_returns_the_last_good_blocks(bad):
    good = solve(program, tol=1e-2).blocks
    solution = solve(program, Sequence((good, np.full_like(good, bad), good)), tol=1e-12)
    check_solution(solution)
    assert solution.status is SolveStatus.NOT_FINITE
    assert solution.blocks.tobytes() == good.tobytes()


def test_the_best_point_and_the_best_bound_are_kept_when_later_ones_are_worse():
    good = solve(program, tol=1e-3).blocks
    solution = solve(program, Sequence((good, 5 * good, 0 * good)), tol=1e-12)
    check_solution(solution)
    assert solution.status is SolveStatus.FINISHED
    assert solution.blocks.tobytes() == good.tobytes()
    bounds = [record.lower_bound for record in solution.history]
    assert bounds[1] == bounds[-1] == solution.certificate.lower_bound > 0


def test_points_inside_an_inner_iteration_are_not_evaluated():
    @dataclass(frozen=True)
    class Unsettled(Solver):
        name: str = "unsettled"

        def start(self, program, blocks, max_seconds):
            return Iterate(blocks, 0)

        def step(self, program, iterate):
            k = iterate.memory + 1
            return Iterate(iterate.blocks, k, finished=k == 6, settled=k % 3 == 0)

    solution = solve(program, Unsettled())
    assert [record.step for record in solution.history] == [0, 3, 6]


def test_a_zero_target_is_solved_by_zero_before_the_first_step():
    problem = Problem(program.problem.X, np.zeros(30), 0.1)
    solution = solve(ReLUProgram(problem, program.masks, program.signs), Sequence(()))
    assert solution.status is SolveStatus.SOLVED
    assert solution.certificate.relative_gap == solution.objective == 0.0


@pytest.mark.parametrize("mean", [1e4, 1e9])
@pytest.mark.parametrize("beta", [0.1, 20.0])
def test_an_offset_takes_up_targets_far_from_zero(mean, beta):
    """Rounding of y may cost digits of the gap, but never makes the bound exceed the objective."""
    rng = np.random.default_rng(0)
    for _ in range(4):
        X, y = samplers.gaussian(rng, 10, 3), mean + rng.standard_normal(10)
        patterns = ActivationPatterns.from_gates(X, rng.standard_normal((3, 10)))
        solution = solve(ReLUProgram(Problem(X, y, beta, output_offset=True), patterns), tol=1e-4)
        check_solution(solution)
        assert solution.certificate.proven


def test_zero_data_are_solved_by_zero():
    problem = Problem(np.zeros((3, 2)), [1.0, 2.0, 3.0], 0.1)
    for solver in SOLVERS:
        solution = solve(ReLUProgram(problem, enumerate_patterns(problem.X)), solver)
        assert solution.status is SolveStatus.SOLVED
        assert solution.objective == 7.0


def test_a_solution_offers_its_dual_variable_and_network():
    solution = solve(program, tol=1e-9)
    residual = program.problem.y - solution.network.predict(program.problem.X)
    np.testing.assert_allclose(solution.dual_variable, residual, rtol=0, atol=1e-12)
    # At the optimum the dual variable is feasible, with equality at the blocks in use.
    assert program.critical_beta(solution.dual_variable) == pytest.approx(program.problem.beta, rel=1e-3)


def test_seconds_rise_along_the_history():
    seconds = [
        record.seconds for record in solve(program, "proximal_gradient", max_steps=5, tol=1e-12).history
    ]
    assert seconds == sorted(seconds)
    assert seconds[0] >= 0


def test_statuses_are_sentences():
    assert all(status.value.endswith(".") and " " in status.value for status in SolveStatus)


def test_solvers_hold_settings_only():
    for solver in SOLVERS.values():
        assert all(
            isinstance(getattr(solver(), field.name), int | float | str | Solver) for field in fields(solver)
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"solver": "simplex"},
            r"solver must be 'auto', one of \['interior_point', .*\], or a Solver; got 'simplex'",
        ),
        ({"solver": 3}, "solver must be 'auto', .* got 3"),
        ({"tol": 0.0}, r"tol must be a finite number > 0; got 0\.0"),
        ({"tol": np.nan}, "tol must be a finite number > 0; got nan"),
        ({"max_seconds": -1.0}, r"max_seconds must be a finite number >= 0; got -1\.0"),
        ({"max_seconds": "soon"}, "max_seconds must be a finite number >= 0; got 'soon'"),
        ({"start": np.zeros((3, 3))}, rf"start must have shape \(3, {program.n_blocks}\); got \(3, 3\)"),
        ({"start": np.full((3, program.n_blocks), np.nan)}, "start must be finite; found"),
        ({"start": np.zeros(3)}, r"start must be 2-D; got shape \(3,\)"),
    ],
)
def test_bad_options_are_refused_by_name(options, message):
    with pytest.raises(ValueError, match=message):
        solve(program, **options)


@pytest.mark.parametrize("max_steps", [-1, 1.5, "many", True, None])
def test_bad_max_steps_are_refused_by_name(max_steps):
    with pytest.raises(ValueError, match="max_steps must be"):
        solve(program, max_steps=max_steps)


def test_newton_refuses_another_loss_by_name():
    other = Problem(program.problem.X, program.problem.y, 0.5, HuberLoss(delta=0.5))
    wide = ReLUProgram(other, program.masks, program.signs)
    with pytest.raises(
        ValueError, match="solver must be another one than 'semismooth Newton' for the loss 'huber'"
    ):
        solve(wide, "newton")
    assert ProximalNewton().name in solve(wide, tol=1e-3).certificate.method
    assert solve(wide, tol=1e-3).certificate.proven


def test_kinked_losses_go_to_interior_point():
    y = np.where(program.problem.y > 0, 1.0, -1.0)
    kinked = ReLUProgram(Problem(program.problem.X, y, 0.5, HingeLoss()), program.masks, program.signs)
    solution = solve(kinked, tol=1e-5)
    assert InteriorPoint().name in solution.certificate.method
    assert solution.certificate.proven
    with pytest.raises(ValueError, match="solver must be 'interior_point' for the loss 'hinge'"):
        solve(kinked, "proximal_newton")
