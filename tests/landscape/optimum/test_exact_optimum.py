import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, enumerate_patterns
from cvxnn.atoms import Atoms
from cvxnn.landscape.optimum.exact_optimum import Optimum
from cvxnn.testing import reference_optimum

SEEDS = range(12)


def small_problem(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    n, d = [(6, 2), (7, 3), (4, 5)][seed % 3]
    loss = ("squared", "logistic")[seed % 2]
    y = rng.standard_normal(n)
    y = np.sign(y) * (loss == "logistic") + y * (loss == "squared")
    y[:2] = 1.0, -1.0
    return Problem(rng.standard_normal((n, d)), y, 0.05, loss, output_offset=seed % 4 == 3)


def all_atoms(problem: Problem) -> tuple[Atoms, ReLUProgram]:
    program = ReLUProgram(problem, enumerate_patterns(problem.X))
    return Atoms(np.zeros((problem.n_features, program.n_blocks)), program.masks, program.signs), program


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_optimum_of_an_interior_point_method(seed):
    problem = small_problem(seed)
    atoms, program = all_atoms(problem)
    optimum = Optimum.of(problem, atoms, speck=1e-6)
    value = problem.loss_value(optimum.fit, np.array([optimum.offset])) + problem.beta * np.sum(
        optimum.atoms.coefficients
    )
    assert value == pytest.approx(reference_optimum(program), rel=1e-6)


@pytest.mark.parametrize("seed", SEEDS)
def test_optimality_conditions_hold_to_rounding(seed):
    problem = small_problem(seed)
    atoms, program = all_atoms(problem)
    optimum = Optimum.of(problem, atoms, speck=1e-6)
    projections = program.project(program.adjoint(optimum.dual))
    # 1e-10 of beta: a thousand times the rounding seen, a thousand times less than a solver at gap 1e-13 leaves.
    assert np.max(np.linalg.norm(projections, axis=0)) <= problem.beta * (1 + 1e-10)
    units = optimum.atoms.blocks / optimum.atoms.coefficients
    pulls = optimum.atoms.signs * (optimum.dual @ np.maximum(problem.X @ units, 0.0))
    np.testing.assert_allclose(pulls, problem.beta, rtol=1e-10)
    if problem.output_offset:
        assert abs(np.sum(optimum.dual)) < 1e-12


def test_no_atoms_leave_the_zero_network():
    problem = small_problem(3)
    optimum = Optimum.of(problem, Atoms.none(problem))
    assert not np.any(optimum.fit)
    np.testing.assert_allclose(optimum.offset, problem.null_offset())
