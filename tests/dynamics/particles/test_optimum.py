"""Flows with weight decay, beside the optimum of the convex program."""

import numpy as np
import pytest

from cvxnn import Problem, train
from cvxnn.dynamics.initialisation import sphere
from cvxnn.dynamics.particles.flow import particle_flow
from cvxnn.dynamics.particles.optimum import particle_optimality
from cvxnn.dynamics.particles.teachers import random_teachers


@pytest.fixture(scope="module")
def taught():
    problem = random_teachers(2, 3, 2.0, random_state=5).problem(40, 0.5, random_state=5)
    return problem, train(problem, tol=1e-6)


def flowed(problem, m, n_steps=4000):
    start = sphere(problem.n_features, m, 0.5 / np.sqrt(m), random_state=1)
    return particle_flow(problem, start, n_steps=n_steps, step_size=0.01, n_records=2).final.network()


def test_a_wide_flow_comes_to_the_optimum(taught):
    problem, best = taught
    found = particle_optimality(problem, flowed(problem, 60), optimum=best)
    assert found.objective.holds
    assert found.variation.holds
    # 1.3e-5 at time 40 on this sample; some take longer, some need smaller steps. The lower bound is proven to rounding
    assert -1e-9 < found.excess < 1e-4
    assert found.distance < 1e-2 * found.optimum.variation  # this problem has one optimal measure


def test_one_particle_does_not(taught):
    problem, best = taught
    found = particle_optimality(problem, flowed(problem, 1), optimum=best)
    assert not found.objective.holds
    assert found.excess > 0.05
    assert found.distance > 0.1 * found.optimum.variation


def test_the_optimum_is_its_own(taught):
    problem, best = taught
    found = particle_optimality(problem, best.network, optimum=best)
    assert found.objective.difference == 0.0
    assert found.distance == pytest.approx(0.0, abs=1e-6)  # HiGHS
    assert found.excess == pytest.approx(best.certificate.relative_gap, abs=1e-12)


def test_tolerances_are_relative_also_for_small_data():
    problem = Problem([[1e-3], [-1e-3]], [1e-3, 2e-3], beta=1e-7)
    found = particle_optimality(problem, flowed(problem, 5, n_steps=1))
    assert found.objective.measured < 1e-5
    assert not found.objective.holds


def test_without_decay_there_is_no_measure_to_compare_with():
    problem = Problem([[1.0], [-1.0]], [1.0, 2.0], beta=0.0)
    with pytest.raises(ValueError, match="beta"):
        particle_optimality(problem, sphere(1, 2, 1.0).network())
