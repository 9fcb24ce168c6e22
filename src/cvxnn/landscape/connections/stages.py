"""The pieces of connections: balancing, and straight lines between blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import kink_signs
from cvxnn.landscape.cones.closed_cones import add_up, groups_of, share_cone
from cvxnn.landscape.minimal_networks.minimality import collinear
from cvxnn.landscape.minimal_networks.operations import network_of_blocks, output_sizes, signed_blocks
from cvxnn.landscape.minimal_networks.pruning import pruned_ratios
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem

# Norms closer than this, relative, are equal to rounding: balancing would not change the network.
_BALANCED = 1e-14


class Stage(ABC):
    """A continuous piece of a connection, from one network to another of the same width.

    ``name`` says what the piece does.
    """

    start: ReLUNetwork
    end: ReLUNetwork
    name: str

    @abstractmethod
    def at(self, t: float) -> ReLUNetwork:
        """Return the network at local time t, 0 < t < 1."""


@dataclass(frozen=True, eq=False)
class Balancing(Stage):
    """Rescaling each neuron, ``(g^t u, a / g^t)`` with ``g = sqrt(||a|| / ||u||)``, or ``1 - t`` times a half-zero one.

    f is the same everywhere at all t. Each neuron's penalty is strictly convex in t with its minimum at t = 1, so that
    it falls strictly unless the neuron is balanced.
    """

    start: ReLUNetwork
    end: ReLUNetwork
    name: str = "balance"

    def at(self, t: float) -> ReLUNetwork:
        """Return the network at local time t."""
        norms, sizes = np.linalg.norm(self.start.hidden, axis=0), output_sizes(self.start)
        alive = (norms > 0) & (sizes > 0)
        g = np.sqrt(np.where(alive, sizes, 1.0)) / np.sqrt(np.where(alive, norms, 1.0))
        u, a = np.where(alive, g**t, 1.0 - t), np.where(alive, g**-t, 1.0 - t)
        return ReLUNetwork(self.start.hidden * u, (self.start.output.T * a).T, self.start.offset)


@dataclass(frozen=True, eq=False)
class BlockLine(Stage):
    """A straight line between the blocks ``||a_j|| u_j`` of two balanced networks: ``v(t) = (1 - t) v_0 + t v_1``.

    Each neuron keeps its output direction, or is zero at one end. The offset moves along. Networks are balanced all
    along, and continuous in t also where a block starts or ends at zero.
    """

    start: ReLUNetwork
    end: ReLUNetwork
    name: str

    def at(self, t: float) -> ReLUNetwork:
        """Return the network at local time t."""
        first, signs = signed_blocks(self.start)
        last, last_signs = signed_blocks(self.end)
        used = np.any(first, axis=0)
        offset = (1.0 - t) * self.start.offset + t * self.end.offset
        chosen = np.where(used.reshape(-1, *[1] * (signs.ndim - 1)), signs, last_signs)
        return network_of_blocks((1.0 - t) * first + t * last, chosen, offset)


def balancing(network: ReLUNetwork) -> list[Stage]:
    """Return the stage that balances a network; none where it is balanced to rounding."""
    norms, sizes = np.linalg.norm(network.hidden, axis=0), output_sizes(network)
    if np.all(np.abs(norms - sizes) <= _BALANCED * np.maximum(norms, sizes)):
        return []
    return [Balancing(network, network.balance())]


def dropping_dead(problem: Problem, network: ReLUNetwork, kink_tol: float) -> list[Stage]:
    """Return the stage that shrinks the neurons of a balanced network that no sample activates; none where all are."""
    blocks, signs = signed_blocks(network)
    dead = np.all(kink_signs(problem.X, blocks, kink_tol) <= 0, axis=0)
    if not np.any(blocks[:, dead]):
        return []
    end = network_of_blocks(np.where(dead, 0.0, blocks), signs, network.offset)
    return [BlockLine(network, end, "drop neurons that no sample activates")]


def merging(problem: Problem, network: ReLUNetwork, tol: float, kink_tol: float) -> list[Stage]:
    """Return the stages that add up neurons of one closed cone and output sign until these are collinear.

    With ``v_1`` the first of a group, s the sum of the others and S that of their norms, ``v_1 + t s`` and
    ``(1 - t) v_j`` keep f(X), and the penalty's derivative, ``<v_1 + t s, s> / ||v_1 + t s|| - S``, is negative for
    all t unless the group is collinear.
    """
    stages: list[Stage] = []
    while groups := _loose_groups(problem, network, tol, kink_tol):
        blocks, signs = signed_blocks(network)
        end = network_of_blocks(add_up(blocks, groups), signs, network.offset)
        stages.append(BlockLine(network, end, "merge neurons of one cone"))
        network = end
    return stages


def _loose_groups(
    problem: Problem, network: ReLUNetwork, tol: float, kink_tol: float
) -> list[NDArray[np.intp]]:
    """Return disjoint groups of neurons that share a closed cone and sign and are not all collinear."""
    blocks, signs = signed_blocks(network)
    used = np.flatnonzero(np.any(blocks, axis=0))
    shared = share_cone(problem.X, blocks[:, used], signs[used], kink_tol)
    loose = shared & ~collinear(blocks[:, used], tol)
    if not np.any(loose):
        return []
    groups = [group for group in groups_of(shared) if np.any(loose[np.ix_(group, group)])]
    # Directions that are nearly collinear may be spread over groups; then one pair is enough to go on.
    return [used[group] for group in groups or [np.argwhere(loose)[0]]]


def rebalancing_weights(problem: Problem, network: ReLUNetwork) -> list[Stage]:
    """Return the stage that moves weight between a balanced network's neurons until at most nC are left."""
    ratios = pruned_ratios(problem, network)
    used = np.any(signed_blocks(network)[0], axis=0)
    if np.array_equal(ratios[used], np.ones(np.count_nonzero(used))):
        return []
    blocks, signs = signed_blocks(network)
    end = network_of_blocks(blocks * ratios, signs, network.offset)
    return [BlockLine(network, end, "Caratheodory moves")]


def mixing(network: ReLUNetwork, optimum: ReLUNetwork) -> list[Stage]:
    """Return the stage that moves weight from a balanced network to a balanced optimum put in its zero neurons."""
    blocks, signs = signed_blocks(network)
    free = np.flatnonzero(~np.any(blocks, axis=0))[: optimum.n_neurons]
    new_blocks, new_signs = np.zeros_like(blocks), np.zeros_like(signs)
    new_blocks[:, free], new_signs[free] = signed_blocks(optimum)
    end = network_of_blocks(new_blocks, new_signs, optimum.offset)
    return [BlockLine(network, end, "mix with the optimum")]
