"""Tests of rotations to the row space: there and back, what stays, and what bounds may lose to rounding."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cvxnn.certificates import Rotation, RowSpace, certify, exact_oracle, search
from cvxnn.losses import LOSSES
from cvxnn.networks import ReLUNetwork
from cvxnn.patterns import activation_patterns, enumerate_patterns
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.testing.samplers import DATA
from cvxnn.validation import Array

# Products of d numbers of order one, and bases orthonormal to rounding.
TOL = 1e-12


def wide_problem(kind: str = "gaussian", n: int = 5, d: int = 11, **options: Any) -> Problem:
    rng = np.random.default_rng(3)
    return Problem(DATA[kind](rng, n, d), rng.standard_normal(n), 0.3, **options)


def optimum(problem: Problem) -> float:
    statement = ReLUProgram(problem, enumerate_patterns(problem.X)).to_cvxpy().problem
    # Clarabel's own gap is 1e-8.
    return float(statement.solve(solver="CLARABEL"))


@pytest.mark.parametrize("kind", sorted(DATA))
def test_there_and_back(kind: str) -> None:
    problem = wide_problem(kind)
    rotation, rng = Rotation.of(problem), np.random.default_rng(0)
    inner, size = rotation.problem, float(np.max(np.abs(problem.X)))
    assert inner.n_features <= inner.n_samples
    V = rng.standard_normal((inner.n_features, 4))
    U = rotation.vectors(V)
    assert np.max(np.abs(rotation.coordinates(U) - V)) <= TOL
    assert np.max(np.abs(problem.X @ U - inner.X @ V)) <= TOL * size
    network = ReLUNetwork(V / size, rng.standard_normal(4))
    there = rotation.network(network)
    assert problem.objective(there) == pytest.approx(inner.objective(network), rel=TOL)
    back = rotation.network_in_coordinates(there)
    assert np.max(np.abs(back.hidden - network.hidden)) <= TOL / size
    assert np.array_equal(back.output, network.output)


@pytest.mark.parametrize("kind", ["gaussian", "rank_deficient", "duplicated_rows", "with_zero_row"])
def test_what_is_orthogonal_to_the_rows_is_left_out(kind: str) -> None:
    problem = wide_problem(kind)
    rotation, rng = Rotation.of(problem), np.random.default_rng(0)
    network = ReLUNetwork(rng.standard_normal((problem.n_features, 3)), [1.0, -1.0, 2.0])
    inside = rotation.network_in_coordinates(network)
    assert np.max(np.abs(inside.predict(rotation.problem.X) - network.predict(problem.X))) <= 1e2 * TOL
    # 6 or more of 11 dimensions are off the row space: the penalty falls by about as large a share.
    assert rotation.problem.penalty(inside) < problem.penalty(network)
    # patterns of generic directions, none of which is on a kink
    shown = activation_patterns(rotation.problem.X, inside.hidden)
    assert np.array_equal(shown, activation_patterns(problem.X, network.hidden))


@pytest.mark.parametrize("d", [1, 5])
def test_no_more_features_than_samples_stay_as_they_are(d: int) -> None:
    problem = wide_problem(d=d)
    rotation = Rotation.of(problem)
    U = np.ones((d, 2))
    network = ReLUNetwork(U, np.ones(2))
    assert rotation.is_plain
    assert rotation.problem is problem
    assert rotation.bound_share == 1.0
    assert rotation.vectors(U) is U
    assert rotation.coordinates(U) is U
    assert rotation.carried(problem) is problem
    assert rotation.network(network) is network
    assert rotation.network_in_coordinates(network) is network


def test_blocks_of_zeros_stay_zero_and_cost_nothing() -> None:
    rotation = Rotation.of(wide_problem())
    V = np.random.default_rng(0).standard_normal((5, 6))
    V[:, [1, 4]] = 0.0
    U = rotation.vectors(V)
    assert not np.any(U[:, [1, 4]])
    assert np.max(np.abs(rotation.coordinates(U) - V)) <= TOL
    assert rotation.vectors(np.zeros((5, 0))).shape == (11, 0)


def test_data_of_zeros_have_one_coordinate() -> None:
    problem = Problem(np.zeros((2, 5)), [1.0, 2.0], 0.5)
    rotation = Rotation.of(problem)
    assert rotation.problem.X.shape == (2, 1)
    assert np.array_equal(rotation.vectors(np.ones((1, 1)))[:, 0], [1.0, 0.0, 0.0, 0.0, 0.0])


def test_another_problem_on_the_same_data() -> None:
    problem = wide_problem()
    rotation = Rotation.of(problem)
    other = rotation.carried(problem.with_loss("huber").with_beta(2.0))
    assert other.X is rotation.problem.X or np.array_equal(other.X, rotation.problem.X)
    assert other.loss.name == "huber"
    assert other.beta == 2.0


def with_zero_columns(n: int, d: int, n_zeros: int) -> Array:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    X[:, rng.permutation(d)[:n_zeros]] = 0.0
    return X


@pytest.mark.parametrize(("n", "d", "n_zeros"), [(60, 40, 5), (20, 40, 30), (10, 40, 35)])
def test_columns_of_zeros_are_left_out_and_nothing_is_rounded(n: int, d: int, n_zeros: int) -> None:
    X, rng = with_zero_columns(n, d, n_zeros), np.random.default_rng(1)
    problem = Problem(X, rng.standard_normal(n), 0.5)
    rotation = Rotation.of(problem)
    assert np.array_equal(rotation.problem.X, X[:, np.any(X, axis=0)])
    assert rotation.basis is None
    assert rotation.bound_share == 1.0
    V = rng.standard_normal((d - n_zeros, 3))
    U = rotation.vectors(V)
    assert np.array_equal(rotation.coordinates(U), V)
    assert np.array_equal(np.any(U, axis=1), np.any(X, axis=0))


def test_columns_of_zeros_beside_a_rotation() -> None:
    X, rng = with_zero_columns(10, 40, 20), np.random.default_rng(1)
    rotation = Rotation.of(Problem(X, rng.standard_normal(10), 0.5))
    assert rotation.problem.X.shape == (10, 10)
    V = rng.standard_normal((10, 3))
    U = rotation.vectors(V)
    assert np.max(np.abs(X @ U - rotation.problem.X @ V)) <= TOL
    assert not np.any(U[~np.any(X, axis=0)])
    assert np.max(np.abs(rotation.coordinates(U) - V)) <= TOL


@pytest.mark.parametrize("n_zeros", [0, 4])
def test_few_columns_of_zeros_among_fewer_columns_than_samples_stay(n_zeros: int) -> None:
    problem = Problem(with_zero_columns(60, 40, n_zeros), np.ones(60), 0.5)
    assert Rotation.of(problem).is_plain
    small = Problem(with_zero_columns(60, 20, 10), np.ones(60), 0.5)  # nothing is dear there
    assert Rotation.of(small).is_plain


def test_many_samples_of_few_more_columns_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    monkeypatch.setattr("cvxnn.certificates.row_space._FEW_ROWS", 40)
    for n, d, stays in [(40, 41, False), (41, 51, True), (44, 55, False)]:
        assert Rotation.of(Problem(rng.standard_normal((n, d)), np.ones(n), 0.5)).is_plain is stays


@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_collinear_columns_of_many_samples_are_rotated(size: float) -> None:
    rng = np.random.default_rng(2)
    X = size * rng.standard_normal((80, 6)) @ rng.standard_normal((6, 40))
    X[3] = 0.0
    problem = Problem(X, rng.standard_normal(80), 0.5 * size)
    rotation = Rotation.of(problem)
    assert rotation.problem.X.shape == (80, 6)
    assert 1.0 - 1e-6 < rotation.bound_share < 1.0
    V = rng.standard_normal((6, 3))
    U = rotation.vectors(V)
    assert np.max(np.abs(X @ U - rotation.problem.X @ V)) <= 1e2 * TOL * size
    assert np.max(np.abs(rotation.coordinates(U) - V)) <= TOL


@pytest.mark.parametrize("rank", [20, 30])
def test_columns_that_span_half_of_their_number_or_more(rank: int) -> None:
    rng = np.random.default_rng(2)
    X = rng.standard_normal((80, rank)) @ rng.standard_normal((rank, 40))
    rotation = Rotation.of(Problem(X, rng.standard_normal(80), 0.5))
    assert rotation.problem.n_features == (20 if rank == 20 else 40)
    assert rotation.is_plain == (rank == 30)


def test_a_row_outside_the_span_of_those_that_were_looked_at_is_seen() -> None:
    rng = np.random.default_rng(2)
    X = rng.standard_normal((80, 6)) @ rng.standard_normal((6, 40))
    X[1] += 1e-6 * rng.standard_normal(40)  # row 1 is not among 21 of 80
    assert Rotation.of(Problem(X, rng.standard_normal(80), 0.5)).is_plain


@pytest.mark.parametrize("kind", sorted(DATA))
def test_errors_bound_what_is_left_out(kind: str) -> None:
    problem = wide_problem(kind)
    rotation = Rotation.of(problem)
    assert rotation.basis is not None
    assert rotation.errors is not None
    left = np.linalg.norm(problem.X - rotation.problem.X @ rotation.basis.T, axis=1)
    assert np.all(left <= rotation.errors)
    # ... and are themselves rounding: (8 n + 16 d + 64) eps of the rows' lengths, and leaks
    assert np.all(rotation.errors <= 1e-12 * np.max(np.linalg.norm(problem.X, axis=1)))


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_share_of_bounds_covers_every_useful_dual_variable(loss: str, offset: bool) -> None:
    # With errors of order one the bound can be seen: sum_i ||lam_i|| e_i at dual variables of dual objective >= 0.
    rng = np.random.default_rng(1)
    n, X = 6, rng.standard_normal((6, 9))
    numbers, signs = rng.standard_normal(n), np.where(np.arange(n) % 3 == 0, 1.0, -1.0)
    y = np.eye(3)[np.arange(n) % 3] if loss == "multinomial" else signs
    y = numbers if loss in ("squared", "huber", "quantile") else y
    problem = Problem(X, y, 0.7, loss, output_offset=offset, sample_weight=rng.uniform(0.5, 2.0, n))
    rotation = replace(Rotation.of(problem), errors=rng.uniform(0.1, 1.0, n))
    assert rotation.errors is not None
    covered = problem.beta * (1.0 / rotation.bound_share - 1.0)
    largest = 0.0
    for size in (0.1, 1.0, 4.0):
        for _ in range(20):
            f = size * rng.standard_normal(problem.y.shape)
            lam = problem.dual_variable(f)
            lam = problem.best_dual_scale(lam, 2.0) * lam
            if problem.dual_objective(lam) >= 0.0:
                rows = np.linalg.norm(lam.reshape(n, -1), axis=1)
                largest = max(largest, float(rows @ rotation.errors))
    assert 0.0 < largest <= covered


def test_a_bound_in_wrong_coordinates_is_lowered_below_the_optimum() -> None:
    # Coordinates of data that were moved by a twentieth: their optimum may be above that of the data themselves.
    above = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, y = rng.standard_normal((4, 6)), rng.standard_normal(4)
        problem = Problem(X, y, 0.1)
        right = Rotation.of(problem)
        assert right.basis is not None
        C = 0.95 * right.problem.X
        errors = np.linalg.norm(X - C @ right.basis.T, axis=1)
        wrong = Rotation(problem, problem.with_data(C), None, right.basis, errors)
        found, truth = optimum(wrong.problem), optimum(problem)
        above += found > truth * (1.0 + 1e-6)
        assert found * wrong.bound_share <= truth
    assert above > 0  # so that a share of 1 would have been refused


@pytest.mark.parametrize("kind", ["gaussian", "rank_deficient", "collinear_rows", "badly_scaled_rows"])
def test_certificates_of_wide_data_stay_below_the_optimum(kind: str) -> None:
    rng = np.random.default_rng(5)
    problem = Problem(DATA[kind](rng, 5, 9), rng.standard_normal(5), 0.2)
    size = float(np.max(np.linalg.norm(problem.X, axis=1)))
    network = ReLUNetwork(0.1 / size * rng.standard_normal((9, 3)), [1.0, -1.0, 0.5])
    truth = optimum(problem)
    certificate = certify(problem, network)
    assert certificate.objective == pytest.approx(problem.objective(network), rel=TOL)
    # exact on five rows, from the dual variable of a network that is not optimal; 1e-7 is Clarabel's
    assert 0.0 < certificate.lower_bound <= truth * (1.0 + 1e-7)
    relaxed = certify(problem, network, method="dual_sdp", max_seconds=5.0)
    assert 0.0 < relaxed.lower_bound <= truth * (1.0 + 1e-7)


def test_parts_off_the_row_space_count_in_the_objective_alone() -> None:
    problem = wide_problem()
    rotation, rng = Rotation.of(problem), np.random.default_rng(0)
    inside = rotation.network(ReLUNetwork(rng.standard_normal((5, 2)), [1.0, -1.0]))
    off = rng.standard_normal((11, 2))
    off -= rotation.vectors(rotation.coordinates(off))
    moved = ReLUNetwork(inside.hidden + off, inside.output)
    first, second = certify(problem, inside), certify(problem, moved)
    assert second.lower_bound == pytest.approx(first.lower_bound, rel=1e-9)
    more = 0.5 * problem.beta * float(np.sum(off**2))
    assert second.objective == pytest.approx(first.objective + more, rel=TOL)


def test_a_search_of_wide_data_finds_what_the_exact_oracle_finds() -> None:
    rng = np.random.default_rng(2)
    X, lam = rng.standard_normal((6, 30)), rng.standard_normal(6)
    oracle = exact_oracle(X)
    assert oracle is not None
    exact = oracle.maximise(lam)
    start = rng.standard_normal((30, 1))
    found = search(X, lam, starts=start)
    assert found.value == pytest.approx(exact.value, rel=1e-9)
    assert found.directions.shape[0] == 30
    assert np.allclose(np.linalg.norm(found.directions, axis=0), 1.0, rtol=0, atol=TOL)
    values = np.abs(lam @ np.maximum(X @ found.directions, 0.0))
    assert np.allclose(values, found.values, rtol=1e-12)


@pytest.mark.parametrize("spread", [1e-3, 1e-6, 1e-9, 1e-12])
def test_rows_of_any_condition_have_their_rank(spread: float) -> None:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((k, 6)))[0] for k in (6, 30))
    X = (left * np.geomspace(1.0, spread, 6)) @ right.T
    space = RowSpace(X)
    assert space.rank == 6
    assert np.max(np.abs(space.basis.T @ space.basis - np.eye(6))) <= TOL
    assert np.max(space.leaks) <= TOL
    assert space.spectral_norm == pytest.approx(1.0, rel=1e-12)
    assert space.spectral_norm >= np.linalg.norm(X, 2) * (1.0 - 1e-15)


@pytest.mark.parametrize("kind", sorted(DATA))
@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5)])
def test_row_spaces_have_orthonormal_bases_of_their_rank(kind: str, shape: tuple[int, int]) -> None:
    X = DATA[kind](np.random.default_rng(0), *shape)
    space = RowSpace(X)
    assert space.rank == np.linalg.matrix_rank(X)
    assert np.max(np.abs(space.basis.T @ space.basis - np.eye(space.rank))) <= TOL
    assert np.max(np.abs(X - space.coordinates @ space.basis.T)) <= TOL * np.max(np.abs(X))
