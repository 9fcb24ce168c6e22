"""Laws that the oracles of all three activations obey, and the ReLU's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.oracles.neuron_oracles import ReLUOracle, neuron_oracle
from cvxnn.function_spaces.oracles.quadratic_oracle import QuadraticOracle
from cvxnn.function_spaces.oracles.threshold_oracle import ThresholdOracle
from cvxnn.function_spaces.unit_norm.unit_networks import unit_features

DEGREES = (0, 1, 2)
# Sums of n = 8 terms: exact methods are off by rounding only.
ROUNDING = 1e-10


def drawn(seed, n=8, d=3):
    rng = np.random.default_rng(seed)
    directions = rng.standard_normal((d, 2000))
    return (
        rng.standard_normal((n, d)),
        rng.standard_normal(n),
        directions / np.linalg.norm(directions, axis=0),
    )


def law(X, lam, found, degree, directions):
    """Values are attained by unit vectors, best first; no direction exceeds the upper bound."""
    reached = found.signs * (lam @ unit_features(X, found.directions, degree))
    np.testing.assert_allclose(reached, found.values, atol=ROUNDING)
    np.testing.assert_allclose(np.linalg.norm(found.directions, axis=0), 1.0, atol=1e-12)
    assert np.all(np.diff(found.values) <= 0)
    assert found.value <= found.upper
    assert np.max(np.abs(lam @ unit_features(X, directions, degree))) <= found.upper + ROUNDING


@given(st.integers(0, 10_000), st.sampled_from(DEGREES), st.sampled_from([1, 2, 3]), st.booleans())
def test_no_direction_exceeds_the_upper_bound(seed, degree, d, exact):
    X, lam, directions = drawn(seed, d=d)
    found = neuron_oracle(X, degree, max_seconds=0.5 if exact else 0.0).maximise(lam)
    law(X, lam, found, degree, directions)
    if exact:
        assert found.is_exact
        assert np.max(np.abs(lam @ unit_features(X, directions, degree))) <= found.value + ROUNDING


@pytest.mark.parametrize("degree", DEGREES)
def test_the_law_rejects_a_one_sided_oracle(degree):
    # Planted fault: only the positive sign, though the negative one is larger.
    X, lam, directions = drawn(3)
    lam = -np.abs(lam)
    found = neuron_oracle(X, degree).maximise(lam)
    assert found.signs[0] == -1.0
    one_sided = max(0.0, float(np.max(lam @ unit_features(X, directions, degree))))
    assert one_sided < 0.1 * found.value


@pytest.mark.parametrize("degree", DEGREES)
def test_a_search_finds_the_exact_maximum_on_small_data(degree):
    for seed in range(3):
        X, lam, _ = drawn(seed, n=12)
        exact = neuron_oracle(X, degree).maximise(lam)
        searched = neuron_oracle(X, degree, max_seconds=0.0).maximise(lam)
        assert searched.method == "search"
        assert not searched.is_exact
        assert searched.value == pytest.approx(exact.value, rel=1e-6)


@pytest.mark.parametrize("degree", DEGREES)
def test_scaling(degree):
    X, lam, _ = drawn(7)
    value = neuron_oracle(X, degree).maximise(lam).value
    for scale in (1e-8, 1e8):
        assert neuron_oracle(X, degree).maximise(scale * lam).value == pytest.approx(scale * value, rel=1e-9)
        scaled = neuron_oracle(scale * X, degree).maximise(lam).value
        assert scaled == pytest.approx(scale**degree * value, rel=1e-9)


@pytest.mark.parametrize("degree", DEGREES)
def test_nothing_is_found_where_there_is_nothing(degree):
    X = np.array([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]])
    found = neuron_oracle(X, degree).maximise(np.zeros(3))
    assert found.value == 0.0
    assert found.upper == 0.0
    assert found.directions.shape == (2, 0)


@pytest.mark.parametrize("degree", DEGREES)
def test_rank_deficient_data_and_repeated_rows(degree):
    rng = np.random.default_rng(0)
    # in integers, because k = 0 takes no rank for granted that rounding has made
    X = (rng.integers(-9, 10, (6, 2)) @ rng.integers(-9, 10, (2, 5))).astype(float)
    X, lam = np.vstack([X, X[:2], np.zeros((1, 5))]), rng.standard_normal(9)
    found = neuron_oracle(X, degree).maximise(lam)
    directions = rng.standard_normal((5, 5000))
    law(X, lam, found, degree, directions / np.linalg.norm(directions, axis=0))
    assert found.is_exact


def test_the_oracle_of_each_activation():
    kinds = [type(neuron_oracle(np.eye(2), name)) for name in ("step", "relu", "squared_relu")]
    assert kinds == [ThresholdOracle, ReLUOracle, QuadraticOracle]
    with pytest.raises(ValueError, match="activation"):
        neuron_oracle(np.eye(2), "tanh")
    with pytest.raises(ValueError, match="X"):
        neuron_oracle([[np.nan]], 1)
    with pytest.raises(ValueError, match="max_seconds"):
        neuron_oracle(np.eye(2), max_seconds=-1)


@pytest.mark.parametrize("degree", DEGREES)
def test_a_dual_variable_is_checked(degree):
    oracle = neuron_oracle(np.eye(2), degree)
    assert oracle.maximise([3.0, -4.0]).value == oracle.maximise([[3.0], [-4.0]]).value == 4.0
    for lam in ([1.0], np.ones((2, 2)), [np.nan, 0.0], [np.inf, 0.0]):
        with pytest.raises(ValueError, match="lam"):
            oracle.maximise(lam)


@pytest.mark.parametrize("degree", DEGREES)
def test_a_maximum_of_zero_is_exact(degree):
    # lam is opposite on equal rows: the maximum is zero, and the bound exceeds it by rounding
    X, lam = np.array([[1.0, 2.0], [1.0, 2.0], [-1.0, 0.5], [2.0, 1.0]]), np.array([-0.5, 0.5, 0.0, 0.0])
    found = neuron_oracle(X, degree).maximise(lam)
    assert found.is_exact
    assert found.upper < 1e-12
