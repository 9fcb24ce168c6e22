"""The polar set: membership by proof, boundary, lines, and the polarity with minimum-norm interpolation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import Problem, train
from cvxnn.margin.ellipsoids import RectifiedEllipsoid
from cvxnn.margin.polar_sets import PolarSet, polar_support
from cvxnn.testing import samplers
from cvxnn.theorems import HypothesisError

NAMES = st.sampled_from(sorted(samplers.DATA))


def draw(name, seed):
    rng = np.random.default_rng(seed)
    X = samplers.DATA[name](rng, int(rng.integers(2, 6)), int(rng.integers(1, 4)))
    X[0, 0] = X[0, 0] if X.any() else 1.0
    return X, rng


def is_gauge_of_the_polar(gauge, X, lam, rng):
    """A gauge is right when lam over it just meets the constraint: exceeded by no neuron, attained by one."""
    U = rng.standard_normal((X.shape[1], 2000))
    values = np.abs(lam @ np.maximum(X @ (U / np.linalg.norm(U, axis=0)), 0.0))
    best = np.abs(lam @ np.maximum(X @ PolarSet(X).contacts(lam).directions, 0.0)).max(initial=0.0)
    size = np.abs(lam) @ np.linalg.norm(X, axis=1)
    return values.max() <= gauge(lam) + 1e-12 * size and abs(best - gauge(lam)) <= 1e-9 * size


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_gauge_is_two_sided(name, seed):
    X, rng = draw(name, seed)
    polar, lam = PolarSet(X), rng.standard_normal(len(X))
    assert is_gauge_of_the_polar(polar.gauge, X, lam, rng)
    assert polar.gauge(-lam) == pytest.approx(polar.gauge(lam))
    assert polar.gauge(lam) == pytest.approx(RectifiedEllipsoid(X).two_sided_support(lam), rel=1e-9)


def test_a_one_sided_gauge_is_rejected(rng):
    """A planted fault: max lam^T (X u)_+ without the absolute value."""
    X = rng.standard_normal((5, 3))
    rectified = RectifiedEllipsoid(X)
    lam = -np.abs(rng.standard_normal(5))
    assert rectified.support(lam) < PolarSet(X).gauge(lam)
    assert not is_gauge_of_the_polar(rectified.support, X, lam, rng)


@settings(max_examples=20)
@given(name=NAMES, seed=st.integers(0, 10**6))
def test_sampled_boundary_points_are_members_and_no_more(name, seed):
    X, _ = draw(name, seed)
    polar = PolarSet(X)
    points = polar.sample_boundary(3, random_state=seed)
    assert points.shape == (len(X), 3)
    for lam in points.T:
        assert polar.contains(lam)
        assert not polar.contains(1.001 * lam)
    np.testing.assert_array_equal(points, polar.sample_boundary(3, random_state=seed))


def test_lines_are_where_no_neuron_tells_the_samples_apart():
    X = np.array([[1.0, 2.0], [2.0, 4.0], [0.0, 1.0], [0.0, 0.0]])
    polar = PolarSet(X)
    lines = polar.lines()
    assert lines.shape == (4, 2)  # the zero sample, and the first two against each other
    for lam in (lines @ np.random.default_rng(0).standard_normal((2, 5))).T:
        assert polar.gauge(lam) < 1e-12
    np.testing.assert_allclose(np.abs(lines[3]).max(), 1.0)
    np.testing.assert_allclose(np.maximum(X @ [[1.0], [0.3]], 0.0).T @ lines, 0.0, atol=1e-12)


def test_opposite_rows_make_linear_functions_that_depend_on_each_other():
    """x^T u = (x^T u)_+ - (-x^T u)_+ is linear in x, though no row is zero and no two are in one direction."""
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    lines = PolarSet(np.vstack([rows, -rows])).lines()
    assert lines.shape == (6, 1)
    np.testing.assert_allclose(lines[:, 0] / lines[0, 0], [1, 1, -1, -1, -1, 1], atol=1e-12)


def test_opposite_samples_can_be_told_apart():
    """Rank 1, n = 2: Q is two segments on the axes, its polar a rectangle."""
    polar = PolarSet([[1.0], [-2.0]])
    assert polar.lines().shape == (2, 0)
    assert polar.contains([1.0, 0.5])
    assert polar.contains([-1.0, 0.5])
    assert not polar.contains([1.01, 0.0])
    assert not polar.contains([0.0, -0.51])


@given(name=NAMES, seed=st.integers(0, 10**6), scale=st.sampled_from([1e-6, 1.0, 1e6]))
def test_support_function_is_the_least_interpolation_norm(name, seed, scale):
    X, rng = draw(name, seed)
    z = np.maximum(X @ rng.standard_normal((X.shape[1], 3)), 0.0) @ rng.standard_normal(3)
    if not z.any():
        return
    result = polar_support(scale * X, z)
    value = result.value
    # asked for a thousandth of 1e-6; both sides are evaluated anew
    assert abs(value.difference) <= 2e-6 * value.predicted
    assert PolarSet(scale * X).contains(result.lam)
    assert result.residual < 1e-8
    norms = np.linalg.norm(result.network.hidden, axis=0) * np.abs(result.network.output)
    assert norms.sum() == pytest.approx(value.predicted, rel=1e-12)


def test_interpolation_is_the_limit_of_training(rng):
    X, y = rng.standard_normal((5, 3)), rng.standard_normal(5)
    beta = 1e-4
    trained = train(Problem(X, y, beta=beta), tol=1e-7)
    least = polar_support(X, y)
    # objective = beta R - O(beta^2): the fit gives up beta times the dual variable
    assert trained.certificate.objective / beta == pytest.approx(least.value.measured, rel=1e-3)
    lam = trained.network.predict(X)
    np.testing.assert_allclose((y - lam) / beta @ y, least.value.measured, rtol=1e-3)


def test_hypotheses_are_named():
    with pytest.raises(HypothesisError, match="no network takes the values z"):
        polar_support([[1.0, 0.0], [2.0, 0.0]], [1.0, 1.0])
    with pytest.raises(HypothesisError, match="X must be small enough"):
        polar_support(np.random.default_rng(0).standard_normal((100, 20)), np.ones(100))
    with pytest.raises(ValueError, match="z must not be zero"):
        polar_support([[1.0]], [0.0])
    with pytest.raises(ValueError, match="k must be an integer"):
        PolarSet([[1.0]]).sample_boundary(-1)


def test_data_of_a_million_cells_are_refused_with_their_number():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="patterns for 60 rows; it has up to 978,812"):
        polar_support(rng.standard_normal((60, 5)), rng.standard_normal(60))
