"""Random inputs: where they lie, and their second moments."""

import numpy as np
import pytest

from cvxnn.function_spaces.generalisation.inputs import draw_inputs


@pytest.mark.parametrize(("distribution", "moment"), [("gaussian", 1.0), ("sphere", 1.0), ("ball", 5 / 7)])
def test_features_have_the_stated_variance(distribution, moment):
    X = draw_inputs(40_000, 5, distribution=distribution, random_state=0)
    # four standard errors of a variance of tails like these are below 0.03
    np.testing.assert_allclose(X.T @ X / len(X), moment * np.eye(5), atol=0.03)
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=0.02)


def test_lengths():
    assert np.allclose(np.linalg.norm(draw_inputs(9, 4, distribution="sphere", radius=3.0), axis=1), 3.0)
    lengths = np.linalg.norm(draw_inputs(2000, 4, distribution="ball", radius=3.0, random_state=0), axis=1)
    assert lengths.max() <= 3.0
    # a ball of half the radius has 1/16 of the volume; four standard errors are 0.022
    assert np.mean(lengths < 1.5) == pytest.approx(1 / 16, abs=0.022)


def test_the_radius_scales():
    one, three = (draw_inputs(5, 2, radius=r, random_state=0) for r in (1.0, 3.0))
    np.testing.assert_allclose(three, 3 * one, rtol=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_samples": 0}, "n_samples must be an integer >= 1; got 0"),
        ({"n_features": 1.5}, "n_features must be an integer >= 1; got 1.5"),
        ({"distribution": "cube"}, "distribution must be one of .*; got 'cube'"),
        ({"radius": 0.0}, "radius must be a finite number > 0"),
    ],
)
def test_bad_input_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        draw_inputs(**{"n_samples": 2, "n_features": 2, **change})
