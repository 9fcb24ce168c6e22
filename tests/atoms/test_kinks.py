"""What counts as on a kink is a share of the lengths of sample and neuron, and one convention for all."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.atoms import ON_KINK, find_kinks, kink_signs


def test_rounding_does_not_take_a_neuron_off_its_kink():
    X = np.array([[1.0, 0.0], [0.0, 1.0]])
    hidden = np.array([[1.0, 1.0], [1e-13, -1.0]])
    np.testing.assert_array_equal(kink_signs(X, hidden), [[1, 1], [0, -1]])
    np.testing.assert_array_equal(kink_signs(X, hidden, tol=0.0), [[1, 1], [1, -1]])
    np.testing.assert_array_equal(find_kinks(X, hidden), [[False, False], [True, False]])


@given(st.integers(0, 300), st.integers(-140, 140), st.integers(-140, 140))
def test_kinks_do_not_depend_on_the_lengths_of_samples_and_neurons(seed, sample_exponent, neuron_exponent):
    rng = np.random.default_rng(seed)
    X, hidden = rng.standard_normal((6, 3)), rng.standard_normal((3, 4))
    hidden[:, 0] -= X[0] * (X[0] @ hidden[:, 0]) / (X[0] @ X[0])  # on a kink, to rounding
    # Powers of two scale products and lengths without rounding.
    scaled = kink_signs(np.ldexp(X, sample_exponent), np.ldexp(hidden, neuron_exponent))
    np.testing.assert_array_equal(scaled, kink_signs(X, hidden))
    assert scaled[0, 0] == 0
    assert np.count_nonzero(scaled == 0) == 1


@pytest.mark.parametrize(("cosine", "sign"), [(0.5 * ON_KINK, 0), (2.0 * ON_KINK, 1), (-2.0 * ON_KINK, -1)])
def test_a_kink_is_as_wide_as_the_convention_says(cosine, sign):
    assert kink_signs(np.array([[3.0, 0.0]]), np.array([[cosine], [1.0]]))[0, 0] == sign


def test_zero_neurons_are_on_all_kinks_and_all_neurons_on_those_of_zero_samples():
    X, hidden = np.array([[1.0, 1.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(find_kinks(X, hidden), [[True, False], [True, True]])
