"""Planted faults: every law of patterns rejects a list that breaks it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cvxnn import enumerate_patterns, sample_patterns
from cvxnn.testing import (
    check_complete,
    check_distinct,
    check_generic_count,
    check_made_by_gates,
    check_permutation_of_samples,
    samplers,
)

rng = np.random.default_rng(3)
X = samplers.general_position(rng, 6, 3)
right = enumerate_patterns(X)


@dataclass
class Listed:
    """A list of patterns without the checks of `ActivationPatterns`."""

    columns: np.ndarray
    gates: np.ndarray
    complete: bool = True

    def __array__(self, dtype=None, copy=None):
        return np.array(self.columns, dtype=dtype)


columns = np.asarray(right)
repeated = Listed(np.hstack([columns, columns[:, :1]]), np.hstack([right.gates, right.gates[:, :1]]))
swapped = Listed(columns[:, [1, 0, *range(2, len(right))]], right.gates)
without_one = Listed(columns[:, 1:], right.gates[:, 1:])
modest = Listed(columns, right.gates, complete=False)
short = Listed(columns[:-1], right.gates)

FAULTS = [
    (lambda p: check_distinct(p), repeated, "distinct"),
    (lambda p: check_made_by_gates(X, p), swapped, "gates \\[0, 1\\] make others"),
    (lambda p: check_made_by_gates(X, p), short, "6 rows"),
    (lambda p: check_generic_count(X, p), without_one, "32 patterns; found 31"),
    (lambda p: check_complete(X, p, np.random.default_rng(0)), without_one, "1 others"),
    (lambda p: check_complete(X, p, np.random.default_rng(0)), modest, "marked complete"),
]


@pytest.mark.parametrize(("check", "wrong", "message"), FAULTS)
def test_the_law_rejects(check, wrong, message):
    check(right)
    with pytest.raises(AssertionError, match=message):
        check(wrong)


def test_the_law_of_permuted_samples_rejects_patterns_that_ignore_the_order():
    permutation = np.array([1, 0, 2, 3, 5, 4])
    check_permutation_of_samples(X, permutation, enumerate_patterns)
    with pytest.raises(AssertionError, match="permuting samples"):
        check_permutation_of_samples(X, permutation, lambda data: right)
    with pytest.raises(AssertionError, match="permuting samples"):
        check_permutation_of_samples(X, permutation, lambda data: sample_patterns(np.sort(data, axis=0), 5))


@pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
@pytest.mark.parametrize(("n", "d"), [(7, 3), (3, 5), (6, 1)])
def test_enumeration_obeys_every_law_on_every_kind_of_data(sampler, n, d, rng):
    data = sampler(rng, n, d)
    patterns = enumerate_patterns(data)
    check_distinct(patterns)
    check_made_by_gates(data, patterns)
    check_complete(data, patterns, rng)
    check_permutation_of_samples(data, rng.permutation(n), enumerate_patterns)
    if sampler in (samplers.general_position, samplers.gaussian, samplers.with_bias_column, samplers.tiny):
        check_generic_count(data, patterns)


def test_samplers_construct_the_property_they_are_named_after():
    rng = np.random.default_rng(0)
    generic = samplers.general_position(rng, 8, 3)
    minors = [np.linalg.det(generic[[i, j, k]]) for i in range(8) for j in range(i) for k in range(j)]
    assert np.min(np.abs(minors)) > 1e-6  # the smallest of 56 Vandermonde determinants
    assert np.linalg.matrix_rank(samplers.rank_deficient(rng, 8, 5)) == 4
    assert np.linalg.matrix_rank(samplers.rank_deficient(rng, 4, 9)) == 3
    assert len(np.unique(samplers.duplicated_rows(rng, 9, 3), axis=0)) == 5
    lines = samplers.collinear_rows(rng, 8, 3)
    assert np.linalg.matrix_rank(lines[[0, 4]]) == 1
    assert np.count_nonzero(np.all(samplers.with_zero_row(rng, 6, 3) == 0, axis=1)) == 1
    assert np.all(samplers.with_bias_column(rng, 6, 3)[:, -1] == 1)
    assert np.linalg.norm(samplers.off_origin(rng, 500, 3).mean(axis=0)) > 4.5
    assert np.max(np.abs(samplers.tiny(rng, 6, 3))) < 1e-6
    assert np.max(np.abs(samplers.huge(rng, 6, 3))) > 1e7
    norms = np.linalg.norm(samplers.badly_scaled_rows(rng, 9, 3), axis=1)
    assert norms.max() / norms.min() > 1e6
    assert set(np.unique(samplers.integer_rows(rng, 50, 3))) == {-1.0, 0.0, 1.0}
