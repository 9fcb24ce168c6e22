"""Explore, search, confirm: what is asked in which order, and when it ends."""

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.atoms import Atoms
from cvxnn.certificates import exact_oracle
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.training import violation_search as module
from cvxnn.training.state import TrainingState
from cvxnn.training.violation_search import find_violations
from cvxnn.training.violations import RANDOM_STARTS, Violations


def state():
    X = np.random.default_rng(0).standard_normal((20, 3))
    return TrainingState(Problem(X, np.abs(X[:, 0]), 0.1))


def look(monkeypatch, *, explored, searched, oracle=None, confirms=True, deadline=NEVER):
    """Return the violations, and what was asked: "explore", or the starts of a search."""
    found, asked = state(), []
    none = Atoms.none(found.problem)

    def explore(*args, **kwargs):
        asked.append("explore")

    def search(*args, n_random, **kwargs):
        asked.append(n_random)
        return Violations(searched, 2.0, "search", none)

    monkeypatch.setattr(module, "explore", explore)
    monkeypatch.setattr(
        module, "explored_violations", lambda *args, **kwargs: Violations(explored, 1.0, "descent", none)
    )
    monkeypatch.setattr(module, "searched_violations", search)
    violations = find_violations(
        found,
        rough=found.problem,
        oracle=oracle,
        tol=1e-3,
        n_fresh=10,
        confirms=confirms,
        rng=np.random.default_rng(0),
        deadline=deadline,
    )
    return violations, asked


@pytest.mark.parametrize(
    ("explored", "searched", "confirms", "asked"),
    [
        (0.1, 0.0, True, ["explore"]),
        (0.0, 0.1, True, ["explore", RANDOM_STARTS]),
        (0.0, 0.0, True, ["explore", RANDOM_STARTS, 4 * RANDOM_STARTS]),
        (0.0, 0.0, False, ["explore", RANDOM_STARTS]),
    ],
)
def test_dearer_ways_follow_where_the_cheaper_find_nothing(monkeypatch, explored, searched, confirms, asked):
    violations, seen = look(monkeypatch, explored=explored, searched=searched, confirms=confirms)
    assert seen == asked
    assert violations.value == (explored if len(asked) == 1 else max(explored, searched))
    assert violations.proof == ("descent" if len(asked) == 1 else "search")


def test_a_cheap_oracle_is_asked_alone_and_nothing_is_confirmed_after_the_end_of_the_time(monkeypatch):
    oracle = exact_oracle(state().problem.X[:, :2])
    assert oracle is not None
    assert oracle.is_cheap
    assert look(monkeypatch, explored=0.1, searched=0.0, oracle=oracle)[1] == [RANDOM_STARTS]
    late = look(monkeypatch, explored=0.1, searched=0.0, deadline=Deadline(0.0))[1]
    assert late == ["explore", RANDOM_STARTS]


def test_the_state_is_left_as_it_is():
    found = state()
    before = dict(vars(found))
    violations = find_violations(
        found,
        rough=found.problem,
        oracle=None,
        tol=1e-3,
        n_fresh=10,
        confirms=True,
        rng=np.random.default_rng(0),
        deadline=NEVER,
    )
    assert violations.value > 0
    assert all(vars(found)[name] is value for name, value in before.items())
