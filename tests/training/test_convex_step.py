"""Convexifying never loses ground and drops what is not in use."""

import numpy as np
import pytest

from cvxnn import Problem, ReLUProgram, solve
from cvxnn.atoms import Atoms
from cvxnn.training.convex_step import convexify
from cvxnn.training.descent import descend, small_random_network


@pytest.mark.parametrize("output_offset", [False, True])
def test_the_convex_program_on_a_networks_patterns_is_at_least_as_good(output_offset):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 4))
    problem = Problem(X, np.abs(X[:, 0]) + rng.standard_normal(40) * 0.1, 0.2, output_offset=output_offset)
    network = descend(problem, small_random_network(problem, 30, rng), max_iterations=100)
    atoms = Atoms.of_network(problem, network)
    solved, solution = convexify(problem, atoms, tol=1e-8)
    better = solved.network(problem, solution.offset)
    assert problem.objective(better) <= problem.objective(network)
    assert problem.objective(better) == pytest.approx(solution.objective, rel=1e-9)
    assert np.all(solved.coefficients > 0)
    # The optimum does not depend on where the solve starts.
    cold = solve(ReLUProgram(problem, atoms.masks, atoms.signs), tol=1e-8)
    assert cold.objective == pytest.approx(solution.objective, rel=1e-7)
