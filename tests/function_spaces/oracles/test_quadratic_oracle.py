"""The oracle of squared positive parts: closed forms, stationarity, sweep against cells."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.oracles import quadratic_oracle
from cvxnn.function_spaces.oracles.quadratic_oracle import QuadraticOracle


def test_one_sample():
    found = QuadraticOracle(np.array([[3.0, 4.0]])).maximise(np.array([2.0]))
    assert found.value == pytest.approx(50.0)
    np.testing.assert_allclose(found.directions[:, 0], [0.6, 0.8], atol=1e-12)


def test_opposite_rows_make_a_quadratic_form():
    # (z)_+^2 + (-z)_+^2 = z^2, so the maximum is an eigenvalue of X^T X.
    X = np.random.default_rng(0).standard_normal((5, 3))
    found = QuadraticOracle(np.vstack([X, -X])).maximise(np.ones(10))
    assert found.value == pytest.approx(np.linalg.norm(X, 2) ** 2, rel=1e-10)


@given(st.integers(0, 10_000), st.sampled_from([2, 3]))
def test_the_best_neuron_is_an_eigenvector_in_its_cell(seed, d):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((7, d)), rng.standard_normal(7)
    found = QuadraticOracle(X).maximise(lam)
    v, sign = found.directions[:, 0], found.signs[0]
    gradient = X.T @ (sign * lam * np.maximum(X @ v, 0.0))
    # h is smooth: at a maximiser on the sphere its gradient is along v, with h for a multiplier.
    np.testing.assert_allclose(gradient, found.value * v, atol=1e-6 * max(1.0, found.value))


@pytest.mark.parametrize("seed", range(5))
def test_the_sweep_agrees_with_cells(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((9, 2)), rng.standard_normal(9)
    patterns = quadratic_oracle.enumerate_patterns(X)
    _, top = quadratic_oracle._eigenvectors(X, patterns, lam)
    assert QuadraticOracle(X).maximise(lam).value == pytest.approx(top, rel=1e-9)


def test_the_bound_of_the_search_is_an_eigenvalue():
    rng = np.random.default_rng(3)
    X, lam = rng.standard_normal((40, 8)), rng.standard_normal(40)
    found = QuadraticOracle(X).maximise(lam)
    tops = [np.linalg.eigvalsh((X.T * np.maximum(s * lam, 0.0)) @ X)[-1] for s in (1, -1)]
    assert found.method == "search"
    assert found.upper == pytest.approx(max(tops), rel=1e-9)


def test_memory_of_a_sweep_is_linear_in_the_samples():
    # all 5000 x 10000 products of samples and stationary directions would take 400 MB
    rng = np.random.default_rng(4)
    oracle, lam = QuadraticOracle(rng.standard_normal((5000, 2))), rng.standard_normal(5000)
    tracemalloc.start()
    found = oracle.maximise(lam)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.is_exact
    assert len(found.values) == 64
    assert peak < 50e6
