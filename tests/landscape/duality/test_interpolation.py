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
    module, best = "cvxnn.landscape.interpolation", honest.interpolation
    monkeypatch.setattr(f"{module}.Problem", lambda X, y, beta, **kw: Problem(X, 1.01 * y, beta, **kw))
    monkeypatch.setattr(f"{module}.minimum_norm_interpolation", lambda *args, **kw: best)
    assert honest.holds
    assert not interpolation_limit(X, y, [1e-3]).holds


def test_bad_input():
    with pytest.raises(HypothesisError, match="targets must not be zero"):
        interpolation_limit([[1.0], [-1.0]], [0.0, 0.0], [1.0])
    with pytest.raises(ValueError, match="betas must be decreasing"):
        interpolation_limit([[1.0], [-1.0]], [1.0, 0.0], [1.0, 2.0])
    with pytest.raises(ValueError, match=r"y must have shape \(n,\)"):
        minimum_norm_interpolation([[1.0], [-1.0]], [[1.0], [0.0]])
