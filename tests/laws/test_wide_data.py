"""Every door takes data with far more features than samples: nothing of d x d numbers is made, and optima stay."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from cvxnn import (
    GatedReLURegressor,
    Problem,
    ReLUClassifier,
    ReLUNetwork,
    ReLUProgram,
    ReLURegressor,
    beta_max,
    certify,
    enumerate_patterns,
    relu_path,
    sample_patterns,
    solve,
    train,
)
from cvxnn.certificates import exact_oracle, improving_bounds, search
from cvxnn.landscape import minimum_norm_interpolation
from cvxnn.programs import GatedReLUProgram
from cvxnn.solvers import SolveRecord, path_betas, solve_path
from cvxnn.testing.samplers import DATA
from cvxnn.training import TrainingRecord, descend, small_random_network

WIDE = 20_000
# A square array of so many columns is 3.2 GB; the data are 1 MB, gates and directions of the calls below some 20 MB.
MOST_BYTES = 100e6


def data(n: int = 6, d: int = WIDE) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d))
    return X, np.maximum(X @ rng.standard_normal(d), 0.0) / np.sqrt(d) + 0.1 * rng.standard_normal(n)


def wide(**options) -> Problem:
    return Problem(*data(), 1.0, **options)


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MOST_BYTES


def _gated() -> GatedReLUProgram:
    program = GatedReLUProgram(wide(), sample_patterns(data()[0], 10, random_state=0))
    assert isinstance(program, GatedReLUProgram)
    return program


def _descend() -> ReLUNetwork:
    problem = wide()
    return descend(problem, small_random_network(problem, 10, np.random.default_rng(0)))


def _certify() -> object:
    X, _ = data()
    return certify(wide(), ReLUNetwork(X[:2].T / WIDE, [1.0, -1.0]))


def _relaxations() -> object:
    nothing = ReLUNetwork(np.zeros((WIDE, 0)), np.zeros(0))
    return list(improving_bounds(wide(), nothing, method="dual_sdp"))


def _path() -> object:
    return relu_path(*data(), n_betas=2, ratio=0.3, quick=True)


CALLS: dict[str, Callable[[], object]] = {
    "train": lambda: train(wide()),
    "train with an offset": lambda: train(wide(output_offset=True)),
    "train on patterns": lambda: train(wide(), patterns=sample_patterns(data()[0], 10, random_state=0)),
    "certify": _certify,
    "relaxations": _relaxations,
    "beta_max": lambda: beta_max(wide()),
    "search": lambda: search(data()[0], data()[1]),
    "oracle": lambda: exact_oracle(data()[0]).maximise(data()[1]),
    "descend": _descend,
    "solve": lambda: solve(ReLUProgram(wide(), sample_patterns(data()[0], 10, random_state=0))),
    "solve a gated program": lambda: solve(_gated()),
    "path of a program": lambda: solve_path(_gated(), [1.0, 0.5]),
    "critical beta of a program": lambda: path_betas(_gated()),
    "path": _path,
    "interpolation": lambda: minimum_norm_interpolation(*data()),
    "regressor": lambda: ReLURegressor().fit(*data()),
    "classifier": lambda: ReLUClassifier().fit(data()[0], np.arange(6) % 2),
    "gated regressor": lambda: GatedReLURegressor(n_gates=20).fit(*data()),
}


@pytest.mark.parametrize("call", CALLS)
def test_nothing_of_the_square_of_the_features_is_made(call: str) -> None:
    with little_memory():
        CALLS[call]()


def test_the_memory_that_is_measured_is_that_of_arrays() -> None:
    with pytest.raises(AssertionError), little_memory():
        np.zeros((4000, 4000))


@pytest.mark.parametrize(
    "kind", ["gaussian", "off_origin", "rank_deficient", "duplicated_rows", "collinear_rows"]
)
def test_training_of_wide_data_ends_at_the_optimum(kind: str) -> None:
    rng = np.random.default_rng(4)
    problem = Problem(DATA[kind](rng, 5, 9), rng.standard_normal(5), 0.3, output_offset=True)
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    optimum = program.to_cvxpy().problem.solve(solver="CLARABEL")
    records: list[TrainingRecord] = []
    result = train(problem, tol=1e-6, callback=lambda record: records.append(record))
    # Clarabel's gap is 1e-8 of a value of order one
    assert result.certificate.objective == pytest.approx(optimum, rel=2e-6)
    assert result.certificate.objective == pytest.approx(problem.objective(result.network), rel=1e-12)
    assert result.certificate.proven
    assert result.certificate.lower_bound <= optimum * (1.0 + 1e-7)
    assert tuple(records) == result.history
    assert max(record.lower_bound for record in records) <= optimum * (1.0 + 1e-7)


def test_a_start_off_the_row_space_is_improved() -> None:
    problem = wide()
    rng = np.random.default_rng(0)
    start = ReLUNetwork(rng.standard_normal((WIDE, 2)) / np.sqrt(WIDE), [1.0, -1.0])
    result = train(problem, start=start, max_rounds=0, prove=False)
    assert result.certificate.objective < problem.objective(start)
    assert result.network.n_features == WIDE


def test_gates_stay_gates_of_the_columns_as_given() -> None:
    X, y = data(8, 40)
    model = GatedReLURegressor(n_gates=30, standardize=False, fit_intercept=False, beta=0.5).fit(X, y)
    solution = model.result_
    program = solution.program
    assert isinstance(program, GatedReLUProgram)
    assert program.problem.n_features == 40
    assert np.array_equal(X @ program.patterns.gates >= 0, program.masks)
    # an independent statement of the same program; its value and Clarabel's gap of 1e-8
    optimum = program.to_cvxpy().problem.solve(solver="CLARABEL")
    assert solution.certificate.objective == pytest.approx(optimum, rel=2e-4)
    assert solution.certificate.lower_bound <= optimum * (1.0 + 1e-7)
    assert model.objective_ == pytest.approx(program.objective(solution.blocks, solution.offset), rel=1e-12)
    assert np.allclose(model.predict(X), program.forward(solution.blocks), rtol=0, atol=1e-9)


@pytest.mark.parametrize("gated", [False, True])
def test_programs_of_wide_data_have_the_optimum_of_their_statement(gated: bool) -> None:
    rng = np.random.default_rng(1)
    problem = Problem(rng.standard_normal((6, 15)), rng.standard_normal(6), 0.4, output_offset=True)
    patterns = sample_patterns(problem.X, 8, random_state=0)
    program = GatedReLUProgram(problem, patterns) if gated else ReLUProgram(problem, patterns)
    optimum = program.to_cvxpy().problem.solve(solver="CLARABEL")
    records: list[SolveRecord] = []
    solution = solve(program, tol=1e-8, callback=lambda record: records.append(record))
    assert solution.program is program
    assert solution.blocks.shape == (15, program.n_blocks)
    assert solution.objective == pytest.approx(optimum, rel=1e-6)
    assert solution.certificate.lower_bound <= optimum * (1.0 + 1e-7)
    assert program.violation(solution.blocks) <= 1e-9
    assert records
    assert all(record in solution.history for record in records)
    path = solve_path(program, [0.8, 0.4], tol=1e-8)
    assert path[-1].objective == pytest.approx(optimum, rel=1e-6)
    assert path[0].program.problem.beta == 0.8
    assert path[0].blocks.shape == solution.blocks.shape


@pytest.mark.parametrize("loss", ["huber", "hinge", "multinomial"])
def test_other_losses_and_outputs_of_wide_data(loss: str) -> None:
    rng = np.random.default_rng(2)
    X, signs = rng.standard_normal((5, 30)), np.array([1.0, -1.0, 1.0, -1.0, -1.0])
    y = {"huber": rng.standard_normal(5), "hinge": signs, "multinomial": np.eye(3)[np.arange(5) % 3]}[loss]
    problem = Problem(X, y, 0.2, loss)
    turned = Problem(X @ np.linalg.qr(X.T).Q, y, 0.2, loss)
    result, other = train(problem), train(turned)
    # two runs to tol 1e-3 on equal problems
    assert result.certificate.objective == pytest.approx(other.certificate.objective, rel=3e-3)
    assert result.certificate.lower_bound <= other.certificate.objective * (1.0 + 1e-9)
    assert beta_max(problem) == pytest.approx(beta_max(turned), rel=1e-6)


def test_equal_seeds_give_equal_bits() -> None:
    X, y = data(6, 200)
    first, second = (train(Problem(X, y, 1.0), random_state=3) for _ in range(2))
    assert np.array_equal(first.network.hidden, second.network.hidden)
    assert first.certificate == second.certificate


@pytest.mark.parametrize("shape", ["zeros", "collinear"])
def test_images_train_as_without_their_needless_columns(shape: str) -> None:
    rng = np.random.default_rng(3)
    small = rng.standard_normal((40, 4))
    y = np.abs(small[:, 0]) + 0.1 * rng.standard_normal(40)
    turn = np.linalg.qr(rng.standard_normal((36, 4)))[0] if shape == "collinear" else np.eye(36)[:, ::9]
    X = small @ turn.T
    result, other = (train(Problem(data, y, 1.0)) for data in (X, small))
    assert result.network.n_features == 36
    # Products with zeros and ones have no rounding: the same problem to the last bit. Else two runs to tol 1e-3.
    rel = 0.0 if shape == "zeros" else 2e-3
    assert result.certificate.objective == pytest.approx(other.certificate.objective, rel=rel)
    assert result.certificate.lower_bound <= other.certificate.objective * (1.0 + 1e-9)
    assert result.certificate.proven == other.certificate.proven
    model = ReLURegressor(max_seconds=5.0).fit(X, y)
    assert model.network_.n_features == 37
    assert model.score(X, y) > 0.9


def test_interpolation_of_wide_data_is_that_of_their_coordinates() -> None:
    X, y = data(5, 30)
    found = minimum_norm_interpolation(X, y)
    same = minimum_norm_interpolation(X @ np.linalg.qr(X.T).Q, y)
    # both norms are right to some 1e-8 of the solver, and the bound is below either
    assert found.norm == pytest.approx(same.norm, rel=1e-6)
    assert found.bound <= found.norm * (1.0 + 1e-9)
    assert found.bound == pytest.approx(found.norm, rel=1e-6)
    assert np.allclose(found.network.predict(X), y, rtol=0, atol=1e-6)
