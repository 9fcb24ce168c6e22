"""Pictures of F_2."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cvxnn.function_spaces.comparisons.single_neuron import neuron_norms
from cvxnn.plots.function_spaces.kernels import kernel_profiles, norm_growth


def test_profiles_are_the_kernels_and_their_estimates():
    picture = kernel_profiles(20_000, n_angles=9)
    assert_allclose(picture.kernels[:, 0], 1.0)
    assert_allclose(picture.kernels[:, -1], 0.0, atol=1e-15)
    assert_allclose(picture.kernels[0], 1 - picture.angles / np.pi, atol=1e-15)
    assert np.all(np.diff(picture.kernels, axis=1) < 0)
    # 20,000 neurons: about 0.01 of standard error, 0.02 for k = 2.
    assert_allclose(picture.estimates, picture.kernels, atol=0.08)


def test_profiles_say_what_is_what():
    ax = kernel_profiles(50).plot()
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["kernel, k = 0", "kernel, k = 1", "kernel, k = 2", "50 random neurons"]
    assert ax.get_xlabel() == "angle between the samples, radians"
    assert ax.get_ylabel() == "kernel over its value at angle 0"
    ax.figure.canvas.draw()


def test_norms_are_over_the_neurons_own():
    X = np.random.default_rng(0).standard_normal((16, 2))
    norms = neuron_norms(X, [3.0, 4.0], [8, 16])
    picture = norm_growth(norms)
    assert_allclose(picture.gamma_1 * 5.0, norms.gamma_1)
    assert_allclose(picture.gamma_2 * 5.0, norms.gamma_2)
    ax = picture.plot()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("samples n", "norm of the neuron's values")
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts[0] == f"γ₂ (F₂), fitted slope {norms.slope:.2f}"
    assert texts[2] == "γ₁ (F₁), band to its lower bound"
    ax.figure.canvas.draw()


def test_too_few_dimensions_are_refused():
    with pytest.raises(ValueError, match="n_inputs must be an integer >= 2; got 1"):
        kernel_profiles(n_inputs=1)
