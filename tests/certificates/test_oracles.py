"""Exact oracles against brute force, and the laws of the dual constraint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import CellOracle, RowSpace, SweepOracle, exact_oracle

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


def test_cells_refuse_too_many():
    with pytest.raises(ValueError, match="max_patterns"):
        CellOracle(np.random.default_rng(0).standard_normal((50, 5)), max_cells=1000)


@pytest.mark.parametrize(
    ("n", "d", "kind"), [(9, 2, "SweepOracle"), (9, 3, "CellOracle"), (80, 12, "NoneType")]
)
def test_exact_oracle_fits_the_data(n, d, kind):
    X = np.random.default_rng(0).standard_normal((n, d))
    assert type(exact_oracle(X)).__name__ == kind


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
