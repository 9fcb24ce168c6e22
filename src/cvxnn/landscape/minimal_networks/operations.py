"""Operations on networks that keep what they compute: splitting, permuting, balancing, merging.

===================== ======================== ==========================================
operation             keeps                    weight decay
===================== ======================== ==========================================
`split`               f everywhere             unchanged
`permute`             f everywhere             unchanged
`ReLUNetwork.balance` f everywhere             not raised; unchanged if balanced
`merge_directions`    f everywhere (to 1e-6)   not raised; unchanged if balanced
`ReLUNetwork.merge`   f(X) only                not raised; unchanged at an optimum
`merge_cones`         f(X) only                not raised; unchanged at an optimum
===================== ======================== ==========================================

`ReLUNetwork.merge` adds up the neurons of one activation pattern and output sign, `merge_cones` those of one closed
cone and sign: the two differ for neurons on the face shared by two cones. `what_changed` measures what was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cvxnn.atoms import ON_KINK, Atoms
from cvxnn.landscape.cones.closed_cones import add_up, groups_of, share_cone
from cvxnn.landscape.cones.distances import function_distance
from cvxnn.names import keep_old_arguments
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.short_reprs import short_repr
from cvxnn.theorems import Comparison, HypothesisError
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array, row_norms

# Shares are fractions that a caller computed; their sum is one to rounding.
_SHARES = 1e-12


def output_sizes(network: ReLUNetwork) -> Array:
    """Return ``||a_j||`` of all neurons, shape (m,)."""
    return row_norms(network.output)


def signed_blocks(network: ReLUNetwork) -> tuple[Array, Array]:
    """Return blocks ``||a_j|| u_j``, (d, m), and output signs or unit directions, shape of the output weights.

    The signs of neurons with ``a_j = 0`` are 0; so are their blocks.
    """
    sizes = output_sizes(network)
    signs = (network.output.T / np.where(sizes > 0, sizes, 1.0)).T
    return network.hidden * sizes, signs


def network_of_blocks(blocks: Array, signs: Array, offset: Array | None = None) -> ReLUNetwork:
    """Return the balanced network ``u_j = v_j / sqrt ||v_j||, a_j = sqrt ||v_j|| s_j``; zero blocks stay as neurons."""
    roots = np.sqrt(np.linalg.norm(blocks, axis=0))
    hidden = blocks / np.where(roots > 0, roots, 1.0)
    return ReLUNetwork(hidden, (signs.T * roots).T, offset)


def require_plain_decay(problem: Problem) -> None:
    """Raise `HypothesisError` where the penalty takes the l1 norm of several output weights."""
    if problem.n_outputs > 1 and problem.output_norm != "l2":
        raise HypothesisError(
            f"output_norm must be 'l2', the weight decay that this is stated for; the problem has "
            f"{problem.output_norm!r}"
        )


@keep_old_arguments(neuron="index")
def split(network: ReLUNetwork, index: int, shares: Any) -> ReLUNetwork:
    """Split one neuron into positive multiples of itself, ``(sqrt(g_k) u, sqrt(g_k) a)``.

    Keeps f everywhere, and the weight decay.

    Parameters
    ----------
    network : ReLUNetwork
        The network.
    index : int
        Which neuron, 0 <= index < m.
    shares : array_like of shape (K,)
        The shares g_k >= 0, K >= 1, of sum one.

    Returns
    -------
    ReLUNetwork
        Of m - 1 + K neurons; the parts stand where the neuron stood.

    Raises
    ------
    ValueError
        If there is no such neuron, or shares are negative or of another sum.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (splitting).

    Examples
    --------
    >>> network = split(ReLUNetwork([[2.0]], [1.0]), 0, [0.36, 0.64])
    >>> network.hidden, network.output
    (array([[1.2, 1.6]]), array([0.6, 0.8]))
    """
    network = as_network(network)
    if not 0 <= index < network.n_neurons:
        raise ValueError(f"index must be in 0 .. {network.n_neurons - 1}; got {index}")
    g = np.asarray(shares, dtype=np.float64)
    if g.ndim != 1 or g.size == 0 or not np.all(g >= 0) or abs(float(np.sum(g)) - 1.0) > _SHARES:
        raise ValueError(f"shares must be numbers >= 0 of sum 1; got {shares!r}")
    order = np.insert(np.arange(network.n_neurons), index + 1, np.full(g.size - 1, index))
    roots = np.ones(order.size)
    roots[index : index + g.size] = np.sqrt(g)
    return ReLUNetwork(network.hidden[:, order] * roots, (network.output[order].T * roots).T, network.offset)


def permute(network: ReLUNetwork, order: Any) -> ReLUNetwork:
    """Put the neurons in another order. Keeps f everywhere, and the weight decay.

    Parameters
    ----------
    network : ReLUNetwork
        The network.
    order : array_like of shape (m,)
        A permutation of 0, ..., m - 1: neuron ``order[j]`` becomes neuron j.

    Raises
    ------
    ValueError
        If ``order`` is no permutation.

    Examples
    --------
    >>> permute(ReLUNetwork([[1.0, 2.0]], [3.0, 4.0]), [1, 0]).output
    array([4., 3.])
    """
    network = as_network(network)
    index = np.asarray(order)
    if index.shape != (network.n_neurons,) or not np.array_equal(
        np.sort(index), np.arange(network.n_neurons)
    ):
        raise ValueError(f"order must be a permutation of 0 .. {network.n_neurons - 1}; got {order!r}")
    return network.select(index.astype(np.intp))


def merge_directions(network: ReLUNetwork) -> ReLUNetwork:
    """Add up neurons of equal direction and output sign (or direction), each equal to 1e-6; drop zero ones.

    Keeps f everywhere, to 1e-6 of the weights that were added, and exactly where directions are exactly equal. The
    result is balanced; the weight decay is not raised, and unchanged if the network was balanced.

    Examples
    --------
    >>> merge_directions(ReLUNetwork([[1.0, 2.0, -1.0]], [1.0, 0.5, 1.0])).n_neurons
    2
    """
    network = as_network(network)
    blocks, signs = signed_blocks(network.balance().prune_zeros())
    no_samples = np.zeros((0, blocks.shape[1]), dtype=np.bool_)
    merged = Atoms(blocks, no_samples, signs).merge_directions()
    return network_of_blocks(merged.blocks, merged.signs, network.offset)


@keep_old_arguments(tol="kink_tol")
@on_one_blas_thread
def merge_cones(network: ReLUNetwork, X: Array, *, kink_tol: float = ON_KINK) -> ReLUNetwork:
    """Add up neurons of one closed cone and output sign until no two share both; drop zero ones.

    A neuron on the face shared by two cones belongs to both, and joins the first group of neurons that it can join;
    the order of neurons settles which. Keeps f(X), not f elsewhere. The result is balanced and the weight decay is
    not raised; it falls strictly unless the network is balanced and only collinear neurons were added up.

    Parameters
    ----------
    network : ReLUNetwork
        The network.
    X : ndarray of shape (n, d)
        Data.
    kink_tol : float, default 1e-9
        Samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u; f(X) moves by at most as much.

    References
    ----------
    Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (minimal networks).

    Examples
    --------
    >>> X = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> merge_cones(ReLUNetwork([[1.0, 1.0], [1.0, 0.0]], [1.0, 1.0]), X).n_neurons
    1
    """
    network = as_network(network)
    network = network.balance().prune_zeros()
    while True:
        blocks, signs = signed_blocks(network)
        groups = groups_of(share_cone(X, blocks, signs, kink_tol))
        if len(groups) == network.n_neurons:
            return network
        network = network_of_blocks(add_up(blocks, groups), signs, network.offset).prune_zeros()


@short_repr
@dataclass(frozen=True)
class Change:
    """What an operation did to a network.

    Parameters
    ----------
    function : Comparison
        Distance of the two functions over the unit ball, relative to the first network's size, against 0.
    fit : Comparison
        ``max |f - g|`` on the data, relative to the most that the first network can take there, against 0.
    objective : Comparison
        The second network's objective, against the first's: at most as large.
    """

    function: Comparison
    fit: Comparison
    objective: Comparison


def what_changed(problem: Problem, before: ReLUNetwork, after: ReLUNetwork, *, tol: float = 1e-9) -> Change:
    """Measure what an operation kept: f everywhere, f on the data, the objective.

    Parameters
    ----------
    problem : Problem
        Data and penalty.
    before, after : ReLUNetwork
        The networks.
    tol : float, default 1e-9
        Tolerance of the comparisons.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> network = ReLUNetwork([[2.0]], [1.0])
    >>> change = what_changed(problem, network, split(network, 0, [0.5, 0.5]))
    >>> change.function.holds, change.fit.holds, change.objective.holds
    (True, True, True)
    """
    problem = as_problem(problem)
    before = as_network(before, "before")
    after = as_network(after, "after")
    before, after = problem.fitting(before), problem.fitting(after)
    size = max(before.path_norm + float(np.linalg.norm(before.offset)), np.finfo(np.float64).tiny)
    f, g = before.predict(problem.X), after.predict(problem.X)
    # What neurons can add up to on a row: rounding is relative to that, whatever of it cancels.
    longest = float(np.max(np.linalg.norm(problem.X, axis=1)))
    largest = before.path_norm * longest + float(np.linalg.norm(before.offset)) or 1.0
    return Change(
        function=Comparison(function_distance(before, after) / size, 0.0, tol=tol),
        fit=Comparison(float(np.max(np.abs(f - g))) / largest, 0.0, tol=tol),
        objective=Comparison(problem.objective(after), problem.objective(before), "at most", tol=tol),
    )
