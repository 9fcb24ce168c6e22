"""Exact oracles against brute force, and the laws of the dual constraint."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls

from cvxnn.certificates import CellOracle, Maximisers, RowSpace, SweepOracle, exact_oracle
from cvxnn.certificates.exact_oracles import cells
from cvxnn.certificates.exact_oracles.branches import Branches
from cvxnn.deadlines import Deadline
from cvxnn.patterns import activation_patterns, count_bound, enumerate_patterns

# Values are exact up to the rounding of sums of at most a few hundred terms: 1e-12 of sum |lam_i| ||x_i||.
ROUNDING = 1e-12

SAMPLES = {
    "generic": lambda rng, n, d: rng.standard_normal((n, d)),
    "bias column": lambda rng, n, d: np.c_[rng.standard_normal((n, d - 1)), np.ones(n)],
    "off the origin": lambda rng, n, d: rng.standard_normal((n, d)) + 30.0,
    "duplicated and opposite rows": lambda rng, n, d: np.concatenate(
        [Z := rng.standard_normal(((n + 2) // 3, d)), 2 * Z, -Z]
    )[:n],
    "integer lattice": lambda rng, n, d: rng.integers(-1, 2, (n, d)).astype(float),
    "rank one": lambda rng, n, d: np.outer(rng.standard_normal(n), rng.standard_normal(d)),
    "zero": lambda rng, n, d: np.zeros((n, d)),
}


def weight(X, lam):
    return float(np.abs(lam) @ np.linalg.norm(X, axis=1))


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_sweep_equals_dense_grid(kind, scale):
    rng = np.random.default_rng(1)
    X = SAMPLES[kind](rng, 11, 2) * scale
    angles = np.linspace(0, 2 * np.pi, 20_001)
    relu = np.maximum(X @ np.stack([np.cos(angles), np.sin(angles)]), 0.0)
    oracle = SweepOracle(X)
    for _ in range(20):
        lam = rng.standard_normal(len(X)) / scale
        result = oracle.maximise(lam)
        highest = np.max(np.abs(lam @ relu))
        # the function is sum |lam_i| ||x_i||-Lipschitz in the angle; the nearest grid point is half a step
        # away
        assert highest - ROUNDING * weight(X, lam) <= result.value
        assert result.value <= highest + weight(X, lam) * np.pi / 20_000 * 1.01
        assert result.value <= result.upper <= result.value + ROUNDING * weight(X, lam)


def test_sweep_of_three_columns_of_rank_two(dual_constraint):
    rng = np.random.default_rng(2)
    X = rng.standard_normal((7, 2)) @ rng.standard_normal((2, 3))
    lam = rng.standard_normal(7)
    result = SweepOracle(X).maximise(lam)
    expected = dual_constraint(X, lam)
    assert result.value == pytest.approx(expected, rel=1e-9)
    assert expected <= result.upper * (1 + 1e-12)


def test_sweep_names_every_local_maximum():
    # four orthogonal unit rows with positive weights: each quadrant has one maximum, in its interior
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    result = SweepOracle(X).maximise(np.array([1.0, 2.0, 3.0, 4.0]))
    expected = sorted((np.hypot(a, b) for a in (1.0, 3.0) for b in (2.0, 4.0)), reverse=True)
    np.testing.assert_allclose(result.values[result.signs > 0], expected, rtol=1e-14)


def test_sweep_refuses_rank_three():
    with pytest.raises(ValueError, match="rank <= 2 for the angular sweep; its rank is 3"):
        SweepOracle(np.eye(3))


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("d", [1, 2, 3])
def test_cells_equal_brute_force(kind, d, dual_constraint):
    rng = np.random.default_rng(3)
    X = SAMPLES[kind](rng, 7, d)
    oracle = CellOracle(X)
    for _ in range(5):
        lam = rng.standard_normal(len(X))
        result = oracle.maximise(lam)
        assert result.value == pytest.approx(dual_constraint(X, lam), rel=1e-9, abs=ROUNDING)
        assert result.value <= result.upper <= result.value + ROUNDING * (1 + weight(X, lam))


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_cells_are_homogeneous(scale):
    rng = np.random.default_rng(4)
    X, lam = rng.standard_normal((20, 3)), rng.standard_normal(20)
    value = CellOracle(X).maximise(lam).value
    assert CellOracle(X * scale).maximise(lam / scale**2).value == pytest.approx(value / scale, rel=1e-9)


def test_cells_agree_with_the_sweep():
    rng = np.random.default_rng(5)
    X = rng.standard_normal((40, 2))
    for _ in range(5):
        lam = rng.standard_normal(40)
        assert CellOracle(X).maximise(lam).value == pytest.approx(
            SweepOracle(X).maximise(lam).value, rel=1e-9
        )


def test_cells_at_or_below_the_threshold_may_be_skipped():
    rng = np.random.default_rng(6)
    X, lam = rng.standard_normal((20, 3)), rng.standard_normal(20)
    oracle = CellOracle(X)
    value = oracle.maximise(lam).value
    below = oracle.maximise(lam, threshold=0.9 * value)
    above = oracle.maximise(lam, threshold=1.1 * value)
    assert below.value == pytest.approx(value, rel=1e-12)
    assert 1.1 * value <= above.upper <= 1.1 * value * (1 + 1e-9)


def maxima_by_full_cells(X, l, gates):
    """The maximum over all full cells that share each gate's pattern on the convex rows, one NNLS a cell."""
    convex = l > 0
    full = np.asarray(enumerate_patterns(X))
    maxima = []
    for active in activation_patterns(X[convex], gates).T:
        sharing = full[:, np.all(full[convex] == active[:, None], axis=0)].T
        maxima.append(max(nnls(-((2.0 * D - 1)[:, None] * X).T, X.T @ (D * l))[1] for D in sharing))
    return np.array(maxima)


def branch_bounds(X, l):
    """Every stage's bounds of the cells of the convex rows, and the maxima that they bound."""
    gates = enumerate_patterns(X[l > 0]).gates
    branches = Branches(X, l)
    active = branches.convex @ gates > 0
    batch = branches.batch(active.T, gates.T)
    stages = [batch, batch.greedy(2), batch.corrective(3), batch.corrective(30)]
    stages.append(stages[2].exact(stages[2].vectors()))
    bounds = [branches.screen(active.T, gates.T)] + [stage.bounds(stage.vectors()) for stage in stages]
    return bounds, maxima_by_full_cells(X, l, gates), stages


def check_bounds_hold(bounds, maxima, size):
    for bound in bounds:
        assert np.all(bound >= maxima - ROUNDING * size)


@pytest.mark.parametrize(
    "kind", ["generic", "off the origin", "duplicated and opposite rows", "integer lattice"]
)
@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_bounds_of_convex_rows_hold_for_all_full_cells_and_the_exact_one_is_their_maximum(kind, scale):
    rng = np.random.default_rng(8)
    X = SAMPLES[kind](rng, 10, 3) * scale
    X = X[np.any(X != 0, axis=1)]
    for l in (rng.standard_normal(len(X)), np.abs(rng.standard_normal(len(X)))):
        bounds, maxima, _ = branch_bounds(X, l)
        size = weight(X, l)
        check_bounds_hold(bounds, maxima, size)
        # rows that are feasible to 1e-11 of the vector end the generation of multipliers
        np.testing.assert_allclose(bounds[-1], maxima, rtol=0, atol=1e-10 * size)


def test_the_law_of_bounds_rejects_multipliers_outside_their_box():
    rng = np.random.default_rng(9)
    X, l = rng.standard_normal((10, 3)), rng.standard_normal(10)
    bounds, maxima, stages = branch_bounds(X, l)
    exact = stages[-1]
    loose = replace(exact, lower=2 * exact.lower).exact(exact.vectors())
    check_bounds_hold(bounds, maxima, weight(X, l))
    with pytest.raises(AssertionError):
        check_bounds_hold([loose.bounds(loose.vectors())], maxima, weight(X, l))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(2, 9), d=st.integers(3, 5))
def test_cells_of_one_sided_and_sparse_duals_equal_brute_force(dual_constraint, seed, n, d):
    rng = np.random.default_rng(seed)
    n = min(n, 7)
    X, lam = rng.standard_normal((n, d)), np.abs(rng.standard_normal(n)) * (rng.random(n) < 0.7)
    for dual in (lam, -lam):
        assert CellOracle(X).maximise(dual).value == pytest.approx(
            dual_constraint(X, dual), rel=1e-9, abs=1e-12
        )


def test_cells_name_every_violated_local_maximum():
    # octants of R^3 in which all or some weights count: seven of the eight have a maximum in their interior or on
    # a face, the best of them distinct
    X = np.concatenate([np.eye(3), -np.eye(3)])
    lam = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    result = CellOracle(X).maximise(lam, threshold=1.0)
    expected = [np.linalg.norm([a, b, c]) for a in (1.0, 4.0) for b in (2.0, 5.0) for c in (3.0, 6.0)]
    found = result.values[result.signs > 0]
    for value in expected:
        assert np.min(np.abs(found - value)) <= ROUNDING * weight(X, lam)


def test_where_rounding_hides_cells_the_bound_is_another_and_says_so(monkeypatch, dual_constraint):
    rng = np.random.default_rng(10)
    X, lam = rng.standard_normal((7, 3)), rng.standard_normal(7)
    oracle, expected = CellOracle(X), dual_constraint(X, lam)

    def refuse(rows, **_):
        raise FloatingPointError

    def refuse_some(rows, **options):
        return enumerate_patterns(rows, **options) if len(rows) == len(X) else refuse(rows)

    monkeypatch.setattr(cells, "enumerate_patterns", refuse_some)
    with_all_rows = oracle.maximise(lam)
    assert with_all_rows.value == pytest.approx(expected, rel=1e-12)
    assert with_all_rows.method == "cell enumeration"
    monkeypatch.setattr(cells, "enumerate_patterns", refuse)
    without = oracle.maximise(lam)
    assert without.method == "norm bound"
    assert without.value <= expected * (1 + 1e-12)
    assert expected <= without.upper


def test_cells_refuse_too_many():
    with pytest.raises(ValueError, match="max_cells = 1,000 is less than the 463,052 cells"):
        CellOracle(np.random.default_rng(0).standard_normal((50, 5)), max_cells=1000)


@pytest.mark.parametrize(
    ("n", "d", "kind"), [(9, 2, "SweepOracle"), (9, 3, "CellOracle"), (80, 12, "NoneType")]
)
def test_exact_oracle_fits_the_data(n, d, kind):
    X = np.random.default_rng(0).standard_normal((n, d))
    assert type(exact_oracle(X)).__name__ == kind


# Microseconds a cell that were measured, on one core.
@pytest.mark.parametrize(
    ("n", "r", "measured"),
    [(200, 3, 7.9), (60, 4, 2.3), (30, 5, 2.3), (20, 6, 2.6), (20, 8, 4.1), (17, 14, 5.5), (16, 16, 5.3)],
)
def test_the_estimate_of_listing_cells_is_of_the_size_measured(n, r, measured):
    estimate = cells.seconds_to_enumerate(n, r)
    assert estimate == pytest.approx(1e-6 * measured * count_bound(n, r), rel=0.6)


def test_a_million_cells_of_many_dimensions_are_not_thought_cheap():
    X = np.random.default_rng(0).standard_normal((20, 20))
    assert cells.seconds_to_enumerate(20, 20) > 5.0
    assert exact_oracle(X, max_seconds=3.0) is None
    assert type(exact_oracle(X, max_seconds=30.0)).__name__ == "CellOracle"
    # 40,000 cells of three dimensions are a matter of a third of a second.
    assert exact_oracle(np.random.default_rng(0).standard_normal((200, 3)), max_seconds=1.0) is not None


@pytest.mark.parametrize("oracle_type", [SweepOracle, CellOracle])
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(1, 12), exponent=st.integers(-6, 6))
def test_directions_attain_their_values_and_nothing_exceeds_upper(oracle_type, seed, n, exponent):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2)) * 10.0**exponent
    X.flags.writeable = False
    lam = rng.standard_normal(n) * (rng.random(n) < 0.8)
    lam.flags.writeable = False
    result = oracle_type(X).maximise(lam)
    attained = result.signs * (lam @ np.maximum(X @ result.directions, 0.0))
    np.testing.assert_allclose(result.values, attained, rtol=1e-9, atol=ROUNDING * weight(X, lam))
    np.testing.assert_allclose(np.linalg.norm(result.directions, axis=0), 1.0, rtol=1e-12)
    assert np.all(np.diff(result.values) <= 0)
    U = rng.standard_normal((2, 500))
    tried = lam @ np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0)
    assert np.max(np.abs(tried)) <= result.upper * (1 + 1e-12)


def test_upper_bound_covers_dropped_singular_values():
    # rank 3 to the eye, 2 to the oracle: the third column is far below the rank tolerance, and counts all the
    # same
    rng = np.random.default_rng(7)
    Z = rng.standard_normal((30, 2))
    X = np.c_[Z, 1e-15 * rng.standard_normal(30)]
    space = RowSpace(X)
    lam = 1e12 * rng.standard_normal(30)
    assert space.rank == 2
    assert space.truncation > 0
    assert space.allowance(lam) >= np.abs(lam) @ np.abs(X[:, 2]) * 0.99


def maximisers(value, upper, method="angular sweep", rounding=0.0):
    none = np.zeros(0)
    return Maximisers(
        value=value,
        upper=upper,
        directions=np.zeros((1, 0)),
        signs=none,
        values=none,
        method=method,
        rounding=rounding,
    )


def test_exactness_allows_for_rounding_alone():
    assert maximisers(1.0, 1.0 + 1e-9).is_exact
    assert not maximisers(1.0, 1.01).is_exact
    assert not maximisers(1.0, 1.0, "search").is_exact
    # a maximum of zero: no relative slack is left, the absolute one is
    assert not maximisers(0.0, 1e-15).is_exact
    assert maximisers(0.0, 1e-15, rounding=1e-15).is_exact


def test_maximisers_are_selected_with_all_that_is_known_of_them():
    found = Maximisers.of(
        np.eye(3), np.array([1.0, -1.0, 1.0]), np.array([3.0, 2.0, 1.0]), masks=np.eye(3, dtype=bool)
    )
    assert (found.value, found.upper, found.method, found.is_exact) == (3.0, np.inf, "search", False)
    chosen = found.select(found.values < 3.0)
    assert (chosen.value, chosen.signs.tolist()) == (2.0, [-1.0, 1.0])
    np.testing.assert_array_equal(chosen.directions, np.eye(3)[:, 1:])
    np.testing.assert_array_equal(chosen.masks, np.eye(3, dtype=bool)[:, 1:])
    none = found.select(found.values > 3.0)
    assert (none.value, none.directions.shape) == (0.0, (3, 0))
    proved = Maximisers.of(np.eye(1), np.ones(1), np.ones(1), upper=0.5, method="cells")
    assert (proved.upper, proved.is_exact) == (1.0, True)  # a bound is never below what a direction attains


def test_maximisers_under_their_old_name_do_not_mix_up_bound_and_value():
    # OracleValue had the bound first
    with pytest.warns(DeprecationWarning, match="now called Maximisers"):
        from cvxnn.certificates import OracleValue
    with pytest.raises(TypeError, match="positional"):
        OracleValue(2.0, 1.0, np.ones((1, 1)), np.ones(1), np.ones(1), "cells")


@pytest.mark.parametrize("limit", [0.5, 2.5, 6.5])
def test_cells_that_run_late_leave_a_bound_by_norms(limit, monkeypatch):
    rng = np.random.default_rng(11)
    X, lam = rng.standard_normal((30, 3)), rng.standard_normal(30)
    exact, seconds, screen = CellOracle(X).maximise(lam), [0.0], Branches.screen

    def slow(branches, active, gates):
        seconds[0] += 1.0
        return screen(branches, active, gates)

    monkeypatch.setattr(cells, "_CHUNK_ENTRIES", 1)  # a cell a chunk, and a second each
    monkeypatch.setattr(Branches, "screen", slow)
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])
    late = CellOracle(X).maximise(lam, deadline=Deadline(limit, 0.0))
    assert late.method == "norm bound"
    assert late.upper >= exact.upper >= late.value
    assert seconds[0] == np.ceil(limit)
    attained = late.signs * (lam @ np.maximum(X @ late.directions, 0.0))
    np.testing.assert_allclose(late.values, attained, rtol=1e-12)
    assert CellOracle(X).maximise(lam).upper == exact.upper
    assert seconds[0] > 20


def test_cells_that_take_longer_than_there_is_time_are_not_enumerated(monkeypatch):
    rng = np.random.default_rng(12)
    X, lam = rng.standard_normal((60, 4)), rng.standard_normal(60)
    monkeypatch.setattr(cells, "enumerate_patterns", lambda *args, **kwargs: 1 / 0)
    assert CellOracle(X).maximise(lam, deadline=Deadline(1e-3)).method == "norm bound"
    with pytest.raises(ZeroDivisionError):
        CellOracle(X).maximise(lam)
