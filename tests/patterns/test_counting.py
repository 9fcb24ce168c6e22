"""The function-counting theorem."""

import itertools
import math

import pytest

from cvxnn.patterns import count_bound, loose_count_bound


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
    with pytest.raises(ValueError, match="r must be an integer of at least 1, found 0"):
        loose_count_bound(2, 0)
