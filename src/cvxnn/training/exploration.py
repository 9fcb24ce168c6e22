"""Descend from the current network with fresh neurons: the cheapest way to meet patterns that it lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.atoms import Atoms
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram, WorkingSets
from cvxnn.training.descent import descend, small_random_network
from cvxnn.validation import Array, row_norms

_ITERATIONS = 100
# A fresh neuron's norm, relative to the median of the network's: large enough to push the others off their places.
_FRESH_SIZE = 1.0
# Turns between a cell's best direction and the best output direction.
_TURNS = 4
# Values below this fraction of beta are as good as none.
_NOTHING = 1e-6


@dataclass(frozen=True, eq=False)
class Exploration:
    """The patterns that a descent ended in, judged by a dual variable.

    Parameters
    ----------
    atoms : Atoms
        Zero atoms, worst violation first.
    values : ndarray of shape (K,)
        ``max s^T lam^T (X u)_+`` over unit vectors u of the closed cell, exact; for several outputs a local maximum
        over the output direction s too.
    """

    atoms: Atoms
    values: Array  # (K,)


def explore(
    problem: Problem,
    rough: Problem,
    atoms: Atoms,
    offset: Array,
    lam: Array,
    *,
    n_fresh: int,
    rng: np.random.Generator,
    max_seconds: float | None = None,
) -> Exploration:
    """Descend from a network with random neurons added, and return the patterns met.

    All neurons move together, so the patterns met fit one another, which those that a search finds for one frozen
    dual variable need not. The descended network itself is dropped: it is seldom better than the one that the
    convex program gave, but its patterns are what the convex program lacks.

    Parameters
    ----------
    problem : Problem
        Judges the patterns.
    rough : Problem
        What is descended: the same, its loss perhaps a smoother one.
    atoms : Atoms
        The current network's; without any, descent starts from small random neurons.
    offset : ndarray of shape (C,)
        The current network's.
    lam : ndarray, shape of y
        Dual variable of the current network, by which the patterns are judged.
    n_fresh : int
        Random neurons to add.
    rng : numpy.random.Generator
        Source of randomness.
    max_seconds : float, optional
        Time limit of the descent.
    """
    start = with_fresh_neurons(problem, atoms.network(problem, offset), n_fresh, rng)
    network = descend(rough, start, max_iterations=_ITERATIONS, max_seconds=max_seconds)
    met = Atoms.of_network(problem, network).without_blocks()
    if len(met) == 0:
        return Exploration(met, np.zeros(0))
    met, values = judge(problem, met, lam)
    order = np.argsort(-values, kind="stable")
    return Exploration(met.select(order), values[order])


def judge(problem: Problem, atoms: Atoms, lam: Array) -> tuple[Atoms, Array]:
    """Return atoms with the output directions in which their cells violate the dual most, and the values there.

    For one output, and in the per-class variant, output directions stay as they are and values are exact. Otherwise
    the best unit direction of the cell and the best output direction are found in turns, which only ever raises the
    value.
    """
    free = problem.n_outputs > 1 and problem.output_norm == "l2"
    values = np.zeros(len(atoms))
    sets = WorkingSets.empty(len(atoms))
    for _ in range(_TURNS if free else 1):
        program = ReLUProgram(problem, atoms.masks, atoms.signs)
        projected = program.project(program.adjoint(lam), sets)
        values = np.linalg.norm(projected, axis=0)
        if free:
            along = lam.T @ (atoms.masks * (problem.X @ projected))  # (C, K)
            lengths = np.linalg.norm(along, axis=0)
            # What is left of a projection far below beta may be rounding, which has no direction.
            sure = (values > _NOTHING * problem.beta) & (lengths > 0)
            signs = np.where(sure, along / np.where(sure, lengths, 1.0), atoms.signs.T).T
            values = np.where(sure, lengths / np.where(sure, values, 1.0), values)
            atoms = Atoms(atoms.blocks, atoms.masks, signs)
    return atoms, values


def with_fresh_neurons(
    problem: Problem, network: ReLUNetwork, n_fresh: int, rng: np.random.Generator
) -> ReLUNetwork:
    """Return the network with random neurons of its median neuron's norm; small ones alone where it has none."""
    fresh = small_random_network(problem, n_fresh, rng)
    if network.n_neurons == 0:
        return fresh
    sizes = [row_norms(output) for output in (network.output, fresh.output)]
    scale = _FRESH_SIZE * float(np.median(sizes[0])) / float(sizes[1][0])
    return ReLUNetwork(
        np.hstack([network.hidden, scale * fresh.hidden]),
        np.concatenate([network.output, scale * fresh.output]),
        network.offset,
    )
