"""Ellipsoid and rectified ellipsoid: support, gauge and extreme points, by laws that wrong ones break."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls

from cvxnn.certificates import exact_oracle
from cvxnn.margin.ellipsoids import Ellipsoid, RectifiedEllipsoid
from cvxnn.patterns import enumerate_patterns
from cvxnn.testing import samplers

SCALES = st.sampled_from([1e-8, 1.0, 1e8])
NAMES = st.sampled_from(sorted(samplers.DATA))


def draw(name, seed, *, largest=7):
    rng = np.random.default_rng(seed)
    n, d = int(rng.integers(2, largest)), int(rng.integers(1, 5))
    X = samplers.DATA[name](rng, n, d)
    X[0, 0] = X[0, 0] if X.any() else 1.0
    return X, rng


def units(rng, d, k=400):
    U = rng.standard_normal((d, k))
    return U / np.linalg.norm(U, axis=0)


def brute_force(X, lam):
    """Return phi(lam) by one non-negative least-squares problem for every cell."""
    cells = np.asarray(enumerate_patterns(X)).T
    return max(nnls(((2.0 * on - 1.0)[:, None] * X).T, -X.T @ (on * lam))[1] for on in cells)


def is_support_function(support, X, lam, rng):
    """No unit neuron exceeds it, and one attains it: the law of a support function, by brute force."""
    size = np.abs(lam) @ np.linalg.norm(X, axis=1)
    sampled = np.max(lam @ np.maximum(X @ units(rng, X.shape[1]), 0.0))
    # both sides are exact to rounding: sums of a few products, each of at most the size of the bound
    return support(lam) >= sampled - 1e-12 * size and abs(support(lam) - brute_force(X, lam)) <= 1e-9 * size


@given(name=NAMES, seed=st.integers(0, 10**6), scale=SCALES)
def test_support_is_the_oracle(name, seed, scale):
    X, rng = draw(name, seed)
    X = scale * X
    lam = rng.standard_normal(len(X))
    rectified = RectifiedEllipsoid(X)
    assert is_support_function(rectified.support, X, lam, rng)
    found = exact_oracle(X).maximise(lam)
    assert rectified.two_sided_support(lam) == pytest.approx(found.value, rel=1e-9)


def test_several_directions_at_once(rng):
    rectified = RectifiedEllipsoid(rng.standard_normal((5, 3)))
    lam = rng.standard_normal((5, 9))
    np.testing.assert_allclose(
        rectified.support(lam), [rectified.support(column) for column in lam.T], rtol=1e-12
    )
    np.testing.assert_allclose(
        Ellipsoid(rectified.X).support(lam), np.linalg.norm(rectified.X.T @ lam, axis=0)
    )
    assert rectified.two_sided_support(lam).shape == (9,)


@pytest.mark.parametrize("fault", ["linear", "no cones", "a cell missing"])
def test_wrong_support_functions_are_rejected(fault, rng):
    X = rng.standard_normal((6, 3))
    rectified = RectifiedEllipsoid(X)
    masks = rectified.masks

    def support(lam):
        if fault == "linear":
            return float(np.linalg.norm(X.T @ lam))
        if fault == "no cones":
            return float(np.max(np.linalg.norm((lam[:, None] * masks).T @ X, axis=1)))
        best = masks[:, [j for j in range(masks.shape[1]) if not np.array_equal(masks[:, j], X @ u >= 0)]]
        values = [nnls(((2.0 * on - 1.0)[:, None] * X).T, -X.T @ (on * lam))[1] for on in best.T]
        return max(0.0, *values)

    rejected = 0
    for _ in range(20):
        lam = rng.standard_normal(6)
        u = rectified.extreme_point(lam).neuron
        rejected += not is_support_function(support, X, lam, rng)
    assert rejected >= 10  # a direction whose maximiser is in the interior of its cell forgives missing cones


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_extreme_points_are_points_of_the_set(name, seed):
    X, rng = draw(name, seed)
    rectified, lam = RectifiedEllipsoid(X), rng.standard_normal(len(X))
    farthest = rectified.extreme_point(lam)
    assert np.linalg.norm(farthest.neuron) == pytest.approx(1.0 if farthest.value > 0 else 0.0)
    np.testing.assert_array_equal(farthest.point, np.maximum(X @ farthest.neuron, 0.0))
    size = np.abs(lam) @ np.linalg.norm(X, axis=1)
    assert lam @ farthest.point == pytest.approx(farthest.value, abs=1e-9 * size)
    # kinks are zero to rounding only, so that an entry may be some 1e-16 instead of zero: the gauge's own threshold
    # takes it as zero, and the neuron may then be a little shorter than one
    assert rectified.contains(farthest.point, tol=1e-6)


@given(name=NAMES, seed=st.integers(0, 10**6), scale=SCALES)
def test_gauge_is_the_length_of_the_shortest_neuron(name, seed, scale):
    X, rng = draw(name, seed)
    X = scale * X
    rectified, ellipsoid = RectifiedEllipsoid(X), Ellipsoid(X)
    u = rng.standard_normal(X.shape[1])
    assert ellipsoid.gauge(X @ u) <= np.linalg.norm(u) * (1 + 1e-9)
    z = np.maximum(X @ u, 0.0)
    assert rectified.gauge(z) <= np.linalg.norm(u) * (1 + 1e-9)
    assert rectified.gauge(3 * z) == pytest.approx(3 * rectified.gauge(z), rel=1e-9)
    if z.any():
        assert not rectified.contains(1.01 * z / rectified.gauge(z))
    assert np.isinf(rectified.gauge(-z)) or not z.any()


@given(seed=st.integers(0, 10**6))
def test_support_and_gauge_agree_on_the_hull(seed):
    """lam^T z <= phi(lam) gauge(z): with equality at the extreme point of lam."""
    X, rng = draw("gaussian", seed)
    rectified = RectifiedEllipsoid(X)
    lam, u = rng.standard_normal(len(X)), rng.standard_normal(X.shape[1])
    z = np.maximum(X @ u, 0.0)
    assert lam @ z <= rectified.support(lam) * rectified.gauge(z) * (1 + 1e-9) + 1e-12


@given(name=NAMES, seed=st.integers(0, 10**6))
def test_the_ellipsoid_is_a_difference_of_rectified_ones(name, seed):
    """X u = (X u)_+ - (-X u)_+ bounds one support function by the other two."""
    X, rng = draw(name, seed)
    rectified, lam = RectifiedEllipsoid(X), rng.standard_normal(len(X))
    both = rectified.support(lam) + rectified.support(-lam)
    assert Ellipsoid(X).support(lam) <= both * (1 + 1e-9)


def test_orthonormal_samples_rectify_to_a_part_of_the_ball():
    """X X^T = I: Q is the unit ball's part in the orthant."""
    X = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 3))).Q.T
    rectified = RectifiedEllipsoid(X)
    lam = np.array([3.0, -1.0, 4.0])
    assert rectified.support(lam) == pytest.approx(5.0)
    assert rectified.gauge([0.6, 0.0, 0.8]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Ellipsoid([[0.0, 0.0]]), "X must have a row that is not zero"),
        (lambda: RectifiedEllipsoid([[np.nan]]), "X must be finite"),
        (
            lambda: RectifiedEllipsoid(np.eye(6), max_cells=10),
            "at most 10 activation patterns; .* raise max_cells",
        ),
        (lambda: RectifiedEllipsoid([[1.0]]).support([1.0, 2.0]), "lam must have 1 entries"),
        (lambda: Ellipsoid([[1.0]]).gauge([1.0, 2.0]), "z must have 1 entries"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
