"""Lipschitz functions on the circle within balls of F_2."""

import itertools
import time

import numpy as np
import pytest

from cvxnn.function_spaces.comparisons.circle import approximate_on_circle, hardest_waves
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.theorems import HypothesisError


def angles(N):
    return np.pi * np.arange(N) / N


def triangle(N):
    return np.minimum(angles(N), np.pi - angles(N)) - np.pi / 4


def test_approximations_are_in_their_balls_and_proved_the_best():
    N = 32
    found = approximate_on_circle(triangle(N), [1.0, 3.0, 9.0])
    half = np.column_stack([np.cos(angles(N)), np.sin(angles(N))])
    for delta, h in zip(found.deltas, found.approximations, strict=True):
        # On all 2N points, by the kernel matrix itself.
        assert gamma_2(np.vstack([half, -half]), np.concatenate([h, h])) <= delta * (1 + 1e-9)
    assert np.allclose(found.errors, np.max(np.abs(found.approximations - found.targets), axis=1))
    assert np.all(found.lower <= found.errors)
    assert np.all(found.errors - found.lower < 1e-6)  # the solver's gap of 1e-8, of values near 1


def test_a_smaller_ball_is_farther_away_and_the_smallest_knows_only_zero():
    errors = approximate_on_circle(triangle(32), [1e-9, 1.0, 2.0, 8.0]).errors
    assert np.all(np.diff(errors) < 0)
    assert errors[0] == pytest.approx(np.pi / 4, rel=1e-6)


@pytest.mark.parametrize("frequency", [2, 4, 6, 12])
def test_waves_by_symmetry_are_waves_in_full(frequency):
    N, deltas = 48, [2.0, 6.0]
    wave = np.cos(frequency * angles(N)) / frequency
    whole = approximate_on_circle(wave, deltas)
    reduced = hardest_waves(deltas, n_angles=N, frequencies=[frequency])
    assert np.allclose(reduced.errors, whole.errors, atol=1e-7)
    assert np.all(reduced.lower <= whole.errors + 1e-12)


def test_the_hardest_waves_fall_like_one_over_delta():
    found = hardest_waves(np.geomspace(4.0, 48.0, 8), n_angles=384)
    # The rate of the theorem is attained, with a constant that does not grow like log delta.
    assert found.rate.holds
    assert found.sharpness.holds
    assert np.all((found.constants > 0.5) & (found.constants < 0.56))
    assert found.slope == pytest.approx(-0.98, abs=0.02)


def test_a_single_function_may_be_easier():
    # Kinks, and no other roughness: 1 / delta^2.
    found = approximate_on_circle(triangle(96), np.geomspace(6.0, 16.0, 4))
    assert found.rate.holds
    assert not found.sharpness.holds
    assert found.slope == pytest.approx(-1.75, abs=0.15)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (2 * triangle(16), "must be 1-Lipschitz in the angle; its steepest slope is 2"),
        (np.full(16, 1.5), "must be at most 1; its largest is 1.5"),
        (angles(16) - np.pi / 2, "must be 1-Lipschitz"),  # jumps back at pi
    ],
)
def test_a_target_outside_the_theorem_is_refused(target, message):
    with pytest.raises(HypothesisError, match=message):
        approximate_on_circle(target, [1.0])


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="target must have an even number of values, at least 4; got 5"):
        approximate_on_circle(np.zeros(5), [1.0])
    with pytest.raises(ValueError, match="deltas must be > 0; found 0"):
        hardest_waves([0.0])
    with pytest.raises(ValueError, match=r"frequencies must be even divisors of 48 up to 12; got \[10\]"):
        hardest_waves([1.0], n_angles=48, frequencies=[10])
    with pytest.raises(ValueError, match="n_angles must have an even divisor"):
        hardest_waves([1.0], n_angles=17)


def test_the_time_limit_keeps_the_radii_reached(monkeypatch):
    whole = hardest_waves([2.0, 4.0, 8.0], n_angles=48)
    assert whole.is_complete
    first = hardest_waves([2.0, 4.0, 8.0], n_angles=48, max_seconds=0.0)
    assert not first.is_complete
    np.testing.assert_array_equal(first.deltas, [2.0])
    # of some waves only: no more than of all, and an error of a wave in the class
    assert first.lower[0] <= first.errors[0] <= whole.errors[0]
    with monkeypatch.context() as patched:  # every look moves the clock on by a second; the solver looks too
        looks = itertools.count()
        patched.setattr(time, "perf_counter", lambda: float(next(looks)))
        hardest_waves([2.0, 4.0, 8.0], n_angles=48, max_seconds=1e9)
        cut = hardest_waves([2.0, 4.0, 8.0], n_angles=48, max_seconds=0.6 * next(looks))
    np.testing.assert_array_equal(cut.deltas, [2.0, 4.0])
    assert cut.errors[0] == whole.errors[0]
    assert cut.errors[1] <= whole.errors[1]
    assert not cut.is_complete
    wave = np.cos(2 * np.pi * np.arange(16) / 16) / 2
    one = approximate_on_circle(wave, [1.0, 2.0], max_seconds=0.0)
    assert (len(one.deltas), one.is_complete) == (1, False)
    assert approximate_on_circle(wave, [1.0, 2.0], max_seconds=30.0).is_complete


def test_more_angles_than_a_program_can_take_are_refused():
    with pytest.raises(ValueError, match="n_angles must be at most 2000; got 2400"):
        hardest_waves([4.0], n_angles=2400)
    with pytest.raises(ValueError, match="target must have at most 2000 values; got 2002"):
        approximate_on_circle(np.zeros(2002), [4.0])
