"""Bounds that improve with time, groups of rows, and what certify makes of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import (
    LiftedDual,
    RowSpace,
    certify,
    certify_until_interrupt,
    exact_oracle,
    improving_bounds,
    joint_dual_sdp,
    proving,
    relaxed_bound,
)
from cvxnn.certificates.relaxations.row_groups import group_rows, single_rows
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem


def random_problem(seed, n=7, d=3, beta=0.3, output_offset=False):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal(n), beta, output_offset=output_offset)


def zero_network(problem):
    return ReLUNetwork(np.zeros((problem.n_features, 0)), np.zeros(0))


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_bounds_rise_and_stay_below_the_optimum(seed, output_offset, convex_optimum):
    problem = random_problem(seed, output_offset=output_offset)
    optimum = convex_optimum(problem)
    bounds = list(improving_bounds(problem, optimum.network, max_seconds=1.0))
    values, seconds = [bound.value for bound in bounds], [bound.seconds for bound in bounds]
    assert values[0] == 0.0
    assert np.all(np.diff(values) > 0)
    assert np.all(np.diff(seconds) >= 0)
    assert values[-1] <= optimum.value * (1 + 1e-6)  # the reference's accuracy
    assert bounds[-1].method == "lifted dual SDP, 7 rows"


def test_each_method_ends_with_its_proof():
    problem = random_problem(3, n=30, d=8)
    last = {
        method: list(improving_bounds(problem, zero_network(problem), method=method, max_seconds=2.0))[-1]
        for method in ("norms", "dual_sdp", "lifted")
    }
    assert last["norms"].method == "relaxed dual constraint"
    assert last["dual_sdp"].method == "joint dual SDP"
    assert last["lifted"].method == "lifted dual SDP, 30 rows"
    assert last["norms"].value < last["dual_sdp"].value < last["lifted"].value


def test_certify_stops_where_the_gap_is_closed(convex_optimum):
    problem = random_problem(0)
    network = convex_optimum(problem).network
    loose = certify(problem, network, method="lifted", tol=0.99)
    assert loose.proven
    assert loose.method == "joint dual SDP"


def test_an_interrupt_returns_the_best_bound_so_far(monkeypatch):
    problem = random_problem(1, n=30, d=8)

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(LiftedDual, "step", interrupt)
    certificate, interrupted = certify_until_interrupt(problem, zero_network(problem), method="lifted")
    assert interrupted
    assert certificate.method == "joint dual SDP"
    assert certificate.lower_bound > 0
    assert certify(problem, zero_network(problem), method="lifted").lower_bound > 0
    assert not certify_until_interrupt(problem, zero_network(problem), method="norms")[1]


@pytest.mark.parametrize(
    ("step", "searched"), [("search", False), ("exact_oracle", True), ("improving_bounds", True)]
)
def test_an_interrupt_at_any_step_leaves_a_certificate(step, searched, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(proving, step, interrupt)
    problem = random_problem(1, n=30, d=8)
    certificate, interrupted = certify_until_interrupt(problem, zero_network(problem), max_seconds=0.5)
    assert interrupted
    assert (certificate.lower_bound, certificate.method) == (0.0, "non-negative objective")
    assert (certificate.search_violation is not None) == searched


def test_the_quick_bound_is_the_first_stages(monkeypatch):
    problem = random_problem(2, n=30, d=8)
    monkeypatch.setattr(LiftedDual, "step", None)  # never called
    bound, proof = relaxed_bound(problem, problem.y, max_seconds=10.0)
    assert proof == "joint dual SDP"
    assert bound > 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**31), n=st.integers(2, 40), n_groups=st.integers(2, 12))
def test_groups_are_a_partition_by_sign(seed, n, n_groups):
    rng = np.random.default_rng(seed)
    space, lam = RowSpace(rng.standard_normal((n, 3))), rng.standard_normal(n)
    groups = group_rows(space, lam, n_groups)
    assert np.unique(groups.labels).tolist() == list(range(len(groups)))
    assert len(groups) <= min(n, n_groups)
    assert np.all(groups.profile > 0)
    for g in range(len(groups)):
        assert len(np.unique(lam[groups.labels == g] > 0)) == 1
    first, second = groups.moments(space.X, groups.profile)
    np.testing.assert_allclose(first.sum(axis=0), groups.profile @ space.X, atol=1e-12)
    np.testing.assert_allclose(second.sum(axis=0), (space.X.T * groups.profile) @ space.X, atol=1e-12)
    np.testing.assert_allclose(groups.totals(lam).sum(), lam.sum(), atol=1e-12)


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_grouped_bounds_hold_and_are_no_better_than_ungrouped(seed, output_offset, convex_optimum):
    problem = random_problem(seed, output_offset=output_offset)
    space = RowSpace(problem.X)
    full = joint_dual_sdp(problem, space, max_seconds=10.0)
    grouped = joint_dual_sdp(problem, space, max_seconds=10.0, groups=group_rows(space, problem.y, 4))
    assert exact_oracle(problem.X).maximise(grouped.lam).value <= grouped.upper
    assert grouped.lower_bound <= convex_optimum(problem).value * (1 + 1e-6)
    assert grouped.lower_bound <= full.lower_bound * (1 + 1e-4)  # the interior point's accuracy
    alone = joint_dual_sdp(problem, space, max_seconds=10.0, groups=single_rows(7))
    assert alone.lower_bound == pytest.approx(full.lower_bound, rel=1e-3)


def test_many_rows_are_bounded_in_groups_better_than_by_norms():
    rng = np.random.default_rng(0)
    X = np.c_[rng.standard_normal((20_000, 5)), np.ones(20_000)]
    problem = Problem(X, np.maximum(X @ rng.standard_normal(6), 0.0) + rng.standard_normal(20_000), 100.0)
    network = zero_network(problem)
    norms, grouped = (certify(problem, network, method=m, max_seconds=6.0) for m in ("norms", "auto"))
    assert "groups of rows" in grouped.method
    assert grouped.lower_bound > 1.2 * norms.lower_bound > 0
