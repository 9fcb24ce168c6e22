"""The Rademacher complexity of the ball of F_1: brackets, bounds and closed forms."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.function_spaces.generalisation.rademacher import rademacher_complexity, rademacher_curve


def test_the_rate_is_the_root_of_n():
    curve = rademacher_curve(samples=[16, 64, 256], dimensions=2, n_repetitions=10, n_signs=20)
    slope = curve.slope("samples")
    assert abs(slope.value + 0.5) < 4 * slope.standard_error + 0.02  # 0.02: not yet the limit at n = 16
    assert np.all(curve.upper <= curve.bounds)
    np.testing.assert_allclose(curve.bounds, 2 / np.sqrt(curve.samples)[:, None].repeat(10, 1), rtol=1e-12)
    assert curve.slope("samples", "upper").value == pytest.approx(slope.value, abs=1e-5)


def test_it_is_free_of_d_where_the_radius_is():
    curve = rademacher_curve(samples=24, dimensions=[2, 32], n_repetitions=4, n_signs=4)
    means = curve.lower.mean(axis=1)
    # orthogonal samples, the limit of large d, have 0.71 n^(-1/2) and a little more; 16 draws know a mean to some 10 %
    assert np.all((means > 0.5 / np.sqrt(24)) & (means < 1.2 / np.sqrt(24)))


def test_the_seed_decides():
    first, again = (
        rademacher_curve(samples=[4], dimensions=2, n_repetitions=2, random_state=3) for _ in range(2)
    )
    np.testing.assert_array_equal(first.lower, again.lower)


def test_bad_arguments_are_named():
    curve = rademacher_curve(samples=[4, 8], dimensions=1, n_repetitions=1)
    with pytest.raises(ValueError, match="against must be 'samples' or 'dimensions'"):
        curve.slope("n")
    with pytest.raises(ValueError, match="side must be 'lower' or 'upper'"):
        curve.slope("samples", "middle")
    with pytest.raises(ValueError, match="sizes must not all be equal"):
        curve.slope("dimensions")
    with pytest.raises(ValueError, match="n_signs must be an integer >= 1"):
        rademacher_curve(samples=4, dimensions=1, n_signs=None)


SMALL = settings(max_examples=25)


def data(seed, n, d):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)) * 10.0 ** rng.integers(-2, 3)


@SMALL
@given(seed=st.integers(0, 10**6), n=st.integers(1, 8), d=st.integers(1, 3), k=st.sampled_from([0, 1, 2]))
def test_the_expectation_is_below_the_bound(seed, n, d, k):
    complexity = rademacher_complexity(data(seed, n, d), k, delta=0.7, n_signs=None, oracle_seconds=5.0)
    low, up = complexity.interval
    # exact oracles: brackets close to rounding
    assert low <= up <= low * (1 + 1e-6)
    assert complexity.comparison.holds
    assert complexity.standard_error == 0.0
    assert len(complexity.lower) == 2 ** (n - 1)


@pytest.mark.parametrize("k", [1, 2])
@pytest.mark.parametrize("n", [1, 4, 7])
def test_equal_samples_are_a_random_walk(n, k):
    # f(x) = delta (+-1): delta/n E |sum eps|, all n samples being equal to 1
    walk = np.mean([abs(sum(signs)) for signs in itertools.product([-1, 1], repeat=n)])
    complexity = rademacher_complexity(np.ones((n, 1)), k, delta=3.0, n_signs=None)
    assert complexity.interval[0] == pytest.approx(3.0 * walk / n, rel=1e-9)


def test_samples_on_orthogonal_axes():
    # |eps^T (v)_+| is largest, sqrt(p), at the unit vector on the p samples of the more frequent sign
    n = 6
    expected = np.mean([np.sqrt(max(s.count(1), s.count(-1))) for s in itertools.product([-1, 1], repeat=n)])
    complexity = rademacher_complexity(np.eye(n), n_signs=None, oracle_seconds=5.0)
    assert complexity.interval[0] == pytest.approx(expected / n, rel=1e-9)
    # k = 0 tells any sign from the other: all of the more frequent sign
    steps = np.mean([max(s.count(1), s.count(-1)) for s in itertools.product([-1, 1], repeat=n)])
    complexity = rademacher_complexity(np.eye(n), 0, n_signs=None, oracle_seconds=5.0)
    assert complexity.interval[0] == pytest.approx(steps / n, rel=1e-9)


@pytest.mark.parametrize("extra", [0, 1])
def test_steps_on_opposite_rows_with_samples_on_hyperplanes(extra):
    # A neuron that is orthogonal to some rows is active on them: more patterns than those of open cells.
    X = np.hstack([np.vstack([np.eye(2), -np.eye(2)]), np.zeros((4, extra))])
    directions = [v for v in itertools.product([-1, 0, 1], repeat=2) if any(v) or extra]
    patterns = np.array([X[:, :2] @ v >= 0 for v in directions])
    signs = np.array(list(itertools.product([-1, 1], repeat=4)))
    expected = np.mean(np.max(np.abs(signs @ patterns.T), axis=1)) / 4
    complexity = rademacher_complexity(X, 0, n_signs=None)
    assert complexity.interval[0] <= expected * (1 + 1e-12)
    assert complexity.interval[1] >= expected * (1 - 1e-12)
    assert expected <= complexity.bound


def test_planted_fault_a_faster_rate():
    # Planted fault: delta ||X||_F^2 / n^2 in place of delta ||X||_F / n, the rate 1/n. The complexity refutes it.
    X = data(0, 10, 2)
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    complexity = rademacher_complexity(X, n_signs=None)
    assert complexity.interval[0] > 2 * np.linalg.norm(X) ** 2 / len(X) ** 2


@SMALL
@given(seed=st.integers(0, 10**6), k=st.sampled_from([1, 2]))
def test_degree_of_homogeneity(seed, k):
    X = data(seed, 6, 2)
    one, three = (rademacher_complexity(c * X, k, n_signs=4).interval[0] for c in (1.0, 3.0))
    assert three == pytest.approx(3**k * one, rel=1e-9)


def test_the_search_is_bracketed_by_proof():
    X = data(5, 14, 3)
    exact = rademacher_complexity(X, n_signs=6, oracle_seconds=5.0, random_state=1)
    searched = rademacher_complexity(X, n_signs=6, oracle_seconds=0.0, random_state=1)
    assert np.all(searched.lower <= exact.lower * (1 + 1e-9))
    assert np.all(searched.upper >= exact.lower * (1 - 1e-9))
    assert searched.interval[0] < searched.interval[1]


def test_random_signs_estimate_the_expectation():
    X = data(2, 10, 2)
    exact = rademacher_complexity(X, n_signs=None).interval[0]
    drawn = rademacher_complexity(X, n_signs=400)
    assert abs(drawn.interval[0] - exact) < 4 * drawn.standard_error


def test_generators_are_seeds():
    X = data(3, 6, 3)
    found = [
        rademacher_complexity(X, n_signs=4, oracle_seconds=0.0, random_state=np.random.default_rng(1))
        for _ in range(2)
    ]
    assert np.array_equal(found[0].lower, found[1].lower)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": [[np.inf]]}, "X must be finite"),
        ({"delta": -1.0}, "delta must be a finite number >= 0"),
        ({"n_signs": 0}, "n_signs must be an integer >= 1"),
        ({"X": np.ones((17, 1)), "n_signs": None}, "takes up to 16 samples; got 17"),
        ({"activation": "tanh"}, "activation must be"),
        ({"oracle_seconds": -1.0}, "oracle_seconds must be"),
        ({"random_state": "seed"}, "random_state must be"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        rademacher_complexity(**{"X": [[1.0]], **change})
