"""Minimum-norm interpolation, its dual, and training as weight decay falls."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cvxnn import Problem
from cvxnn.certificates import exact_oracle
from cvxnn.landscape.duality.interpolation import interpolation_limit, minimum_norm_interpolation
from cvxnn.testing.samplers import DATA
from cvxnn.theorems import HypothesisError

# Samplers of data whose rows are on distinct rays: all targets can be taken in the plane.
FREE = ("gaussian", "general_position", "off_origin", "with_bias_column")


@given(
    seed=st.integers(0, 10_000),
    data=st.sampled_from(FREE),
    d=st.sampled_from([2, 3]),
    output_offset=st.booleans(),
)
def test_strong_duality_and_exact_fit(seed, data, d, output_offset):
    rng = np.random.default_rng(seed)
    X, y = DATA[data](rng, 5, d), rng.standard_normal(5)
    found = minimum_norm_interpolation(X, y, output_offset=output_offset)
    # Clarabel's feasibility, 1e-11 in units of the largest block, which may be a thousand times the targets.
    assert found.misfit <= 1e-9 * max(1.0, found.norm)
    assert abs(found.duality.difference) <= 1e-6 * found.norm
    assert exact_oracle(X).maximise(found.lam).value <= 1.0 + 1e-12
    assert found.network.n_neurons <= 5
    if output_offset:
        assert abs(np.sum(found.lam)) <= 1e-9 * np.sum(np.abs(found.lam))


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_units(scale):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    unit = minimum_norm_interpolation(X, y).norm
    assert minimum_norm_interpolation(scale * X, y).norm == pytest.approx(unit / scale, rel=1e-6)
    assert minimum_norm_interpolation(X, scale * y).norm == pytest.approx(unit * scale, rel=1e-6)


def test_a_closed_form():
    # Each row by its own neuron: ||u|| = 1 towards it, so the norm is |y_i| / ||x_i|| for opposite rows.
    found = minimum_norm_interpolation([[0.0, 2.0], [0.0, -4.0]], [3.0, -2.0])
    assert found.norm == pytest.approx(1.5 + 0.5, rel=1e-9)
    np.testing.assert_allclose(found.lam, [0.5, -0.25], atol=1e-8)


@pytest.mark.parametrize(("X", "y"), [([[1.0], [2.0]], [1.0, 3.0]), ([[1.0, 1.0], [0.0, 0.0]], [1.0, 3.0])])
def test_targets_that_no_network_takes(X, y):
    with pytest.raises(ValueError, match="y must be values that some ReLU network takes"):
        minimum_norm_interpolation(X, y)


def test_the_offset_frees_a_zero_row():
    found = minimum_norm_interpolation([[1.0, 0.0], [0.0, 0.0]], [1.0, 3.0], output_offset=True)
    assert found.network.offset[0] == pytest.approx(3.0)
    assert found.norm == pytest.approx(2.0)


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_training_tends_to_the_interpolation(seed, output_offset):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    best = minimum_norm_interpolation(X, y, output_offset=output_offset)
    unit = best.norm / float(best.lam @ best.lam)
    limit = interpolation_limit(X, y, unit * np.array([0.3, 0.03, 0.003]), output_offset=output_offset)
    assert limit.holds
    # The lower bound is within beta / 2 ||lam||^2 / norm of 1, here 0.15, 0.015, 0.0015.
    for comparison, share in zip(limit.above, (0.15, 0.015, 0.0015), strict=True):
        assert comparison.measured >= 1.0 - share - 1e-7  # the interpolation's own duality gap
    assert limit.networks[-1].path_norm == pytest.approx(best.norm, rel=0.01)
    assert np.max(np.abs(limit.networks[-1].predict(X) - y)) <= 0.01 * np.max(np.abs(y))


def test_a_wrong_limit_is_rejected(monkeypatch):
    """Planted fault: training on other targets breaks a bound."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 2)), rng.standard_normal(5)
    honest = interpolation_limit(X, y, [1e-3])
    module, best = "cvxnn.landscape.duality.interpolation", honest.interpolation
    monkeypatch.setattr(f"{module}.Problem", lambda X, y, beta, **kw: Problem(X, 1.01 * y, beta, **kw))
    monkeypatch.setattr(f"{module}.minimum_norm_interpolation", lambda *args, **kw: best)
    assert honest.holds
    assert not interpolation_limit(X, y, [1e-3]).holds


def test_bad_input():
    with pytest.raises(HypothesisError, match="targets must not be zero"):
        interpolation_limit([[1.0], [-1.0]], [0.0, 0.0], [1.0])
    with pytest.raises(ValueError, match="betas must be decreasing"):
        interpolation_limit([[1.0], [-1.0]], [1.0, 0.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"y must have one output, \(n,\) or \(n, 1\); got shape \(2, 2\)"):
        minimum_norm_interpolation([[1.0], [-1.0]], [[1.0, 0.0], [0.0, 1.0]])


def grid(n=5):
    return np.array([[i, j] for i in range(n) for j in range(n)], dtype=np.float64)


def test_a_zero_row_without_a_zero_target_is_named():
    with pytest.raises(
        ValueError, match="row 0 of X is zero, where every network without output offset is 0"
    ):
        minimum_norm_interpolation(grid(), np.ones(25))


def test_rows_of_one_direction_are_named():
    y = np.sum(grid(), axis=1)
    y[6] += 1.0  # row (1, 1), farthest from what (4, 4) asks for
    with pytest.raises(ValueError, match="rows 6 and 24 of X point in one direction"):
        minimum_norm_interpolation(grid(), y)


def test_opposite_rows_need_an_odd_part_that_is_linear():
    X = np.vstack([np.eye(2), -np.eye(2), [[1.0, 1.0], [-1.0, -1.0]]])
    with pytest.raises(ValueError, match=r"f\(x\) - f\(-x\) is linear in x"):
        minimum_norm_interpolation(X, [1.0, 1.0, 0.0, 0.0, 3.0, 0.0])
    found = minimum_norm_interpolation(X, [1.0, 1.0, 0.0, 0.0, 2.0, 0.0])
    # (x_1 + x_2)_+ is one neuron of norm sqrt(2), and no network has less: lam = e / sqrt(2) at the row (1, 1).
    assert found.norm == pytest.approx(2.0**0.5, rel=1e-7)


def test_an_integer_grid_with_the_values_of_a_neuron():
    # A unit neuron of weight 2 in the direction of a row or not: the bound proves that no network does with less.
    X = grid()
    found = minimum_norm_interpolation(X, 2.0 * np.maximum(X @ [0.6, 0.8], 0.0))
    assert found.norm == pytest.approx(2.0, rel=1e-7)
    assert found.bound == pytest.approx(2.0, rel=1e-6)
    assert found.misfit <= 1e-8
    with_bias = np.hstack([X, np.ones((25, 1))])[::3]
    y = np.random.default_rng(0).standard_normal(len(with_bias))
    freed = minimum_norm_interpolation(with_bias, y)
    assert freed.duality.holds


@pytest.mark.parametrize("shift", [0.0, 1e-12, 1e-8])
def test_rows_that_nearly_repeat_are_one(shift):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((4, 2)), rng.standard_normal(4)
    once = minimum_norm_interpolation(X, y)
    twice = minimum_norm_interpolation(np.vstack([X, X * (1.0 + shift), X + shift]), np.tile(y, 3))
    # A shift of the data moves norms in proportion, and a ray's other rows by the shift.
    assert twice.norm == pytest.approx(once.norm, rel=1e-6)
    assert twice.misfit <= 1e-6 * np.max(np.abs(y))
    with pytest.raises(ValueError, match="rows 0 and 4 of X point in one direction"):
        minimum_norm_interpolation(np.vstack([X, X[:1] * (1.0 + shift)]), [*y, y[0] + 1.0])


@pytest.mark.parametrize(
    ("data", "target"), [(1e-150, 1e150), (1e150, 1e-150), (1e-150, 1e-150), (1e150, 1e150)]
)
def test_extreme_units(data, target):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    unit = minimum_norm_interpolation(X, y)
    found = minimum_norm_interpolation(X * data, y * target)
    assert found.norm / target * data == pytest.approx(unit.norm, rel=1e-6)
    assert found.bound / target * data == pytest.approx(unit.bound, rel=1e-6)
    np.testing.assert_allclose(found.network.predict(X * data) / target, y, atol=1e-8)


def test_small_data():
    assert minimum_norm_interpolation([[2.0]], [3.0]).norm == pytest.approx(1.5)
    assert minimum_norm_interpolation([[2.0]], [0.0]).norm == 0.0
    assert minimum_norm_interpolation([[0.0]], [0.0]).norm == 0.0
    assert minimum_norm_interpolation([[0.0]], [3.0], output_offset=True).norm == 0.0
