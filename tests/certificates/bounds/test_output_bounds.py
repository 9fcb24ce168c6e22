"""Upper bounds on the dual constraint of several outputs, and the choice of a subgradient."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cvxnn.certificates import (
    PerOutputOracle,
    RowSpace,
    SweepOracle,
    dual_bound,
)
from cvxnn.certificates.bounds.enclosure import Enclosure
from cvxnn.certificates.bounds.norms import both_signs
from cvxnn.certificates.bounds.output_bounds import constraint_bound, enclosed, output_basis
from cvxnn.certificates.bounds.relaxation import both_signs_relaxed
from cvxnn.certificates.duals.subgradients import Kinks
from cvxnn.certificates.standard_form import Task
from cvxnn.deadlines import Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

from ..vector_programs import solve_vector_program


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dimension=st.integers(1, 4), n_cuts=st.sampled_from([0, 5, 100]))
def test_an_enclosure_contains_the_set_and_shrinks_to_its_size(seed, dimension, n_cuts):
    rng = np.random.default_rng(seed)
    points = rng.standard_normal((8, dimension)) * rng.uniform(0, 2, dimension)
    largest = float(np.max(np.linalg.norm(points, axis=1)))

    def support(q):
        return float(np.max(np.abs(points @ q)))

    basis = np.eye(dimension)
    enclosure = Enclosure(basis, np.array([support(q) for q in basis]))
    # the box of the basis, or thicker where the set is flat: a tenth of the largest width, in each direction
    bound = enclosure.farthest()[0]
    for _ in range(n_cuts):
        assert bound >= largest * (1 - 1e-9)
        last = bound
        _, q = enclosure.farthest()
        assert np.linalg.norm(q) == pytest.approx(1.0)
        enclosure.cut(q, support(q))
        bound = enclosure.farthest()[0]
        # flat sets are taken to be a tenth as thick as they are wide, and the width is that of the queries so far
        assert bound <= last * 1.01
    if n_cuts == 100 and dimension < 4:
        assert bound <= largest * 1.01


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n_outputs=st.integers(1, 6),
    exponent=st.integers(-6, 6),
    bound=st.sampled_from([both_signs, both_signs_relaxed]),
)
def test_bounds_are_above_the_exact_value(seed, n_outputs, exponent, bound):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 10))
    X, lam = rng.standard_normal((n, 2)) * 10.0**exponent, rng.standard_normal((n, n_outputs))
    if seed % 3 == 0:
        lam[:, -1] = lam[:, 0]  # dependent outputs
    space = RowSpace(X)
    scalar = partial(bound, space)
    assert SweepOracle(X).maximise(lam).value <= constraint_bound(scalar, space, lam, "l2")
    assert PerOutputOracle(SweepOracle(X)).maximise(lam).value <= constraint_bound(scalar, space, lam, "l1")
    hurried = constraint_bound(scalar, space, lam, "l2", deadline=Deadline(0.0))
    assert constraint_bound(scalar, space, lam, "l2") <= hurried * (1 + 1e-9)


@pytest.mark.slow
def test_the_sphere_of_outputs_is_worth_its_queries():
    rng = np.random.default_rng(0)
    space = RowSpace(rng.standard_normal((30, 5)))
    for n_outputs in (2, 3, 4):
        lam = rng.standard_normal((30, n_outputs))
        bound = partial(both_signs_relaxed, space)
        columns = [bound(column) for column in lam.T]
        joint = constraint_bound(bound, space, lam, "l2")
        assert joint < 0.95 * np.linalg.norm(columns)
        assert joint >= max(columns) * (1 - 1e-2)  # the polytope's own precision


def test_known_queries_are_used():
    rng = np.random.default_rng(1)
    X, lam = rng.standard_normal((12, 2)), rng.standard_normal((12, 6))
    space, basis = RowSpace(X), output_basis(lam)

    def bound(column):
        return SweepOracle(X).maximise(column).upper

    known = Enclosure(np.eye(6), np.array([bound(lam @ q) for q in basis.T]))
    cold, _ = enclosed(bound, space, lam, basis)
    warm, enclosures = enclosed(bound, space, lam, basis, known)
    # both polytopes are cut until they are within 1e-2; rounding decides between equally far vertices
    assert warm == pytest.approx(cold, rel=2e-2)
    assert [enclosure.queries.shape[1] for enclosure in enclosures] == [4, 2]
    assert SweepOracle(X).maximise(lam).value <= warm


def test_a_bound_that_looks_at_the_outputs_one_by_one_is_rejected():
    # planted fault: the largest of the outputs' constraints is the l1 norm's, not the Euclidean one's
    excess = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        problem = Problem(rng.standard_normal((6, 2)), rng.standard_normal((6, 2)), 0.5)
        optimum = solve_vector_program(problem)
        exact = SweepOracle(problem.X).maximise(optimum.lam).upper
        faulty = PerOutputOracle(SweepOracle(problem.X)).maximise(optimum.lam).upper
        assert dual_bound(problem, optimum.lam, exact) == pytest.approx(optimum.value, rel=1e-6)
        excess.append(dual_bound(problem, optimum.lam, faulty) / optimum.value)
    assert max(excess) > 1.001


def test_a_choice_among_subgradients_by_hand():
    # lam = (a, 1) with a in [-1, 1] and rows 1 and 2 of one column: phi(lam) = max(|a + 2|, 0), least at a = -1
    kinks = Kinks(np.array([[1.0], [2.0]]), np.array([[-1.0], [1.0]]), np.array([[1.0], [1.0]]), False)
    maximise = SweepOracle(kinks.X).maximise
    none = np.zeros((0, 2))
    lam, value = kinks.choose(np.zeros((2, 1)), 0.0, 1.0, none, lambda lam: maximise(lam.ravel()))
    np.testing.assert_allclose(lam, [[-1.0], [1.0]])
    assert value == pytest.approx(1.0)
    # a gain of 1 for a, and free up to a constraint of 2.5: a = 0.5
    lam, value = kinks.choose(np.array([[1.0], [0.0]]), 2.5, 10.0, none, lambda lam: maximise(lam.ravel()))
    np.testing.assert_allclose(lam, [[0.5], [1.0]], atol=1e-9)
    assert value == pytest.approx(2.5)


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("output_norm", ["l2", "l1"])
def test_standard_form_keeps_objective_constraint_and_bound(n_outputs, output_norm):
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((8, 2)), rng.standard_normal((8, n_outputs))
    weights = np.array([1.0, 0.0, 2.0, 0.5, 0.0, 3.0, 1.0, 1.0])
    network = ReLUNetwork(rng.standard_normal((2, 3)), rng.standard_normal((3, n_outputs)))
    problem = Problem(X, Y, 0.4, "squared", False, weights, output_norm)
    task = Task(problem, problem.dual_variable(network.predict(X)), network)
    other = task.standardised()
    assert other.problem.sample_weight is None
    assert other.problem.n_samples == 6
    assert other.problem.y.ndim == min(n_outputs, 2)
    assert other.problem.objective(other.network) == pytest.approx(problem.objective(network), rel=1e-12)
    oracle = SweepOracle if output_norm == "l2" else lambda X: PerOutputOracle(SweepOracle(X))
    values = [
        oracle(one.problem.X).maximise(one.lam.reshape(len(one.lam), -1)).value for one in (task, other)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-12)
    bounds = [dual_bound(one.problem, one.lam, values[0]) for one in (task, other)]
    assert bounds[0] == pytest.approx(bounds[1], rel=1e-12)
    parts = other.outputs()
    assert len(parts) == (2 if n_outputs == 2 and output_norm == "l1" else 1)
    if len(parts) == 2:
        # each output's neurons alone are a network of its own; the l1 norm of two outputs of a neuron is dearer
        total = sum(part.problem.objective(part.network) for part in parts)
        losses = [
            part.problem.loss_value(part.network.predict(part.problem.X), np.zeros(1)) for part in parts
        ]
        assert sum(losses) == pytest.approx(problem.objective(network) - problem.penalty(network), rel=1e-12)
        assert total > sum(losses)
