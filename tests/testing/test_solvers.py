"""Planted faults: every law of solvers rejects a solver, a loop or a solution that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.certificates import make_certificate
from cvxnn.solvers import Solver, SolveRecord
from cvxnn.solvers.solver import Iterate
from cvxnn.statuses import SolveStatus
from cvxnn.testing import (
    check_interrupt,
    check_never_worse_than_start,
    check_solution,
    check_solves,
    check_time_limit,
    samplers,
)

rng = np.random.default_rng(2)
X = samplers.off_origin(rng, 8, 2)
program = ReLUProgram(Problem(X, rng.standard_normal(8), beta=0.1), np.asarray(enumerate_patterns(X)))
right = solve(program)
start = samplers.blocks(rng, 2, program.n_blocks)


def certificate(bound=right.certificate.lower_bound, tol=1e-6, scope="program", objective=right.objective):
    return make_certificate(objective, bound, tol=tol, method="planted", scope=scope)


records = right.history
WRONG_SOLUTIONS = [
    (replace(right, blocks=right.blocks[:, :-1]), "shape"),
    (replace(right, blocks=np.full_like(right.blocks, np.nan)), "finite"),
    (replace(right, blocks=right.blocks + 1e-6), "in their cones"),
    (replace(right, blocks=0.999 * right.blocks), "objective must be that of the blocks"),
    (replace(right, offset=right.offset + 0.01), "objective must be that of the blocks"),
    (replace(right, certificate=replace(right.certificate, gap=0.0, relative_gap=0.0)), "gap must be"),
    (replace(right, certificate=certificate(scope="network")), "not of a network"),
    (replace(right, certificate=certificate(bound=0.0)), "does not go with"),
    (replace(right, status=SolveStatus.FINISHED), "does not go with"),
    (replace(right, history=(SolveRecord(1, 0.0, 99.0, 1.0), SolveRecord(2, 0.0, 99.0, 0.0))), "only rise"),
    (
        replace(right, history=(*records, replace(records[-1], objective=0.1 * right.objective))),
        "best blocks",
    ),
]


@pytest.mark.parametrize(
    ("wrong", "message"), WRONG_SOLUTIONS, ids=[message for _, message in WRONG_SOLUTIONS]
)
def test_the_law_of_solutions_rejects(wrong, message):
    check_solution(right)
    with pytest.raises(AssertionError, match=message):
        check_solution(wrong)


@dataclass(frozen=True)
class Planted(Solver):
    """Steps to the right blocks, changed by a fault."""

    fault: str
    name: str = "planted"

    def start(self, program, blocks, max_seconds):
        return Iterate(blocks)

    def step(self, program, iterate):
        blocks = solve(program).blocks
        if self.fault == "does nothing":
            blocks = np.zeros_like(blocks)
        if self.fault == "leaves the cones":
            blocks = blocks + 1e-4 * np.random.default_rng(0).standard_normal(blocks.shape)
        if self.fault == "solves half the penalty":
            half = ReLUProgram(
                program.problem.with_beta(0.5 * program.problem.beta), program.masks, program.signs
            )
            blocks = solve(half).blocks
        if self.fault == "diverges":
            blocks = np.full_like(blocks, np.inf)
        return Iterate(blocks, finished=True)


def test_the_law_of_solving_accepts_the_right_step():
    check_solves(program, Planted("none"), tol=1e-5)


@pytest.mark.parametrize("fault", ["does nothing", "solves half the penalty", "diverges"])
def test_the_law_of_solving_rejects_a_solver_that(fault):
    with pytest.raises(AssertionError, match="close the gap"):
        check_solves(program, Planted(fault), tol=1e-5)


def test_the_law_of_solving_rejects_blocks_outside_their_cones():
    with pytest.raises(AssertionError, match="in their cones"):
        check_solves(program, Planted("leaves the cones"), tol=0.5)


def test_the_law_of_solving_rejects_a_statement_of_another_program():
    class StatesLess(ReLUProgram):
        def to_cvxpy(self):
            return ReLUProgram(
                self.problem.with_beta(0.9 * self.problem.beta), self.masks, self.signs
            ).to_cvxpy()

    with pytest.raises(AssertionError, match="CVXPY finds"):
        check_solves(StatesLess(program.problem, program.masks, program.signs), Planted("none"), tol=1e-5)


def solution_of(blocks, status=SolveStatus.MAX_STEPS, tol=1e-6):
    """Return an honest solution of poor blocks: what a loop that forgets returns."""
    blocks = program.project(blocks)
    proof = certificate(bound=0.0, objective=program.objective(blocks))
    return replace(right, blocks=blocks, certificate=proof, status=status, history=())


def test_the_law_of_starts_rejects_a_loop_that_forgets_the_start():
    check_never_worse_than_start(program, "newton", start)
    with pytest.raises(AssertionError, match="worse than its start"):
        check_never_worse_than_start(program, "newton", start, solve=lambda *a, **k: solution_of(2 * start))


def test_the_law_of_interrupts_rejects_a_loop_that_lets_them_escape():
    def escapes(program, solver, *, tol, callback):
        callback(SolveRecord(1, 0.0, 1.0, 0.0))

    check_interrupt(program, "newton", 1)
    with pytest.raises(AssertionError, match="must not escape"):
        check_interrupt(program, "newton", 1, solve=escapes)


@pytest.mark.parametrize(
    ("blocks", "status", "message"),
    [
        (2 * start, SolveStatus.INTERRUPTED, "best blocks so far"),
        (0 * start, SolveStatus.MAX_STEPS, "must say so"),
    ],
)
def test_the_law_of_interrupts_rejects_a_loop_that_catches_them_and(blocks, status, message):
    def catches(program, solver, *, tol, callback):
        with pytest.raises(KeyboardInterrupt):
            callback(SolveRecord(1, 0.0, program.objective(0 * start), 0.0))
        return solution_of(blocks, status)

    with pytest.raises(AssertionError, match=message):
        check_interrupt(program, "newton", 1, solve=catches)


@pytest.mark.parametrize(
    ("blocks", "status", "message"),
    [
        (2 * start, SolveStatus.MAX_SECONDS, "best blocks so far"),
        (0 * start, SolveStatus.MAX_STEPS, "time limit"),
        (0 * start, SolveStatus.MAX_SECONDS, "no blocks"),
    ],
)
def test_the_law_of_time_limits_rejects(blocks, status, message):
    check_time_limit(program, "newton")
    with pytest.raises(AssertionError, match=message):
        check_time_limit(program, "newton", solve=lambda *a, **k: solution_of(blocks, status))
