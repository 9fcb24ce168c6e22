"""The limit of the direction of flow on the logistic loss, beside the network of largest margin."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn.dynamics.flows.logistic import logistic_flow
from cvxnn.margin.flow_limits import compare_flow, flow_limit
from cvxnn.margin.orthogonal import orthogonal_optimum
from cvxnn.margin.widest import max_margin
from cvxnn.statuses import TrajectoryStatus
from cvxnn.theorems import HypothesisError

from .labelled import orthogonally_separable, random_data

# Looser than the defaults: tests need the limit's patterns, not the flow's last digits.
QUICK = {"n_neurons": 8, "rtol": 1e-4, "loss_exponent": 300.0}
# Seeds of draws whose flow crosses kinks so late that no double can follow it there.
UNSETTLED = (13,)
# At first the three long rows of the first class outweigh (1, 0), and turn every neuron of theirs off it.
UNEQUAL = np.array([[1.0, 0.0], [-1.0, 4.0], [-1.0, 5.0], [-1.0, 6.0], [-1.0, -3.0]])
UNEQUAL_LABELS = np.array([1.0, 1.0, 1.0, 1.0, -1.0])


@pytest.mark.parametrize(
    "seed", [0, pytest.param(3, marks=pytest.mark.slow), pytest.param(6, marks=pytest.mark.slow)]
)
def test_laws_along_the_flow(seed):
    """The loss never rises, and the smoothed margin, once positive, never falls nor exceeds the largest margin."""
    X, y = random_data(seed, 4, 2)
    flow = logistic_flow(X, y, n_neurons=6, rtol=1e-7, loss_exponent=300.0, random_state=seed)
    assert np.max(np.diff(flow.log_losses)) <= 1e-7
    margins = flow.smoothed_margins[flow.smoothed_margins > 0]
    # Each step's error is within rtol of the weights.
    assert np.min(np.diff(margins), initial=0.0) >= -1e-7 * np.max(margins, initial=0.0)
    assert np.max(margins, initial=0.0) <= max_margin(X, y).margin * (1 + 1e-9)


@pytest.mark.slow
def test_a_tighter_tolerance_changes_the_end_by_as_much():
    X, y = random_data(0, 4, 2)
    ends = [
        flow_limit(logistic_flow(X, y, n_neurons=6, rtol=rtol, loss_exponent=100)).approach.measured
        for rtol in (1e-4, 1e-5, 1e-7)
    ]
    assert abs(ends[1] - ends[2]) <= 1e-4 * ends[2]
    assert abs(ends[0] - ends[2]) <= 1e-2 * ends[2]


@pytest.mark.parametrize("seed", range(5))
def test_on_orthogonally_separable_data_the_limit_is_the_optimum(seed):
    X, y = orthogonally_separable(seed, 5, 2)
    compared = compare_flow(logistic_flow(X, y, **QUICK, random_state=seed))
    assert compared.limit.point.is_global
    assert compared.correspondence.holds
    assert compared.limit.point.value == pytest.approx(orthogonal_optimum(X, y).value.predicted, rel=1e-6)
    assert compared.limit.approach.holds
    assert compared.limit.distance < 0.05


@pytest.mark.slow
def test_limits_on_other_data_are_kkt_points_and_global_if_their_multipliers_say_so():
    n_global = n_other = 0
    for seed in range(40):
        X, y = random_data(seed, 4, 2)
        flow = logistic_flow(X, y, **QUICK, max_clock=1e3, random_state=seed)
        if flow.status is not TrajectoryStatus.REACHED:
            with pytest.raises(HypothesisError, match="must separate the data"):
                compare_flow(flow)
        elif seed not in UNSETTLED:
            compared = compare_flow(flow)
            assert compared.limit.point.is_kkt
            assert compared.margin.holds
            assert compared.correspondence.holds
            assert compared.limit.approach.holds
            assert (compared.shortfall < 1e-5) == compared.limit.point.is_global
            n_global += compared.limit.point.is_global
            n_other += not compared.limit.point.is_global
    assert n_global >= 15
    assert n_other >= 2


def test_patterns_that_are_not_final_are_refused():
    """A neuron whose direction changes like a small power of log(1/L) and has a kink still to cross, at any loss."""
    X, y = random_data(UNSETTLED[0], 4, 2)
    flow = logistic_flow(X, y, **QUICK, random_state=UNSETTLED[0])
    with pytest.raises(HypothesisError, match=r"last patterns must be final.*larger loss_exponent"):
        flow_limit(flow)


@pytest.mark.parametrize(
    "start", [{"random_state": 1}, pytest.param({"size": 1e-8}, marks=pytest.mark.slow), {"n_neurons": 24}]
)
def test_where_flow_falls_short(start):
    """By the same share from every small start: both classes covered, but a neuron for each of two obtuse rows."""
    compared = compare_flow(logistic_flow(UNEQUAL, UNEQUAL_LABELS, **{**QUICK, "n_neurons": 16, **start}))
    point = compared.limit.point
    assert point.is_kkt
    assert not point.is_global
    # One neuron each for (1, 0), for the three long rows and for the last.
    each = 1 + 1 / np.sqrt(17) + 1 / np.sqrt(10)
    assert point.value == pytest.approx(each, rel=1e-6)
    # One neuron for the first four rows, (1, 1/2), would be better already.
    assert compared.best.value <= np.hypot(1, 0.5) + 1 / np.sqrt(10)
    assert compared.best.relative_gap <= 1e-7
    assert compared.shortfall == pytest.approx(1 - compared.best.value / each, rel=1e-6)
    assert compared.correspondence.holds


@pytest.mark.slow
def test_the_distance_falls_with_the_loss():
    distances = []
    for exponent in (1e2, 1e3, 1e4):
        flow = logistic_flow(UNEQUAL, UNEQUAL_LABELS, n_neurons=16, rtol=1e-5, loss_exponent=exponent)
        distances.append(flow_limit(flow).distance)
    # Like 1 / exponent where no unused neuron is slow to fade.
    assert distances[0] > 5 * distances[1] > 25 * distances[2] > 0
