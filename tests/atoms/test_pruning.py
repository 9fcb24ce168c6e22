"""Caratheodory pruning keeps the fit and never raises the penalty."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem
from cvxnn.atoms import Atoms, basic_atoms, prune_to_basic


@given(st.integers(1, 8), st.integers(1, 30), st.integers(0, 1000), st.booleans())
def test_pruning_keeps_the_fit_and_leaves_independent_activations(n, k, seed, keep_sum):
    rng = np.random.default_rng(seed)
    H = rng.standard_normal((n, k))
    H[:, rng.integers(k)] = H[:, 0]  # a repeated atom must go too
    c = rng.uniform(0.1, 2.0, k)
    pruned = prune_to_basic(H, c, keep_sum=keep_sum)
    scale = np.abs(H) @ c
    # Each elimination rounds once; there are at most 30.
    np.testing.assert_allclose(H @ pruned, H @ c, atol=1e-10 * scale.max())
    assert np.all(pruned >= 0)
    used = pruned > 0
    assert used.sum() <= n + keep_sum
    if keep_sum:
        assert pruned.sum() == pytest.approx(c.sum(), rel=1e-9)
    else:
        assert pruned.sum() <= c.sum() * (1 + 1e-10)
        assert np.linalg.matrix_rank(H[:, used]) == used.sum()


def test_independent_activations_are_left_alone():
    c = np.array([1.0, 2.0, 0.0])
    H = np.eye(3)
    np.testing.assert_array_equal(prune_to_basic(H, c), c)


def test_more_atoms_than_a_block_of_null_vectors():
    rng = np.random.default_rng(0)
    H, c = rng.standard_normal((3, 400)), rng.uniform(size=400)
    pruned = prune_to_basic(H, c)
    assert np.count_nonzero(pruned) <= 3
    np.testing.assert_allclose(H @ pruned, H @ c, atol=1e-9)


def test_nothing_in_use_gives_nothing():
    np.testing.assert_array_equal(prune_to_basic(np.ones((2, 2)), np.zeros(2)), np.zeros(2))


def test_many_samples_need_no_square_of_their_number():
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((20_000, 6))
    activations = np.hstack([basis, basis @ rng.random((6, 4))])  # 3.2 GB if n x n
    c = rng.random(10)
    pruned = prune_to_basic(activations, c)
    assert np.count_nonzero(pruned) <= 6
    assert np.sum(pruned) <= np.sum(c) * (1 + 1e-9)
    np.testing.assert_allclose(activations @ pruned, activations @ c, atol=1e-7)


def test_atoms_are_pruned_where_there_is_time_for_it(monkeypatch):
    rng = np.random.default_rng(1)
    X = rng.standard_normal((6, 2))
    problem, U = Problem(X, rng.standard_normal(6), 1.0), rng.standard_normal((2, 40))
    atoms = Atoms(np.hstack([U, U[:, :1]]), np.hstack([X @ U, X @ U[:, :1]]) >= 0, np.ones(41))
    assert len(basic_atoms(problem, atoms, max_seconds=60.0)) <= 6
    assert basic_atoms(problem, atoms, max_seconds=0.0) is atoms
    monkeypatch.setattr("cvxnn.atoms.pruning._SECONDS_TO_FACTOR", 1.0)
    assert len(basic_atoms(problem, atoms, max_seconds=60.0)) == 40  # equal directions are added up
    assert len(basic_atoms(problem, atoms)) <= 6
