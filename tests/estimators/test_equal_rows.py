"""Merging equal samples keeps the objective, and makes weights and repetitions the same problem."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem, ReLUNetwork
from cvxnn.estimators.equal_rows import merge_equal_rows


@given(st.integers(0, 1000), st.booleans())
def test_objective_stays_the_same(seed, outputs):
    rng = np.random.default_rng(seed)
    X = rng.integers(-1, 2, (30, 2)).astype(float)
    y = rng.integers(-1, 2, (30, 2) if outputs else 30).astype(float)
    weights = rng.integers(0, 3, 30).astype(float)
    weights[0] = 1.0
    network = ReLUNetwork(rng.standard_normal((2, 4)), rng.standard_normal((4, 2) if outputs else 4))
    merged = merge_equal_rows(X, y, weights)
    before = Problem(X, y, 0.1, sample_weight=weights).objective(network)
    after = Problem(*merged[:2], 0.1, sample_weight=merged[2]).objective(network)
    np.testing.assert_allclose(after, before, rtol=1e-12)
    assert len(merged[0]) <= 27  # 9 different X, 3 different y


@given(st.integers(0, 1000))
def test_weights_are_repetitions_in_any_order_to_the_last_bit(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((12, 3)), rng.standard_normal(12)
    counts = rng.integers(2, 5, 12)
    order = rng.permutation(12)
    weighted = merge_equal_rows(X[order], y[order], counts[order].astype(float))
    repeated = merge_equal_rows(np.repeat(X, counts, axis=0), np.repeat(y, counts), None)
    for one, other in zip(weighted, repeated, strict=True):
        np.testing.assert_array_equal(one, other)


def test_samples_that_hardly_repeat_stay_as_they_are():
    X, y = np.array([[3.0], [1.0], [1.0]]), np.array([1.0, 2.0, 2.0])
    for weights in (None, np.ones(3)):
        kept = merge_equal_rows(X, y, weights)
        assert kept[0] is X
        assert kept[1] is y
        assert kept[2] is None


def test_samples_without_weight_are_left_out():
    X, _, weights = merge_equal_rows(np.array([[3.0], [1.0]]), np.zeros(2), np.array([0.0, 2.0]))
    np.testing.assert_array_equal(X, [[1.0]])
    np.testing.assert_array_equal(weights, [2.0])


def test_zeros_of_either_sign_are_equal_and_columns_that_repeat_do_not_make_samples_equal():
    X = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, 1.0], [-0.0, 1.0]])
    assert merge_equal_rows(X, np.ones(4), None)[2].tolist() == [4.0]
    # Nine samples, all different, though every column holds three numbers only.
    grid = np.stack(np.meshgrid([0.0, 1.0, 2.0], [0.0, 1.0, 2.0]), axis=-1).reshape(9, 2)
    assert merge_equal_rows(grid, np.ones(9), None)[0] is grid
