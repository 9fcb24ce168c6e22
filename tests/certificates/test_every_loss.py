"""Certificates for every loss, several outputs, both norms and sample weights, against the optimum by CVXPY."""

import numpy as np
import pytest

from cvxnn.certificates import beta_max, certify, improving_bounds, network_dual, relaxed_bound, search
from cvxnn.losses import LOSSES
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

from .vector_programs import solve_per_class_program, solve_vector_program, zero_network

WEIGHTS = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 1.5])
# the interior-point references' own accuracy
ACCURACY = 2e-6


def small_problem(loss, n_outputs=1, output_offset=False, weights=None, output_norm="l2", seed=0, share=0.2):
    """Return a problem of six rows in the plane, both classes in every output, at a share of its beta_max."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((6, 2)), rng.standard_normal((6, n_outputs))
    if loss in ("logistic", "squared_hinge", "hinge"):
        Y = np.where(Y > 0, 1.0, -1.0)
        Y[0], Y[1] = 1.0, -1.0
    if loss == "multinomial":
        Y = np.eye(n_outputs)[np.array([0, 1, 2, 1, 2, 0]) % n_outputs]
    y = Y if n_outputs > 1 else Y[:, 0]
    problem = Problem(X, y, 0.0, loss, output_offset, weights, output_norm)
    return problem.with_beta(share * beta_max(problem))


def optimum_of(problem, convex_optimum):
    """Return the optimum and its dual variable; of the l1 norm with several outputs the first only."""
    if problem.y.ndim == 1:
        solved = convex_optimum(problem)
        return solved.value, solved.lam
    if problem.output_norm == "l1":
        return solve_per_class_program(problem), None
    solved = solve_vector_program(problem)
    return solved.value, solved.lam


def cases():
    """Yield losses with outputs, offset, weights and norm: with and without the last three."""
    for loss in LOSSES:
        for n_outputs, norm in ((1, "l2"), (2, "l2"), (2, "l1")):
            for is_full in (True, False):
                if n_outputs > 1 or loss != "multinomial":
                    marks = [] if is_full else [pytest.mark.slow]
                    yield pytest.param(loss, n_outputs, is_full, is_full, norm, marks=marks)


@pytest.mark.parametrize(("loss", "n_outputs", "offset", "weighted", "norm"), list(cases()))
def test_every_bound_is_below_the_optimum(loss, n_outputs, offset, weighted, norm, convex_optimum):
    problem = small_problem(loss, n_outputs, offset, WEIGHTS if weighted else None, norm)
    optimum, lam = optimum_of(problem, convex_optimum)
    network = zero_network(problem)
    for method in ("auto", "dual_sdp", "norms"):
        # The semidefinite program alone is run to its end, whatever else the machine does: its bound is asked for.
        limit = None if method == "dual_sdp" else 0.3
        certificate = certify(problem, network, method=method, max_seconds=limit)
        assert 0 < certificate.lower_bound <= optimum * (1 + ACCURACY) or certificate.lower_bound == 0
        if method == "dual_sdp":
            # not tight, but no bound that a slip of the dual variable out of the conjugate's domain would leave either
            assert certificate.lower_bound > 0.3 * optimum
    if lam is not None:
        exact = certify(problem, network, dual=lam)
        assert exact.lower_bound == pytest.approx(optimum, rel=1e-4)
        assert exact.search_violation == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("loss", ["quantile", "hinge"])
@pytest.mark.parametrize("output_offset", [False, True])
def test_the_subgradient_of_an_optimal_network_is_found(loss, output_offset, convex_optimum):
    for seed in range(2):
        problem = small_problem(loss, 1, output_offset, WEIGHTS, seed=seed)
        optimum = convex_optimum(problem)
        certificate = certify(problem, optimum.network)
        assert certificate.lower_bound == pytest.approx(optimum.value, rel=1e-4)
        # the gradient with 0 at kinks, whatever its scale, proves less
        lam = problem.dual_variable(optimum.network.predict(problem.X))
        assert certify(problem, optimum.network, dual=lam).lower_bound < 0.99 * optimum.value
        lam = network_dual(problem, optimum.network)
        assert search(problem.X, lam).value <= problem.beta * (1 + 1e-3)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("output_norm", ["l2", "l1"])
@pytest.mark.parametrize("output_offset", [pytest.param(False, marks=pytest.mark.slow), True])
def test_zero_is_optimal_exactly_from_beta_max_on(loss, output_norm, output_offset):
    problem = small_problem(loss, 2, output_offset, WEIGHTS, output_norm, seed=1, share=1.0)
    null = problem.objective(zero_network(problem))

    def optimum(share):
        scaled = problem.with_beta(share * problem.beta)
        return solve_per_class_program(scaled) if output_norm == "l1" else solve_vector_program(scaled).value

    assert optimum(1.001) == pytest.approx(null, rel=ACCURACY)
    assert optimum(0.9) < null * (1 - 1e-4)


def doubled(problem):
    """Return the problem with weights 1, 2 and 0, and the one with its rows once, twice and not at all."""
    counts = np.array([1, 2, 1, 1, 2, 0])
    rows = np.repeat(np.arange(6), counts)
    options = problem.beta, problem.loss, problem.output_offset
    return (
        Problem(problem.X, problem.y, *options, counts),
        Problem(problem.X[rows], problem.y[rows], *options),
        rows,
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("output_offset", [False, True])
def test_a_weight_of_two_is_a_sample_twice_and_of_zero_none(loss, output_offset):
    weighted, repeated, rows = doubled(small_problem(loss, 2, output_offset, seed=2))
    assert beta_max(weighted) == pytest.approx(beta_max(repeated), rel=1e-5)
    lam = 0.3 * network_dual(repeated, zero_network(repeated))
    # what the repeated samples have in common, which a weight's slope is a multiple of
    total = np.stack([np.bincount(rows, weights=column, minlength=6) for column in lam.T], axis=1)
    shared = total[rows] / np.bincount(rows)[rows, None]
    for method in ("sweep", "norms"):
        bounds = [
            certify(problem, zero_network(problem), method=method, dual=dual).lower_bound
            for problem, dual in ((weighted, total), (repeated, shared))
        ]
        # the multipliers of the relaxed constraint are found to the accuracy of a descent
        assert bounds[0] == pytest.approx(bounds[1], rel=1e-9 if method == "sweep" else 1e-2)


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if loss != "multinomial"])
def test_the_joint_dual_sdp_of_weights_is_that_of_repeated_samples(loss):
    weighted, repeated, _ = doubled(small_problem(loss, 1, output_offset=True, seed=3))
    bounds = [certify(p, zero_network(p), method="dual_sdp").lower_bound for p in (weighted, repeated)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-4)  # the interior-point solver's accuracy


def test_documented_values(convex_optimum):
    rng = np.random.default_rng(1)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal((6, 2)), 0.3)
    joint = solve_vector_program(problem)
    assert joint.value == pytest.approx(2.1463576, rel=1e-6)
    assert certify(problem, zero_network(problem), dual=joint.lam).lower_bound == pytest.approx(
        2.1463576, rel=1e-6
    )
    per_class = Problem(problem.X, problem.y, 0.3, output_norm="l1")
    outputs = [convex_optimum(problem.with_targets(problem.y[:, c])) for c in range(2)]
    lam = np.stack([output.lam for output in outputs], axis=1)
    bound = certify(per_class, zero_network(per_class), dual=lam).lower_bound
    assert bound == pytest.approx(2.2081154, rel=1e-6)
    assert sum(output.value for output in outputs) == pytest.approx(2.2081154, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "n_outputs"),
    [
        ("squared", 2),
        pytest.param("squared", 6, marks=pytest.mark.slow),
        pytest.param("logistic", 3, marks=pytest.mark.slow),
        ("logistic", 6),
        ("multinomial", 3),
    ],
)
def test_rounds_of_output_directions_improve_the_bound(loss, n_outputs):
    rng = np.random.default_rng(3)
    X = np.c_[rng.standard_normal((30, 5)), np.ones(30)]
    scores = np.maximum(X @ rng.standard_normal((6, 4)), 0.0) @ rng.standard_normal((4, n_outputs))
    one_hot = np.eye(n_outputs)[np.argmax(scores, axis=1)]
    Y = {"squared": scores, "logistic": 2 * one_hot - 1, "multinomial": one_hot}[loss]
    problem = Problem(X, Y, 0.0, loss)
    problem = problem.with_beta(0.1 * beta_max(problem))
    network = zero_network(problem)
    bounds = list(improving_bounds(problem, network, max_seconds=5.0))
    assert np.all(np.diff([bound.value for bound in bounds]) > 0)
    assert "joint dual SDP" in bounds[-1].method
    lam = problem.dual_variable(network.predict(X))
    quick, _ = relaxed_bound(problem, lam, max_seconds=0.3)
    assert 0 < quick <= bounds[-1].value * 1.1  # in a third of the time
    # no network is below: not the zero network, nor random ones
    for _ in range(20):
        width = int(rng.integers(1, 5))
        other = ReLUNetwork(rng.standard_normal((6, width)) / 3, rng.standard_normal((width, n_outputs)) / 3)
        assert bounds[-1].value <= problem.objective(other)


def test_l1_outputs_have_the_lifted_dual():
    rng = np.random.default_rng(4)
    X, Y = rng.standard_normal((12, 6)), rng.standard_normal((12, 2))
    problem = Problem(X, Y, 0.3, output_norm="l1")
    bounds = list(improving_bounds(problem, zero_network(problem), max_seconds=1.0))
    assert bounds[-1].method == "lifted dual SDP, 12 rows, output by output"
    alone = []
    for c in range(2):
        one = problem.with_targets(Y[:, c])
        alone.append(certify(one, zero_network(one), method="lifted", max_seconds=0.5, tol=0.0).lower_bound)
    # as far as the time that each had goes
    assert bounds[-1].value == pytest.approx(sum(alone), rel=5e-2)


def test_weighted_squares_have_the_lifted_dual():
    rng = np.random.default_rng(5)
    X, y, weights = rng.standard_normal((12, 6)), rng.standard_normal(12), rng.uniform(0.5, 2.0, 12)
    problem = Problem(X, y, 0.3, sample_weight=weights)
    scaled = Problem(X * np.sqrt(weights)[:, None], y * np.sqrt(weights), 0.3)
    options = {"method": "lifted", "max_seconds": 1.0, "tol": 0.05}
    bounds = [certify(p, zero_network(p), **options) for p in (problem, scaled)]
    assert bounds[0].lower_bound == pytest.approx(bounds[1].lower_bound, rel=5e-2)
    assert bounds[0].method.startswith("lifted dual")


@pytest.mark.parametrize(
    "options",
    [{"loss": "huber"}, {"sample_weight": np.arange(1.0, 7.0), "output_offset": True}],
)
def test_the_lifted_dual_is_refused_where_it_does_not_apply(options):
    rng = np.random.default_rng(6)
    problem = Problem(rng.standard_normal((6, 4)), rng.standard_normal(6), 0.3, **options)
    with pytest.raises(ValueError, match='"lifted" needs the squared loss'):
        certify(problem, zero_network(problem), method="lifted")


def test_a_dual_variable_outside_of_the_domain_is_moved_into_it():
    problem = small_problem("hinge")
    network = zero_network(problem)
    inside = certify(problem, network, dual=problem.y.copy())
    outside = certify(problem, network, dual=problem.y * (1 + 1e-7))
    assert inside.lower_bound > 0
    assert outside.lower_bound == pytest.approx(inside.lower_bound, rel=1e-9)
