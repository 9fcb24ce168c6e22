"""Maps from any network to a minimal one, and to a basic one; bounds on the smallest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvxnn.atoms import ON_KINK, prune_to_basic
from cvxnn.landscape.minimal_networks.minimality import INDEPENDENT, activation_columns
from cvxnn.landscape.minimal_networks.operations import merge_cones, output_sizes, require_plain_decay
from cvxnn.networks import ReLUNetwork
from cvxnn.problem import Problem, as_network, as_problem
from cvxnn.threads import on_one_blas_thread
from cvxnn.validation import Array

# Pruning moves the fit by about as much.
_PRUNING = 1e-12


@on_one_blas_thread
def minimal(problem: Problem, network: ReLUNetwork, *, kink_tol: float = ON_KINK) -> ReLUNetwork:
    """Turn any network into a minimal one: balance, then add up the neurons of one closed cone and output sign.

    Statement: keeps f(X) and never raises the objective, so that an optimal network stays optimal; the result
    satisfies `is_minimal`. An optimal network is nearly minimal, so only collinear neurons are added up, and f is kept
    everywhere.
    Hypotheses: the weight decay takes the Euclidean norm of output weights.
    Reference: Y. Wang, J. Lacotte, M. Pilanci, "The hidden convex optimization landscape of regularized two-layer ReLU
    networks", ICLR 2022 (any optimal network can be transformed into a minimal one).

    Parameters
    ----------
    problem : Problem
        Data and penalty.
    network : ReLUNetwork
        Any network.
    kink_tol : float, default 1e-9
        Samples with ``|x^T u| <= kink_tol ||x|| ||u||`` are on the kink of u; f(X) moves by at most as much.

    Raises
    ------
    HypothesisError
        If the penalty takes the l1 norm of several output weights.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> network = minimal(problem, ReLUNetwork([[0.6, 0.8]], [0.3, 0.4]))
    >>> network.n_neurons, round(problem.objective(network), 12)
    (1, 0.375)
    """
    problem, network = as_problem(problem), as_network(network)
    require_plain_decay(problem)
    network = problem.fitting(network)
    return merge_cones(network, problem.X, kink_tol=kink_tol)


@on_one_blas_thread
def prune(problem: Problem, network: ReLUNetwork, *, keep_penalty: bool = False) -> ReLUNetwork:
    """Drop neurons and rescale the others, keeping f(X), until at most nC are left (nC + 1 with the penalty kept).

    Parameters
    ----------
    problem : Problem
        Data and penalty; C outputs.
    network : ReLUNetwork
        Any network.
    keep_penalty : bool, default False
        Whether the weight decay must stay as it is. Otherwise it may fall, never rise: the network is balanced first,
        and the result is basic. At an optimum it cannot fall, and nC neurons do with the penalty kept as well.

    Returns
    -------
    ReLUNetwork
        Of neurons ``(sqrt(r_j) u_j, sqrt(r_j) a_j)``, r_j > 0, in their old order.

    Raises
    ------
    HypothesisError
        If the penalty takes the l1 norm of several output weights.

    References
    ----------
    C. Caratheodory 1907; A. Mishkin and M. Pilanci, "Optimal sets and solution paths of ReLU networks", ICML 2023,
    Algorithm 1.

    Examples
    --------
    >>> problem = Problem([[1.0]], [1.0], beta=0.5)
    >>> prune(problem, ReLUNetwork([[0.6, 0.8]], [0.3, 0.4])).n_neurons
    1
    """
    problem, network = as_problem(problem), as_network(network)
    require_plain_decay(problem)
    network = problem.fitting(network)
    alive = (network if keep_penalty else network.balance()).prune_zeros()
    return rescaled(alive, pruned_ratios(problem, alive, keep_penalty=keep_penalty)).prune_zeros()


def pruned_ratios(problem: Problem, network: ReLUNetwork, *, keep_penalty: bool = False) -> Array:
    """Return by how much pruning scales each neuron's contribution, r (m,): 0 for those that leave.

    ``sum_j r_j (X u_j)_+ a_j^T`` is f(X), and ``sum_j r_j (||u_j||^2 + ||a_j||^2)`` is not raised, or kept.
    """
    alive = network.weight_decay > 0 and network.n_neurons > 0
    if not alive:
        return np.zeros(network.n_neurons)
    decay = 0.5 * (np.sum(network.hidden**2, axis=0) + output_sizes(network) ** 2)
    columns = activation_columns(problem, network) / np.where(decay > 0, decay, 1.0)
    pruned = prune_to_basic(columns, decay, keep_sum=keep_penalty, tol=_PRUNING)
    return np.asarray(pruned / np.where(decay > 0, decay, 1.0))


def rescaled(network: ReLUNetwork, ratios: Array) -> ReLUNetwork:
    """Return the network of neurons ``(sqrt(r_j) u_j, sqrt(r_j) a_j)``."""
    roots = np.sqrt(ratios)
    return ReLUNetwork(network.hidden * roots, (network.output.T * roots).T, network.offset)


@dataclass(frozen=True)
class WidthBounds:
    """A bracket of m*, the smallest number of neurons of an optimal network.

    Parameters
    ----------
    lower : int
        The rank of the optimal predictions, and 2 where predictions of one output have both signs.
    upper : int
        The number of neurons of a basic optimal network.
    """

    lower: int
    upper: int


def width_bounds(problem: Problem, optimum: ReLUNetwork, *, tol: float = INDEPENDENT) -> WidthBounds:
    """Bracket the smallest number of neurons of an optimal network, given one optimal network.

    All optima of a strictly convex loss have the same predictions F (without the offset): one neuron contributes a
    matrix of rank one, whose entries have one sign for one output.

    Parameters
    ----------
    problem : Problem
        Its loss strictly convex.
    optimum : ReLUNetwork
        A globally optimal network; that it is one is the caller's knowledge.
    tol : float, default 1e-10
        Singular values and predictions at most ``tol`` times the largest count as zero.

    Examples
    --------
    >>> problem = Problem([[1.0], [-1.0]], [1.0, -1.0], beta=0.1)
    >>> width_bounds(problem, ReLUNetwork([[0.9**0.5, -(0.9**0.5)]], [0.9**0.5, -(0.9**0.5)]))
    WidthBounds(lower=2, upper=2)
    """
    problem, optimum = as_problem(problem), as_network(optimum, "optimum")
    F = optimum.predict_without_offset(problem.X).reshape(problem.n_samples, problem.n_outputs)
    largest = float(np.max(np.abs(F)))
    lower = int(np.linalg.matrix_rank(F, tol=tol * float(np.linalg.norm(F)))) if largest > 0 else 0
    if problem.n_outputs == 1 and np.min(F) < -tol * largest and np.max(F) > tol * largest:
        lower = 2
    return WidthBounds(lower, prune(problem, optimum).n_neurons)
