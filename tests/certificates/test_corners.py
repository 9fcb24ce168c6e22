"""Every public function of certificates on data where theory goes wrong: the right value, or a refusal in words."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, beta_max, certificates, certify, train
from cvxnn.certificates import (
    RowSpace,
    dual_bound,
    exact_oracle,
    improving_bounds,
    joint_dual_sdp,
    make_certificate,
    network_dual,
    norm_bound,
    relaxed_bound,
    relaxed_upper_bound,
    search,
)
from cvxnn.certificates.bounds.output_bounds import constraint_bound
from cvxnn.certificates.relaxations.row_groups import group_rows
from cvxnn.testing import CORNERS, check_answers


def corner(name, share, data=1.0, target=1.0):
    X, y = CORNERS[name]
    critical = beta_max(X, y) or 1.0
    return Problem(X * data, y * target, share * critical * data * target)


def nothing(problem):
    return ReLUNetwork(np.zeros((problem.n_features, 1)), np.zeros(1))


def norms_of_outputs(problem):
    space, lam = RowSpace(problem.X), np.stack([problem.y, -problem.y], axis=1)
    return constraint_bound(lambda column: norm_bound(space, column), space, lam, "l2")


# What each gives with the powers of the units of X and of y; () for what is not compared.
CALLS = {
    "beta_max": (lambda p: [beta_max(p)], 1, 1),
    "estimate_beta_max": (lambda p: [certificates.estimate_beta_max(p).value], 1, 1),
    "certify": (lambda p: [certify(p, train(p, tol=1e-6).network).lower_bound], 0, 2),
    "certify_until_interrupt": (
        lambda p: [certificates.certify_until_interrupt(p, train(p, tol=1e-6).network)[0].lower_bound],
        0,
        2,
    ),
    "constraint_bound": (lambda p: [norms_of_outputs(p)], 1, 1),
    "dual_bound": (lambda p: [dual_bound(p, p.y, exact_oracle(p.X).maximise(p.y).upper)], 0, 2),
    "exact_oracle": (lambda p: [exact_oracle(p.X).maximise(p.y).upper], 1, 1),
    "group_rows": (lambda p: (group_rows(RowSpace(p.X), p.y, 2), ())[1], 0, 0),
    "improving_bounds": (
        lambda p: [next(iter(improving_bounds(p, nothing(p), max_seconds=0.5))).value],
        0,
        2,
    ),
    "joint_dual_sdp": (lambda p: (joint_dual_sdp(p, RowSpace(p.X), max_seconds=2.0), ())[1], 0, 0),
    "make_certificate": (
        lambda p: [make_certificate(*[p.beta] * 2, tol=1.0, method="", scope="network").gap],
        0,
        0,
    ),
    "network_dual": (lambda p: list(network_dual(p, nothing(p))), 0, 1),
    "norm_bound": (lambda p: [norm_bound(RowSpace(p.X), p.y)], 1, 1),
    "relaxed_bound": (lambda p: [relaxed_bound(p, 0.1 * p.y, max_seconds=1.0)[0]], 0, 2),
    "relaxed_upper_bound": (lambda p: [relaxed_upper_bound(RowSpace(p.X), p.y)], 1, 1),
    "search": (lambda p: [search(p.X, p.y).value], 1, 1),
}


def test_every_function_is_tried():
    functions = {name for name in certificates.__all__ if inspect.isfunction(getattr(certificates, name))}
    assert functions | {"constraint_bound", "group_rows"} == set(CALLS)


@pytest.mark.parametrize("name", CALLS)
def test_corners_get_numbers_or_words(name):
    for where in CORNERS:
        check_answers(lambda where=where: CALLS[name][0](corner(where, 0.1)))


@pytest.mark.slow
@pytest.mark.parametrize("share", [1.0, 1e-6, 1e-12])
@pytest.mark.parametrize("name", CALLS)
def test_corners_at_any_weight_decay(name, share):
    for where in CORNERS:
        check_answers(lambda where=where: CALLS[name][0](corner(where, share)))


@pytest.mark.parametrize(
    ("data", "target"), [(2.0**-60, 2.0**100), (2.0**150, 2.0**100), (2.0**-150, 2.0**-150)]
)
@pytest.mark.parametrize("name", CALLS)
def test_units_change_values_by_their_powers(name, data, target):
    call, of_data, of_target = CALLS[name]
    expected = call(corner("ordinary rows", 0.1))
    values = check_answers(lambda: call(corner("ordinary rows", 0.1, data, target)))
    assert values is not None
    # Relaxations and searches end within 1e-6 of their own values.
    np.testing.assert_allclose(np.array(values) / data**of_data / target**of_target, expected, rtol=1e-5)


@pytest.mark.parametrize("scale", [1e-150, 1e150])
def test_the_critical_weight_decay_at_any_size(scale):
    X, y = CORNERS["ordinary rows"]
    assert beta_max(X * scale, y) / scale == pytest.approx(beta_max(X, y), rel=1e-12)
    assert beta_max(X, y * scale) / scale == pytest.approx(beta_max(X, y), rel=1e-12)
    assert beta_max(X * scale, y / scale) == pytest.approx(beta_max(X, y), rel=1e-12)


def test_a_critical_weight_decay_beyond_double_precision_is_refused():
    X, y = CORNERS["ordinary rows"]
    with pytest.raises(ValueError, match="X and y must be of sizes whose product"):
        beta_max(X * 1e160, y * 1e150)
    with pytest.raises(ValueError, match="y must have entries whose losses are numbers"):
        beta_max(X, y * 1e160)
