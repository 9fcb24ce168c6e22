"""One input and a bias: where optimal kinks lie, and the limit of a free bias."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn import ReLUNetwork
from cvxnn.landscape.solution_paths.splines import free_bias_spline, optimal_spline, spline_kinks


def random_data(seed, n=6):
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(-2.0, 2.0, n)), rng.standard_normal(n)


def test_kinks_of_one_place_are_added_and_may_cancel():
    hidden = [[1.0, -1.0, 2.0, 0.0, 3.0], [0.0, 0.0, -2.0, 1.0, -6.0]]
    kinks = spline_kinks(ReLUNetwork(hidden, [1.0, 2.0, 0.5, 1.0, 0.0]), [0.0, 3.0])
    np.testing.assert_array_equal(kinks.positions, [0.0, 1.0])
    np.testing.assert_array_equal(kinks.slope_changes, [3.0, 1.0])
    np.testing.assert_array_equal(kinks.at_data, [True, False])
    assert spline_kinks(ReLUNetwork([[1.0, -1.0], [0.0, 0.0]], [1.0, -1.0]), [0.0]).positions.size == 0
    assert spline_kinks(ReLUNetwork(np.zeros((2, 0)), []), [0.0]).positions.size == 0


@given(seed=st.integers(0, 10_000))
def test_kinks_are_where_the_function_bends(seed):
    rng = np.random.default_rng(seed)
    network = ReLUNetwork(rng.standard_normal((2, 3)), rng.standard_normal(3))
    column = float(rng.uniform(0.5, 3.0))
    kinks = spline_kinks(network, rng.standard_normal(4), bias_column=column)
    for place, change in zip(kinks.positions, kinks.slope_changes, strict=True):
        h = 1e-6 * (1.0 + abs(place))
        f = network.predict(np.column_stack([place + h * np.arange(-2.0, 3.0), np.full(5, column)]))
        slope = (f[4] - f[3]) / h - (f[1] - f[0]) / h
        # Another kink may be within h; differences of numbers of size |f| / h are good to 1e-9.
        if (
            np.min(
                np.abs(np.delete(kinks.positions, np.argmin(np.abs(kinks.positions - place))) - place),
                initial=1,
            )
            > 4 * h
        ):
            assert slope == pytest.approx(change, abs=1e-6 * (1.0 + np.max(np.abs(f)) / (1.0 + abs(place))))


@settings(max_examples=25)
@given(seed=st.integers(0, 10_000), output_offset=st.booleans(), beta=st.sampled_from([0.3, 0.05]))
def test_a_kink_at_a_data_point_is_a_concave_corner(seed, output_offset, beta):
    x, y = random_data(seed)
    spline = optimal_spline(x, y, beta, output_offset=output_offset)
    kinks = spline.kinks
    signs, samples = np.sign(kinks.slope_changes[kinks.at_data]), kinks.nearest[kinks.at_data]
    # At a corner with s lam_i > 0 a neuron would gain by moving off: lam_i has the other sign, or is zero.
    assert np.all(signs * spline.lam[samples] <= 1e-6 * np.max(np.abs(spline.lam)))


def test_kinks_lie_at_data_points_and_between_them_with_and_without_offset():
    for output_offset in (False, True):
        kinks = [optimal_spline(*random_data(s), 0.05, output_offset=output_offset).kinks for s in range(6)]
        at_data = np.concatenate([one.at_data for one in kinks])
        assert 0 < np.sum(at_data) < len(at_data)


@pytest.mark.parametrize("loss", ["squared", "logistic"])
@pytest.mark.parametrize("seed", range(3))
def test_a_long_bias_column_tends_to_the_free_bias(seed, loss):
    x, y = random_data(seed)
    y = np.sign(y) if loss == "logistic" else y
    y[:2] = 1.0, -1.0
    free = free_bias_spline(x, y, 0.05, loss=loss)
    splines = [
        optimal_spline(x, y, 0.05, loss=loss, bias_column=c, output_offset=True)
        for c in (10.0, 100.0, 1000.0)
    ]
    excess = np.array([spline.objective - free.objective for spline in splines])
    assert np.all(excess >= -1e-8)  # a penalised bias costs, and less the longer its column
    # Of order 1 / c^2: a hundredth at each step, down to the solvers' 1e-9.
    assert np.all(excess[1:] <= 0.02 * excess[:-1] + 1e-8)
    last = splines[-1]
    np.testing.assert_allclose(last.network.predict(last.problem.X), free.fit, atol=2e-3)
    # Kinks are between neighbouring knots of the free spline of their own sign, most of them at one.
    inner = (last.kinks.positions > x[0]) & (last.kinks.positions < x[-1])
    for place, change in zip(last.kinks.positions[inner], last.kinks.slope_changes[inner], strict=True):
        if abs(change) > 1e-3:
            cell = np.searchsorted(x, place)
            around = {x[cell - 1], x[min(cell, len(x) - 1)]}
            same = free.positions[np.sign(free.slope_changes) == np.sign(change)]
            assert around & set(same) or np.min(np.abs(same - place)) <= 1e-3


def test_free_knots_are_data_points():
    x, y = random_data(0, n=9)
    spline = free_bias_spline(x, y, 0.1)
    assert set(spline.positions) <= set(x)
    assert spline.objective >= 0.0


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.0, 1.0], [1.0, 2.0], 0.0), {}, "beta must be > 0"),
        (([0.0, 1.0], [1.0, 2.0], 1.0), {"bias_column": 0.0}, "bias_column must be a finite number > 0"),
        (([0.0, 1.0], [1.0, -1.0], 1.0), {"loss": "hinge"}, "loss must be differentiable"),
        (([[0.0, 1.0]], [1.0], 1.0), {}, "x must be 1-D"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        optimal_spline(*arguments, **options)


def test_other_networks_are_refused():
    with pytest.raises(ValueError, match="network must take two features"):
        spline_kinks(ReLUNetwork([[1.0]], [1.0]), [0.0])
