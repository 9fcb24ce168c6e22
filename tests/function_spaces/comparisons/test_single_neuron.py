"""One neuron, in F_1 and not in F_2."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.function_spaces.comparisons.single_neuron import (
    MeanNeuronNorm,
    mean_neuron_norm,
    neuron_norms,
    neuron_on_circle,
)
from cvxnn.function_spaces.kernels.arc_cosine import ArcCosineKernel
from cvxnn.function_spaces.kernels.norm import squared_norms
from cvxnn.function_spaces.kernels.random_features import random_neurons
from cvxnn.theorems import HypothesisError


@pytest.mark.parametrize("degree", [0, 1])
@pytest.mark.parametrize("d", [2, 3])
def test_a_neuron_has_bounded_gamma_1_and_growing_gamma_2(degree, d):
    slopes = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((128, d))
        X /= np.linalg.norm(X, axis=1, keepdims=True)
        norms = neuron_norms(
            X, 2.0 * rng.standard_normal(d), [8, 16, 32, 64, 128], activation=degree, largest_program=8
        )
        assert norms.bounded.holds
        assert norms.rises.holds
        assert np.all(norms.lower_bounds <= norms.gamma_1 * (1 + 1e-9))
        slopes.append(norms.slope)
    # About one half, over four random samples; a single one has jumps where a point falls next to the kink.
    assert np.mean(slopes) == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("n", [8, 12, 64, 256])
def test_on_equispaced_points_of_the_circle_the_law_is_exact(n):
    assert neuron_on_circle(n).holds


def test_the_law_of_the_circle_needs_a_multiple_of_four():
    with pytest.raises(HypothesisError, match="n_samples must be a multiple of 4; got 10"):
        neuron_on_circle(10)


def test_one_dimension_is_refused():
    X = np.linspace(-1, 1, 6)[:, None]
    with pytest.raises(HypothesisError, match="must span two dimensions"):
        neuron_norms(X, [1.0], [3, 6])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"v": [1.0]}, "v must have the 2 columns of X; got 1"),
        ({"sizes": [4]}, "sizes must be at least two increasing numbers up to 6"),
        ({"sizes": [4, 9]}, "sizes must be at least two increasing numbers up to 6"),
        ({"activation": 3}, r"activation must be \(z\)_\+\^k with k = 0, 1 or 2; got 3"),
    ],
)
def test_bad_input_is_named(changes, message):
    X = np.random.default_rng(0).standard_normal((6, 2))
    with pytest.raises(ValueError, match=message):
        neuron_norms(X, **{"v": [1.0, 0.0], "sizes": [3, 6], **changes})


def test_a_neuron_that_is_zero_on_the_sample_is_refused():
    X = np.abs(np.random.default_rng(0).standard_normal((6, 2)))
    with pytest.raises(HypothesisError, match="must not be zero on the smallest sample"):
        neuron_norms(X, [-1.0, -1.0], [3, 6])


@settings(max_examples=20)
@given(
    seed=st.integers(0, 10**6),
    n=st.integers(1, 30),
    degree=st.sampled_from([0, 1, 2]),
    bias=st.booleans(),
    measure=st.sampled_from(["sphere", "gaussian"]),
)
def test_the_mean_of_squared_norms_is_the_number_of_samples(seed, n, degree, bias, measure):
    X = np.random.default_rng(seed).standard_normal((n, 4))
    # A few normal weights carry much of the mean for k = 2: 4,000 of them, and not four standard errors but six.
    norm = mean_neuron_norm(X, kernel=ArcCosineKernel(degree, bias, measure=measure), n_neurons=4000)
    assert abs(norm.mean - n) <= 6 * norm.standard_error


def test_the_law_of_the_mean_rejects_another_measure():
    # A planted fault: normal neurons in the norm of the sphere, whose mean is 3 n.
    X = np.random.default_rng(0).standard_normal((10, 3))
    squares = squared_norms(X, np.maximum(X @ random_neurons(3, 1000, "gaussian", 0), 0.0))
    wrong = MeanNeuronNorm(float(np.mean(squares)), float(np.std(squares)) / 1000**0.5, 10)
    assert not wrong.law.holds
    assert mean_neuron_norm(X).law.holds


def test_the_law_of_the_mean_needs_full_rank():
    with pytest.raises(HypothesisError, match="must have full rank"):
        mean_neuron_norm([[1.0, 0.0], [2.0, 0.0]])
    with pytest.raises(HypothesisError, match="must have full rank"):
        mean_neuron_norm([[1.0, 0.0], [0.0, 0.0]])


def test_the_time_limit_leaves_sizes_out():
    angles = 2 * np.pi * np.random.default_rng(0).permutation(64) / 64
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    whole, cut = (
        neuron_norms(circle, circle[0], [8, 16, 32, 64], max_seconds=limit) for limit in (None, 0.0)
    )
    assert whole.is_complete
    assert not cut.is_complete
    np.testing.assert_array_equal(cut.sizes, [8, 16])
    np.testing.assert_array_equal(cut.gamma_2, whole.gamma_2[:2])
    # What is known at the limit: between what was proved and the neuron itself.
    assert np.all(cut.gamma_1 <= cut.length)
    assert np.all(cut.gamma_1 >= whole.gamma_1[:2] - 1e-6)
    assert np.all(cut.lower_bounds <= whole.gamma_1[:2] + 1e-6)
    assert cut.bounded.holds
    assert cut.rises.holds
