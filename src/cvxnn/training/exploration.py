"""Descend from the current network with fresh neurons: the cheapest way to meet patterns that it lacks."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import Atoms
from cvxnn.deadlines import NEVER, Deadline
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs import OutOfTime, ReLUProgram, WorkingSets
from cvxnn.training.descent import descend, small_random_network
from cvxnn.validation import Array, row_norms

_ITERATIONS = 100
# A fresh neuron's norm, relative to the median of the network's: large enough to push the others off their places.
_FRESH_SIZE = 1.0
# Turns between a cell's best direction and the best output direction.
_TURNS = 4
# Values below this fraction of beta are as good as none.
_NOTHING = 1e-6
# Samples, or squares of features, times patterns that are judged at once.
_BATCH_ENTRIES = 1 << 20


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
        Time limit; patterns that there is no time to judge are left out.
    """
    deadline = Deadline.after(max_seconds)
    start = with_fresh_neurons(problem, atoms.network(problem, offset), n_fresh, rng)
    network = descend(rough, start, max_iterations=_ITERATIONS, max_seconds=deadline.limit())
    met = Atoms.of_network(problem, network).without_blocks()
    if len(met) == 0:
        return Exploration(met, np.zeros(0))
    met, values = judge(problem, met, lam, deadline)
    order = np.argsort(-values, kind="stable")
    return Exploration(met.select(order), values[order])


def judge(problem: Problem, atoms: Atoms, lam: Array, deadline: Deadline = NEVER) -> tuple[Atoms, Array]:
    """Return atoms with the output directions in which their cells violate the dual most, and the values there.

    For one output, and in the per-class variant, output directions stay as they are and values are exact. Otherwise
    the best unit direction of the cell and the best output direction are found in turns, which only ever raises the
    value. After the deadline the others are left out.
    """
    free = problem.n_outputs > 1 and problem.output_norm == "l2"
    values, is_late = np.zeros(len(atoms)), False
    sets = WorkingSets.empty(len(atoms))
    sets.deadline = deadline
    for turn in range(_TURNS if free else 1):
        program = ReLUProgram(problem, atoms.masks, atoms.signs)
        projected, reached = _projections(program, program.adjoint(lam), sets)
        is_late = not np.all(reached)
        if is_late and turn > 0:
            break  # what the last turn found holds for all
        atoms, projected = (atoms.select(reached), projected[:, reached]) if is_late else (atoms, projected)
        values = np.linalg.norm(projected, axis=0)
        if free:
            along = lam.T @ (atoms.masks * (problem.X @ projected))  # (C, K)
            lengths = np.linalg.norm(along, axis=0)
            # What is left of a projection far below beta may be rounding, which has no direction.
            sure = (values > _NOTHING * problem.beta) & (lengths > 0)
            signs = np.where(sure, along / np.where(sure, lengths, 1.0), atoms.signs.T).T
            values = np.where(sure, lengths / np.where(sure, values, 1.0), values)
            atoms = Atoms(atoms.blocks, atoms.masks, signs)
        if is_late:
            break
    return atoms, values


def _projections(program: ReLUProgram, V: Array, sets: WorkingSets) -> tuple[Array, NDArray[np.bool_]]:
    """Return the projections that there is time for, of the longest columns first, and which these are."""
    projected, reached = np.zeros_like(V), np.zeros(V.shape[1], dtype=np.bool_)
    order = np.argsort(-np.linalg.norm(V, axis=0), kind="stable")
    n, d = program.problem.X.shape
    size = max(_BATCH_ENTRIES // max(n, d * d), 1)
    with suppress(OutOfTime):
        for start in range(0, len(order), size):
            some = order[start : start + size]
            projected[:, some] = program.project(V, sets, some)
            reached[some] = True
    return projected, reached


def with_fresh_neurons(
    problem: Problem,
    network: ReLUNetwork,
    n_fresh: int,
    rng: np.random.Generator,
    *,
    size: float = _FRESH_SIZE,
) -> ReLUNetwork:
    """Return the network with random neurons, ``size`` times its median neuron's norm; small ones alone without any."""
    fresh = small_random_network(problem, n_fresh, rng)
    if network.n_neurons == 0:
        return fresh
    sizes = [row_norms(output) for output in (network.output, fresh.output)]
    scale = size * float(np.median(sizes[0])) / float(sizes[1][0])
    return ReLUNetwork(
        np.hstack([network.hidden, scale * fresh.hidden]),
        np.concatenate([network.output, scale * fresh.output]),
        network.offset,
    )
