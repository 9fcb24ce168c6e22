import time

import numpy as np
import pytest

from cvxnn.certificates import Maximisers, Oracle, beta_max, certify, improving, proving
from cvxnn.deadlines import NEVER
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

ALL_METHODS = ["auto", "sweep", "cells", "dual_sdp", "lifted", "norms"]


def plane_problem(seed=0, output_offset=False, beta=0.1):
    rng = np.random.default_rng(seed)
    X = np.c_[rng.standard_normal(6), np.ones(6)]
    return Problem(X, rng.standard_normal(6), beta, output_offset=output_offset)


def zero_network(d, offset=None):
    return ReLUNetwork(np.zeros((d, 0)), np.zeros(0), offset)


@pytest.mark.parametrize("output_offset", [False, True])
@pytest.mark.parametrize("method", ALL_METHODS)
def test_every_method_bounds_the_optimum(method, output_offset, convex_optimum):
    problem = plane_problem(1, output_offset)
    optimum = convex_optimum(problem)
    certificate = certify(problem, optimum.network, method=method)
    assert certificate.scope == "network"
    assert certificate.objective == pytest.approx(problem.objective(optimum.network), rel=1e-15)
    assert certificate.lower_bound <= optimum.value * (1 + 1e-6)
    assert certificate.search_violation == pytest.approx(0.0, abs=1e-3)  # the reference's accuracy
    if method in ("auto", "sweep", "cells"):
        assert certificate.proven
        assert certificate.relative_gap < 1e-4


def test_a_bad_network_is_not_proven_and_its_violation_seen():
    problem = plane_problem()
    certificate = certify(problem, zero_network(2))
    assert not certificate.proven
    assert certificate.search_violation == pytest.approx(beta_max(problem) / problem.beta - 1, rel=1e-9)


def test_proof_is_named():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((30, 12)), rng.standard_normal(30)
    assert certify(plane_problem(), zero_network(2)).method == "exact sweep"
    space = Problem(X[:, :3], y, 0.5)
    assert certify(space, zero_network(3)).method == "cell enumeration"
    wide = Problem(X, y, 0.5)
    assert certify(wide, zero_network(12), max_seconds=1.0).method == "lifted dual SDP, 30 rows"
    assert certify(wide, zero_network(12), method="dual_sdp").method == "joint dual SDP"
    assert certify(wide, zero_network(12), method="norms").method == "relaxed dual constraint"


def test_auto_is_the_best_of_the_relaxations():
    rng = np.random.default_rng(1)
    problem = Problem(rng.standard_normal((30, 12)), rng.standard_normal(30), 0.5)
    bounds = {
        m: certify(problem, zero_network(12), method=m, max_seconds=1.0).lower_bound
        for m in ("auto", "dual_sdp", "norms")
    }
    assert bounds["auto"] == max(bounds.values()) > 0


def test_no_time_for_the_relaxation_leaves_a_norm_bound():
    rng = np.random.default_rng(2)
    problem = Problem(rng.standard_normal((30, 12)), rng.standard_normal(30), 0.5)
    certificate = certify(problem, zero_network(12), max_seconds=1e-3)
    assert certificate.method in ("norm bound", "relaxed dual constraint")
    assert certificate.lower_bound > 0


def test_one_output_as_a_column():
    problem = plane_problem()
    column = Problem(problem.X, problem.y[:, None], problem.beta)
    rng = np.random.default_rng(0)
    U, a = rng.standard_normal((2, 3)), rng.standard_normal(3)
    flat, tall = certify(problem, ReLUNetwork(U, a)), certify(column, ReLUNetwork(U, a[:, None]))
    assert flat == tall


def test_exact_methods_refuse_what_they_cannot_do():
    rng = np.random.default_rng(0)
    problem = Problem(rng.standard_normal((200, 8)), rng.standard_normal(200), 0.5)
    with pytest.raises(ValueError, match="its rank is 8"):
        certify(problem, zero_network(8), method="sweep")
    with pytest.raises(
        ValueError, match=r"X must have at most 5,000,000 activation patterns; .* method='auto'"
    ):
        certify(problem, zero_network(8), method="cells")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"tol": -1.0}, "tol must be"),
        ({"max_seconds": 0.0}, "max_seconds must be"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        certify(plane_problem(), zero_network(2), **options)


def test_bad_problems_are_refused():
    with pytest.raises(ValueError, match="beta must be > 0"):
        certify(plane_problem(beta=0.0), zero_network(2))
    with pytest.raises(ValueError, match="network must take 2 features"):
        certify(plane_problem(), zero_network(3))
    with pytest.raises(ValueError, match="network must have outputs"):
        certify(Problem(np.eye(2), np.eye(2), 1.0), zero_network(2))
    with pytest.raises(ValueError, match="dual must have the shape of y"):
        certify(plane_problem(), zero_network(2), dual=np.ones(5))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_gap_is_free_of_scale(scale):
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    # (X, y, beta) -> (X, s y, s beta) scales the objective by s^2 where both layers grow by sqrt(s)
    network = ReLUNetwork(
        rng.standard_normal((2, 3)) * np.sqrt(scale), rng.standard_normal(3) * np.sqrt(scale)
    )
    certificate = certify(Problem(X, scale * y, scale * 0.5), network)
    rng = np.random.default_rng(4)
    X, y = rng.standard_normal((20, 2)), rng.standard_normal(20)
    reference = certify(Problem(X, y, 0.5), ReLUNetwork(rng.standard_normal((2, 3)), rng.standard_normal(3)))
    assert certificate.relative_gap == pytest.approx(reference.relative_gap, rel=1e-9)


class Slow(Oracle):
    """An exact oracle that takes six seconds, and gives up after them."""

    is_cheap = False

    def __init__(self, seconds):
        self.seconds = seconds

    def maximise(self, lam, *, threshold=0.0, deadline=NEVER):
        self.seconds[0] += 6.0
        empty = np.zeros((5, 0))
        return Maximisers.of(empty, np.zeros(0), np.zeros(0), upper=1e3, method="norm bound")


@pytest.mark.parametrize(("limit", "ends_with"), [(100.0, "norm bound"), (10.0, "dual"), (5.0, "norm bound")])
def test_relaxations_follow_an_exact_method_that_gives_up_where_time_is_left(limit, ends_with, monkeypatch):
    rng, seconds = np.random.default_rng(4), [0.0]
    problem = Problem(rng.standard_normal((30, 5)), rng.standard_normal(30), 0.5)
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])
    monkeypatch.setattr(proving, "_oracle", lambda *args: Slow(seconds))
    monkeypatch.setattr(improving, "lifting_is_affordable", lambda *args: False)  # the clock stands still
    certificate = certify(problem, zero_network(5), max_seconds=limit)
    assert ends_with in certificate.method
    assert certificate.lower_bound > 0
