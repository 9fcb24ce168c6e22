"""Networks and convex solutions, both ways.

A network is placed in blocks of the convex program whose closed cones contain its neurons (`to_blocks`);
`ReLUProgram.to_network` is the way back. On minimal networks the two are inverse to each other (`round_trip`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cvxnn.atoms import ON_KINK, kink_signs
from cvxnn.landscape.cones.closed_cones import opposed, share_cone
from cvxnn.landscape.cones.distances import neuron_distance
from cvxnn.landscape.minimal_networks.minimality import is_minimal, is_scaled
from cvxnn.landscape.minimal_networks.operations import output_sizes, require_plain_decay, signed_blocks
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network
from cvxnn.programs import ReLUProgram
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError, require_balanced
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, require_kind

# Unit output directions with a cosine above 1 minus this are one, as in `ReLUProgram.to_blocks`.
_SAME_DIRECTION = 1e-9


@keep_old_arguments(tol="kink_tol")
def to_blocks(program: ReLUProgram, network: ReLUNetwork, *, kink_tol: float = ON_KINK) -> Array:
    """Map a network to blocks of a convex program whose closed cones contain its neurons.

    ``||a_j|| u_j`` is added up in a block of the neuron's output sign or direction: that of its own pattern if there
    is one, as `ReLUProgram.to_blocks` has it, else of the containing cone whose pattern agrees with its own on most
    samples. So neurons on boundaries, whose pattern may belong to no open cell, are placed too. Never raises the
    objective; keeps it where the network is balanced and no two neurons share a block. `ReLUProgram.to_network` is
    the way back.

    Parameters
    ----------
    program : ReLUProgram
        The convex program.
    network : ReLUNetwork
        The network; zero neurons are dropped.
    kink_tol : float, default 1e-9
        Samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u, in the closed cones of both sides.

    Returns
    -------
    ndarray of shape (d, B)
        Blocks.

    Raises
    ------
    HypothesisError
        If no block's closed cone contains a neuron with its output sign.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (the maps between optimal networks and convex optima).

    Examples
    --------
    >>> from cvxnn import Problem, enumerate_patterns
    >>> problem = Problem([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]], [1.0, 2.0, 3.0], beta=0.1)
    >>> program = ReLUProgram(problem, enumerate_patterns(problem.X))
    >>> network = ReLUNetwork([[0.0], [2.0]], [2.0])  # both kinks: active on samples that no cell has together
    >>> W = to_blocks(program, network)
    >>> program.objective(W) == problem.objective(network)
    True
    """
    program = require_kind(program, ReLUProgram, "program", "ReLUProgram(problem, patterns) makes one")
    network = as_network(network)
    network = program.problem.fitting(network)
    alive = network.prune_zeros()
    blocks, signs = signed_blocks(alive)
    W = np.zeros((program.problem.n_features, program.n_blocks))
    if alive.n_neurons:
        np.add.at(W.T, _places(program, alive, signs, kink_tol), blocks.T)
    return W


def _places(program: ReLUProgram, network: ReLUNetwork, signs: Array, kink_tol: float) -> NDArray[np.intp]:
    """Return the block of every neuron."""
    X, masks = program.problem.X, program.masks
    sides = np.where(masks, np.int8(1), np.int8(-1))
    m, B = network.n_neurons, program.n_blocks
    along = signs.reshape(m, -1) @ program.signs.reshape(B, -1).T
    fits = ~opposed(kink_signs(X, network.hidden, kink_tol), sides) & (along >= 1.0 - _SAME_DIRECTION)
    if not np.all(np.any(fits, axis=1)):
        lost = int(np.flatnonzero(~np.any(fits, axis=1))[0])
        raise HypothesisError(
            f"network must keep to the program's cones; neuron {lost} lies in none with its output sign"
        )
    own = np.where(network.patterns(X), 1.0, -1.0)
    agreement = own.T @ sides
    return np.asarray(np.argmax(np.where(fits, agreement, -np.inf), axis=1))


@short_repr
@dataclass(frozen=True)
class RoundTrip:
    """A network, mapped to a convex solution and back.

    Parameters
    ----------
    distance : Comparison
        `neuron_distance` of the network that came back to the one that left, against 0.
    objective : Comparison
        The convex objective of the blocks, against the network's objective.
    violation : Comparison
        How far the blocks leave their cones, relative, against 0.
    """

    distance: Comparison
    objective: Comparison
    violation: Comparison


@on_one_blas_thread
def round_trip(program: ReLUProgram, network: ReLUNetwork, *, tol: float = 1e-8) -> RoundTrip:
    """Map a minimal network to the convex program and back.

    Statement: the map to the network and the map to the blocks are inverse to each other on minimal networks, up to
    the order of neurons, and keep the objective; so minimal optimal networks and convex optima (equal directions
    added up) correspond one to one.
    Hypotheses: the network is minimal, and the program's cones contain its neurons (all cones always do).
    Guarantee: tight.
    Reference: Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (psi(phi(theta)) = theta on minimal optimal networks).

    Parameters
    ----------
    program : ReLUProgram
        On all patterns, or on any that contain the network's neurons.
    network : ReLUNetwork
        A minimal network.
    tol : float, default 1e-8
        Tolerance of the comparisons; `is_minimal` takes norms as equal to 1e-6, a network further from balance than
        ``tol`` comes back balanced.

    Raises
    ------
    HypothesisError
        If the network is not minimal, or the program has no cone for one of its neurons.

    Examples
    --------
    >>> from cvxnn import Problem, enumerate_patterns
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> program = ReLUProgram(problem, enumerate_patterns(problem.X))
    >>> trip = round_trip(program, ReLUNetwork([[0.5**0.5]], [0.5**0.5]))
    >>> trip.distance.holds, trip.objective.holds, trip.violation.holds
    (True, True, True)
    """
    program = require_kind(program, ReLUProgram, "program", "ReLUProgram(problem, patterns) makes one")
    network = as_network(network)
    problem = program.problem
    require_plain_decay(problem)
    _require_minimal(problem, network)
    W = to_blocks(program, network)
    back = program.to_network(W, network.offset)
    return RoundTrip(
        distance=Comparison(neuron_distance(network, back), 0.0, tol=tol),
        objective=Comparison(program.objective(W, network.offset), problem.objective(network), tol=tol),
        violation=Comparison(program.violation(W), 0.0, "at most", tol=tol),
    )


def _require_minimal(problem: Problem, network: ReLUNetwork) -> None:
    """Raise `HypothesisError` unless `is_minimal`, with the neurons that are not balanced or share a cone."""
    if is_minimal(problem, network):
        return
    remedy = ": minimal(problem, network) makes it so"
    if not is_scaled(network):
        hidden, output = np.linalg.norm(network.hidden, axis=0), output_sizes(network)
        require_balanced(hidden, output, "network must be minimal: it", slack=0.0, remedy=remedy)
    kept = network.prune_zeros()
    j, k = np.argwhere(np.triu(share_cone(problem.X, *signed_blocks(kept)), 1))[0]
    raise HypothesisError(
        "network must be minimal, with one neuron in each closed cone with each output sign; neurons "
        f"{j} and {k} of the {kept.n_neurons} that are not zero share one{remedy}"
    )
