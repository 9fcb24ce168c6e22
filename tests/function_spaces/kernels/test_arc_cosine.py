"""The kernels in closed form: against integrals, exact arithmetic, known values and scikit-learn."""

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVR

from cvxnn.function_spaces.kernels.arc_cosine import (
    ArcCosineKernel,
    angular_part,
    lengths_and_units,
    supplements,
)
from cvxnn.function_spaces.kernels.random_features import random_neurons

DEGREES = (0, 1, 2)
MEASURES = ("sphere", "gaussian")
EVERY = [(degree, bias, measure) for degree in DEGREES for bias in (False, True) for measure in MEASURES]
every_kernel = pytest.mark.parametrize(("degree", "bias", "measure"), EVERY)


def samples(seed, n=7, d=3):
    return np.random.default_rng(seed).standard_normal((n, d))


@every_kernel
def test_equals_its_integral_to_sampling_error(degree, bias, measure):
    kernel = ArcCosineKernel(degree, bias, 1.3, measure)
    inputs = kernel.inputs(samples(0, n=3))
    weights = random_neurons(inputs.shape[1], 200_000, measure, random_state=1)
    hidden = kernel.activation.value(inputs @ weights)
    products = hidden[:, None] * hidden[None]
    errors = products.std(axis=2) / math.sqrt(weights.shape[1])
    # Six different numbers for each of twelve kernels: 4.5 standard errors happen once in 2,000 such tests.
    assert np.all(np.abs(products.mean(axis=2) - kernel.gram(samples(0, n=3))) <= 4.5 * errors)


@pytest.mark.parametrize("degree", DEGREES)
@pytest.mark.parametrize("supplement", [np.pi, np.pi - 1e-8, 3.0, 2.0, np.pi / 2, 1.0, 0.1, 1e-8])
def test_equals_its_integral_by_quadrature(degree, supplement):
    # In the plane of x and z both are active on a sector of pi - t: 2^k k! int sin^k(a) sin^k(pi - t - a) da over it.
    # 40 Gauss-Legendre nodes are exact to rounding, and all terms are positive.
    nodes, weights = np.polynomial.legendre.leggauss(40)
    half = supplement / 2
    integral = half * np.sum(weights * (np.sin(half * (1 - nodes)) * np.sin(half * (1 + nodes))) ** degree)
    expected = 2**degree * math.factorial(degree) * integral
    assert_allclose(angular_part(np.array([supplement]), degree), [expected], rtol=1e-12)


@pytest.mark.parametrize("degree", [1, 2])
def test_angular_part_has_full_relative_precision(degree):
    supplements_ = np.concatenate([np.geomspace(1e-12, 1.0, 40), np.linspace(0.9, np.pi, 40)])
    expected = [float(_exactly(s, degree)) for s in supplements_]
    # The closed form is taken above s = 1, where its terms are up to 15 times the result.
    assert_allclose(angular_part(supplements_.copy(), degree), expected, rtol=1e-14)


def _exactly(s, degree):
    """The closed form with 100 digits, of which it cancels 61 at most."""
    with localcontext() as context:
        context.prec = 100
        s = Decimal(float(s))
        term, cosine, sine = Decimal(1), Decimal(0), Decimal(0)
        for j in range(120):
            sign = (1, 1, -1, -1)[j % 4]
            if j % 2:
                sine += sign * term
            else:
                cosine += sign * term
            term = term * s / (j + 1)
        if degree == 1:
            return sine - s * cosine
        return s * (1 + 2 * cosine**2) - 3 * sine * cosine


# Cho and Saul 2009: J_0, J_1, J_2 at 0, a right angle and pi, and at 60 degrees.
KNOWN = {
    0: (np.pi, np.pi / 2, 0.0, 2 * np.pi / 3),
    1: (np.pi, 1.0, 0.0, np.sqrt(3) / 2 + np.pi / 3),
    2: (3 * np.pi, np.pi / 2, 0.0, 3 * np.sqrt(3) / 4 + np.pi),
}


@pytest.mark.parametrize("degree", DEGREES)
def test_closed_forms_at_known_angles(degree):
    kernel = ArcCosineKernel(degree, measure="gaussian")
    X = np.array([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    lengths = np.array([2.0, 3.0, 1.0, 1.0])
    expected = (2.0 * lengths) ** degree * KNOWN[degree] / (2 * np.pi)
    # Relative to sizes up to 36: the cosine of 60 degrees and sqrt(3) / 2 carry a rounding.
    assert_allclose(kernel.gram(X[:1], X)[0], expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("degree", "factor"), [(0, 1), (1, 4), (2, 24)])
def test_measures_differ_by_the_moment_of_the_length(degree, factor):
    X = samples(1, d=4)
    normal = ArcCosineKernel(degree, measure="gaussian").gram(X)
    assert_allclose(ArcCosineKernel(degree).gram(X) * factor, normal, rtol=1e-14)


def test_on_the_circle_it_has_the_squared_fourier_coefficients_of_the_relu():
    n = 64
    angles = 2 * np.pi * np.arange(n) / n
    column = ArcCosineKernel().gram([[1.0, 0.0]], np.column_stack([np.cos(angles), np.sin(angles)]))[0]
    frequencies = np.arange(2, 4000, 2)
    coefficients = 2 / (np.pi * (frequencies**2 - 1.0))
    series = 1 / np.pi**2 + np.cos(angles) / 8
    series += (coefficients**2 / 2) @ np.cos(np.outer(frequencies, angles))
    # The rest of the series from frequency 4000 on is below 1e-12.
    assert_allclose(column, series, atol=1e-11)


@every_kernel
def test_diag_is_the_diagonal(degree, bias, measure):
    kernel = ArcCosineKernel(degree, bias, 0.7, measure)
    X = np.vstack([samples(2), np.zeros(3), 1e-8 * samples(3), 1e8 * samples(4)])
    assert_allclose(np.diag(kernel.gram(X)), kernel.diag(X), rtol=1e-14)


@given(seed=st.integers(0, 10**6), degree=st.sampled_from(DEGREES), bias=st.booleans())
def test_it_is_symmetric_and_positive_semidefinite(seed, degree, bias):
    X = samples(seed, n=12, d=2)
    X[3], X[4], X[5] = X[0], -X[0], 0.0
    gram = ArcCosineKernel(degree, bias).gram(X)
    assert np.array_equal(gram, gram.T)
    values = np.linalg.eigvalsh(gram)
    assert values[0] >= -12 * 1e-15 * values[-1]


def test_a_wrong_closed_form_is_not_positive_semidefinite():
    # A planted fault: J_1 with cos t - (pi - t) sin t in place of sin t + (pi - t) cos t.
    X = samples(0, n=12, d=2)
    lengths, units = lengths_and_units(X)
    s = supplements(units, units)
    wrong = np.outer(lengths, lengths) * (-np.cos(s) - s * np.sin(s))
    assert np.linalg.eigvalsh(wrong)[0] < -0.01 * np.linalg.eigvalsh(wrong)[-1]


@given(
    seed=st.integers(0, 10**6), degree=st.sampled_from(DEGREES), size=st.sampled_from([1e-8, 0.3, 7.0, 1e8])
)
def test_it_is_homogeneous_in_each_argument(seed, degree, size):
    X, Z = samples(seed), samples(seed + 1)
    kernel = ArcCosineKernel(degree)
    assert_allclose(kernel.gram(size * X, Z), size**degree * kernel.gram(X, Z), rtol=1e-11)


@given(seed=st.integers(0, 10**6), degree=st.sampled_from(DEGREES), bias=st.booleans())
def test_rotations_leave_it(seed, degree, bias):
    X = samples(seed)
    Q = np.linalg.qr(samples(seed + 1, n=3))[0]
    kernel = ArcCosineKernel(degree, bias)
    # Near opposite samples the kernel is small; errors are those of the angle, of order 1e-15.
    scale = np.max(kernel.diag(X))
    assert_allclose(kernel.gram(X @ Q), kernel.gram(X), atol=1e-13 * scale)


@pytest.mark.parametrize("degree", DEGREES)
def test_a_bias_is_a_column(degree):
    X = samples(3)
    column = np.hstack([X, np.full((len(X), 1), 1.7)])
    assert np.array_equal(ArcCosineKernel(degree, True, 1.7).gram(X), ArcCosineKernel(degree).gram(column))


@pytest.mark.parametrize("small", [1e-3, 1e-7, 1e-10])
def test_small_angles_keep_their_digits(small):
    kernel = ArcCosineKernel(0, measure="gaussian")
    x, near, far = [1.0, 0.0], [np.cos(small), np.sin(small)], [-np.cos(small), -np.sin(small)]
    # 1e-16 in coordinates; arccos of the inner product would have 0 for the two smaller ones.
    assert np.pi - 2 * np.pi * kernel(x, near) == pytest.approx(small, abs=1e-15)
    assert 2 * np.pi * kernel(x, far) == pytest.approx(small, rel=1e-12)


def test_zero_samples():
    X = np.array([[0.0, 0.0], [1.0, 2.0]])
    assert_allclose(ArcCosineKernel(0).gram(X), [[1.0, 0.5], [0.5, 0.5]])
    for degree in (1, 2):
        assert_allclose(ArcCosineKernel(degree).gram(X)[0], 0.0)


def test_kernel_ridge_takes_it():
    X, y = samples(0, n=30), samples(1, n=30)[:, 0]
    for degree in DEGREES:
        kernel = ArcCosineKernel(degree, True)
        called = KernelRidge(alpha=0.1, kernel=kernel).fit(X, y).predict(X[:5] + 0.1)
        given_ = KernelRidge(alpha=0.1, kernel="precomputed").fit(kernel(X), y)
        assert_allclose(called, given_.predict(kernel(X[:5] + 0.1, X)), rtol=1e-9)


def test_support_vector_regression_takes_it():
    X, y = samples(0, n=30), samples(1, n=30)[:, 0]
    for degree in DEGREES:
        kernel = ArcCosineKernel(degree, True)
        called = SVR(kernel=kernel, C=3.0).fit(X, y).predict(X[:5] + 0.1)
        given_ = SVR(kernel="precomputed", C=3.0).fit(kernel(X), y)
        assert_allclose(called, given_.predict(kernel(X[:5] + 0.1, X)), rtol=1e-9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"degree": 3}, "degree must be 0, 1 or 2; got 3"),
        ({"degree": True}, "degree must be 0, 1 or 2; got True"),
        ({"degree": 1.0}, "degree must be 0, 1 or 2; got 1.0"),
        ({"bias": 1}, "bias must be True or False; got 1"),
        ({"radius": 0.0}, "radius must be a finite number > 0; got 0.0"),
        ({"measure": "normal"}, "measure must be 'sphere' or 'gaussian'; got 'normal'"),
    ],
)
def test_bad_parameters_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ArcCosineKernel(**arguments)


def test_bad_samples_are_named():
    kernel = ArcCosineKernel()
    with pytest.raises(ValueError, match="X and Z must have the same columns; got 2 and 3"):
        kernel.gram(np.ones((2, 2)), np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"both be 1-D or both 2-D; got shapes \(2,\) and \(1, 2\)"):
        kernel([1.0, 2.0], [[1.0, 2.0]])
    with pytest.raises(ValueError, match="Z must be finite; found 1 NaN"):
        kernel.gram([[1.0]], [[np.nan]])
