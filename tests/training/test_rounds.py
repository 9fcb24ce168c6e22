"""The rounds of training: what is kept when one is cut short, and how many large data get."""

from dataclasses import replace

import numpy as np

from cvxnn import Problem, train
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


def test_large_data_without_a_time_limit_end_after_a_few_rounds_and_say_so(monkeypatch):
    monkeypatch.setattr(rounds, "_LARGE", 1)
    problem = planted(n=60, d=8)
    monkeypatch.setattr(rounds, "exact_oracle", lambda X, **settings: None)
    result = train(problem, tol=1e-6)
    assert result.status is SolveStatus.MAX_ROUNDS
    assert len(result.history) == rounds._LARGE_ROUNDS + 1
    assert len(train(problem, tol=0.5).history) == 2  # the first round brought less
    assert result.certificate.search_violation is not None
    assert train(problem, tol=1e-6, max_seconds=60.0).status is not SolveStatus.MAX_ROUNDS


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
