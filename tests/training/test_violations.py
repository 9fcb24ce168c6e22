"""Violated directions: exact where there is an oracle, found by search otherwise, none at an optimum."""

import numpy as np
import pytest

from cvxnn import Problem, train
from cvxnn.atoms import Atoms, find_kinks
from cvxnn.certificates import exact_oracle
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.training import violations
from cvxnn.training.violations import searched_violations


def example(n=30, d=3):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return Problem(X, np.maximum(X @ rng.standard_normal((d, 3)), 0).sum(axis=1), 0.3)


def ask(problem, lam, atoms, oracle, tol=1e-3):
    return searched_violations(
        problem, lam, atoms, oracle, tol=tol, limit=5, n_random=64, rng=np.random.default_rng(1)
    )


@pytest.mark.parametrize("exact", [False, True])
def test_candidates_violate_and_are_few_and_zero(exact):
    problem = example()
    oracle = exact_oracle(problem.X) if exact else None
    lam = problem.dual_variable(np.zeros(problem.n_samples))
    found = ask(problem, lam, Atoms.none(problem), oracle)
    assert found.value > 0
    assert 1 <= len(found.candidates) <= 5
    np.testing.assert_array_equal(found.candidates.blocks, 0.0)


def test_an_optimal_network_has_no_violation_and_a_tight_bound():
    problem = example()
    network = train(problem, tol=1e-7).network
    lam = problem.dual_variable(network.predict(problem.X))
    found = ask(problem, lam, Atoms.of_network(problem, network), exact_oracle(problem.X), tol=1e-5)
    assert found.value <= 1e-5
    assert len(found.candidates) == 0
    assert found.lower_bound == pytest.approx(problem.objective(network), rel=1e-5)
    assert found.proof == "cell enumeration"


def test_a_search_alone_proves_nothing():
    problem = example()
    lam = problem.dual_variable(np.zeros(problem.n_samples))
    assert ask(problem, lam, Atoms.none(problem), None).lower_bound == 0.0


def test_starts_off_the_kinks_find_what_an_atom_on_a_kink_gains_by_crossing():
    # One positive row: an atom on its kink sees a zero gradient; one step off, it sees the row.
    problem = Problem([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0], 0.1)
    lam = np.array([1.0, 0.0])
    atoms = Atoms(np.array([[0.0], [1.0]]), np.array([[False], [True]]), np.array([1.0]))
    found = ask(problem, lam, atoms, None)
    assert found.value == pytest.approx(1.0 / 0.1 - 1.0)


def test_starts_step_off_kinks_row_chunk_by_row_chunk_while_there_is_time(monkeypatch):
    problem, rng = example(), np.random.default_rng(2)
    rows = problem.X[:5] / np.linalg.norm(problem.X[:5], axis=1)[:, None]
    U = rng.standard_normal((3, 5))
    U -= rows.T * np.sum(rows.T * U, axis=0)  # the k-th on the kink of sample k
    atoms = Atoms(U, problem.X @ U >= 0, np.ones(5))
    lam = np.where(np.arange(30) < 3, 1.0, -1.0)
    starts = violations._starts(problem, lam, atoms, NEVER)
    kinks = find_kinks(problem.X, atoms.blocks) & (lam[:, None] * atoms.signs > 0)
    assert starts.shape[1] == len(atoms) + np.count_nonzero(kinks) == 5 + 3
    monkeypatch.setattr(violations, "row_chunks", lambda n, width: (slice(k, k + 1) for k in range(n)))
    chunked = violations._starts(problem, lam, atoms, NEVER)
    np.testing.assert_array_equal(np.sort(chunked, axis=1), np.sort(starts, axis=1))
    late = violations._starts(problem, lam, atoms, Deadline(0.0))
    np.testing.assert_array_equal(late, starts[:, : len(atoms)])
