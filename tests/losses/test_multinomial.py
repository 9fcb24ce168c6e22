"""The multinomial loss by hand, beside the logistic one, and targets that it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.losses import LogisticLoss, MultinomialLoss
from cvxnn.testing.losses import sample_targets

loss = MultinomialLoss()


def test_multinomial_by_hand():
    f, y = np.log([[1.0, 2.0, 1.0]]), np.array([[0.0, 1.0, 0.0]])  # probabilities 1/4, 1/2, 1/4
    assert loss.value(f, y) == pytest.approx(np.log(2.0), rel=1e-15)
    assert loss.gradient(f, y)[0] == pytest.approx([0.25, -0.5, 0.25], rel=1e-15)
    assert loss.conjugate(loss.gradient(f, y), y) == pytest.approx(-1.5 * np.log(2.0), rel=1e-15)
    hessian = [[3 / 16, -1 / 8, -1 / 16], [-1 / 8, 1 / 4, -1 / 8], [-1 / 16, -1 / 8, 3 / 16]]
    assert loss.newton_weights(f, y)[0] == pytest.approx(np.array(hessian), rel=1e-14)
    assert loss.conjugate(np.array([[0.0, -1.0, 1.0]]), y) == 0.0
    assert loss.conjugate(np.array([[0.1, -0.1, 0.1]]), y) == np.inf  # the row does not sum to zero
    assert loss.conjugate(np.array([[-0.1, 0.1, 0.0]]), y) == np.inf
    assert loss.largest_dual_scale(np.array([[-0.1, 0.25, -0.15]]), y) == 4.0


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-3, 1.0, 10.0, 1e3]))
def test_two_classes_are_the_logistic_loss_of_the_difference(seed, scale):
    rng = np.random.default_rng(seed)
    f, signs = scale * rng.standard_normal((5, 2)), rng.choice([-1.0, 1.0], 5)
    y = np.stack([signs > 0, signs < 0], axis=1).astype(float)
    difference, logistic = f[:, 0] - f[:, 1], LogisticLoss()
    assert loss.terms(f, y) == pytest.approx(logistic.terms(difference, signs), rel=1e-12)
    assert loss.gradient(f, y)[:, 0] == pytest.approx(logistic.gradient(difference, signs), rel=1e-12)
    weights = logistic.newton_weights(difference, signs)
    assert loss.newton_weights(f, y)[:, 0, 0] == pytest.approx(weights, rel=1e-12)
    assert loss.newton_weights(f, y)[:, 0, 1] == pytest.approx(-weights, rel=1e-12)


def test_best_offset_of_no_prediction_is_the_log_of_the_shares(rng):
    y, w = sample_targets(loss, rng, (20, 4)), rng.uniform(0.1, 2.0, 20)
    shares = np.log(w @ y)
    assert loss.best_offset(np.zeros((20, 4)), y, w) == pytest.approx(shares - np.mean(shares), abs=1e-14)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e8])
@pytest.mark.parametrize("n_classes", [2, 6])
def test_best_offset_of_rare_classes_and_large_predictions(rng, scale, n_classes):
    y = sample_targets(loss, rng, (50, n_classes))
    f, w = scale * rng.standard_normal((50, n_classes)), 10.0 ** rng.uniform(-6, 3, 50)
    offset = loss.best_offset(f, y, w)
    slopes = (w @ loss.gradient(f + offset, y)) / (w @ y)
    # Relative to the rarest class; predictions are rounded at their size.
    assert np.max(np.abs(slopes)) <= 1e-11 + 10 * np.finfo(float).eps * scale
    assert abs(np.sum(offset)) <= 1e-14 * n_classes * np.max(np.abs(offset))


def test_a_missing_class_has_no_best_offset():
    y = np.eye(3)[[0, 1, 0]]
    with pytest.raises(ValueError, match=r"y must hold every class .* class 2 \(of 0 to 2\) is missing"):
        loss.best_offset(np.zeros((3, 3)), y)
    with pytest.raises(ValueError, match=r"class 1 .* is missing"):
        loss.best_offset(np.zeros((2, 2)), np.eye(2), np.array([1.0, 0.0]))


def test_tiny_losses_keep_their_digits():
    f, y = np.array([[0.0, 60.0]]), np.array([[0.0, 1.0]])
    assert loss.value(f, y) == pytest.approx(np.exp(-60.0), rel=1e-14)
    assert loss.gradient(f, y)[0] == pytest.approx([np.exp(-60.0), -np.exp(-60.0)], rel=1e-14)
    assert loss.value(1e300 * f, 1.0 - y) == pytest.approx(6e301)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array([0.0, 1.0]), r"got shape \(2,\)"),
        (np.ones((3, 1)), r"got shape \(3, 1\)"),
        (np.array([[1.0, 0.0], [1.0, 1.0]]), r"row 1 is \[1.0, 1.0\]"),
        (np.array([[0.5, 0.5]]), r"row 0 is \[0.5, 0.5\]"),
        (np.array([[2.0, -1.0]]), r"row 0 is \[2.0, -1.0\]"),
    ],
)
def test_other_targets_are_refused(y, message):
    assert loss.is_classification
    with pytest.raises(ValueError, match=rf"y must be one-hot of shape \(n, C\), C >= 2, .*; {message}"):
        loss.check_targets(y)
