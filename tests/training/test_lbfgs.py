"""Limited-memory BFGS: closed forms, SciPy as the reference, kinks, float types, limits."""

import numpy as np
import pytest
from scipy.optimize import minimize as scipy_minimize

from cvxnn.deadlines import Deadline
from cvxnn.training import lbfgs
from cvxnn.training.lbfgs import _Pairs, minimise


def quadratic(levels):
    def function(x):
        return 0.5 * float(x @ (levels * x)), levels.astype(x.dtype) * x

    return function


def rosenbrock(x):
    value = 100.0 * (x[1] - x[0] ** 2) ** 2 + (1.0 - x[0]) ** 2
    inner = x[1] - x[0] ** 2
    return float(value), np.array([-400.0 * x[0] * inner - 2.0 * (1.0 - x[0]), 200.0 * inner])


def test_direction_is_that_of_the_recursion():
    # The two-loop recursion of Nocedal (1980), written out, is the reference.
    rng = np.random.default_rng(0)
    levels = rng.uniform(0.1, 10.0, 7)
    pairs = _Pairs.empty(4, np.zeros(7))
    stored = []
    for _ in range(6):  # more than fit: the oldest go
        step = rng.standard_normal(7)
        pairs.add(step, levels * step)
        stored = [*stored, (step, levels * step)][-4:]
    gradient = rng.standard_normal(7)
    q, alphas = gradient.copy(), []
    for s, y in reversed(stored):
        alphas.append(float(s @ q) / float(s @ y))
        q -= alphas[-1] * y
    s, y = stored[-1]
    q *= float(s @ y) / float(y @ y)
    for (s, y), alpha in zip(stored, reversed(alphas), strict=True):
        q += (alpha - float(y @ q) / float(s @ y)) * s
    # Both are products of matrices of condition below 1e4.
    np.testing.assert_allclose(pairs.direction(gradient), -q, rtol=1e-11, atol=1e-11)


def test_quadratic_is_solved_to_rounding():
    levels = np.logspace(-2, 2, 30)
    x, value = minimise(quadratic(levels), np.ones(30), memory=30, max_iterations=300)
    # From 5e3 down: the line search is inexact, or thirty iterations would end at rounding.
    assert value < 1e-8
    np.testing.assert_allclose(x, 0.0, atol=1e-3)


def test_rosenbrock_ends_where_scipy_ends():
    start = np.array([-1.2, 1.0])
    x, value = minimise(rosenbrock, start)
    reference = scipy_minimize(rosenbrock, start, jac=True, method="L-BFGS-B", tol=1e-15)
    np.testing.assert_allclose(x, reference.x, atol=1e-5)
    assert value <= reference.fun + 1e-12


def test_a_kink_is_approached():
    # |x| + (y - 1)^2: gradients jump at the minimum; decrease alone ends the search there.
    def function(x):
        return abs(float(x[0])) + (float(x[1]) - 1.0) ** 2, np.array([np.sign(x[0]), 2.0 * (x[1] - 1.0)])

    _, value = minimise(function, np.array([1.3, -0.7]), max_iterations=500)
    assert value < 1e-6


def test_values_never_rise_and_the_last_is_returned():
    seen = []

    def function(x):
        value, gradient = rosenbrock(x)
        seen.append(value)
        return value, gradient

    _, value = minimise(function, np.array([-1.2, 1.0]), max_iterations=15)
    assert value == min(seen)


def test_single_precision_stays_single():
    x, value = minimise(quadratic(np.logspace(-1, 1, 20)), np.ones(20, np.float32), max_iterations=100)
    assert x.dtype == np.float32
    assert value < 1e-10


@pytest.mark.parametrize("limit", [{"max_iterations": 0}, {"deadline": Deadline(0.0)}])
def test_limits_return_the_start(limit):
    start = np.array([-1.2, 1.0])
    x, value = minimise(rosenbrock, start, **limit)
    assert x is start
    assert value == rosenbrock(start)[0]


def test_tol_stops_early():
    calls = []

    def function(x):
        calls.append(1)
        return rosenbrock(x)

    minimise(function, np.array([-1.2, 1.0]), tol=0.9, max_iterations=10_000)
    assert len(calls) < 100


def test_a_stationary_start_and_a_function_without_finite_slope_end_at_once():
    x, value = minimise(quadratic(np.ones(3)), np.zeros(3))
    assert value == 0.0
    np.testing.assert_array_equal(x, 0.0)
    x, _ = minimise(lambda x: (1.0, np.full(3, np.nan)), np.ones(3))
    np.testing.assert_array_equal(x, 1.0)


@pytest.mark.parametrize("size", [1, 16, 33, 100])
def test_segments_add_up_to_the_whole_with_the_same_bits_on_every_number_of_threads(size, monkeypatch):
    rng = np.random.default_rng(3)
    rows, u, v = rng.standard_normal((6, size)), rng.standard_normal(size), rng.standard_normal(size)
    weights, found = rng.standard_normal(6), []
    monkeypatch.setattr(lbfgs, "_SEGMENT", 16)
    monkeypatch.setattr(lbfgs, "_SEGMENTS_PER_THREAD", 1)
    monkeypatch.setattr("cvxnn.threads.blas.blas_libraries", list)
    for number in (1, 3):
        monkeypatch.setattr("cvxnn.threads.blas.cores", lambda number=number: number)
        found.append((lbfgs._products(rows, u, v), lbfgs._combination(weights, rows)))
    # sums of at most 100 products of size one
    np.testing.assert_allclose(found[0][0], rows @ np.stack([u, v], axis=1), atol=1e-12)
    np.testing.assert_allclose(found[0][1], weights @ rows, atol=1e-12)
    for one, three in zip(*found, strict=True):
        np.testing.assert_array_equal(one, three)
