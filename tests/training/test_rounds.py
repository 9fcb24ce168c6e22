"""The rounds of training: what is kept when one is cut short, and how many large data get."""

from dataclasses import replace

import numpy as np

from cvxnn import Problem, ReLUProgram, enumerate_patterns, solve, train
from cvxnn.atoms import Atoms
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.statuses import SolveStatus
from cvxnn.training import rounds
from cvxnn.training.state import TrainingState
from cvxnn.units import Units


def planted(n=60, d=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    y = np.maximum(X @ rng.standard_normal((d, 3)), 0.0) @ [1.0, -1.0, 1.0] + 0.1 * rng.standard_normal(n)
    return Problem(X, y, 0.1)


def test_an_interrupted_steps_network_does_not_carry_an_older_networks_violation(monkeypatch):
    solve, calls = rounds.convexify, []

    def interrupted(*args, **kwargs):
        calls.append(1)
        solved, solution = solve(*args, **kwargs)
        return solved, replace(solution, status=SolveStatus.INTERRUPTED) if len(calls) == 2 else solution

    monkeypatch.setattr(rounds, "convexify", interrupted)  # after its solution has been accepted
    result = train(planted())
    assert result.status is SolveStatus.INTERRUPTED
    assert result.certificate.objective < result.history[-1].objective
    assert result.certificate.search_violation is None


def test_training_settles_where_the_rounds_bring_little():
    problem = planted(n=14, d=3)
    loose = train(problem, tol=0.2, prove=False)
    assert loose.status in (SolveStatus.SETTLED, SolveStatus.NO_VIOLATION)
    everything = ReLUProgram(problem, enumerate_patterns(problem.X))
    optimum = solve(everything, "interior_point").objective
    assert loose.certificate.objective <= 1.2 * optimum
    fine = train(problem, tol=1e-6, prove=False)
    # The estimate is of the distance, whatever tol: 1e-5 covers one that is too small by ten.
    assert fine.certificate.objective <= (1 + 1e-5) * optimum
    assert len(fine.history) >= len(loose.history)


def test_no_round_settles_what_an_exact_oracle_can_prove(monkeypatch):
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((30, 2)), rng.standard_normal(30), 0.1)
    monkeypatch.setattr(rounds.Progress, "distance", lambda self, violation: 0.0)
    assert train(problem).status is SolveStatus.PROVEN
    apart = planted()  # six columns: no exact oracle
    assert train(apart).status is SolveStatus.SETTLED


def test_descents_alone_where_programs_are_too_dear_are_no_worse_than_one(monkeypatch):
    monkeypatch.setattr(rounds, "_DEAR", 0.0)
    problem = planted(n=60, d=8)
    result = train(problem, tol=1e-3)
    assert result.status is SolveStatus.DESCENDED
    one = train(problem, max_rounds=0)
    assert result.certificate.objective <= one.certificate.objective
    monkeypatch.undo()
    # Descents end in local minima: on this problem within a fiftieth of what programs reach.
    assert result.certificate.objective <= 1.02 * train(problem).certificate.objective
    assert len(result.history) >= 2
    assert result.network.n_neurons > 0


def test_a_program_is_tried_only_where_it_can_end_in_time():
    problem = planted()
    deadline = Deadline.after(1000.0)
    loop = rounds.Rounds(
        TrainingState(problem), problem, 1e-3, deadline, np.random.default_rng(0), True, Units.of(problem)
    )
    few = Atoms.of_directions(problem, np.eye(6), np.ones(6))
    assert loop.can_afford_program(few)
    loop.deadline = Deadline.after(1e-9)
    assert not loop.can_afford_program(few)


def test_rounds_leave_a_share_of_the_time_to_the_proof():
    problem, rng = planted(), np.random.default_rng(0)

    def left(deadline):
        loop = rounds.Rounds(TrainingState(problem), problem, 1e-3, deadline, rng, True, Units.of(problem))
        return loop.rounds_deadline.limit()

    share = 1.0 - rounds._PROOF_SHARE
    assert 100.0 * share - 10.0 < left(Deadline.after(100.0)) < 100.0 * share
    assert left(NEVER) is None
    late = Deadline(100.0, Deadline().started - 95.0)
    assert left(late) < 1e-3 < 4.0 < late.seconds_left
