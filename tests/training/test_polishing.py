"""Descent along faces: gradients, kinks that stay, output directions that move, objectives that only fall."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from cvxnn import Problem
from cvxnn.atoms import ON_KINK, Atoms
from cvxnn.cones import null_space
from cvxnn.deadlines import NEVER
from cvxnn.losses import MultinomialLoss, SquaredLoss
from cvxnn.training.convex_step import convexify
from cvxnn.training.descent import descend, small_random_network
from cvxnn.training.polishing import _FaceObjective, _Faces, polish


def make_case(loss=None, outputs=3, norm="l2", offset=True, n=40, d=3):
    """Return a problem, and atoms and offset of a solved program, some on kinks."""
    rng = np.random.default_rng(5)
    X = np.column_stack([rng.standard_normal((n, d - 1)), np.ones(n)])
    f = np.maximum(X @ rng.standard_normal((d, 4)), 0.0) @ rng.standard_normal((4, outputs))
    y = np.eye(outputs)[np.argmax(f, axis=1)] if isinstance(loss, MultinomialLoss) else f
    problem = Problem(X, y if outputs > 1 else y[:, 0], 0.5, loss or SquaredLoss(), offset, None, norm)
    network = descend(problem, small_random_network(problem, 30, rng), max_iterations=60)
    atoms, solution = convexify(problem, Atoms.of_network(problem, network), tol=1e-8)
    return problem, atoms, solution.offset


def kinks_of(problem, atoms):
    margins = np.abs(problem.X @ (atoms.blocks / atoms.coefficients))
    return margins <= ON_KINK * np.linalg.norm(problem.X, axis=1)[:, None]


CASES = [("l2", 3, None), ("l1", 3, None), ("l2", 1, None), ("l2", 3, MultinomialLoss())]


@pytest.mark.parametrize(("norm", "outputs", "loss"), CASES)
def test_gradients_match_finite_differences(norm, outputs, loss):
    problem, atoms, offset = make_case(loss, outputs, norm)
    objective = _FaceObjective.of(problem, atoms, offset)
    assert objective is not None
    hidden = objective.split(objective.start)[0]
    rng = np.random.default_rng(0)
    value, gradient = objective(objective.start)
    assert value == pytest.approx(problem.objective(atoms.network(problem, offset)), rel=1e-12)
    for _ in range(5):
        direction = rng.standard_normal(gradient.shape) * (gradient != 0)
        direction[: hidden.size] = objective.faces.project(
            direction[: hidden.size].reshape(hidden.shape)
        ).ravel()
        step = 1e-6 / np.linalg.norm(direction)
        ahead, behind = (objective(objective.start + s * direction)[0] for s in (step, -step))
        # Second-order terms are below 1e-6 of the values, and so is rounding over the step.
        assert (ahead - behind) / (2 * step) == pytest.approx(gradient @ direction, abs=1e-5 * abs(value))


@pytest.mark.parametrize(("norm", "outputs", "loss"), CASES)
def test_it_lowers_the_objective_and_keeps_neurons_on_their_kinks(norm, outputs, loss):
    problem, atoms, offset = make_case(loss, outputs, norm)
    before = problem.objective(atoms.network(problem, offset))
    kinks = kinks_of(problem, atoms)
    assert kinks.any()
    polished, new_offset = polish(problem, atoms, offset, max_iterations=50)
    assert problem.objective(polished.network(problem, new_offset)) <= before * (1 + 1e-12)
    assert len(polished) == len(atoms)
    assert np.all(kinks_of(problem, polished) >= kinks)
    # On a kink the pattern is the one it had.
    assert np.array_equal(polished.masks[kinks], atoms.masks[kinks])


def test_output_directions_of_several_outputs_move_and_in_the_per_class_variant_do_not():
    problem, atoms, offset = make_case()
    before = problem.objective(atoms.network(problem, offset))
    polished, new_offset = polish(problem, atoms, offset)
    assert problem.objective(polished.network(problem, new_offset)) < before * (1 - 1e-6)
    problem, atoms, offset = make_case(norm="l1")
    polished, _ = polish(problem, atoms, offset)
    assert np.array_equal(polished.signs != 0, atoms.signs != 0)


def test_faces_are_the_null_spaces_of_the_kinks_rows():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((12, 5))
    X[3] = X[2]  # dependent rows
    X[4] = 0.0
    kinks = np.zeros((12, 5), dtype=bool)
    kinks[[0, 1], 0] = True
    kinks[[2, 3, 4], 1] = True
    kinks[4, 2] = True  # a zero row is on every kink
    kinks[:6, 3] = True  # of rank 4: rows 0, 1, 2 and 5
    kinks[:, 4] = True  # nothing is left
    faces = _Faces.of(X, kinks, NEVER)
    assert faces is not None
    U = rng.standard_normal((5, 5))
    inside = faces.project(U)
    for k in range(5):
        N = null_space(X[kinks[:, k]])
        # rounding of orthonormal bases in five dimensions
        assert np.allclose(inside[:, k], N @ (N.T @ U[:, k]), rtol=0, atol=1e-13)
    assert np.array_equal(inside[:, 2], U[:, 2])
    assert not inside[:, 4].any()


def test_too_many_kinks_for_memory_or_time_leave_the_network_as_it_is(monkeypatch):
    problem, atoms, offset = make_case()
    same, same_offset = polish(problem, atoms, offset, max_seconds=1e-9)
    assert same is atoms
    assert same_offset is offset
    monkeypatch.setattr("cvxnn.training.polishing._MOST_ENTRIES", 3)
    same, _ = polish(problem, atoms, offset)
    assert same is atoms


def test_memory_is_that_of_the_kinks_not_of_the_faces():
    rng = np.random.default_rng(0)
    n, d, K = 8, 400, 40
    X = np.vstack([rng.standard_normal((n, d)), np.zeros((d, d))])
    problem = Problem(X, rng.standard_normal((n + d, 2)), 0.1)
    blocks = rng.standard_normal((d, K))
    blocks -= np.outer(X[0], X[0] @ blocks) / (X[0] @ X[0])  # all on the first row's kink
    atoms = Atoms.of_directions(problem, blocks, rng.standard_normal((K, 2)))
    atoms = Atoms(blocks, atoms.masks, atoms.signs)
    tracemalloc.start()
    polish(problem, atoms, np.zeros(2), max_iterations=2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Faces have 399 dimensions each: their bases are 51 MB. Steps and changes of gradients, 100 d K numbers, are 13 MB.
    assert peak <= 25e6
