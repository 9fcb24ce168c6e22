"""The exact program of several outputs: known optima, the map to networks, bounds around it."""

from __future__ import annotations

import numpy as np
import pytest

from cvxnn import Problem, ReLUNetwork, ReLUProgram, enumerate_patterns, solve
from cvxnn.programs import CopositiveProgram, GatedReLUProgram
from cvxnn.testing import reference_optimum, samplers
from cvxnn.testing.optima import several_outputs_optimum

LOSSES = ("squared", "huber", "quantile", "logistic", "squared_hinge", "hinge", "multinomial")


def planted(seed, n, d, beta):
    rng = np.random.default_rng(seed)
    return Problem(rng.standard_normal((n, d)), rng.standard_normal((n, 2)), beta)


def with_loss(loss, *, offset, weights, seed=4, n=5, C=2):
    """A problem in the plane with targets that the loss takes, every class among them."""
    rng = np.random.default_rng(seed)
    classes = np.eye(C)[np.r_[np.arange(C), rng.integers(0, C, n - C)]]
    numbers = rng.standard_normal((n, C))
    y = {"multinomial": classes}.get(loss, numbers if loss in LOSSES[:3] else 2.0 * classes - 1.0)
    weight = rng.uniform(0.5, 1.5, n) if weights else None
    return Problem(samplers.with_bias_column(rng, n, 2), y, 0.1, loss, offset, weight)


# Values of the exact, gated and per-class programs, computed by separate code from the formulas, to 7 digits; the
# exact one of the first line is also the best of 80 descents on the network itself.
@pytest.mark.parametrize(
    ("seed", "n", "d", "beta", "facets", "exact", "gated", "per_class"),
    [
        (1, 6, 2, 0.3, [2] * 12, 2.1463576, 1.6013671, 2.2081154),
        (3, 5, 3, 0.25, [3] * 10 + [4] * 10 + [5] * 2, 0.6621164, 0.4221819, None),
    ],
)
def test_known_optima(seed, n, d, beta, facets, exact, gated, per_class):
    problem = planted(seed, n, d, beta)
    patterns = enumerate_patterns(problem.X)
    program = CopositiveProgram(problem)
    value = program.solve().value
    assert sorted(len(normals) for normals in program.facets) == facets
    assert program.is_exact == (max(facets) <= 4)
    assert value == pytest.approx(exact, abs=1e-7)
    lower = solve(GatedReLUProgram(problem, patterns), tol=1e-9).objective
    upper = solve(ReLUProgram(problem, patterns), tol=1e-9).objective
    assert lower == pytest.approx(gated, abs=1e-7)
    assert lower <= value * (1 + 1e-7) <= upper * (1 + 2e-7)
    if per_class is not None:
        assert upper == pytest.approx(per_class, abs=1e-7)


def test_orthonormal_rows_and_classes_have_a_closed_form():
    """Class indicators are singular vectors without negative entries: sigma shrinks by beta."""
    rng = np.random.default_rng(0)
    X = np.linalg.qr(rng.standard_normal((6, 5))).Q.T
    y = np.eye(3)[[0, 0, 1, 1, 2]]
    sigma = np.sqrt([2.0, 2.0, 1.0])
    expected = float(np.sum(0.5 * 0.4**2 + 0.4 * (sigma - 0.4)))
    program = CopositiveProgram(Problem(X, y, 0.4))
    assert not program.is_exact  # cones of five facets: a lower bound, here attained
    assert program.solve().value == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("offset", [False, True], ids=["no offset", "offset"])
@pytest.mark.parametrize("weights", [False, True], ids=["no weights", "weights"])
def test_the_network_in_the_plane_attains_the_value(loss, offset, weights):
    problem = with_loss(loss, offset=offset, weights=weights)
    solution = CopositiveProgram(problem).solve()
    network = solution.network
    assert isinstance(network, ReLUNetwork)
    # Clarabel's gap is 1e-8; noise of that size in A is of its root in the neurons that it makes.
    assert problem.objective(network) == pytest.approx(solution.value, abs=2e-5)
    upper = reference_optimum(ReLUProgram(problem, enumerate_patterns(problem.X)))
    assert solution.value <= upper + 1e-6


def test_weights_and_repeated_samples_are_the_same():
    problem = with_loss("squared", offset=True, weights=False)
    rows = np.r_[0, 0, 1:5]
    weights = np.r_[2.0, np.ones(4)]
    repeated = Problem(problem.X[rows], problem.y[rows], 0.1, output_offset=True)
    weighted = Problem(problem.X, problem.y, 0.1, output_offset=True, sample_weight=weights)
    assert several_outputs_optimum(weighted) == pytest.approx(several_outputs_optimum(repeated), abs=1e-7)


def test_one_output_is_the_known_program():
    rng = np.random.default_rng(5)
    problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.2)
    expected = solve(ReLUProgram(problem, enumerate_patterns(problem.X)), tol=1e-9).objective
    solution = CopositiveProgram(problem).solve()
    assert solution.value == pytest.approx(expected, rel=1e-6)
    assert solution.network.output.ndim == 1
    assert problem.objective(solution.network) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("sampler", samplers.DATA.values(), ids=samplers.DATA)
def test_data_of_every_kind(sampler):
    """Zero, repeated and parallel rows; the scale of X does not matter when beta follows it."""
    rng = np.random.default_rng(6)
    X = sampler(rng, 6, 2)
    size = np.linalg.norm(X, 2) or 1.0
    problem = Problem(X / size, rng.standard_normal((6, 2)), 0.05)
    solution = CopositiveProgram(problem).solve()
    assert problem.objective(solution.network) == pytest.approx(solution.value, abs=1e-5)


def test_rank_deficient_data_are_reduced_to_their_row_space():
    rng = np.random.default_rng(7)
    flat = Problem(rng.standard_normal((6, 2)), rng.standard_normal((6, 2)), 0.3)
    turn = np.linalg.qr(rng.standard_normal((4, 2))).Q
    tall = Problem(flat.X @ turn.T, flat.y, 0.3)
    first, second = CopositiveProgram(flat).solve(), CopositiveProgram(tall).solve()
    assert second.value == pytest.approx(first.value, rel=1e-7)
    assert tall.objective(second.network) == pytest.approx(first.value, abs=1e-5)


def test_facets_generate_the_cone():
    """Planted redundancy: every constraint is a non-negative combination of the facets, and none is of the others."""
    rng = np.random.default_rng(8)
    problem = Problem(
        np.vstack([rng.standard_normal((6, 3)), np.zeros((1, 3))]), rng.standard_normal((7, 2)), 0.3
    )
    program = CopositiveProgram(problem)
    for mask, normals in zip(program.masks.T, program.facets, strict=True):
        signed = np.where(mask[:6, None], 1.0, -1.0) * (problem.X[:6] @ program.row_space)
        inside = rng.standard_normal((2000, 3))
        inside = inside[np.all(inside @ normals.T >= 0, axis=1)]
        assert np.all(inside @ signed.T >= -1e-9)


def test_fewer_patterns_raise_the_value():
    problem = planted(1, 6, 2, 0.3)
    patterns = np.asarray(enumerate_patterns(problem.X))
    assert (
        CopositiveProgram(problem, patterns[:, ::2]).solve().value > CopositiveProgram(problem).solve().value
    )


def test_no_facets_would_be_the_gated_program():
    """Planted fault: without the cones the value falls to the nuclear norm's."""
    problem = planted(1, 6, 2, 0.3)
    program = CopositiveProgram(problem)
    object.__setattr__(program, "facets", tuple(np.zeros((1, 2)) for _ in program.facets))
    assert program.solve().value == pytest.approx(1.6013671, abs=1e-7)


def test_the_reference_names_what_it_needs():
    with pytest.raises(ValueError, match="cells of at most 4 facets; it has one of 5"):
        several_outputs_optimum(planted(3, 5, 3, 0.25))
    per_class = Problem([[1.0, 0.0]], [[1.0, 2.0]], 0.1, output_norm="l1")
    with pytest.raises(ValueError, match="output_norm must be 'l2' here; got 'l1'"):
        CopositiveProgram(per_class)
    assert several_outputs_optimum(per_class) == pytest.approx(0.1 * 3.0 - 0.1**2, abs=1e-7)
    with pytest.raises(ValueError, match="X must have rank <= 2 to map"):
        _ = CopositiveProgram(planted(3, 5, 3, 0.25)).solve().network
    with pytest.raises(ValueError, match="patterns must have shape"):
        CopositiveProgram(planted(1, 6, 2, 0.3), np.ones((3, 1), dtype=bool))
