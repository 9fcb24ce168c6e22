"""Counts of cells, sizes of programs and the interior-point bound, measured and predicted."""

import math
from dataclasses import replace

import cvxpy as cp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUProgram, enumerate_patterns, solve
from cvxnn.landscape.duality.complexity import (
    cell_count,
    fitted_slope,
    interior_point_growth,
    interior_point_operations,
    program_size,
)
from cvxnn.patterns import count_bound
from cvxnn.testing import samplers
from cvxnn.theorems import Comparison, HypothesisError

NAMES = st.sampled_from(sorted(samplers.DATA))
SLIDES = np.array([[3.0, 3.0], [2.0, 2.0], [1.0, 0.0]])


def draw(name, seed):
    rng = np.random.default_rng(seed)
    X = samplers.DATA[name](rng, int(rng.integers(2, 9)), int(rng.integers(1, 5)))
    X[0, 0] = X[0, 0] if X.any() else 1.0
    return X


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_counts_obey_both_bounds(name, seed):
    X = draw(name, seed)
    count = cell_count(X)
    assert count.holds
    assert (count.n_samples, count.rank) == (
        len(X),
        np.linalg.matrix_rank(X / np.linalg.norm(X, axis=1).clip(1e-300)[:, None]),
    )
    sharp = count.cover.measured == count.cover.predicted
    # two cells are all there can be in rank 1, whatever the position
    assert sharp == (count.in_general_position or count.rank == 1)


@given(seed=st.integers(0, 10**6))
def test_full_row_rank_has_every_pattern(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 8))
    X = rng.standard_normal((n, n + int(rng.integers(0, 4))))
    count = cell_count(X)
    assert count.in_general_position
    assert count.cover.relation == "equal"
    assert count.cover.measured == count.cover.predicted == 2**n


@given(seed=st.integers(0, 10**6))
def test_rank_and_not_the_number_of_columns_counts(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((7, 2)) @ rng.standard_normal((2, 5))
    count = cell_count(X)
    assert (count.rank, count.exact.measured, count.holds) == (2, 14, True)
    # a planted fault: the bound with d in place of the rank is met, but not attained in general position
    assert not replace(count.cover, predicted=count_bound(7, 5)).holds


@pytest.mark.parametrize("fault", [-1, 1, 2])
def test_a_miscount_by_one_is_rejected(fault):
    X = np.random.default_rng(0).standard_normal((20, 3))
    count = cell_count(X)
    assert count.holds
    wrong = replace(count, exact=replace(count.exact, predicted=count.exact.predicted + fault))
    assert not wrong.holds
    assert not replace(count, cover=replace(count.cover, measured=count.cover.measured + fault)).holds


def test_repeated_rows_counted_as_new_ones_are_rejected():
    """A planted fault: taking data for being in general position."""
    count = cell_count(np.repeat(np.random.default_rng(0).standard_normal((4, 3)), 2, axis=0))
    assert count.holds
    assert not replace(count.cover, relation="equal").holds


def test_the_three_points_of_the_slides():
    """Slides, "Hyperplane arrangements": four patterns of (3, 3), (2, 2), (1, 0), named D_1 to D_4."""
    masks = np.asarray(enumerate_patterns(SLIDES)).astype(int).T.tolist()
    assert sorted(masks) == [[0, 0, 0], [0, 0, 1], [1, 1, 0], [1, 1, 1]]
    count = cell_count(SLIDES)
    assert (count.exact.measured, count.cover.predicted) == (4, 6)
    assert not count.in_general_position
    assert count.holds
    # drop one of the two points on a line, and the rest are in general position
    assert cell_count(SLIDES[1:]).cover.relation == "equal"
    y = np.array([1.0, 0.5, -1.0])
    program = ReLUProgram(Problem(SLIDES, y, beta=0.1), enumerate_patterns(SLIDES))
    reference = program.to_cvxpy().problem.solve(solver=cp.CLARABEL)
    assert solve(program, tol=1e-8).objective == pytest.approx(reference, rel=1e-6)


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_programs_have_the_sizes_of_the_formulas(name, seed):
    X = draw(name, seed)
    size = program_size(X)
    assert size.holds
    assert size.n_patterns == len(enumerate_patterns(X))
    # planted fault: one block for each pattern
    assert not Comparison(size.variables.measured, size.n_patterns * X.shape[1], tol=0.0).holds


def test_operations_are_the_cube_of_the_variables():
    for n, d, r in [(20, 2, 2), (100, 7, 3), (5, 5, 5)]:
        variables = d * r * (n / r) ** r
        assert interior_point_operations(n, d, r) == pytest.approx(variables**3, rel=1e-12)
    assert interior_point_operations(10**6, 500, 300) == math.inf


def test_operations_double_their_logarithm_with_the_rank():
    """Polynomial in n for a fixed rank, by its exponent; exponential in the rank."""
    sizes = [50, 100, 200, 400]
    for r in (1, 2, 3):
        growth = interior_point_growth(
            sizes, [interior_point_operations(n, 4, r) for n in sizes], r, tol=1e-9
        )
        assert growth.measured == pytest.approx(3 * r, rel=1e-12)
        assert growth.holds
        # a faster growth breaks the bound
        costs = [interior_point_operations(n, 4, r) * n**0.1 for n in sizes]
        assert not interior_point_growth(sizes, costs, r, tol=1e-9).holds


def test_slopes_are_those_of_powers():
    assert fitted_slope([1.0, 10.0], [5.0, 0.05]) == pytest.approx(-2.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cell_count([[1.0, 2.0]]), "at least two rows and not be zero; found 1 rows of rank 1"),
        (lambda: cell_count(np.zeros((3, 2))), "found 3 rows of rank 0"),
        (
            lambda: interior_point_operations(5, 3, 4),
            "r must be at most the smaller of n = 5 and d = 3; got 4",
        ),
        (lambda: interior_point_operations(5, 0, 1), "d must be an integer >= 1"),
        (lambda: fitted_slope([1.0], [2.0]), "sizes must not all be equal; got 1 only"),
        (lambda: fitted_slope([1.0, 2.0], [0.0, 2.0]), "values must be > 0; found 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_hypothesis_is_needed():
    """At n = 1 the loose bound is 0, and there are two patterns."""
    with pytest.raises(HypothesisError):
        cell_count([[1.0]])
    assert len(enumerate_patterns([[1.0]])) == 2
