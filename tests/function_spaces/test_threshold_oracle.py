"""The oracle of threshold units against all patterns."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn.function_spaces.threshold_oracle import ThresholdOracle
from cvxnn.patterns import enumerate_patterns


@given(st.integers(0, 10_000), st.sampled_from([2, 3]))
def test_both_sides_are_the_extremes_over_all_patterns(seed, d):
    rng = np.random.default_rng(seed)
    X, lam = rng.standard_normal((9, d)), rng.standard_normal(9)
    sums = lam @ np.asarray(enumerate_patterns(X), dtype=np.float64)
    above, below = ThresholdOracle(X).sides(lam)
    assert above.value == pytest.approx(np.max(sums), abs=1e-12)
    assert -below.value == pytest.approx(np.min(sums), abs=1e-12)
    for split in (above, below):
        # The weight on the wrong side, counted sample by sample.
        wrong = (X @ split.direction >= 0) != (split.sign * lam > 0)
        assert split.error == pytest.approx(np.sum(np.abs(lam[wrong])), abs=1e-12)


def test_labels_that_a_hyperplane_separates_have_no_error():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 3))
    lam = np.where(X @ [1.0, -2.0, 0.5] > 0, 1.0, -1.0) * rng.uniform(0.5, 2.0, 30)
    above, below = ThresholdOracle(X).sides(lam)
    assert above.error == pytest.approx(0.0, abs=1e-12)
    assert below.error == pytest.approx(0.0, abs=1e-12)  # the opposite hyperplane


def test_ties_and_zero_rows_are_active_and_boundary_patterns_left_out():
    # (1, 0) and (-1, 0) are both active only on the hyperplane through them, which no open cell is.
    X = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]])
    oracle = ThresholdOracle(X)
    assert oracle.maximise(np.array([1.0, 1.0, 0.0])).value == 1.0
    assert oracle.maximise(np.array([1.0, -1.0, 5.0])).value == 6.0


def test_the_search_bound_is_the_weight_of_one_sign():
    X = np.random.default_rng(1).standard_normal((40, 6))
    lam = np.random.default_rng(2).standard_normal(40)
    found = ThresholdOracle(X, max_seconds=0.0).maximise(lam)
    assert found.upper == pytest.approx(max(np.sum(lam[lam > 0]), -np.sum(lam[lam < 0])), rel=1e-10)
    given_start = ThresholdOracle(X, max_seconds=0.0).maximise(lam, starts=found.directions[:, :1])
    assert given_start.value >= found.value  # starts are candidates themselves
