"""Every public function of the margin room on data where theory goes wrong: the right value, or a refusal in words."""

from __future__ import annotations

import functools
import inspect

import numpy as np
import pytest

from cvxnn import margin
from cvxnn.dynamics import LogisticFlow, logistic_flow
from cvxnn.margin import (
    compare_flow,
    covering_neurons,
    dual_zonotopes,
    excess,
    flow_limit,
    hausdorff_distance,
    is_orthogonally_separable,
    kkt,
    linear_bound,
    linear_max_margin,
    max_margin,
    oracle_as_hausdorff_distance,
    orthogonal_optimum,
    polar_support,
    separability,
    spike_freeness,
    spikes,
)
from cvxnn.testing import CORNERS, check_answers
from cvxnn.theorems import HypothesisError


def lam(X):
    return np.random.default_rng(5).standard_normal(len(X))


def labels(y):
    signs = np.where(y > 0, 1.0, -1.0)
    signs[:2] = [1.0, -1.0][: len(signs)]
    return signs


def zonotopes(X):
    return dual_zonotopes(X, lam(X))


@functools.cache
def followed(X, shape, y):
    """Return the flow of data given as bytes: no more steps than its limit's patterns take."""
    return logistic_flow(
        np.frombuffer(X).reshape(shape),
        np.frombuffer(y),
        n_neurons=8,
        rtol=1e-3,
        loss_exponent=100,
        random_state=1,
    )


def flow(X, y):
    return followed(X.tobytes(), X.shape, y.tobytes())


def compared(X, y):
    found = compare_flow(flow(X, y))
    # Whatever the unit: the tolerances of comparisons are relative.
    assert found.margin.holds
    assert found.correspondence.holds
    assert found.limit.approach.holds
    return [found.limit.point.value, found.best.value]


# What each gives beside the power of X's unit that it scales with.
CALLS = {
    "compare_flow": (compared, -1),
    "covering_neurons": (lambda X, y: (covering_neurons(X, y, orthogonal_optimum(X, y).network), ())[1], 0),
    "dual_zonotopes": (lambda X, y: [z.support(np.ones(X.shape[1])) for z in zonotopes(X)], 1),
    "excess": (lambda X, y: [excess(*zonotopes(X)).distance], 1),
    "flow_limit": (lambda X, y: [flow_limit(flow(X, y)).point.value, flow(X, y).network.weight_decay], -1),
    "hausdorff_distance": (lambda X, y: [hausdorff_distance(*zonotopes(X))], 1),
    "is_orthogonally_separable": (lambda X, y: [is_orthogonally_separable(X, y)], 0),
    "kkt": (lambda X, y: [kkt(X, y, max_margin(X, y).network).value], -1),
    "linear_bound": (lambda X, y: [linear_bound(X, y).measured], -1),
    "linear_max_margin": (lambda X, y: (linear_max_margin(X, y), ())[1], 0),
    "max_margin": (lambda X, y: [max_margin(X, y).value, max_margin(X, y).lower_bound], -1),
    "oracle_as_hausdorff_distance": (lambda X, y: (oracle_as_hausdorff_distance(X, lam(X)), ())[1], 0),
    "orthogonal_optimum": (lambda X, y: (orthogonal_optimum(X, y), ())[1], 0),
    "polar_support": (lambda X, y: [polar_support(X, lam(X)).value.measured], -1),
    "separability": (lambda X, y: (separability(X, y), ())[1], 0),
    "spike_freeness": (lambda X, y: (spike_freeness(X), ())[1], 0),
    "spikes": (lambda X, y: (spikes(X), ())[1], 0),
}
# Two rows of two classes in two dimensions meet the hypotheses of all.
PAIR = (np.array([[2.0, 0.5], [-0.5, 1.0]]), np.array([1.0, -1.0]))


def test_every_function_is_tried():
    functions = {name for name in margin.__all__ if inspect.isfunction(getattr(margin, name))}
    assert functions == set(CALLS)


@pytest.mark.parametrize("where", CORNERS)
@pytest.mark.parametrize("name", CALLS)
def test_corners_get_numbers_or_words(name, where):
    X, y = CORNERS[where]
    check_answers(lambda: CALLS[name][0](X, labels(y)))


@pytest.mark.parametrize("unit", [2.0**-490, 2.0**-40, 2.0**100, 2.0**490])
@pytest.mark.parametrize("name", CALLS)
def test_units_change_values_by_a_power(name, unit):
    call, power = CALLS[name]
    X, y = PAIR
    expected, values = call(X, y), check_answers(lambda: call(X * unit, y))
    assert values is not None
    # Interior points end at 1e-9 and less; a unit is a power of two, so that nothing else differs.
    np.testing.assert_allclose(np.array(values) / unit**power, expected, rtol=1e-6, atol=1e-12)


def test_copies_of_a_sample_share_its_multiplier():
    X, y = PAIR
    once, twice = max_margin(X, y), max_margin(np.vstack([X, X]), np.tile(y, 2))
    assert twice.value == pytest.approx(once.value, rel=1e-8)
    np.testing.assert_allclose(twice.multipliers[:2] + twice.multipliers[2:], once.multipliers, atol=1e-6)


@pytest.mark.parametrize("where", ["ordinary rows", "rows twice", "opposite rows", "one number"])
def test_flows_at_corners_are_followed_to_their_limits(where):
    X, y = CORNERS[where]
    found = check_answers(lambda: compare_flow(flow(X, labels(y))))
    assert found is not None
    assert found.limit.point.is_global
    assert found.limit.point.value == pytest.approx(found.best.value, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_flows_whose_squares_are_no_numbers_are_those_of_the_unit(unit):
    X, y = PAIR
    plain, scaled = flow(X, y), flow(X * unit, y)
    np.testing.assert_allclose(scaled.log_losses, plain.log_losses, rtol=1e-6)
    np.testing.assert_allclose(scaled.log_times[1:] + np.log(unit), plain.log_times[1:], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(np.array(compared(X * unit, y)) * unit, compared(X, y), rtol=1e-6)


def test_flows_that_do_not_separate_say_why_they_ended():
    X = CORNERS["rows of one line"][0]  # two of one direction and of two classes
    for call in (flow_limit, compare_flow):
        with pytest.raises(
            HypothesisError, match=r"must separate the data, with a loss below log 2.*stopped to move"
        ):
            call(flow(X, np.array([1.0, -1.0, 1.0])))
    # All on their sides, by so little that the direction has not begun to settle.
    early = LogisticFlow(
        *PAIR, np.ones(1), np.zeros(1), np.full((1, 2, 1), 0.1), np.log([0.7]), flow(*PAIR).status
    )
    with pytest.raises(HypothesisError, match=r"its last is 0\.7"):
        flow_limit(early)


def test_rows_of_lengths_that_no_double_compares_are_refused():
    with pytest.raises(ValueError, match=r"rows of lengths within a factor of 1e\+100 of each other; row 1"):
        logistic_flow(np.diag([1e100, 1e-100]), [1.0, -1.0])
    with pytest.raises(ValueError, match="flow must be a LogisticFlow"):
        flow_limit(CORNERS["one row"][0])
