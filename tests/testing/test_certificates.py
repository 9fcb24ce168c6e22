"""Planted faults: every law of certificates and oracles rejects one that breaks it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cvxnn import Certificate, Problem, ReLUNetwork, ReLUProgram, beta_max, certify, enumerate_patterns, solve
from cvxnn.certificates import CellOracle, Oracle, SweepOracle, make_certificate
from cvxnn.deadlines import NEVER
from cvxnn.testing import check_bound_holds, check_certificate, check_oracle, samplers

right = make_certificate(2.0, 1.5, tol=0.5, method="by hand", scope="program")


@dataclass(frozen=True)
class Silent(Certificate):
    def __str__(self):
        return "proven"


WRONG = [
    (replace(right, lower_bound=-0.1, gap=2.1, relative_gap=1.05), "0 <= lower_bound"),
    (replace(right, lower_bound=2.1, gap=-0.1, relative_gap=-0.05), "0 <= lower_bound"),
    (replace(right, lower_bound=np.nan), "0 <= lower_bound"),
    (replace(right, gap=0.4), "gap must be"),
    (replace(right, relative_gap=0.5 / 1.5), "relative_gap must be"),
    (replace(right, proven=False), "proven must mean"),
    (replace(right, tol=0.2), "proven must mean"),
    (replace(right, scope="everything"), "scope must be"),
    (Silent(*vars(right).values()), "printing must show"),
]


@pytest.mark.parametrize(("wrong", "message"), WRONG)
def test_the_law_of_arithmetic_rejects(wrong, message):
    check_certificate(right)
    with pytest.raises(AssertionError, match=message):
        check_certificate(wrong)


def test_the_law_of_bounds_rejects_a_bound_above_a_network_and_a_bound_of_a_program():
    rng = np.random.default_rng(0)
    problem = Problem(samplers.off_origin(rng, 6, 2), rng.standard_normal(6), beta=0.3)
    networks = [samplers.network(rng, 2, 3) for _ in range(5)]
    zero = ReLUNetwork(np.zeros((2, 0)), np.zeros(0))
    certificate = certify(problem, networks[0])
    check_bound_holds(certificate, problem, [*networks, zero])
    too_high = 1.01 * problem.objective(zero)
    planted = make_certificate(2 * too_high, too_high, tol=1.0, method="planted", scope="network")
    with pytest.raises(AssertionError, match="hold for any network"):
        check_bound_holds(planted, problem, [zero])
    with pytest.raises(AssertionError, match="about networks"):
        check_bound_holds(replace(certificate, scope="program"), problem, [zero])


@dataclass
class Planted(Oracle):
    """An exact oracle whose answer is changed."""

    right: Oracle
    changes: dict

    @property
    def is_cheap(self):
        return False

    def maximise(self, lam, *, threshold=0.0, deadline=NEVER):
        found = self.right.maximise(lam, threshold=threshold, deadline=deadline)
        return replace(found, **{name: change(found) for name, change in self.changes.items()})


FAULTS = [
    ({"upper": lambda v: 0.5 * v.upper, "value": lambda v: 0.5 * v.value}, "exceed an oracle's bound"),
    ({"value": lambda v: 1.01 * v.value}, "value must not exceed"),
    ({"upper": lambda v: 1.01 * v.upper}, "attain its bound"),
    ({"directions": lambda v: 2 * v.directions}, "unit vectors"),
    ({"signs": lambda v: -v.signs}, "those of its directions"),
    ({"directions": lambda v: np.roll(v.directions, 1, axis=0)}, "those of its directions"),
    ({"directions": lambda v: v.directions[:, :0]}, "without a direction"),
]


@pytest.mark.parametrize(("changes", "message"), FAULTS)
def test_the_law_of_oracles_rejects(changes, message):
    rng = np.random.default_rng(4)
    X, lam = samplers.gaussian(rng, 6, 3), rng.standard_normal(6)
    check_oracle(CellOracle(X), X, lam, rng)
    with pytest.raises(AssertionError, match=message):
        check_oracle(Planted(CellOracle(X), changes), X, lam, rng)


@pytest.mark.parametrize("kind", [CellOracle, SweepOracle], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
def test_every_oracle_is_exact_on_every_kind_of_data(kind, sampler, rng):
    X = sampler(rng, 8, 2 if kind is SweepOracle else 3)
    for lam in (rng.standard_normal(8), np.ones(8), -np.ones(8), np.eye(8)[0], np.zeros(8)):
        check_oracle(kind(X), X, lam, rng)


@pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
@pytest.mark.parametrize("output_offset", [False, True])
def test_no_network_beats_a_certified_bound(sampler, output_offset, rng):
    X, y = sampler(rng, 8, 2), rng.standard_normal(8)
    critical = beta_max(Problem(X, y, 1.0, output_offset=output_offset))
    problem = Problem(X, y, 0.1 * critical, output_offset=output_offset)
    best = solve(ReLUProgram(problem, enumerate_patterns(X))).network
    drawn = [samplers.network(rng, 2, 4, offset=output_offset) for _ in range(5)]
    scaled = [ReLUNetwork(t * best.hidden, t * best.output, best.offset) for t in (0.5, 0.99, 1.0, 1.01)]
    certificate = certify(problem, best)
    check_bound_holds(certificate, problem, [*drawn, *scaled])
    assert certificate.proven  # the convex program over all patterns is the training problem
