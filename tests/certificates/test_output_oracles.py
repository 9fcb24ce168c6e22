"""Exact oracles for several outputs, against dense grids, one another, and the laws of the dual constraint."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import (
    CellOracle,
    OutputSphereOracle,
    PerOutputOracle,
    SweepOracle,
    exact_oracle,
)
from cvxnn.certificates.oracles import Oracle
from cvxnn.deadlines import NEVER

from .test_oracles import SAMPLES

# Values are exact up to the rounding of sums of at most a few hundred terms: 1e-12 of sum ||lam_i|| ||x_i||.
ROUNDING = 1e-12


def weight(X, lam):
    return float(np.linalg.norm(lam, axis=1) @ np.linalg.norm(X, axis=1))


def circle(n=20_001):
    angles = np.linspace(0, 2 * np.pi, n)
    return np.stack([np.cos(angles), np.sin(angles)])


def values_of(X, lam, U):
    return np.linalg.norm(lam.T @ np.maximum(X @ U, 0.0), axis=0)


def check_value(X, lam, result):
    """Check that directions, signs and values of an oracle's value agree with one another."""
    products = (lam.T @ np.maximum(X @ result.directions, 0.0)).T
    np.testing.assert_allclose(
        np.sum(products * result.signs, axis=1), result.values, rtol=1e-9, atol=ROUNDING * weight(X, lam)
    )
    assert result.value == (result.values[0] if len(result.values) else 0.0)
    assert np.all(np.diff(result.values) <= 0)
    assert result.value <= result.upper


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_sweep_equals_dense_grid(kind, scale):
    rng = np.random.default_rng(1)
    X = SAMPLES[kind](rng, 11, 2) * scale
    oracle = SweepOracle(X)
    for n_outputs in (1, 2, 3, 7):
        lam = rng.standard_normal((len(X), n_outputs)) / scale
        result = oracle.maximise(lam)
        check_value(X, lam, result)
        highest = np.max(values_of(X, lam, circle()))
        # the function is sum ||lam_i|| ||x_i||-Lipschitz in the angle; the nearest grid point is half a step away
        assert highest - ROUNDING * weight(X, lam) <= result.value
        assert result.value <= highest + weight(X, lam) * np.pi / 20_000 * 1.01
        assert result.upper <= result.value + ROUNDING * weight(X, lam)


def test_sweep_of_one_output_is_the_scalar_one():
    rng = np.random.default_rng(2)
    X, lam = rng.standard_normal((30, 2)), rng.standard_normal(30)
    scalar, joint = SweepOracle(X).maximise(lam), SweepOracle(X).maximise(lam[:, None])
    np.testing.assert_array_equal(joint.values, scalar.values)
    np.testing.assert_array_equal(joint.signs[:, 0], scalar.signs)
    assert scalar.value == pytest.approx(CellOracle(X).maximise(lam).value, rel=1e-12)


@pytest.mark.parametrize("scale", [1e-200, 1e-150, 1e150])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_the_sweep_squares_nothing_that_vanishes_or_overflows(scale, n_outputs):
    rng = np.random.default_rng(3)
    X, lam = rng.standard_normal((12, 2)), rng.standard_normal((12, n_outputs))
    plain, scaled = SweepOracle(X).maximise(lam), SweepOracle(X).maximise(scale * lam)
    np.testing.assert_allclose(scaled.values / scale, plain.values, rtol=1e-12)
    assert scaled.upper >= scaled.value


def test_sweep_names_every_local_maximum():
    # four orthogonal unit rows, each with an output of its own: on a quadrant with weights a and b the value
    # sqrt(a^2 cos^2 + b^2 sin^2) is monotone, so that the maxima are the rows larger than both neighbours
    X = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    result = SweepOracle(X).maximise(np.diag([3.0, 2.0, 4.0, 1.0]))
    np.testing.assert_allclose(result.values, [4.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(result.directions, [[-1.0, 1.0], [0.0, 0.0]], atol=1e-14)


def test_sweep_refuses_rank_three():
    with pytest.raises(ValueError, match="rank <= 2 for the angular sweep; its rank is 3"):
        SweepOracle(np.eye(3))


@pytest.mark.parametrize("n_outputs", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", SAMPLES)
def test_sphere_on_the_sweep_equals_the_joint_sweep(kind, n_outputs):
    rng = np.random.default_rng(3)
    X = SAMPLES[kind](rng, 11, 2)
    lam = rng.standard_normal((len(X), n_outputs))
    exact = SweepOracle(X).maximise(lam)
    result = OutputSphereOracle(SweepOracle(X), X, tol=1e-6).maximise(lam)
    check_value(X, lam, result)
    assert result.value == pytest.approx(exact.value, rel=1e-9)  # a polished local maximum, the right one
    # tol, and the two oracles' allowances
    assert exact.value <= result.upper <= exact.upper * (1 + 1.01e-6) + ROUNDING * weight(X, lam)


@pytest.mark.parametrize("n_outputs", [2, 3, 4])
def test_sphere_on_cells_bounds_every_direction(n_outputs):
    rng = np.random.default_rng(4)
    X, lam = rng.standard_normal((15, 3)), rng.standard_normal((15, n_outputs))
    result = OutputSphereOracle(CellOracle(X), X).maximise(lam)
    check_value(X, lam, result)
    U = rng.standard_normal((3, 200_000))
    tried = float(np.max(values_of(X, lam, U / np.linalg.norm(U, axis=0))))
    assert tried <= result.value * (1 + 1e-12)
    assert result.value <= tried * 1.01  # so many directions come near
    assert result.upper <= result.value * 1.000101


def test_sphere_leaves_values_below_the_threshold_alone():
    rng = np.random.default_rng(5)
    X, lam = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    counting = Counting(CellOracle(X))
    oracle = OutputSphereOracle(counting, X)
    value = oracle.maximise(lam).value
    exact, counting.calls = counting.calls, 0
    below = oracle.maximise(lam, threshold=1.2 * value)
    assert value < below.upper <= 1.2 * value * (1 + 1e-4) * (1 + 1e-9)
    assert counting.calls <= exact


class Counting(Oracle):
    """An oracle that counts how often it is asked."""

    def __init__(self, oracle):
        self.oracle, self.calls = oracle, 0

    @property
    def is_cheap(self):
        return self.oracle.is_cheap

    def maximise(self, lam, *, threshold=0.0, deadline=NEVER):
        self.calls += 1
        return self.oracle.maximise(lam, threshold=threshold, deadline=deadline)


class Understating(Counting):
    """A planted fault: an oracle whose bounds are a tenth too low."""

    def maximise(self, lam, *, threshold=0.0, deadline=NEVER):
        found = super().maximise(lam, threshold=threshold, deadline=deadline)
        return replace(found, upper=0.9 * found.upper)


class Overstating(Counting):
    """An oracle whose bounds are valid, and a tenth too high."""

    def maximise(self, lam, *, threshold=0.0, deadline=NEVER):
        found = super().maximise(lam, threshold=threshold, deadline=deadline)
        return replace(found, upper=1.1 * found.upper)


def test_sphere_is_as_tight_as_its_oracle_and_no_tighter():
    rng = np.random.default_rng(6)
    X, lam = rng.standard_normal((20, 2)), rng.standard_normal((20, 2))
    exact = SweepOracle(X).maximise(lam).value
    loose = OutputSphereOracle(Overstating(SweepOracle(X)), X).maximise(lam)
    assert exact * 1.05 < loose.upper <= exact * 1.1 * (1 + 1e-3)
    # what an oracle attains is never above what is reported, even where it proves too little
    wrong = OutputSphereOracle(Understating(SweepOracle(X)), X).maximise(lam)
    assert wrong.upper >= wrong.value == pytest.approx(exact, rel=1e-9)


def test_sphere_stops_at_its_limits_with_a_valid_bound():
    rng = np.random.default_rng(7)
    X, lam = rng.standard_normal((30, 2)), rng.standard_normal((30, 3))
    exact = SweepOracle(X).maximise(lam).value
    for limits in ({"max_queries": 4}, {"max_seconds": 0.0}):
        counting = Counting(SweepOracle(X))
        result = OutputSphereOracle(counting, X, **limits).maximise(lam)
        assert counting.calls <= 4
        assert exact <= result.upper <= 2 * exact  # the box around P: at most sqrt(3)


def test_sphere_sees_the_rank_of_lam():
    rng = np.random.default_rng(8)
    X = rng.standard_normal((30, 3))
    # two directions in five outputs, as in a multinomial residual some are dependent
    lam = rng.standard_normal((30, 2)) @ rng.standard_normal((2, 5))
    narrow = lam @ np.linalg.svd(lam)[2][:2].T
    wide = OutputSphereOracle(CellOracle(X), X).maximise(lam)
    assert wide.value == pytest.approx(OutputSphereOracle(CellOracle(X), X).maximise(narrow).value, rel=1e-9)
    assert wide.upper <= wide.value * 1.000101
    assert wide.signs.shape[1] == 5
    nothing = OutputSphereOracle(CellOracle(X), X).maximise(np.zeros((30, 2)))
    assert (nothing.upper, nothing.value, nothing.signs.shape) == (0.0, 0.0, (0, 2))


@pytest.mark.parametrize("d", [2, 3])
def test_per_output_oracle_is_the_largest_of_the_outputs(d):
    rng = np.random.default_rng(9)
    X, lam = rng.standard_normal((20, d)), rng.standard_normal((20, 3))
    oracle = exact_oracle(X, n_outputs=3, output_norm="l1")
    assert isinstance(oracle, PerOutputOracle)
    result = oracle.maximise(lam)
    check_value(X, lam, result)
    alone = [exact_oracle(X).maximise(column) for column in lam.T]
    assert result.value == max(one.value for one in alone)
    assert result.upper == max(one.upper for one in alone)
    assert oracle.is_cheap == (d == 2)
    assert result.value <= exact_oracle(X, n_outputs=3).maximise(lam).value


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 12), n_outputs=st.integers(1, 4))
def test_laws_of_the_dual_constraint(seed, n, n_outputs):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((n, 2)), rng.standard_normal((n, n_outputs))
    oracle = SweepOracle(X)
    value = oracle.maximise(lam).value
    size = ROUNDING * weight(X, lam)
    rotation = np.linalg.qr(rng.standard_normal((n_outputs, n_outputs)))[0]
    assert oracle.maximise(lam @ rotation).value == pytest.approx(value, rel=1e-9, abs=size)
    assert oracle.maximise(-2.5 * lam).value == pytest.approx(2.5 * value, rel=1e-9, abs=size)
    columns = [SweepOracle(X).maximise(column).value for column in lam.T]
    assert max(columns) - size <= value <= np.linalg.norm(columns) + size
    other = rng.standard_normal((n, n_outputs))
    assert oracle.maximise(lam + other).value <= value + oracle.maximise(
        other
    ).value + size + ROUNDING * weight(X, other)


@pytest.mark.parametrize(
    ("d", "n_outputs", "output_norm", "kind"),
    [
        (2, 9, "l2", "SweepOracle"),
        (2, 9, "l1", "PerOutputOracle"),
        (3, 2, "l2", "OutputSphereOracle"),
        (3, 9, "l2", "NoneType"),
        (3, 9, "l1", "PerOutputOracle"),
        (3, 1, "l1", "CellOracle"),
    ],
)
def test_the_oracle_that_fits_is_chosen(d, n_outputs, output_norm, kind):
    X = np.random.default_rng(10).standard_normal((9, d))
    oracle = exact_oracle(X, n_outputs=n_outputs, output_norm=output_norm)
    assert type(oracle).__name__ == kind


def test_dependent_outputs_do_not_count():
    rng = np.random.default_rng(11)
    X, lam = rng.standard_normal((9, 3)), rng.standard_normal((9, 5))
    assert exact_oracle(X, n_outputs=5) is None
    lam -= np.mean(lam, axis=1, keepdims=True)  # rows sum to zero, as the multinomial loss's
    result = exact_oracle(X, n_outputs=5, n_independent=4).maximise(lam)
    check_value(X, lam, result)
    assert result.upper <= result.value * 1.000101
