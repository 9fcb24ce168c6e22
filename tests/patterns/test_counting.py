"""The function-counting theorem, and counting by deletion and restriction."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.patterns import count_bound, enumerate_patterns, loose_count_bound
from cvxnn.patterns.counting import count_cells, is_in_general_position
from cvxnn.testing import samplers


@pytest.mark.parametrize(("n", "r"), list(itertools.product(range(1, 15), range(1, 8))))
def test_count_obeys_covers_recurrence(n, r):
    """A new hyperplane splits as many cells as it has cells itself, one rank lower (Cover 1965)."""
    assert count_bound(n + 1, r + 1) == count_bound(n, r + 1) + count_bound(n, r)


@pytest.mark.parametrize(
    ("n", "r", "count"),
    [(0, 3, 1), (5, 0, 1), (5, 1, 2), (5, 2, 10), (1000, 3, 999_002), (100, 4, 323_600), (12, 12, 4096)],
)
def test_count_has_its_closed_forms(n, r, count):
    assert count_bound(n, r) == count


def test_full_rank_counts_all_sign_vectors_exactly():
    assert count_bound(200, 200) == count_bound(200, 5000) == 2**200


@pytest.mark.parametrize("n", [2, 3, 4, 7, 20, 100, 1000])
def test_loose_bound_is_a_bound(n):
    for r in {*range(1, 21), n - 1, n, n + 1} - {0}:
        assert loose_count_bound(n, r) >= count_bound(n, r)


def test_loose_bound_is_the_printed_formula():
    assert loose_count_bound(1000, 3) == pytest.approx(6 * (math.e * 999 / 3) ** 3, rel=1e-14)


def test_loose_bound_overflows_to_infinity():
    assert loose_count_bound(10**6, 10**5) == math.inf


@pytest.mark.parametrize("value", [-1, 1.5, "3", True, None])
def test_counts_must_be_non_negative_integers(value):
    with pytest.raises(ValueError, match="n must be an integer >= 0"):
        count_bound(value, 2)
    with pytest.raises(ValueError, match="r must be an integer >= 0"):
        count_bound(2, value)


def test_loose_bound_needs_two_samples_and_a_rank():
    with pytest.raises(ValueError, match="n must be an integer >= 2; got 1"):
        loose_count_bound(1, 1)
    with pytest.raises(ValueError, match="r must be an integer >= 1; got 0"):
        loose_count_bound(2, 0)


@given(name=st.sampled_from(sorted(samplers.DATA)), seed=st.integers(0, 10**6))
def test_cells_are_counted_without_listing_them(name, seed):
    rng = np.random.default_rng(seed)
    X = samplers.DATA[name](rng, int(rng.integers(1, 10)), int(rng.integers(1, 6)))
    assert count_cells(X) == len(enumerate_patterns(X))


@given(seed=st.integers(0, 10**6))
def test_degenerate_cells_are_counted(seed):
    """Small integers: parallel, opposite and zero rows, coplanar triples and low rank all occur."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, size=(int(rng.integers(1, 11)), int(rng.integers(1, 6)))).astype(float)
    count = count_cells(X)
    assert count == len(enumerate_patterns(X))
    rank = np.linalg.matrix_rank(X)
    if rank >= 2:
        assert is_in_general_position(X) == (count == count_bound(len(X), rank))


@pytest.mark.parametrize(("n", "r"), [(300, 3), (40, 4), (20, 5), (12, 12)])
def test_generic_counts_are_covers(n, r):
    X = samplers.general_position(np.random.default_rng(0), n, r) if n > r else np.eye(n)
    assert count_cells(X) == count_bound(n, r)


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        (list(itertools.product([0, 1], repeat=3))[1:], 32),  # the resonance arrangement
        (
            [np.eye(4)[i] - np.eye(4)[j] for i, j in itertools.combinations(range(4), 2)],
            24,
        ),  # 4!, the braid one
        (
            [
                s * np.eye(3)[i] + np.eye(3)[j]
                for i, j in itertools.combinations(range(3), 2)
                for s in (-1, 1)
            ],
            24,
        ),
    ],
)
def test_famous_arrangements(rows, count):
    assert count_cells(rows) == count
    assert not is_in_general_position(rows)


def test_forgetting_that_restrictions_coincide_overcounts():
    """A planted fault: the recursion of generic data applied to data that is not."""
    X = np.array(list(itertools.product([0, 1], repeat=3))[1:], dtype=float)
    assert count_cells(X) < count_bound(len(X), 3)


def test_general_position():
    assert is_in_general_position([[1.0], [-2.0]])
    assert not is_in_general_position([[1.0], [0.0]])
    assert not is_in_general_position(np.zeros((2, 2)))
    assert not is_in_general_position([[1, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 1]])
    assert is_in_general_position([[1, 0, 5], [0, 1, 5], [1, 1, 10]])  # rank 2, any two independent
    with pytest.raises(ValueError, match="X must be finite"):
        is_in_general_position([[np.inf]])
    with pytest.raises(ValueError, match="X must be 2-D"):
        count_cells([1.0])
