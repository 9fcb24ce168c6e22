"""gamma_2 of values on a sample."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel
from cvxnn.function_spaces.kernels.norm import gamma_2
from cvxnn.function_spaces.kernels.random_features import ReLURandomFeatures


def draw(seed, n=6, d=3):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, d)), rng.standard_normal(n)


@given(seed=st.integers(0, 10**6), degree=st.sampled_from([0, 1, 2]), bias=st.booleans())
def test_it_is_the_norm_of_a_combination_of_kernels(seed, degree, bias):
    X, c = draw(seed)
    kernel = ArcCosineKernel(degree, bias)
    gram = kernel.gram(X)
    # ||sum_i c_i k(., x_i)||^2 = c' K c; the least eigenvalue is about 1e-4 of the largest.
    assert gamma_2(X, gram @ c, kernel=kernel) == pytest.approx(math.sqrt(c @ gram @ c), rel=1e-8)


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_it_is_the_least_norm_of_random_features(degree):
    X, f = draw(0)
    Phi = ReLURandomFeatures(200_000, degree=degree, bias=False, random_state=0).fit_transform(X)
    least = np.linalg.norm(np.linalg.lstsq(Phi, f)[0])
    # The kernel's error of 1 / sqrt(200,000), 0.2 %, times the condition of some directions.
    assert gamma_2(X, f, kernel=ArcCosineKernel(degree)) == pytest.approx(least, rel=0.05)


@given(seed=st.integers(0, 10**6), size=st.sampled_from([1e-8, 3.0, 1e8]))
def test_it_is_a_norm_and_scales_against_the_data(seed, size):
    X, f = draw(seed)
    g = draw(seed + 1)[1]
    norm = gamma_2(X, f)
    assert gamma_2(X, size * f) == pytest.approx(size * norm, rel=1e-8)
    assert gamma_2(size * X, f) == pytest.approx(norm / size, rel=1e-8)
    assert gamma_2(X, f + g) <= (norm + gamma_2(X, g)) * (1 + 1e-8)


@given(seed=st.integers(0, 10**6))
def test_more_samples_do_not_lower_it(seed):
    X, f = draw(seed, n=8)
    norms = [gamma_2(X[:n], f[:n]) for n in range(1, 9)]
    assert np.all(np.diff(norms) >= -1e-8 * norms[-1])


def test_rows_of_very_different_lengths_do_no_harm():
    X, f = draw(0)
    lengths = 10.0 ** np.arange(-9, 9, 3)
    assert gamma_2(lengths[:, None] * X, lengths * f) == pytest.approx(gamma_2(X, f), rel=1e-9)


def test_the_gaussian_norm_is_that_of_the_sphere_over_the_moment():
    X, f = draw(0)
    gaussian = gamma_2(X, f, kernel=ArcCosineKernel(measure="gaussian"))
    assert gaussian * math.sqrt(3) == pytest.approx(gamma_2(X, f))


def test_values_that_no_function_takes():
    assert gamma_2([[1.0], [2.0]], [1.0, 1.0]) == math.inf
    assert gamma_2([[1.0], [2.0]], [1.0, 2.0]) < math.inf
    assert gamma_2([[1.0, 2.0], [1.0, 2.0]], [1.0, 1.001]) == math.inf
    assert gamma_2([[1.0, 2.0], [0.0, 0.0]], [1.0, 0.5]) == math.inf
    assert gamma_2([[1.0, 2.0], [0.0, 0.0]], [1.0, 0.0]) == pytest.approx(gamma_2([[1.0, 2.0]], [1.0]))
    assert gamma_2([[0.0, 0.0]], [0.0]) == 0.0


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="values must have the 2 rows of X; got 3"):
        gamma_2(np.eye(2), np.ones(3))
    with pytest.raises(ValueError, match="kernel must be an ArcCosineKernel; got 'rbf'"):
        gamma_2(np.eye(2), np.ones(2), kernel="rbf")
