"""Atoms: joining keeps the first block of a pattern and sign, merging adds equal directions."""

import numpy as np

from cvxnn import Problem, ReLUNetwork
from cvxnn.atoms import Atoms


def example():
    rng = np.random.default_rng(0)
    return Problem(rng.standard_normal((6, 2)), rng.standard_normal(6), 0.1), rng


def test_atoms_of_a_network_give_it_back():
    problem, rng = example()
    network = ReLUNetwork(rng.standard_normal((2, 5)), rng.standard_normal(5)).merge(problem.X)
    atoms = Atoms.of_network(problem, network)
    again = atoms.network(problem, network.offset)
    np.testing.assert_allclose(again.predict(problem.X), network.predict(problem.X), atol=1e-13)
    assert np.isclose(atoms.coefficients.sum(), network.path_norm)


def test_join_keeps_the_first_of_one_pattern_and_sign():
    problem, rng = example()
    first = Atoms.of_network(problem, ReLUNetwork(rng.standard_normal((2, 3)), [1.0, -1.0, 1.0]))
    candidates = Atoms.of_directions(problem, first.blocks, first.signs)  # same patterns, zero blocks
    both = first.join(candidates)
    assert len(both) == len(first)
    np.testing.assert_array_equal(both.blocks, first.blocks)
    assert len(first.join(Atoms(first.blocks, first.masks, -first.signs))) == 2 * len(first)


def test_equal_directions_of_one_sign_are_added_up():
    problem, _ = example()
    u = np.array([0.6, 0.8])
    blocks = np.stack([u, 2 * u * (1 + 1e-12), u, [1.0, 0.0], [0.0, 0.0]], axis=1)
    atoms = Atoms(blocks, np.ones((6, 5), dtype=bool), np.array([1.0, 1.0, -1.0, 1.0, 1.0]))
    merged = atoms.merge_directions()
    np.testing.assert_allclose(merged.coefficients, [3.0, 1.0, 1.0])
    np.testing.assert_array_equal(merged.signs, [1.0, -1.0, 1.0])
    assert len(Atoms.none(problem).join(merged)) > 0


def test_atoms_are_selected_by_mask_or_index():
    rng = np.random.default_rng(0)
    atoms = Atoms(rng.standard_normal((2, 4)), rng.random((5, 4)) < 0.5, rng.standard_normal((4, 3)))
    for chosen in (np.array([True, False, True, False]), np.array([0, 2])):
        some = atoms.select(chosen)
        np.testing.assert_array_equal(some.blocks, atoms.blocks[:, ::2])
        np.testing.assert_array_equal(some.masks, atoms.masks[:, ::2])
        np.testing.assert_array_equal(some.signs, atoms.signs[::2])
    np.testing.assert_array_equal(atoms.select(np.array([3, 0])).masks, atoms.masks[:, [3, 0]])
    assert atoms.select(np.ones(4, dtype=bool)) is atoms
    assert len(atoms.select(np.zeros(4, dtype=bool))) == len(atoms.select(np.zeros(0, dtype=np.intp))) == 0
