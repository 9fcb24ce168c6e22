"""Descend from the current network with fresh neurons: the cheapest way to meet patterns that it lacks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem
from cvxnn.programs import ReLUProgram
from cvxnn.training.atoms import Atoms
from cvxnn.training.descend import descend, small_random_network
from cvxnn.validation import Array

_ITERATIONS = 100
# A fresh neuron's norm, relative to the median of the network's: large enough to push the others off their places.
_FRESH_SIZE = 1.0


@dataclass(frozen=True, eq=False)
class Exploration:
    """The patterns that a descent ended in, judged by a dual variable.

    Parameters
    ----------
    atoms : Atoms
        Zero atoms, worst violation first.
    values : ndarray of shape (K,)
        ``max s lam^T (X u)_+`` over unit vectors u of the closed cell, exact.
    """

    atoms: Atoms
    values: Array  # (K,)


def explore(
    problem: Problem,
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
        One output.
    atoms : Atoms
        The current network's; without any, descent starts from small random neurons.
    offset : ndarray of shape (1,)
        The current network's.
    lam : ndarray of shape (n,)
        Dual variable of the current network, by which the patterns are judged.
    n_fresh : int
        Random neurons to add.
    rng : numpy.random.Generator
        Source of randomness.
    max_seconds : float, optional
        Time limit of the descent.
    """
    if len(atoms) == 0:
        start = small_random_network(problem, n_fresh, rng)
    else:
        start = _with_fresh_neurons(problem, atoms.network(problem, offset), n_fresh, rng)
    network = descend(problem, start, max_iterations=_ITERATIONS, max_seconds=max_seconds)
    met = Atoms.of_network(problem, network).without_blocks()
    if len(met) == 0:
        return Exploration(met, np.zeros(0))
    program = ReLUProgram(problem, met.masks, met.signs)
    values = np.linalg.norm(program.project(program.adjoint(lam)), axis=0)
    order = np.argsort(-values, kind="stable")
    return Exploration(met.select(order), values[order])


def _with_fresh_neurons(
    problem: Problem, network: ReLUNetwork, n_fresh: int, rng: np.random.Generator
) -> ReLUNetwork:
    """Return the network with random neurons of its median neuron's norm."""
    fresh = small_random_network(problem, n_fresh, rng)
    scale = _FRESH_SIZE * float(np.median(np.abs(network.output))) / float(np.abs(fresh.output[0]))
    return ReLUNetwork(
        np.hstack([network.hidden, scale * fresh.hidden]),
        np.concatenate([network.output, scale * fresh.output]),
        network.offset,
    )
