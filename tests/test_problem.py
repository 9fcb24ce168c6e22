"""The training problem: objective, dual variable, scales, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import GatedReLUNetwork, Problem, ReLUNetwork, SquaredLoss
from cvxnn.losses import QuantileLoss
from cvxnn.testing import samplers

seeds = st.integers(0, 2**32 - 1)


def test_one_sample_by_hand():
    problem = Problem([[1.0]], [1.0], beta=0.5)
    # The optimum of 1/2 (1 - v)^2 + 1/2 v is v = 1/2: hidden = output = sqrt(1/2).
    best = ReLUNetwork([[np.sqrt(0.5)]], [np.sqrt(0.5)])
    assert problem.objective(best) == pytest.approx(3 / 8, abs=1e-15)
    for v in (0.3, 0.49, 0.51, 1.0):
        assert problem.objective(ReLUNetwork([[np.sqrt(v)]], [np.sqrt(v)])) > 3 / 8
    assert problem.dual_variable(best.predict(problem.X)) == pytest.approx(0.5)  # at its limit, beta
    assert problem.dual_objective(np.array([0.5])) == pytest.approx(3 / 8)


@given(seed=seeds, scale=st.sampled_from([1e-8, 1.0, 1e8]), offset=st.booleans())
def test_objective_is_loss_plus_weight_decay(seed, scale, offset):
    rng = np.random.default_rng(seed)
    X, y, beta = scale * samplers.off_origin(rng, 7, 3), scale * rng.standard_normal(7), rng.uniform(0, 2)
    network = samplers.network(rng, 3, 4, offset=offset)
    f = (
        sum(np.maximum(X @ u, 0) * a for u, a in zip(network.hidden.T, network.output, strict=True))
        + network.offset
    )
    expected = 0.5 * np.sum((f - y) ** 2) + beta / 2 * (np.sum(network.hidden**2) + np.sum(network.output**2))
    found = Problem(X, y, beta, output_offset=True).objective(network)
    assert found == pytest.approx(expected, rel=1e-11)  # the residual may cancel: sums of 7 x 4 products


def test_beta_zero_is_allowed_for_objective_values_but_not_for_training():
    problem = Problem([[1.0]], [1.0], beta=0)
    assert problem.objective(ReLUNetwork([[1.0]], [1.0])) == 0.0
    with pytest.raises(ValueError, match=r"beta must be > 0 for training and certificates; got 0\.0"):
        problem.require_trainable()


def test_several_outputs():
    problem = Problem([[1.0], [2.0]], [[1.0, 0.0], [0.0, 1.0]], beta=1.0, output_offset=True)
    assert problem.n_outputs == 2
    assert problem.objective(ReLUNetwork([[1.0]], [[1.0, 0.0]])) == 0.5 * (4 + 1) + 0.5 * 2
    assert problem.null_offset().tolist() == [0.5, 0.5]
    per_output = Problem([[1.0], [2.0]], np.eye(2), beta=1.0, output_norm="l1")
    assert per_output.penalty(ReLUNetwork([[1.0]], [[1.0, -2.0]])) == 0.5 * (1 + 3**2)
    assert problem.penalty(ReLUNetwork([[1.0]], [[1.0, -2.0]])) == 0.5 * (1 + 1 + 2**2)


def test_sample_weights_scale_losses_and_duals_and_move_offsets():
    X, y, weights = [[1.0], [2.0]], [0.0, 3.0], [1.0, 2.0]
    problem = Problem(X, y, beta=1.0, output_offset=True, sample_weight=weights)
    assert problem.null_offset().tolist() == [2.0]
    assert problem.objective(ReLUNetwork(np.zeros((1, 0)), np.zeros(0), [2.0])) == 0.5 * (4 + 2 * 1)
    assert problem.dual_variable(np.array([2.0, 2.0])).tolist() == [-2.0, 2.0]
    assert problem.curvature == 2.0


def test_an_output_offset_projects_the_dual_variable(rng):
    X, y = samplers.off_origin(rng, 5, 2), rng.standard_normal(5) + 10
    with_offset, without = Problem(X, y, 0.1, output_offset=True), Problem(X, y, 0.1)
    lam = with_offset.dual_variable(np.zeros(5))
    assert abs(lam.sum()) < 1e-13  # five terms of size ten
    assert lam == pytest.approx(y - y.mean())
    assert without.dual_variable(np.zeros(5)).tolist() == y.tolist()
    assert with_offset.null_offset() == pytest.approx([y.mean()])
    assert without.null_offset().tolist() == [0.0]


def test_with_beta_changes_beta_only():
    problem = Problem([[1.0]], [[2.0]], beta=1.0, loss=SquaredLoss(), output_offset=True)
    other = problem.with_beta(3.0)
    assert (other.beta, other.loss, other.output_offset) == (3.0, problem.loss, True)
    assert other.X.tolist() == [[1.0]]
    assert other.y.shape == (1, 1)
    assert problem.beta == 1.0


def test_data_are_copied_and_read_only():
    X, y = np.ones((1, 1), dtype=np.float32), np.ones(1, dtype=np.int64)
    problem = Problem(X, y, 1)
    X[0], y[0] = 7, 7
    assert (problem.X[0, 0], problem.y[0]) == (1.0, 1.0)
    assert problem.X.dtype == problem.y.dtype == np.float64
    with pytest.raises(ValueError, match="read-only"):
        problem.X[0, 0] = 2.0


good = {"X": [[1.0], [2.0]], "y": [1.0, 2.0], "beta": 1.0}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"X": [[np.nan], [1.0]]}, "X must be finite; found 1 NaN or infinite of 2 entries"),
        ({"X": [[np.inf], [np.nan]]}, "X must be finite; found 2 NaN or infinite of 2 entries"),
        ({"X": [1.0, 2.0]}, r"X must be 2-D; got shape \(2,\)"),
        ({"X": np.zeros((0, 1))}, r"X must not be empty; got shape \(0, 1\)"),
        ({"X": np.zeros((2, 0))}, r"X must not be empty; got shape \(2, 0\)"),
        ({"X": [["a"], ["b"]]}, "X must be an array of numbers; got list"),
        ({"X": [[1.0], [2.0, 3.0]]}, "X must be an array of numbers; got list"),
        ({"X": None}, "X must be"),
        ({"y": [1.0, np.inf]}, "y must be finite; found 1"),
        ({"y": [1.0]}, "y must have one row for each of the 2 rows of X; got 1"),
        ({"y": np.zeros((2, 1, 1))}, r"y must be 1-D or 2-D; got shape \(2, 1, 1\)"),
        ({"y": 3.0}, r"y must be 1-D or 2-D; got shape \(\)"),
        ({"beta": -0.1}, r"beta must be a finite number >= 0; got -0\.1"),
        ({"beta": np.nan}, "beta must be a finite number >= 0; got nan"),
        ({"beta": np.inf}, "beta must be a finite number >= 0; got inf"),
        ({"beta": "1"}, "beta must be a finite number >= 0; got '1'"),
        ({"beta": True}, "beta must be a finite number >= 0; got True"),
        ({"beta": None}, "beta must be a finite number >= 0; got None"),
        ({"sample_weight": [1.0]}, "sample_weight must have one entry for each of the 2 rows of X; got 1"),
        ({"sample_weight": [1.0, -1.0]}, "sample_weight must be >= 0 with some > 0; got -1 at least"),
        ({"sample_weight": [0.0, 0.0]}, "sample_weight must be >= 0 with some > 0; got 0 at least"),
        ({"output_norm": "l3"}, r"output_norm must be one of \('l2', 'l1'\); got 'l3'"),
        ({"loss": "hubber"}, r"loss must be one of .* or a Loss object; got 'hubber'"),
        ({"output_offset": "yes"}, "output_offset must be True or False; got 'yes'"),
    ],
)
def test_bad_input_is_refused_by_name(wrong, message):
    Problem(**good)
    with pytest.raises(ValueError, match=message):
        Problem(**{**good, **wrong})


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (ReLUNetwork([[1.0], [1.0]], [1.0]), "network must take 1 features; it takes 2"),
        (ReLUNetwork([[1.0]], [[1.0, 2.0]]), r"network must have outputs of shape \('n',\)"),
        (
            ReLUNetwork([[1.0]], [1.0], [0.1]),
            "network must have no offset: the problem has output_offset=False",
        ),
    ],
)
def test_a_network_that_does_not_fit_is_refused(network, message):
    with pytest.raises(ValueError, match=message):
        Problem(**good).objective(network)


def test_a_gated_network_has_an_objective():
    gated = GatedReLUNetwork([[1.0]], [[1.0]], [1.0])
    assert Problem(**good).objective(gated) == 1.0


def test_repr_names_sizes_and_settings():
    assert (
        repr(Problem(**good)) == "Problem(n=2, d=1, outputs=1, beta=1, loss='squared', output_offset=False)"
    )


@pytest.mark.parametrize("weights", [None, [0.0, 5.0, 0.1, 2.0, 1.0]])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("share", [1e-1, 1e-4])
def test_smoothing_takes_a_share_of_the_loss_of_no_neurons(weights, n_outputs, share, rng):
    y = rng.standard_normal((5, n_outputs))
    problem = Problem(rng.standard_normal((5, 2)), y, 0.1, QuantileLoss(0.3), sample_weight=weights)
    smooth, none = problem.smoothed(share), np.zeros(n_outputs)
    error = share * problem.loss_value(np.zeros_like(y), none)
    taken = []
    for spread in 10.0 ** np.arange(-6, 3):
        f = y + spread * rng.standard_normal(y.shape)
        exact, below = problem.loss_value(f, none), smooth.loss_value(f, none)
        assert exact - error * (1 + 1e-9) <= below <= exact * (1 + 1e-12)
        taken.append(exact - below)
    assert max(taken) > 0.1 * error  # the width is used: what is said of it is not loose
    assert smooth.loss.is_smooth
    assert smooth.smoothed(share) is smooth


def test_a_fit_without_neurons_is_smoothed_in_units_of_the_weights():
    problem = Problem(np.ones((3, 1)), np.zeros(3), 0.1, QuantileLoss(0.5))
    assert problem.smoothed(1e-2).loss == QuantileLoss(0.5).smoothed(1e-2)
